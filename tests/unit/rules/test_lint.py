"""Lint: what loads and still cannot be meant."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from qareport import rules
from qareport.cli.rules import write_problems
from qareport.errors import ConfigError
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
    assert next(write_problems(problems, (), "text")).startswith(f"{tmp_path}/a.yaml:3:")
    (item,) = json.loads("\n".join(write_problems(problems, (), "json")))["problems"]
    assert (item["level"], item["line"], item["to_do"]) == ("error", 3, "did you mean 'major'?")
    assert next(write_problems(problems, (), "github")).startswith(f"::error file={tmp_path}/a.yaml,line=3,col=")
