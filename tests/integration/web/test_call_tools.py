"""What people do to a whole call: swap its speakers, have it heard again, correct its facts, delete it for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qareport.audio.containers import sha256_of
from qareport.model import (
    AudioInfo,
    Call,
    CallSource,
    Emotion,
    FailedCall,
    JobKind,
    Language,
    ModelInfo,
    Role,
    RoleSource,
    Segment,
    Transcript,
    UserRole,
    VerdictKind,
)
from qareport.web import reviewing
from qareport.web.access import Access, Principal
from qareport.workflows import select
from qareport.workflows.hear_uploads import UploadWorker
from qareport.workflows.judge import judge_calls
from qareport.workflows.transcribe import TranscribedCall
from tests.support.calls import CUSTOMER, say
from tests.support.desk import OpenDesk
from tests.support.recordings import cut_recording

ADMIN, SUPERVISOR, ANALYST, AGENT, AUDITOR = (
    UserRole.ADMIN, UserRole.SUPERVISOR, UserRole.ANALYST, UserRole.AGENT, UserRole.AUDITOR,
)  # fmt: skip


def judge(opened: OpenDesk, call: Call, transcript: Transcript, key: str) -> None:
    """Judge a call as a run does that finds it in a manifest."""
    store = opened.desk.store
    store.calls.put(call)
    item = TranscribedCall(call=call, key=key, transcript=transcript)
    _, failed = judge_calls([item], store, opened.desk.workspace.rule_book, on_progress=lambda *_: None)
    assert not failed


def stored(opened: OpenDesk, call_id: str) -> tuple[Call, str, Transcript]:
    store = opened.desk.store
    call = store.calls.list_recordings([call_id])[call_id][0]
    key, transcript = store.transcripts.list(call_id)[0]
    return call, key, transcript


def roles(opened: OpenDesk, call_id: str = "c1") -> list[Role]:
    return [segment.role for segment in opened.desk.store.results.get(call_id).segments]


def actions(opened: OpenDesk, prefix: str = "call.") -> list[str]:
    return [line.action for line in reversed(opened.desk.store.audit.list(limit=50)) if line.action.startswith(prefix)]


def access_of(opened: OpenDesk, role: UserRole) -> Access:
    return Access(opened.desk, Principal.of(opened.users[role]))


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "call_id", "may_write", "may_delete"),
    [
        (ADMIN, "c3", 200, 200), (ANALYST, "c3", 200, 403), (SUPERVISOR, "c1", 200, 403), (SUPERVISOR, "c3", 404, 404),
        (AGENT, "c1", 403, 403), (AGENT, "c2", 404, 404), (AUDITOR, "c1", 403, 403), (ADMIN, "c9", 404, 404),
    ],
)  # fmt: skip
def test_calls_are_changed_by_who_may_and_within_reach(
    opened: OpenDesk, role: UserRole, call_id: str, may_write: int, may_delete: int
) -> None:
    client, page, api = opened.enter(role), f"/calls/{call_id}", f"/api/v1/calls/{call_id}"

    def form(address: str, **fields: str) -> int:
        return client.post(f"{page}/{address}", data=fields).status_code

    assert client.patch(api, json={"order_id": "o7"}).status_code == may_write
    assert form("facts", order_id="o8", agent_id="A1") == (303 if may_write == 200 else may_write)
    assert client.post(f"{api}/rehear", json={"language": "yue"}).status_code == (
        202 if may_write == 200 else may_write
    )
    assert form("rehear", language="yue") == (303 if may_write == 200 else may_write)
    assert client.get(f"{api}/rehear").status_code == (may_write if may_write != 403 or role is AUDITOR else 404)
    assert len(actions(opened)) == (3 if may_write == 200 else 0)
    assert form("delete", typed="x") == (422 if may_delete == 200 else may_delete)
    assert client.delete(api, params={"confirm": call_id}).status_code == may_delete
    assert len(actions(opened, "call.delete")) == int(may_delete == 200)


# --- speakers ---------------------------------------------------------------------------------------------------------


def test_swapped_speakers_are_judged_anew_and_swapped_back_all_is_as_before(opened: OpenDesk) -> None:
    client, before = opened.enter(SUPERVISOR), roles(opened)
    score = client.get("/api/v1/calls/c1/findings").json()["score"]
    answer = client.post("/api/v1/calls/c1/swap-roles")
    assert answer.status_code == 200, answer.text
    other = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT}
    assert roles(opened) == [other[role] for role in before]
    assert answer.json()["score"] != score
    assert "客服和客户已由人对调" in client.get("/calls/c1").text
    assert client.post("/calls/c1/swap-roles").headers["location"] == "/calls/c1#tools"
    assert roles(opened) == before
    assert client.get("/api/v1/calls/c1/findings").json()["score"] == score
    assert actions(opened) == ["call.swap_roles", "call.swap_roles"]


def test_named_channels_stay_named_whatever_hears_the_call_later(opened: OpenDesk) -> None:
    call, _, transcript = stored(opened, "c1")
    apart = tuple(
        replace(segment, channel=int(segment.role is Role.CUSTOMER), role_source=RoleSource.CHANNEL)
        for segment in transcript.segments
    )
    opened.desk.store.transcripts.put("two", replace(transcript, segments=apart))
    judge(opened, call, replace(transcript, segments=apart), "two")
    answer = opened.enter(ANALYST).post("/api/v1/calls/c1/swap-roles")
    assert answer.json()["channel_roles"] == ["customer", "agent"]
    swapped = roles(opened)
    judge(opened, call, replace(transcript, segments=apart[:4]), "another engine")
    assert roles(opened) == swapped[:4]
    assert {segment.role_source for segment in opened.desk.store.results.get("c1").segments} == {RoleSource.GIVEN}


def test_speakers_whom_nobody_knows_are_not_swapped(opened: OpenDesk) -> None:
    call, _, transcript = stored(opened, "c1")
    unknown = replace(transcript, segments=tuple(replace(said, role=Role.UNKNOWN) for said in transcript.segments))
    opened.desk.store.transcripts.put("unknown", unknown)
    judge(opened, call, unknown, "unknown")
    answer = opened.enter(ADMIN).post("/api/v1/calls/c1/swap-roles")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert actions(opened) == []


def test_verdicts_follow_their_findings_through_a_swap(opened: OpenDesk) -> None:
    access = access_of(opened, ANALYST)
    given = [
        reviewing.give_verdict(access, "c1", item.finding_id, VerdictKind.CONFIRMED)
        for item in reviewing.look_at(access, "c1").items
    ]
    client = opened.enter(SUPERVISOR)
    client.post("/api/v1/calls/c1/swap-roles")
    found = {item.finding.rule_id for item in reviewing.look_at(access, "c1").items}
    kept = opened.desk.store.reviews.list("c1")
    assert {verdict.rule_id for verdict in kept if not verdict.stale} <= found
    assert any(verdict.stale for verdict in kept)
    client.post("/api/v1/calls/c1/swap-roles")
    assert [verdict.stale for verdict in opened.desk.store.reviews.list("c1")] == [False] * len(given)


# --- facts ------------------------------------------------------------------------------------------------------------


def test_a_corrected_order_stays_when_the_manifest_is_read_again(opened: OpenDesk) -> None:
    client = opened.enter(SUPERVISOR)
    call, key, transcript = stored(opened, "c1")
    answer = client.patch("/api/v1/calls/c1", json={"order_id": "o9", "started_at": "2026-11-20T08:30:00"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["order_id"], answer.json()["corrected"]) == ("o9", ["order_id", "started_at"])
    assert answer.json()["started_at"].startswith("2026-11-20T08:30:00+08:00")
    assert client.get("/api/v1/calls", params={"q": "order:o9 date:2026-11-20"}).json()["total"] == 1
    assert [call["call_id"] for call in client.get("/api/v1/orders/o1").json()["calls"]] == ["c2"]
    judge(opened, call, transcript, key)
    assert not select.refresh(opened.desk.store, ["o9"], opened.desk.workspace.rule_book, on_progress=lambda *_: None)
    assert client.get("/api/v1/orders/o9").json()["calls"][0]["started_at"].startswith("2026-11-20T08:30")
    page = client.get("/calls/c1").text
    assert "以后再导入也不会改回去" in page
    assert 'value="2026-11-20T08:30"' in page


def test_the_same_facts_once_more_change_nothing(opened: OpenDesk) -> None:
    client = opened.enter(ADMIN)
    for _ in range(2):
        form = {"order_id": "o9", "agent_id": "A1", "started_at": "2026-11-21T09:00"}
        assert client.post("/calls/c1/facts", data=form).status_code == 303
    assert actions(opened) == ["call.correct"]
    assert opened.desk.store.audit.list(limit=1)[0].details == {"order_id": "o9"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"agent_id": "B1"}, 403), ({"agent_id": None}, 403), ({"agent_id": "A2"}, 200), ({"order_id": None}, 200),
        ({"started_at": "2026-12-24T00:00:00Z"}, 422), ({"order_id": "o\n1"}, 422), ({"score": 100}, 422),
        ({"started_at": "yesterday"}, 422),
    ],
)  # fmt: skip
def test_a_supervisor_corrects_within_the_own_teams_and_within_reason(
    opened: OpenDesk, body: dict[str, Any], status: int
) -> None:
    answer = opened.enter(SUPERVISOR).patch("/api/v1/calls/c1", json=body)
    assert answer.status_code == status, answer.text
    assert len(actions(opened)) == int(status == 200)


# --- hearing again ----------------------------------------------------------------------------------------------------


class Cantonese:
    """An engine that hears Cantonese where it is told to."""

    info = ModelInfo(name="fixed", revision="1")

    def __init__(self, language: str = "auto") -> None:
        self._language = language

    def transcribe(self, calls: object, *, on_progress: object = None) -> Any:
        raise NotImplementedError

    def transcribe_aloud(self, call: Call, *, on_lines: Callable[[Sequence[Segment]], None]) -> Transcript | FailedCall:
        said = say(0, 2, Role.CUSTOMER, "我要投诉你哋", Emotion.ANGRY)
        lines = (replace(said, language=Language(self._language)),)
        on_lines(lines)
        path = call.audio_path
        audio = AudioInfo(path=path, sha256=sha256_of(path), duration_ms=2000, sample_rate=8000, channels=1)
        return Transcript(call_id=call.call_id, segments=lines, model=self.info, audio=audio)

    def in_language(self, language: str) -> Cantonese:
        return Cantonese(language)


def with_sound(opened: OpenDesk, folder: Path) -> None:
    """Give call c1 a recording that is there."""
    path = cut_recording(folder / "c1.wav")
    call, _, transcript = stored(opened, "c1")
    audio = AudioInfo(path=str(path), sha256=sha256_of(path), duration_ms=20_000, sample_rate=8000, channels=1)
    opened.desk.store.transcripts.put("heard", replace(transcript, audio=audio))
    judge(opened, replace(call, audio_path=str(path)), replace(transcript, audio=audio), "heard")


def work(opened: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker hear what waits."""
    monkeypatch.setattr("qareport.asr.transcription_key", lambda files, asr, audio: f"engine-{asr.language}")
    monkeypatch.setattr(opened.desk.workspace, "engine_files", lambda: None)
    worker = UploadWorker(opened.desk.workspace, Cantonese(), owner="w")  # type: ignore[arg-type]
    while (job := opened.desk.store.jobs.take([JobKind.REHEAR], "w", at=opened.clock.now)) is not None:
        worker.work_on(job)


def test_a_call_heard_again_in_another_language_is_that_from_now_on(
    opened: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_sound(opened, tmp_path)
    client = opened.enter(SUPERVISOR)
    first, second = (client.post("/api/v1/calls/c1/rehear", json={"language": "yue"}) for _ in range(2))
    assert (first.status_code, first.json()) == (202, second.json())
    assert client.post("/api/v1/calls/c1/rehear", json={"language": "en"}).status_code == 409
    assert "排队中" in client.get("/calls/c1").text
    work(opened, monkeypatch)
    assert client.get("/api/v1/calls/c1/rehear").json()["state"] == "done"
    assert [line["text"] for line in client.get("/api/v1/calls/c1/transcript").json()] == ["我要投诉你哋"]
    assert client.get("/api/v1/calls", params={"q": "语言：粤语"}).json()["total"] == 1
    assert "已重新识别，语言：粤语" in client.get("/calls/c1").text
    call, _, transcript = stored(opened, "c1")
    judge(opened, call, transcript, "heard")  # a later run finds the first transcript
    assert opened.desk.store.results.get("c1").segments[0].text == "我要投诉你哋"
    assert actions(opened) == ["call.rehear"]


def test_a_recording_that_is_gone_is_not_heard_again(opened: OpenDesk, tmp_path: Path) -> None:
    (tmp_path / "c1.wav").unlink()
    client = opened.enter(ADMIN)
    answer = client.post("/api/v1/calls/c1/rehear", json={"language": "yue"})
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")
    assert "录音没有保留，不能重新识别" in client.get("/calls/c1").text
    assert client.post("/api/v1/calls/c1/rehear", json={"language": "tlh"}).status_code == 422
    assert client.get("/api/v1/calls/c1/rehear").status_code == 404
    assert actions(opened) == []


def test_another_recording_in_its_place_is_not_taken_for_it(
    opened: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_sound(opened, tmp_path)
    client = opened.enter(ADMIN)
    client.post("/calls/c1/rehear", data={"language": "yue"})
    (tmp_path / "c1.wav").write_bytes(b"RIFF")
    before = opened.desk.store.results.get("c1")
    work(opened, monkeypatch)
    state = client.get("/api/v1/calls/c1/rehear").json()
    assert (state["state"], state["code"]) == ("failed", "sound_gone")
    assert opened.desk.store.results.get("c1") == before
    assert state["error"] in client.get("/calls/c1").text


# --- the original -----------------------------------------------------------------------------------------------------


def test_the_original_is_opened_for_a_purpose_that_the_log_keeps(opened: OpenDesk, tmp_path: Path) -> None:
    with_sound(opened, tmp_path)
    call, _, transcript = stored(opened, "c1")
    spoken = replace(transcript, segments=(say(0, 2000, CUSTOMER, "我的手机号是13812345678"),))
    opened.desk.store.transcripts.put("number", spoken)
    judge(opened, call, spoken, "number")
    client = opened.enter(SUPERVISOR)
    assert "13812345678" not in client.get("/calls/c1").text
    assert "13812345678" not in client.get("/calls/c1/original").text
    assert actions(opened) == []
    for _ in range(2):  # the page is loaded again
        page = client.get("/calls/c1/original", params={"purpose": "核对 13900001111 报的地址"})
        assert "13812345678" in page.text
        client.get("/calls/c1/sound", params={"original": "1", "purpose": "核对 13900001111 报的地址"})
    noted = opened.desk.store.audit.list(limit=9, action="call.")
    assert [entry.action for entry in noted] == ["call.hear_original", "call.read_original"]
    assert {entry.details["purpose"] for entry in noted} == {"核对 [电话] 报的地址"}
    client.get("/calls/c1/original", params={"purpose": "另一件事"})
    opened.clock.move(minutes=31)
    client.get("/calls/c1/original", params={"purpose": "另一件事"})
    assert len(actions(opened)) == 4
    program = "/api/v1/calls/c1/transcript?original=true&purpose=claim"
    assert client.get(program).json()[0]["text"] == "我的手机号是13812345678"
    assert client.get(program.partition("&")[0]).status_code == 403
    assert len(actions(opened)) == 5
    agent = opened.enter(UserRole.AGENT)
    assert agent.get("/calls/c1/original").status_code == agent.get(program).status_code == 403
    assert "/original" not in agent.get("/calls/c1").text


# --- deletion ---------------------------------------------------------------------------------------------------------


def test_a_deleted_call_is_gone_everywhere_and_its_proof_names_nobody(opened: OpenDesk, tmp_path: Path) -> None:
    client, store = opened.enter(ADMIN), opened.desk.store
    uploads, sound = tmp_path / "desk" / "uploads", tmp_path / "desk" / "sound"
    sha256 = "c1".ljust(64, "0")
    for folder, name in ((uploads, f"{sha256}.wav"), (sound, f"{sha256}.json"), (sound, f"{sha256}-0.ogg")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    store.jobs.add(JobKind.SOUND, {"call_id": "c1", "original": False}, at=opened.clock.now)
    client.patch("/api/v1/calls/c1", json={"order_id": "o9"})
    assert client.delete("/api/v1/calls/c1", params={"confirm": "c2"}).status_code == 422
    assert "请输入这通电话的编号 c1" in client.get("/calls/c1/delete").text
    assert client.post("/calls/c1/delete", data={"typed": "C1"}).status_code == 422
    page = client.post("/calls/c1/delete", data={"typed": " c1 "})
    assert page.status_code == 200, page.text
    (proof,) = store.deletion.list_proofs(by="call", selector="c1")
    assert proof.selector_hash in page.text
    assert (proof.calls, proof.results, proof.files, proof.files_left) == (1, 2, 3, ())
    assert list(uploads.iterdir()) == list(sound.iterdir()) == []
    for path in ("/calls/c1", "/calls/c1/sound", "/calls/c1/document.json", "/orders/o9", "/api/v1/calls/c1"):
        assert client.get(path).status_code == 404, path
    assert client.get("/api/v1/calls", params={"q": "call:c1"}).json()["total"] == 0
    assert store.jobs.list(JobKind.SOUND) == ()
    assert store.transcripts.list("c1") == ()
    entry = store.audit.list(limit=1)[0]
    assert (entry.action, entry.object) == ("call.delete", f"deletion:{proof.selector_hash}")
    assert "c1" not in {*entry.details.values(), entry.object}
    assert list(store.maintenance.verify()) == []


def test_what_another_call_needs_stays(opened: OpenDesk, tmp_path: Path) -> None:
    call, _, transcript = stored(opened, "c2")
    audio = stored(opened, "c1")[2].audio
    judge(opened, call, replace(transcript, audio=audio), "shared")
    folder = tmp_path / "desk" / "uploads"
    folder.mkdir(parents=True)
    (folder / f"{'c1'.ljust(64, '0')}.wav").write_bytes(b"x")
    assert opened.enter(ADMIN).delete("/api/v1/calls/c1", params={"confirm": "c1"}).json()["files"] == 0
    assert len(list(folder.iterdir())) == 1


# --- searching --------------------------------------------------------------------------------------------------------


def test_calls_are_found_by_language_source_and_review(opened: OpenDesk) -> None:
    call, _, transcript = stored(opened, "c1")
    chinese = tuple(replace(segment, language=Language.ZH) for segment in transcript.segments)
    slip = replace(say(19, 20, Role.CUSTOMER, "嗯", Emotion.NEUTRAL), language=Language.JA)
    spoken = replace(transcript, segments=(*chinese, slip))
    judge(opened, replace(call, source=CallSource.DAILY), spoken, "chinese")
    client, access = opened.enter(ADMIN), access_of(opened, ADMIN)

    def count(query: str) -> int:
        found: int = client.get("/api/v1/calls", params={"q": query}).json()["total"]
        return found

    assert [count(q) for q in ("lang:zh", "lang:ja", "source:daily", "来源：上传", "ANGRY lang:zh")] == [1, 0, 1, 0, 1]
    assert [count(q) for q in ("reviewed:yes", "reviewed:no", "愤怒 reviewed:no")] == [0, 4, 4]
    item = reviewing.look_at(access, "c1").items[0]
    reviewing.give_verdict(access, "c1", item.finding_id, VerdictKind.REJECTED)
    assert [count(q) for q in ("复核：是", "复核：否", "ANGRY 复核：是")] == [1, 3, 1]
    opened.desk.store.search_index.clear()
    opened.desk.store.search_index.index_missing(on_progress=lambda *_: None)
    assert [count(q) for q in ("reviewed:yes", "lang:zh", "source:daily")] == [1, 1, 1]
    for query in ("lang:tlh", "reviewed:maybe", "source:fax"):
        answer = client.get("/api/v1/calls", params={"q": query})
        assert (answer.status_code, answer.json()["code"]) == (422, "query_error")
    page = client.get("/calls?reviewed=yes&lang=zh&source=daily").text
    assert "共1通电话" in page
    assert "每日导入" in page
