"""What comes in on the desk is kept for who brought it, and takes no other call's place."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

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
    state = supervisor.get(f"/api/v1/uploads/{job.job_id}").json()
    assert "没有听到说话" in state["note"]
    assert (state["note_codes"], state["code"]) == (["no_speech"], None)


def let_c1_be_heard_from(opened: OpenDesk, content: bytes) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    with opened.desk.store.database.write() as session:
        session.execute(text("UPDATE calls SET audio_sha256 = :sha256 WHERE call_id = 'c1'"), {"sha256": sha256})


def test_a_cancelled_recording_is_removed_unless_somebody_needs_it_and_what_is_over_is_not_cancelled(
    opened: OpenDesk,
) -> None:
    client, folder = opened.enter(UserRole.ADMIN), Path(opened.desk.settings.desk.folder) / "uploads"
    made = []
    for content in (b"RIFF one", b"RIFF two", b"RIFF two"):
        added = client.post("/api/v1/uploads", json={"file_name": "a.wav"}).json()
        assert client.put(added["put_url"], content=content).status_code == 202
        made.append(f"/api/v1/uploads/{added['upload_id']}")
    assert len(list(folder.iterdir())) == 2
    assert client.delete(made[0]).status_code == 204
    assert len(list(folder.iterdir())) == 1
    assert client.delete(made[1]).status_code == 204
    assert len(list(folder.iterdir())) == 1  # the third has the same content
    again = client.delete(made[1])
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    job = opened.desk.store.jobs.take([JobKind.UPLOAD], "w", at=opened.clock.now)
    assert job is not None
    assert client.delete(made[2]).status_code == 204
    assert len(list(folder.iterdir())) == 1  # the worker reads it


#: What the store knows of call c1.
FACTS = {"order_id": "o1", "agent_id": "A1", "started_at": "2026-11-21T01:00:00Z"}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 200),
        ({"language": "zh"}, 200),
        ({"agent_id": "A2"}, 202),
        ({"order_id": None}, 202),
        ({"call_id": "n"}, 202),
    ],
)
def test_a_recording_that_is_there_with_the_same_facts_becomes_no_second_call(
    opened: OpenDesk, more: dict[str, Any], status: int
) -> None:
    store = opened.desk.store
    let_c1_be_heard_from(opened, b"RIFF")
    client = opened.enter(UserRole.SUPERVISOR)
    added = client.post("/api/v1/uploads", json={"file_name": "a.wav", **FACTS, **more}).json()
    put = client.put(added["put_url"], content=b"RIFF")
    assert put.status_code == status
    if status == 200:
        assert (put.json()["state"], put.json()["call_id"]) == ("done", "c1")
        assert store.jobs.count_waiting(JobKind.UPLOAD) == 0
        events = client.get(f"/api/v1/uploads/{added['upload_id']}/events").text
        assert '"call_id": "c1"' in events
        corrected = client.patch("/api/v1/calls/c1", json={"order_id": "o9"})
        assert corrected.status_code == 200
        let_c1_be_heard_from(opened, b"RIFF")  # a correction judges it anew
        again = client.post("/api/v1/uploads", json={"file_name": "a.wav", **FACTS, **more}).json()
        assert client.put(again["put_url"], content=b"RIFF").json()["call_id"] == "c1"
    else:
        assert (put.json()["state"], store.jobs.count_waiting(JobKind.UPLOAD)) == ("queued", 1)


def test_a_recording_is_as_large_as_it_was_announced(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.ADMIN)
    most = opened.desk.settings.desk.upload_megabytes * 1_000_000
    late = client.post("/api/v1/uploads", json={"file_name": "a.wav", "size": most + 1})
    assert (late.status_code, late.json()["code"]) == (413, "too_large")
    added = client.post("/api/v1/uploads", json={"file_name": "a.wav", "size": 5}).json()
    short = client.put(added["put_url"], content=b"RIFF")
    assert (short.status_code, short.json()["code"]) == (422, "incomplete")
    assert client.get(f"/api/v1/uploads/{added['upload_id']}").json()["code"] == "incomplete"
    whole = client.post("/api/v1/uploads", json={"file_name": "a.wav", "size": 4}).json()
    assert client.put(whole["put_url"], content=b"RIFF").status_code == 202


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
