"""Verdicts, appeals and acknowledgements in the store: they follow re-judging, and go with their call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from qareport.errors import BusyError, NotFoundError
from qareport.model import (
    Agents,
    Appeal,
    AppealState,
    AuditEntry,
    Call,
    CallReport,
    Evidence,
    Finding,
    Role,
    Severity,
    UserRole,
    Verdict,
    VerdictKind,
    quote_hash,
)
from qareport.store import Store
from tests.support.store_samples import METRICS, make_call

AT = datetime(2026, 11, 22, 1, tzinfo=UTC)
ALL = Agents()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as opened:
        for name in ("ann", "ben"):
            opened.users.add(name, UserRole.ANALYST, at=AT)
        yield opened


def finding(at_ms: int = 5000, quote: str = "等着吧") -> Finding:
    evidence = Evidence(at_ms=at_ms, end_ms=at_ms + 900, role=Role.AGENT, quote=quote)
    return Finding(
        rule_id="a.b", rule_version="1", title="t", category="c", severity=Severity.MAJOR, at_ms=at_ms,
        evidence=(evidence,), advice="", points=-10,
    )  # fmt: skip


def put(store: Store, call_id: str, *findings: Finding, key: str = "k1", agent: str = "A1") -> Call:
    call = replace(make_call(call_id), agent_id=agent)
    report = CallReport(
        call_id=call_id, agent_id=agent, started_at=call.started_at, metrics=METRICS, findings=findings, score=90
    )
    store.results.put(f"{call_id}{key}", call, report, rules_sha256="r")
    return call


def entry(action: str = "review.verdict") -> AuditEntry:
    return AuditEntry(at=AT, actor="ann", actor_kind="person", action=action)


def add(store: Store, call_id: str, kind: VerdictKind = VerdictKind.REJECTED, **fields: Any) -> Verdict:
    about = fields.pop("about", finding())
    verdict = Verdict(
        call_id=call_id, rule_id="a.b", at_ms=about.at_ms, quote_sha256=quote_hash(about), kind=kind, at=AT,
        user_id=fields.pop("user_id", 1), finding=about, **fields,
    )  # fmt: skip
    return store.reviews.add(verdict, entry())


def test_a_verdict_is_kept_with_the_result_it_is_about_and_one_audit_line(store: Store) -> None:
    put(store, "c1", finding())
    kept = add(store, "c1")
    assert (kept.verdict_id, kept.report_key, kept.stale) == (1, "c1k1", False)
    assert store.reviews.list("c1") == (kept,)
    assert [line.action for line in store.audit.list()] == ["review.verdict"]


def test_a_verdict_on_a_call_that_is_gone_leaves_neither_row_nor_audit_line(store: Store) -> None:
    with pytest.raises(NotFoundError):
        add(store, "c1")
    assert store.audit.list() == ()


def test_judging_anew_keeps_a_verdict_whose_finding_moved_a_little_and_makes_others_stale(store: Store) -> None:
    put(store, "c1", finding())
    add(store, "c1")
    put(store, "c1", finding(6500, "等一下"), key="k2")
    assert not store.reviews.list("c1")[0].stale
    assert store.reviews.list_stale(ALL) == ()
    put(store, "c1", key="k3")
    assert [verdict.verdict_id for verdict in store.reviews.list_stale(ALL)] == [1]
    put(store, "c1", finding(), key="k4")
    assert store.reviews.list_stale(ALL) == ()


def test_a_replay_that_counts_lets_verdicts_follow_too(store: Store) -> None:
    put(store, "c1", finding())
    add(store, "c1")
    report = CallReport(call_id="c1", agent_id="A1", metrics=METRICS)
    store.results.replace("c1", "k9", report, rules_sha256="r2", snapshot="[]")
    assert [verdict.stale for verdict in store.reviews.list("c1")] == [True]


def test_the_sample_takes_so_many_calls_of_each_agent_and_the_same_each_time(store: Store) -> None:
    for number in range(6):
        put(store, f"c{number}", finding(), agent="A1" if number < 4 else "A2")
    put(store, "c9", agent="A3")  # nothing was found in it
    day = datetime.fromisoformat("2026-11-20T00:00:00+08:00")
    chosen = store.reviews.sample(day, day + timedelta(days=1), 2, ALL)
    assert len(chosen) == 4
    assert {"c4", "c5"} <= set(chosen)
    assert chosen == store.reviews.sample(day, day + timedelta(days=1), 2, ALL)
    assert set(store.reviews.sample(day, day + timedelta(days=1), 2, Agents(only=frozenset(["A2"])))) == {"c4", "c5"}
    assert store.reviews.sample(day + timedelta(days=1), day + timedelta(days=2), 2, ALL) == ()
    assert store.reviews.find_newest_start(ALL) == day + timedelta(hours=9)


def test_precision_counts_the_newest_verdicts_that_are_not_stale_and_the_pairs_of_second_looks(store: Store) -> None:
    put(store, "c1", finding(), finding(60_000, "别的"))
    first = add(store, "c1", VerdictKind.REJECTED, second_wanted=True)
    add(store, "c1", VerdictKind.NOT_APPLICABLE, about=finding(60_000, "别的"))
    assert [look.verdict_id for look in store.reviews.list_second_looks(ALL, 2)] == [first.verdict_id]
    assert store.reviews.list_second_looks(ALL, 1) == ()
    add(store, "c1", VerdictKind.CONFIRMED, replaces=first.verdict_id, blind=True, user_id=2)
    assert store.reviews.list_second_looks(ALL, 3) == ()
    (rule,) = store.reviews.precisions(ALL)
    assert (rule.confirmed, rule.rejected, rule.not_applicable) == (1, 0, 1)
    assert (rule.pairs, rule.agreed, rule.kappa) == (1, 0, None)
    assert store.reviews.precisions(Agents(only=frozenset(["A2"]))) == ()


def open_appeal(store: Store, call_id: str) -> Appeal:
    appeal = Appeal(
        call_id=call_id, rule_id="a.b", at_ms=5000, user_id=1, comment="不是我说的", opened_at=AT,
        due_at=AT + timedelta(days=7), finding=finding(),
    )  # fmt: skip
    return store.appeals.add(appeal, entry("appeal.open"))


def test_of_two_decisions_at_the_same_time_the_first_counts(store: Store) -> None:
    put(store, "c1", finding())
    appeal = open_appeal(store, "c1")
    store.appeals.step(appeal, replace(appeal, state=AppealState.UPHELD), entry("appeal.decide"))
    with pytest.raises(BusyError):
        store.appeals.step(appeal, replace(appeal, state=AppealState.DISMISSED), entry("appeal.decide"))
    assert store.appeals.get(appeal.appeal_id).state is AppealState.UPHELD
    assert [line.action for line in store.audit.list()] == ["appeal.decide", "appeal.open"]


def test_appeals_expire_once_with_one_audit_line_each(store: Store) -> None:
    put(store, "c1", finding())
    open_appeal(store, "c1")
    assert store.appeals.expire(AT + timedelta(days=6, hours=23)) == 0
    assert store.appeals.expire(AT + timedelta(days=7)) == 1
    assert store.appeals.expire(AT + timedelta(days=8)) == 0
    newest = store.audit.list()[0]
    assert (newest.action, newest.actor) == ("appeal.expire", "system")
    assert store.appeals.count_open(ALL) == 0


def test_open_appeals_come_first_and_only_those_of_the_agents_asked_for(store: Store) -> None:
    for number, agent in enumerate(("A1", "A2", "A1")):
        put(store, f"c{number}", finding(), agent=agent)
        open_appeal(store, f"c{number}")
    first = store.appeals.get(1)
    store.appeals.step(first, replace(first, state=AppealState.WITHDRAWN), entry())
    assert [appeal.appeal_id for appeal in store.appeals.list(ALL)] == [2, 3, 1]
    assert [appeal.appeal_id for appeal in store.appeals.list(Agents(only=frozenset(["A1"])))] == [3, 1]


def test_a_deleted_call_takes_verdicts_appeals_and_acknowledgements_with_it(store: Store) -> None:
    put(store, "c1", finding())
    put(store, "c2", finding())
    for call_id in ("c1", "c2"):
        add(store, call_id)
        open_appeal(store, call_id)
        store.reviews.acknowledge(call_id, 1, entry("call.acknowledge"))
    with store.database.write() as session:
        session.execute(text("UPDATE calls SET order_id = 'o2' WHERE call_id = 'c2'"))
    calls = [call for call in store.deletion.find_calls(order="o1") if call.call_id == "c1"]
    store.deletion.delete(calls, by="order", selector="o1", now=AT)
    with store.database.read() as session:
        left = {
            table: list(session.scalars(text(f"SELECT call_id FROM {table}")))  # noqa: S608
            for table in ("verdicts", "appeals", "acknowledgements")
        }
    assert left == {"verdicts": ["c2"], "appeals": ["c2"], "acknowledgements": ["c2"]}


def test_a_call_is_acknowledged_once(store: Store) -> None:
    put(store, "c1", finding())
    for _ in range(2):
        store.reviews.acknowledge("c1", 1, entry("call.acknowledge"))
    assert [item.user_id for item in store.reviews.list_acknowledgements("c1")] == [1]
    assert len(store.audit.list()) == 1
