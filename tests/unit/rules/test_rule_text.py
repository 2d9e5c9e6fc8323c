"""What people change in forms is written into the text of the file; all else of it stays as it was."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from qareport import rules
from qareport.errors import ConfigError
from qareport.rules.rule_text import append_rule, edit_rule, quoted, read_rules, split_words
from tests.support.rule_folder import RULES

BUNDLED = [
    path
    for path in sorted(Path("config/rules").glob("*.yaml"))
    if not path.name.endswith(".test.yaml") and path.name != "synonyms.yaml"
]


def changed(before: str, after: str) -> list[str]:
    return [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]


def test_a_rule_is_read_as_a_form_shows_it() -> None:
    first, second = read_rules(RULES)
    assert (first.rule_id, first.line, first.title, first.severity, first.points, first.status) == (
        "returns.complaint", 4, "客户要投诉", "major", "-10", "active",
    )  # fmt: skip
    assert [(field.place, field.words, field.excuses) for field in second.words] == [
        ("when/customer says/any", ("运费", "邮费谁出"), False),
        ("when/unless/0/agent says/any", ("我们承担", "您承担"), True),
    ]
    assert second.advice == {"default": "运费谁承担，要当场说清。"}


def test_only_the_values_that_change_are_exchanged() -> None:
    after = edit_rule(RULES, "returns.complaint", {"title": "客户说要投诉", "severity": "major", "points": "-12"})
    assert changed(RULES, after) == [
        "-    title: 客户要投诉", "+    title: 客户说要投诉", "-    points: -10", "+    points: -12",
    ]  # fmt: skip


def test_words_that_stay_keep_their_place_and_their_comments() -> None:
    after = edit_rule(RULES, "returns.freight", {}, words={"when/customer says/any": ["邮费谁出", "快递费"]})
    assert changed(RULES, after) == ["-          - 运费", "+          - 快递费"]
    after = edit_rule(RULES, "returns.complaint", {}, words={"when/customer says/any": ["投诉", "曝光", "12: 30"]})
    assert changed(RULES, after)[1] == '+      customer says: [投诉, 曝光, "12: 30"]  # 不含“举报”'


def test_a_list_in_brackets_over_several_lines_keeps_its_comments() -> None:
    text = RULES.replace("[投诉, 曝光]  # 不含“举报”", "[\n        投诉,  # 直说\n        曝光\n      ]")
    after = edit_rule(text, "returns.complaint", {}, words={"when/customer says/any": ["投诉", "上网说"]})
    assert "投诉,  # 直说" in after
    assert read_rules(after)[0].words[0].words == ("投诉", "上网说")


def test_advice_over_several_lines_stays_a_block() -> None:
    after = edit_rule(RULES, "returns.freight", {}, advice={"default": "当场说清\n运费谁出：不要拖。"})
    assert "advice: >-\n      当场说清运费谁出：不要拖。\n" in after
    assert edit_rule(RULES, "returns.freight", {}, advice={"default": "运费谁承担，要当场说清。"}) == RULES


def test_a_status_that_is_not_written_is_written_before_when() -> None:
    after = edit_rule(RULES, "returns.complaint", {"status": "draft"})
    assert changed(RULES, after) == ["+    status: draft"]
    assert edit_rule(RULES, "returns.complaint", {"status": "active"}) == RULES


def one_by_one(text: str) -> list[str]:
    """Return a file for each rule of a file: parsing a whole one for each of its rules takes minutes."""
    head, *blocks = re.split(r"^(?=  - )", text, flags=re.MULTILINE)
    return [head + block for block in blocks]


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_every_bundled_rule_is_edited_in_english_and_in_chinese(path: Path) -> None:
    for tongue in ("english", "chinese"):
        for text in one_by_one(rules.rewrite(path.read_text("utf-8"), "rules", tongue)):
            (rule,) = read_rules(text)
            same = {key: getattr(rule, key) for key in ("title", "severity", "points", "status")}
            words = {field.place: field.words for field in rule.words}
            assert edit_rule(text, rule.rule_id, same, advice=rule.advice, words=words) == text
            more = {place: (*words[place][1:], "新的词", "yes") for place in words}
            after = edit_rule(text, rule.rule_id, {"status": "draft", "points": "-1"}, words=more)
            (edited,) = read_rules(after)
            assert (edited.status, edited.points) == ("draft", "-1")
            assert {field.place: field.words for field in edited.words} == more
            assert edited.advice == rule.advice


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"words": {"when/customer says/any": []}}, "must not be empty"),
        ({"words": {"when/agent says/any": ["x"]}}, "no words at when/agent says/any"),
        ({"advice": {"待发货": "x"}}, "no advice for '待发货'"),
    ],
)
def test_what_cannot_be_written_is_refused(change: dict[str, dict[str, str]], part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        edit_rule(RULES, "returns.complaint", {}, **change)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no rule 'x'"):
        edit_rule(RULES, "x", {})


@pytest.mark.parametrize(
    "text", ["yes", "010", "12:30", "a: b", "# x", "[x", '"', "", "-", "x\ny", "1", "true", "a, b"]
)
def test_what_yaml_would_take_for_something_else_is_quoted(text: str) -> None:
    assert quoted(text).startswith('"')


def test_words_are_separated_by_commas_and_lines() -> None:
    assert split_words("退货、退款，不要了\n 还钱 ；退货") == ("退货", "退款", "不要了", "还钱")


def test_a_rule_is_added_behind_the_last_as_the_file_is_indented() -> None:
    flush = "schema: 1\nrules:\n- id: a\n  title: x\n# 末尾\n"
    snippet = "schema: 1\nrules:\n  - id: b\n    title: y\n"
    assert append_rule(flush, snippet) == "schema: 1\nrules:\n- id: a\n  title: x\n\n- id: b\n  title: y\n\n# 末尾\n"
    with pytest.raises(ConfigError, match="no list"):
        append_rule("schema: 1\nrules: [{id: a}]\n", snippet)
