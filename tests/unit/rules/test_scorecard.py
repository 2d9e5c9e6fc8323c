"""The scorecard: limits of categories, fatal findings, and what does not apply."""

from __future__ import annotations

from qareport.model import Finding, Severity
from qareport.rules.judge import score_card
from qareport.settings import CategorySettings, ScoreSettings


def finding(points: int, *, fatal: bool = False, category: str = "物流", at_ms: int = 0) -> Finding:
    return Finding(
        rule_id="a", rule_version="1", title="t", category=category, severity=Severity.MINOR, at_ms=at_ms, evidence=(),
        advice="", points=points, fatal=fatal,
    )  # fmt: skip


def test_a_category_takes_no_more_than_its_limit_and_says_what_of_each_finding_counts() -> None:
    settings = ScoreSettings(categories=(CategorySettings(name="物流", limit=15),))
    card = score_card([finding(-10), finding(-10, at_ms=5), finding(-4, category="价格")], (), (), settings)
    assert [item.counted for item in card.categories[0].items] == [-10, -5]
    assert (card.score, card.passed) == (81, True)
    assert card.score == card.start + sum(item.counted for category in card.categories for item in category.items)


def test_a_fatal_finding_fails_the_call_and_no_limit_softens_it() -> None:
    settings = ScoreSettings(categories=(CategorySettings(name="物流", limit=15),), fatal_score=0)
    card = score_card([finding(-100, fatal=True), finding(5, at_ms=9)], (), (), settings)
    assert (card.score, card.passed, card.fatal) == (0, False, ("a",))


def test_what_does_not_apply_costs_nothing_and_is_counted_apart() -> None:
    card = score_card([], [("物流", "a")], [("价格", "b")], ScoreSettings())
    by_name = {category.name: category for category in card.categories}
    assert (card.score, by_name["物流"].judged, by_name["价格"].judged) == (100, 1, 0)
    assert by_name["价格"].not_applicable == ("b",)
