"""Question-answer pairs in the store: mined ones are renewed, decided ones stay, deleted calls take theirs along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qareport.errors import BusyError, NotFoundError
from qareport.model import Agents, AuditEntry, Call, CallReport, FoundPair, QaFilter, QaKind, QaPair, QaState
from qareport.store import GroupPlace, MinedCall, Store
from tests.support.store_samples import METRICS

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
ALL = Agents()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with four judged calls of three agents."""
    with Store(store_url) as opened:
        _fill(opened)
        yield opened


def _fill(opened: Store) -> None:
    for number, agent in enumerate(("A1", "A1", "A2", "B1"), start=1):
        call = Call(call_id=f"c{number}", audio_path="", agent_id=agent)
        report = CallReport(call_id=call.call_id, agent_id=agent, metrics=METRICS)
        opened.results.put(f"k{number}", call, report, rules_sha256="r")


def pair(question: str, answer: str = "运费由我们承担", kind: QaKind = QaKind.ANSWER, **more: object) -> FoundPair:
    return FoundPair(kind=kind, question=question, answer=answer, q_ms=1000, a_ms=2000, **more)  # type: ignore[arg-type]


def put(store: Store, call_id: str, *pairs: FoundPair, key: str = "k") -> tuple[int, int]:
    return store.qa_pairs.put_mined(
        [MinedCall(call_id=call_id, key=key, transcript_key="t" * 64, rules_sha256="r", pairs=pairs)]
    )


def entry(action: str = "qa.approved") -> AuditEntry:
    return AuditEntry(at=NOW, actor="li", actor_kind="person", action=action)


def decide(store: Store, found: QaPair, state: QaState, **more: object) -> None:
    store.qa_pairs.decide(found, state, entry(), at=NOW, user_id=None, **more)  # type: ignore[arg-type]


def listed(store: Store, agents: Agents = ALL, **wanted: object) -> list[QaPair]:
    return list(store.qa_pairs.list(QaFilter(**wanted), agents, limit=50)[0])  # type: ignore[arg-type]


def test_a_call_is_looked_through_once_for_each_result_and_miner(store: Store) -> None:
    assert [call_id for call_id, _ in store.qa_pairs.list_unmined("1")] == ["c1", "c2", "c3", "c4"]
    for call_id, key in store.qa_pairs.list_unmined("1"):
        put(store, call_id, key=key)
    assert store.qa_pairs.list_unmined("1") == ()
    assert len(store.qa_pairs.list_unmined("2")) == 4
    report = CallReport(call_id="c1", agent_id="A1", metrics=METRICS)
    store.results.put("k1-new", Call(call_id="c1", audio_path="", agent_id="A1"), report, rules_sha256="r2")
    assert [call_id for call_id, _ in store.qa_pairs.list_unmined("1")] == ["c1"]


def test_what_was_decided_stays_when_a_call_is_mined_again_and_the_rest_is_renewed(store: Store) -> None:
    put(store, "c1", pair("退货运费谁出"), pair("发票怎么开"), pair("几天到"))
    approved, rejected, mined = sorted(listed(store), key=lambda found: found.pair_id)
    decide(store, approved, QaState.EDITED, question="退货的运费由谁出？")
    decide(store, rejected, QaState.REJECTED)
    assert put(store, "c1", pair("退货运费谁出"), pair("发票怎么开"), pair("能换货吗")) == (1, 1)
    after = {found.question: found.state for found in store.qa_pairs.list_all(QaFilter(), ALL)}
    assert after == {
        "退货的运费由谁出？": QaState.EDITED, "发票怎么开": QaState.REJECTED, "能换货吗": QaState.MINED,
    }  # fmt: skip
    assert mined.question not in after


def test_a_deleted_call_takes_its_pairs_with_it(store: Store) -> None:
    put(store, "c1", pair("退货运费谁出"))
    put(store, "c2", pair("发票怎么开"))
    decide(store, listed(store)[0], QaState.APPROVED)
    calls = [Call(call_id="c1", audio_path="", agent_id="A1")]
    store.deletion.delete(calls, by="order", selector="o1", now=NOW)
    assert [found.question for found in listed(store)] == ["发票怎么开"]
    assert list(store.maintenance.verify()) == []


def grouped(store: Store) -> None:
    """One question in all calls; two agents give one answer, one gives another."""
    for number in range(1, 4):
        put(store, f"c{number}", pair("退货运费谁出"))
    put(store, "c4", pair("退货运费谁出", "运费您自己出"))
    first = min(found.pair_id for found in store.qa_pairs.list_all(QaFilter(), ALL))
    places = {
        item.pair_id: GroupPlace(
            group_id=first,
            answer_id=first if item.answer == "运费由我们承担" else item.pair_id,
            contradicted=True,
        )
        for item in store.qa_pairs.list_texts()
    }
    store.qa_pairs.put_places(places)


def test_the_answer_of_most_agents_stands_for_its_group(store: Store) -> None:
    grouped(store)
    (shown,) = listed(store)
    assert (shown.answer, shown.group_size, shown.support, shown.contradicted) == ("运费由我们承担", 4, 2, True)
    assert [found.answer for found in store.qa_pairs.list_group(shown.group_id, ALL)][-1] == "运费您自己出"


def test_counts_hold_only_what_may_be_seen(store: Store) -> None:
    grouped(store)
    (shown,) = listed(store, Agents(only=frozenset(["B1"])))
    assert (shown.answer, shown.group_size, shown.support) == ("运费您自己出", 1, 1)
    assert store.qa_pairs.count_states(Agents(only=frozenset(["A2"]))) == {QaState.MINED: 1}
    with pytest.raises(NotFoundError):
        store.qa_pairs.get(shown.pair_id, Agents(only=frozenset(["A1"])))


def test_an_approved_pair_stands_for_its_group_and_the_others_wait_no_more(store: Store) -> None:
    grouped(store)
    other = next(found for found in store.qa_pairs.list_all(QaFilter(), ALL) if found.support == 1)
    decide(store, other, QaState.APPROVED)
    assert listed(store, states=(QaState.MINED,)) == []
    assert [found.pair_id for found in listed(store, states=(QaState.APPROVED,))] == [other.pair_id]


def test_a_rejection_can_take_those_along_that_say_the_same(store: Store) -> None:
    grouped(store)
    (shown,) = listed(store)
    alike = [found.pair_id for found in store.qa_pairs.list_group(shown.group_id, ALL) if found.support == 2]
    decide(store, shown, QaState.REJECTED, alike=alike)
    assert [found.answer for found in listed(store, states=(QaState.MINED,))] == ["运费您自己出"]


def test_of_two_who_decide_at_once_the_second_is_told(store: Store) -> None:
    put(store, "c1", pair("退货运费谁出"))
    (seen,) = listed(store)
    decide(store, seen, QaState.APPROVED)
    lines = len(store.audit.list())
    with pytest.raises(BusyError):
        decide(store, seen, QaState.REJECTED)
    assert len(store.audit.list()) == lines


def test_a_filter_is_of_state_kind_issue_words_and_effect(store: Store) -> None:
    put(
        store, "c1", pair("退货运费谁出", issue="退换货", helped=True), pair("发票怎么开", issue="发票"),
        pair("到底几时发", "您的货明天发", QaKind.PREFERENCE, rejected="系统正常"),
    )  # fmt: skip
    assert [found.question for found in listed(store, issue="发票")] == ["发票怎么开"]
    assert [found.question for found in listed(store, kind=QaKind.PREFERENCE)] == ["到底几时发"]
    assert [found.question for found in listed(store, words="运费 我们")] == ["退货运费谁出", "发票怎么开"]
    assert [found.question for found in listed(store, words="100%")] == []
    assert [found.question for found in listed(store, helped=True)] == ["退货运费谁出"]
    assert store.qa_pairs.list_issues(ALL) == ("发票", "退换货")


def test_a_backup_has_the_pairs(store: Store, tmp_path: Path) -> None:
    if not store.database.is_sqlite:
        pytest.skip("a server is backed up by its own programs")
    put(store, "c1", pair("退货运费谁出"))
    store.maintenance.backup(tmp_path / "copy.db")
    with Store(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        assert [found.question for found in listed(copy)] == ["退货运费谁出"]
