"""What comes in on the desk is kept for who brought it, and takes no other call's place."""

from __future__ import annotations

import re

import pytest

from qareport.model import JobKind, JobState, UserRole
from tests.support.desk import OpenDesk


def announce(opened: OpenDesk, role: UserRole, **more: str) -> tuple[int, str]:
    answer = opened.enter(role).post("/api/v1/uploads", json={"file_name": "a.wav", **more})
    return answer.status_code, answer.json().get("code", "")


def test_a_recording_never_takes_the_place_of_a_call_that_is_there(opened: OpenDesk) -> None:
    assert announce(opened, UserRole.ADMIN, call_id="c3") == (409, "conflict")
    assert opened.desk.store.results.get("c3").agent_id == "B1"


def test_nor_of_a_call_that_another_upload_will_become(opened: OpenDesk) -> None:
    assert announce(opened, UserRole.ADMIN, call_id="new") == (201, "")
    assert announce(opened, UserRole.ADMIN, call_id="new") == (409, "conflict")


@pytest.mark.parametrize(("agent", "status"), [({}, 403), ({"agent_id": "B1"}, 403), ({"agent_id": "A2"}, 201)])
def test_a_supervisor_names_an_agent_of_the_own_teams_so_that_the_call_is_seen_again(
    opened: OpenDesk, agent: dict[str, str], status: int
) -> None:
    assert announce(opened, UserRole.SUPERVISOR, **agent)[0] == status


def test_the_form_offers_the_agents_of_ones_teams_and_takes_the_time_of_the_call(opened: OpenDesk) -> None:
    supervisor = opened.enter(UserRole.SUPERVISOR)
    assert re.findall('<option value="(.\\d)">', supervisor.get("/upload").text) == ["A1", "A2"]
    form = {"agent_id": "A2", "started_at": "2026-11-21T09:13"}
    assert supervisor.post("/upload", data=form, files={"files": ("a.wav", b"RIFF")}).status_code == 303
    (job,) = opened.desk.store.jobs.list(JobKind.UPLOAD)
    assert job.payload["started_at"] == "2026-11-21T09:13:00+08:00"
    wrong = supervisor.post("/upload", data=form | {"started_at": "gestern"}, files={"files": ("a.wav", b"RIFF")})
    assert wrong.status_code == 422


def test_who_sees_all_calls_may_leave_the_agent_open(opened: OpenDesk) -> None:
    assert announce(opened, UserRole.ANALYST) == (201, "")


def test_a_recording_in_which_nobody_speaks_is_done_and_says_what_to_look_at(opened: OpenDesk) -> None:
    supervisor = opened.enter(UserRole.SUPERVISOR)
    supervisor.post("/upload", data={"agent_id": "A1"}, files={"files": ("a.wav", b"RIFF")})
    jobs = opened.desk.store.jobs
    job = jobs.take([JobKind.UPLOAD], "w", at=opened.clock.now)
    assert job is not None
    jobs.finish(job.job_id, "w", JobState.DONE, at=opened.clock.now, progress={"call_id": "c1", "notes": ["no_speech"]})
    assert "完成：没有听到说话" in supervisor.get("/upload").text
    assert "没有听到说话" in supervisor.get(f"/api/v1/uploads/{job.job_id}").json()["note"]


def test_a_recording_that_was_heard_before_is_called_so(opened: OpenDesk) -> None:
    supervisor, jobs = opened.enter(UserRole.SUPERVISOR), opened.desk.store.jobs
    supervisor.post("/upload", data={"agent_id": "A1"}, files={"files": ("a.wav", b"RIFF")})
    job = jobs.take([JobKind.UPLOAD], "w", at=opened.clock.now)
    assert job is not None
    own = {"call_id": job.payload["call_id"], "notes": []}
    jobs.finish(job.job_id, "w", JobState.DONE, at=opened.clock.now, progress=own)
    assert "这段录音以前听过" not in supervisor.get("/upload").text
    supervisor.post("/upload", data={"agent_id": "A2"}, files={"files": ("b.wav", b"RIFF")})
    again = jobs.take([JobKind.UPLOAD], "w", at=opened.clock.now)
    assert again is not None
    jobs.finish(again.job_id, "w", JobState.DONE, at=opened.clock.now, progress={"call_id": "c1", "notes": []})
    assert "完成：这段录音以前听过" in supervisor.get("/upload").text


def test_why_an_upload_failed_is_told_by_the_name_of_the_file_and_once(opened: OpenDesk) -> None:
    supervisor, jobs = opened.enter(UserRole.SUPERVISOR), opened.desk.store.jobs
    supervisor.post("/upload", data={"agent_id": "A1"}, files={"files": ("bad.ogg", b"RIFF")})
    job = jobs.take([JobKind.UPLOAD], "w", at=opened.clock.now)
    assert job is not None
    why = f"{job.payload['path']}: not audio"
    jobs.finish(job.job_id, "w", JobState.FAILED, at=opened.clock.now, error_code="not_audio", error=why)
    assert supervisor.get(f"/api/v1/uploads/{job.job_id}").json()["error"] == "bad.ogg: not audio"
    page = supervisor.get("/").text
    assert page.count("bad.ogg: not audio") == 1
    assert str(job.payload["path"]) not in page
