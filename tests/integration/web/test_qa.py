"""Question-answer pairs on the desk: who sees and decides which, by page and by API, and what leaves."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from qareport.model import Agents, FoundPair, JobKind, JobState, QaFilter, QaKind, QaPair, QaState, UserRole
from qareport.store import GroupPlace, MinedCall
from tests.support.desk import OpenDesk

ADMIN, SUPERVISOR, ANALYST, AGENT, AUDITOR = (
    UserRole.ADMIN, UserRole.SUPERVISOR, UserRole.ANALYST, UserRole.AGENT, UserRole.AUDITOR,
)  # fmt: skip
#: Call, question, answer: c1 and c2 are of the supervisor's team, c3 is not.
PAIRS = (
    ("c1", "退货运费谁出", "运费由我们承担，七天内都可以"),
    ("c2", "退货运费谁出呢", "运费您自己出，三天内寄回"),
    ("c3", "发票怎么开", "在订单页点发票"),
)


@pytest.fixture
def pairs(opened: OpenDesk) -> dict[str, QaPair]:
    """Pairs of three calls, by the call; the first two ask the same and answer differently."""
    store = opened.desk.store
    for call_id, question, answer in PAIRS:
        found = FoundPair(kind=QaKind.ANSWER, question=question, answer=answer, q_ms=1000, a_ms=2000)
        mined = MinedCall(call_id=call_id, key="k", transcript_key="t", rules_sha256="r", pairs=(found,))
        store.qa_pairs.put_mined([mined])
    made = {pair.call_id: pair for pair in store.qa_pairs.list_all(QaFilter(), Agents())}
    first = made["c1"].pair_id
    store.qa_pairs.put_places(
        {
            made[call_id].pair_id: GroupPlace(group_id=first, answer_id=made[call_id].pair_id, contradicted=True)
            for call_id in ("c1", "c2")
        }
    )
    return made


def audit(opened: OpenDesk) -> list[str]:
    return [line.action for line in reversed(opened.desk.store.audit.list(limit=50)) if line.action.startswith("qa.")]


def items(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {item["call_id"]: item for item in answer.json()["items"]}


@pytest.mark.parametrize(
    ("role", "seen"), [(ADMIN, ["c1", "c3"]), (ANALYST, ["c1", "c3"]), (SUPERVISOR, ["c1"])], ids=str
)
def test_each_role_sees_the_pairs_of_its_calls(
    opened: OpenDesk, pairs: dict[str, QaPair], role: UserRole, seen: list[str]
) -> None:
    client = opened.enter(role)
    assert sorted(items(client.get("/api/v1/qa-pairs"))) == seen
    page = client.get("/qa").text
    assert ("发票怎么开" in page) == ("c3" in seen)
    assert "运费您自己出" in page  # the other answer of the group
    assert "互相矛盾" in page


@pytest.mark.parametrize("role", [AGENT, AUDITOR], ids=str)
def test_others_see_none(opened: OpenDesk, pairs: dict[str, QaPair], role: UserRole) -> None:
    client = opened.enter(role)
    for path in ("/qa", "/api/v1/qa-pairs", "/qa/export/jsonl"):
        assert client.get(path).status_code == 403
    change = client.patch(f"/api/v1/qa-pairs/{pairs['c1'].pair_id}", json={"state": "approved"})
    assert change.status_code == 403
    assert client.post("/api/v1/qa-pairs/mine").status_code == client.post("/qa/mine").status_code == 403
    assert audit(opened) == []


def test_a_foreign_pair_does_not_exist(opened: OpenDesk, pairs: dict[str, QaPair]) -> None:
    client = opened.enter(SUPERVISOR)
    foreign = pairs["c3"].pair_id
    assert client.patch(f"/api/v1/qa-pairs/{foreign}", json={"state": "approved"}).status_code == 404
    assert client.post(f"/qa/{foreign}", data={"state": "approved"}).status_code == 404
    assert client.patch("/api/v1/qa-pairs/999", json={"state": "approved"}).status_code == 404


def test_a_button_approves_a_changed_text_makes_it_edited_and_each_leaves_one_line(
    opened: OpenDesk, pairs: dict[str, QaPair]
) -> None:
    client, store = opened.enter(SUPERVISOR), opened.desk.store
    number = pairs["c1"].pair_id
    sent = client.post(f"/qa/{number}", data={"state": "approved", "back": "/qa?page=1"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/qa?page=1")
    assert client.post(f"/qa/{number}", data={"state": "approved"}).status_code == 303  # once more changes nothing
    assert audit(opened) == ["qa.approved"]
    client.post(f"/qa/{number}", data={"state": "approved", "answer": "运费由我们承担，打13912345678"})
    edited = store.qa_pairs.get(number, Agents())
    assert (edited.state, edited.answer) == (QaState.EDITED, "运费由我们承担，打[电话]")
    client.post(f"/qa/{number}", data={"state": "mined"})
    assert store.qa_pairs.get(number, Agents()).state is QaState.MINED
    assert audit(opened) == ["qa.approved", "qa.edited", "qa.mined"]
    assert client.post(f"/qa/{number}", data={"state": "no", "back": "https://evil"}).status_code == 422


def test_whoever_rejects_is_sent_on_and_nowhere_else(opened: OpenDesk, pairs: dict[str, QaPair]) -> None:
    client = opened.enter(ADMIN)
    sent = client.post(f"/qa/{pairs['c3'].pair_id}", data={"state": "rejected", "back": "https://evil.example/qa?"})
    assert sent.headers["location"] == "/qa"
    assert set(items(client.get("/api/v1/qa-pairs?state=rejected"))) == {"c3"}
    assert client.patch(f"/api/v1/qa-pairs/{pairs['c1'].pair_id}", json={"state": "edited"}).status_code == 422


def test_only_what_is_approved_leaves_with_a_file_that_says_what_it_is(
    opened: OpenDesk, pairs: dict[str, QaPair]
) -> None:
    admin, supervisor = opened.enter(ADMIN), opened.enter(SUPERVISOR)
    for call_id in ("c1", "c3"):
        admin.patch(f"/api/v1/qa-pairs/{pairs[call_id].pair_id}", json={"state": "approved"})
    packed = supervisor.get("/qa/export/jsonl?q=运费&state=mined")
    assert packed.status_code == 200
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        rows = [json.loads(line) for line in archive.read("qa.jsonl").decode().splitlines()]
        told = json.loads(archive.read("qa.jsonl.meta.json"))
    assert [row["source"]["call_id"] for row in rows] == ["c1"]
    assert (told["rows"], told["filter"]["q"], told["filter"]["state"]) == (1, "运费", "approved,edited")
    assert audit(opened)[-1] == "qa.export"
    assert admin.get("/qa/export/parquet").status_code == 422


def test_mining_is_asked_for_once_at_a_time(opened: OpenDesk) -> None:
    client = opened.enter(ANALYST)
    first, second = (client.post("/api/v1/qa-pairs/mine") for _ in range(2))
    assert (first.status_code, first.json()["job_id"]) == (202, second.json()["job_id"])
    assert client.post("/qa/mine").status_code == 303
    assert len(opened.desk.store.jobs.list(JobKind.MINE, limit=10)) == 1
    assert audit(opened) == ["qa.mine"]
    assert "正在从新通话里找" in client.get("/qa").text
    job = opened.desk.store.jobs.take([JobKind.MINE], "w", at=opened.clock.now)
    assert job is not None
    opened.desk.store.jobs.finish(job.job_id, "w", JobState.DONE, at=opened.clock.now)
    assert "正在从新通话里找" not in client.get("/qa").text


def test_pages_go_on_and_what_is_hostile_is_shown_as_text(opened: OpenDesk) -> None:
    store = opened.desk.store
    hostile = FoundPair(
        kind=QaKind.PREFERENCE, question="<script>alert(1)</script>", answer="好", rejected='"><img src=x>', q_ms=0,
        a_ms=1,
    )  # fmt: skip
    more = [
        FoundPair(kind=QaKind.ANSWER, question=f"问题{number}", answer="好", q_ms=0, a_ms=1) for number in range(25)
    ]
    store.qa_pairs.put_mined(
        [MinedCall(call_id="c1", key="k", transcript_key="t", rules_sha256="r", pairs=(hostile, *more))]
    )
    client = opened.enter(ADMIN)
    page = client.get("/qa").text
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert 'href="/qa?page=2"' in page
    assert "问题24" in client.get("/qa?page=2").text
    listed = client.get("/api/v1/qa-pairs?limit=20").json()
    rest = client.get(f"/api/v1/qa-pairs?limit=20&after={listed['next']}").json()
    assert (len(listed["items"]), len(rest["items"]), rest["next"], listed["total"]) == (20, 6, None, 26)
    assert client.get("/qa?kind=none&state=none&page=99").status_code == 200
