"""The reviewed score: the rules' own arithmetic over the findings that stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from qareport.model import (
    Evidence,
    Finding,
    ReviewedFinding,
    Role,
    Severity,
    Verdict,
    VerdictKind,
    quote_hash,
    review_findings,
)
from qareport.rules import reviewed_card
from qareport.rules.judge import score_card
from qareport.settings import CategorySettings, ScoreSettings

SETTINGS = ScoreSettings(pass_score=80, categories=(CategorySettings(name="流程", limit=15),))


def finding(second: int, points: int, *, category: str = "流程", fatal: bool = False) -> Finding:
    at_ms = second * 1000
    evidence = Evidence(at_ms=at_ms, end_ms=at_ms + 900, role=Role.AGENT, quote=f"第{second}秒")
    return Finding(
        rule_id=f"r{second}", rule_version="1", title="t", category=category, severity=Severity.MAJOR, at_ms=at_ms,
        evidence=(evidence,), advice="", points=points, fatal=fatal,
    )  # fmt: skip


def reviewed(findings: list[Finding], kinds: dict[int, VerdictKind]) -> tuple[ReviewedFinding, ...]:
    verdicts = [
        Verdict(
            verdict_id=number, call_id="c1", rule_id=findings[index].rule_id, at_ms=findings[index].at_ms,
            quote_sha256=quote_hash(findings[index]), kind=kind, user_id=1, at=datetime(2026, 11, 22, tzinfo=UTC),
            finding=findings[index],
        )
        for number, (index, kind) in enumerate(kinds.items(), start=1)
    ]  # fmt: skip
    found = [found for index, found in enumerate(findings) if kinds.get(index) is not VerdictKind.MISSED]
    return review_findings(found, verdicts)


TEN, EIGHT, OTHER = finding(1, -10), finding(2, -8), finding(3, -5, category="别的")
R, N, C, M = VerdictKind.REJECTED, VerdictKind.NOT_APPLICABLE, VerdictKind.CONFIRMED, VerdictKind.MISSED


@pytest.mark.parametrize(
    ("findings", "kinds", "machine", "expected"),
    [
        ([TEN, EIGHT, OTHER], {}, 80, 80),  # the category loses 15 at most
        ([TEN, EIGHT, OTHER], {0: C, 1: C}, 80, 80),
        ([TEN, EIGHT, OTHER], {0: R}, 80, 87),  # of the category 8 are left, all within its limit
        ([TEN, EIGHT, OTHER], {2: N}, 80, 85),
        ([TEN, EIGHT, OTHER], {0: R, 1: N, 2: R}, 80, 100),
        ([TEN, EIGHT], {1: M}, 90, 85),  # what is added is held by the limit, too
        ([finding(1, -100, fatal=True), OTHER], {0: R}, 0, 95),
        ([finding(1, -100, fatal=True), OTHER], {1: R}, 0, 0),
        ([OTHER, finding(9, -100, fatal=True)], {1: M}, 95, 0),
        ([finding(1, 3)], {0: R}, 100, 100),  # praise taken back never lifts above the total
    ],
)
def test_points_go_and_come_within_the_limits(
    findings: list[Finding], kinds: dict[int, VerdictKind], machine: int, expected: int
) -> None:
    found = [finding for index, finding in enumerate(findings) if kinds.get(index) is not M]
    card = score_card(found, [("流程", "r1"), ("别的", "r3")], [("流程", "r7")], SETTINGS)
    after = reviewed_card(card, reviewed(findings, kinds), SETTINGS)
    assert (card.score, after.score) == (machine, expected)
    assert after.passed is (expected >= 80)


def test_without_verdicts_the_card_is_that_of_the_rules() -> None:
    findings = [TEN, EIGHT, OTHER]
    card = score_card(findings, [("流程", "r1"), ("别的", "r3")], [("流程", "r7")], SETTINGS)
    assert reviewed_card(card, reviewed(findings, {}), SETTINGS) == card


def test_limits_are_those_of_the_day_of_the_judgement() -> None:
    card = score_card([TEN, EIGHT], [("流程", "r1")], [], SETTINGS)
    today = replace(SETTINGS, start=50, categories=())
    assert reviewed_card(card, reviewed([TEN, EIGHT], {}), today).score == card.score
