"""Verdicts follow their findings, and count as people gave them; shares come with what is not known about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qareport.model import (
    Appeal,
    AppealState,
    Evidence,
    Finding,
    Role,
    RulePrecision,
    Severity,
    Verdict,
    VerdictKind,
    awaiting_second_look,
    cohen_kappa,
    quote_hash,
    review_findings,
    stale_verdicts,
    visible_to,
    wants_second_look,
    wilson_interval,
)

AT = datetime(2026, 11, 22, 1, tzinfo=UTC)
RIGHT, WRONG, NOT_APPLICABLE, MISSED = (
    VerdictKind.CONFIRMED, VerdictKind.REJECTED, VerdictKind.NOT_APPLICABLE, VerdictKind.MISSED,
)  # fmt: skip


def finding(at_ms: int = 5000, quote: str = "等着吧", rule_id: str = "a.b") -> Finding:
    evidence = Evidence(at_ms=at_ms, end_ms=at_ms + 1000, role=Role.AGENT, quote=quote)
    return Finding(
        rule_id=rule_id, rule_version="1", title="t", category="c", severity=Severity.MAJOR, at_ms=at_ms,
        evidence=(evidence,), advice="", points=-10,
    )  # fmt: skip


def verdict(number: int, kind: VerdictKind = WRONG, about: Finding | None = None, **fields: Any) -> Verdict:
    about = about or finding()
    return Verdict(
        verdict_id=number, call_id="c1", rule_id=about.rule_id, at_ms=about.at_ms, quote_sha256=quote_hash(about),
        kind=kind, user_id=fields.pop("user_id", 1), at=AT, finding=about, **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("moved", "follows"),
    [
        (finding(7000, "别的话"), True),  # within two seconds
        (finding(7001, "别的话"), False),
        (finding(90_000), True),  # the same words, wherever they are
        (finding(5000, rule_id="a.c"), False),
        (finding(90_000, "[SILENCE]"), False),
    ],
)
def test_a_verdict_follows_its_finding_by_its_words_or_its_time(moved: Finding, follows: bool) -> None:
    (item,) = review_findings([moved], [verdict(1)])
    assert (item.verdict is not None) is follows
    assert stale_verdicts([moved], [verdict(1)]) == (set() if follows else {1})


def test_pauses_are_not_the_same_because_nothing_is_said_in_either() -> None:
    assert stale_verdicts([finding(90_000, "[SILENCE]")], [verdict(1, about=finding(quote="[SILENCE]"))]) == {1}


def test_each_of_two_findings_with_the_same_words_keeps_its_own_verdict() -> None:
    early, late = finding(5000), finding(60_000)
    items = review_findings([early, late], [verdict(1, WRONG, early), verdict(2, RIGHT, late)])
    assert [item.verdict.kind for item in items if item.verdict] == [WRONG, RIGHT]


def test_the_newest_verdict_on_a_finding_counts() -> None:
    (item,) = review_findings([finding()], [verdict(1, WRONG), verdict(2, RIGHT, replaces=1)])
    assert item.verdict is not None
    assert (item.verdict.verdict_id, item.stands) == (2, True)


def test_a_missed_finding_is_added_until_the_rules_find_it_themselves() -> None:
    missed = verdict(1, MISSED)
    (added,) = review_findings([], [missed])
    assert (added.added, added.stands, added.finding) == (True, True, missed.finding)
    (found,) = review_findings([finding(5500)], [missed])
    assert (found.added, found.stands) == (False, True)
    assert stale_verdicts([], [missed]) == set()


def test_a_missed_finding_can_be_taken_back() -> None:
    (added,) = review_findings([], [verdict(1, MISSED), verdict(2, WRONG, replaces=1)])
    assert (added.added, added.stands) == (True, False)
    assert stale_verdicts([], [verdict(1, MISSED), verdict(2, WRONG, replaces=1)]) == set()


def test_second_looks_are_chosen_by_the_finding_and_in_the_share_asked_for() -> None:
    many = [verdict(number, about=finding(number * 10)) for number in range(1, 1001)]
    assert not any(wants_second_look(item, 0) for item in many)
    assert all(wants_second_look(item, 1) for item in many)
    assert 150 < sum(wants_second_look(item, 0.2) for item in many) < 250
    assert not wants_second_look(replace(many[0], replaces=7), 1)


def test_others_do_not_see_a_verdict_that_waits_for_a_second_look() -> None:
    first = verdict(1, second_wanted=True)
    assert awaiting_second_look([first]) == [first]
    assert visible_to(2, [first]) == []
    assert visible_to(1, [first]) == [first]
    both = [first, verdict(2, RIGHT, replaces=1, blind=True, user_id=2)]
    assert visible_to(3, both) == both
    assert awaiting_second_look(both) == []


@pytest.mark.parametrize(
    ("right", "count", "expected"),
    [(0, 0, (0.0, 1.0)), (8, 10, (0.490, 0.943)), (0, 10, (0.0, 0.278)), (10, 10, (0.722, 1.0))],
)
def test_the_wilson_interval_is_that_of_the_text_books(right: int, count: int, expected: tuple[float, float]) -> None:
    assert wilson_interval(right, count) == pytest.approx(expected, abs=0.001)


def test_precision_counts_what_stands_among_all_that_was_reviewed() -> None:
    rule = RulePrecision(rule_id="a", confirmed=6, rejected=3, not_applicable=1)
    assert (rule.reviewed, rule.share) == (10, 0.6)
    assert RulePrecision(rule_id="a").share is None


def test_kappa_is_agreement_beyond_chance() -> None:
    pairs = [(RIGHT, RIGHT)] * 20 + [(RIGHT, WRONG)] * 5 + [(WRONG, RIGHT)] * 10 + [(WRONG, WRONG)] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([(RIGHT, RIGHT)] * 30) is None
    assert cohen_kappa([]) is None


def test_an_appeal_counts_its_days_and_may_be_escalated_once() -> None:
    appeal = Appeal(
        appeal_id=1, call_id="c1", rule_id="a", at_ms=0, user_id=1, comment="", opened_at=AT,
        due_at=AT + timedelta(days=7), finding=finding(),
    )  # fmt: skip
    assert [appeal.days_left(AT + timedelta(days=days)) for days in (0, 0.5, 6.9, 7, 9)] == [7, 7, 1, 0, 0]
    assert not appeal.is_overdue(AT + timedelta(days=6.9))
    assert appeal.is_overdue(AT + timedelta(days=7))
    assert not appeal.may_escalate(AT, 3)
    dismissed = replace(appeal, state=AppealState.DISMISSED, decided_at=AT)
    assert dismissed.may_escalate(AT + timedelta(days=2.9), 3)
    assert not dismissed.may_escalate(AT + timedelta(days=3), 3)
    assert not replace(dismissed, state=AppealState.FINAL_DISMISSED).may_escalate(AT, 3)
