"""Mining of stored calls: what is found in real calls is masked, grouped, renewed with its call, and found once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qareport import privacy
from qareport.model import Agents, AuditEntry, Call, CallReport, JobKind, JobState, QaFilter, QaKind, QaState
from qareport.settings import default_dir
from qareport.store import Store
from qareport.workflows.judge import judge_call
from qareport.workflows.qa_mining import ALL_KINDS, mine
from qareport.workflows.rejudging import mine_pairs
from qareport.workflows.workspace import Workspace
from tests.support.corpus_calls import STARTED, read_cases, transcript_of

ALL = Agents()


@pytest.fixture(scope="module")
def judged() -> list[tuple[Call, CallReport]]:
    """The calls of two batches of the corpus, as a perfect reader would have understood them."""
    with Workspace.open(config=default_dir("config")) as workspace:
        found = []
        for number, case in enumerate(read_cases(["L", "U"])):
            transcript = transcript_of(case, with_acts=True)
            call = Call(call_id=case["id"], audio_path="", agent_id=f"A{number % 5}", started_at=STARTED)
            found.append((call, judge_call(call, transcript, workspace.rule_book, earlier=())))
        return found


@pytest.fixture
def store(judged: list[tuple[Call, CallReport]], tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'q.db'}") as opened:
        for call, report in judged:
            opened.results.put(call.call_id.ljust(64, "0"), call, report, rules_sha256="r")
        yield opened


def test_calls_give_pairs_once_and_no_personal_data(store: Store, judged: list[tuple[Call, CallReport]]) -> None:
    counts = mine(store)
    assert counts.calls == len(judged)
    assert counts.added > counts.groups / 2 > 30
    pairs = list(store.qa_pairs.list_all(QaFilter(), ALL))
    assert {QaKind.ANSWER, QaKind.PREFERENCE} <= {pair.kind for pair in pairs}
    texts = [text for pair in pairs for text in (pair.question, pair.answer, pair.rejected)]
    assert [text for text in texts if privacy.find(text, kinds=ALL_KINDS)] == []
    assert all(pair.transcript_key and pair.q_ms <= pair.a_ms for pair in pairs)
    assert mine(store).calls == 0


def test_several_processes_find_the_same(store: Store, tmp_path: Path) -> None:
    mine(store, processes=2, url=f"sqlite:///{tmp_path / 'q.db'}")
    apart = {(pair.call_id, pair.question, pair.answer) for pair in store.qa_pairs.list_all(QaFilter(), ALL)}
    with Store(f"sqlite:///{tmp_path / 'one.db'}") as other:
        for record in store.results.list([call_id for call_id, _ in store.qa_pairs.list_unmined("none")]):
            assert record.report is not None
            other.results.put(record.call.call_id.ljust(64, "0"), record.call, record.report, rules_sha256="r")
        mine(other)
        assert apart == {
            (pair.call_id, pair.question, pair.answer) for pair in other.qa_pairs.list_all(QaFilter(), ALL)
        }


def test_a_call_that_is_judged_anew_is_mined_anew_and_keeps_what_was_decided(
    store: Store, judged: list[tuple[Call, CallReport]]
) -> None:
    mine(store)
    approved = next(pair for pair in store.qa_pairs.list_all(QaFilter(kind=QaKind.ANSWER), ALL))
    entry = AuditEntry(at=STARTED, actor="li", actor_kind="person", action="qa.approved")
    store.qa_pairs.decide(approved, QaState.APPROVED, entry, at=STARTED, user_id=None)
    call, report = next(item for item in judged if item[0].call_id == approved.call_id)
    silent = replace(report, segments=(), findings=())
    store.results.put("new".ljust(64, "0"), call, silent, rules_sha256="r2")
    assert mine(store).calls == 1
    left = [pair for pair in store.qa_pairs.list_all(QaFilter(), ALL) if pair.call_id == call.call_id]
    assert [(pair.pair_id, pair.state) for pair in left] == [(approved.pair_id, QaState.APPROVED)]


def test_the_worker_mines_as_a_job(store: Store, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'q.db'}"
    with Workspace.open(config=default_dir("config"), store=url) as workspace:
        job = workspace.store.jobs.add(JobKind.MINE, {}, at=STARTED)
        taken = workspace.store.jobs.take([JobKind.MINE], "w", at=STARTED)
        assert taken is not None
        mine_pairs(workspace, taken, "w")
        done = workspace.store.jobs.get(job.job_id)
    assert (done.state, done.progress["calls"] > 100, done.progress["added"] > 100) == (JobState.DONE, True, True)
