"""Lint: what loads and still cannot be meant; and the scorecard."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from qareport import rules
from qareport.cli import rules_output
from qareport.errors import ConfigError
from qareport.model import Finding, Severity
from qareport.rules.judge import score_card
from qareport.rules.schema_types import ExpressionError, compile_safely, search
from qareport.settings import CategorySettings, ScoreSettings
from tests.support.rule_texts import RULE


def warnings(folder: Path, when: str, more: str = "") -> list[str]:
    """Lint one rule with these conditions; its missing tests are left out."""
    text = RULE.replace("{customer says: [发货]}", when).replace("points", f"{more}points")
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    diagnostics = rules.lint(rules.load(folder), topics=["物流延迟"], today=date(2026, 11, 22))
    return [
        str(diagnostic).replace(f"{folder}/", "")
        for diagnostic in diagnostics
        if diagnostic.code != "rule-without-test"
    ]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{silence: 1s}", "less than `silence_ms`"),
        ("{speed: {above: 2000}}", "nobody speaks like that"),
        ("{metric: {name: non_talk_share, above: 40}}", "non_talk_share never has such a value"),
        ("{topic: 物流}", "topics.yaml knows no '物流'"),
        ("{customer says: {any: [发货], except: [发货]}}", "is also in `except` and is never found"),
        ("{all: [{customer says: [发货]}, {none: [{customer says: [发货, 退款]}]}]}", "asked for and forbidden"),
        ("{all: [{customer says: [发货]}, {none: [{anyone says: [发货]}]}]}", "asked for and forbidden"),
        ("{customer says: [发货], unless: [{customer says: [发货]}]}", "every hit is excused"),
        ("{customer says: [yes]}", "yes is read as text here, elsewhere as true or false"),
        ("{customer says: ['好', 12:30]}", "12:30 is read as text here, elsewhere as a number of minutes"),
        ("{customer says: [010]}", "010 is read as text here, elsewhere as an octal number"),
    ],
)
def test_what_can_hardly_be_meant_is_named_with_its_place(tmp_path: Path, when: str, expected: str) -> None:
    (warning,) = warnings(tmp_path, when)
    assert expected in warning
    assert warning.startswith("a.yaml:3:")


def test_what_can_be_meant_is_not_named(tmp_path: Path) -> None:
    when = "{all: [{customer says: [发货, 退款]}, {none: [{customer says: [发货]}]}]}"
    assert warnings(tmp_path, when) == []
    assert warnings(tmp_path, "{topic: 物流延迟}") == []


def test_a_rule_that_ended_and_one_that_replaces_a_counting_rule_are_named(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, "{customer says: [发货]}", "effective: {to: 2026-10-01}, ")
    assert "ended on 2026-10-01" in warning
    (tmp_path / "b.yaml").write_text(
        RULE.replace("a.rule", "b.rule").replace("标题", "另一个").replace("发货", "退款"), encoding="utf-8"
    )
    (warning,) = warnings(tmp_path, "{customer says: [发货]}", "replaces: b.rule, ")
    assert "replaces b.rule, which still counts" in warning


def test_a_rule_that_hits_wherever_another_does_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(RULE.replace("a.rule", "b.rule").replace("标题", "另一个"), encoding="utf-8")
    (warning,) = warnings(tmp_path, "{customer says: [发货, 退款]}")
    assert "b.rule: hits wherever a.rule hits: one fault costs twice" in warning


def test_problems_are_written_for_people_programs_and_github(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE.replace("major", "mayor"), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        rules.load(tmp_path)
    problems = raised.value.problems
    assert next(rules_output.problems(problems, (), "text")).startswith(f"{tmp_path}/a.yaml:3:")
    (item,) = json.loads("\n".join(rules_output.problems(problems, (), "json")))["problems"]
    assert (item["level"], item["line"], item["to_do"]) == ("error", 3, "did you mean 'major'?")
    assert next(rules_output.problems(problems, (), "github")).startswith(f"::error file={tmp_path}/a.yaml,line=3,col=")


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*b*c*", "a*b*c*", r"(a)\1", "(x+x+)+y", "(.*a){5,}", "", "a?"])
def test_an_expression_that_can_run_away_or_matches_everything_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError):
        compile_safely(pattern)


def test_an_ordinary_expression_is_searched() -> None:
    assert search(compile_safely("[0-9一二三]+个?(小时|天)|今天"), "我们三天内发") == "三天"


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
