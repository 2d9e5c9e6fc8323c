"""Conditions of `synonyms.yaml` that rules name: written once, they count wherever they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport import messages, rules
from qareport.errors import ConfigError
from qareport.rules import RuleFiles
from qareport.rules.translation import rewrite
from tests.support.calls import AGENT, CUSTOMER, analyse_transcript, call, say
from tests.support.rule_texts import RULE, hits

SHARED = """schema: 1
synonyms: {催: [什么时候发货, 怎么还不发货]}
conditions:
  催发货:
    any:
      - customer says: [$催]
      - customer says: [催一下]
"""
ASKED = (
    say(0, 2, CUSTOMER, "什么时候发货"),
    say(3, 4, AGENT, "尽快"),
    say(10, 12, CUSTOMER, "帮我催一下"),
    say(13, 14, AGENT, "抱歉"),
)


def found(folder: Path, when: str, shared: str = SHARED) -> list[float]:
    (folder / "synonyms.yaml").write_text(shared, encoding="utf-8")
    return hits(folder, when, *ASKED)


def problems(condition: str, shared: str) -> list[str]:
    texts = {"a.yaml": RULE.replace("{customer says: [发货]}", condition), "synonyms.yaml": shared}
    with pytest.raises(ConfigError) as raised:
        rules.load(RuleFiles.from_texts(texts))
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        ("{condition: 催发货}", [0, 10]),
        ("{条件: 催发货}", [0, 10]),
        ("{condition: 催发货, times: 2}", [10]),
        ("{condition: 催发货, first: 5s}", [0]),
        ("{condition: 催发货, unless: [{agent says: [抱歉], within: 3s}]}", [0]),
        ("{sequence: [{agent says: [尽快]}, {condition: 催发货, within: 10s}]}", [3]),
        ("{all: [{agent says: [尽快]}, {none: [{condition: 催发货, last: 1s}]}]}", [3]),
        ("{agent says: [尽快], unless: [{condition: 催发货, within: 10s}]}", []),
    ],
)
def test_a_condition_counts_where_it_is_named(tmp_path: Path, when: str, seconds: list[float]) -> None:
    assert found(tmp_path, when) == seconds


def test_a_name_that_is_not_known_is_told_with_the_nearest() -> None:
    (answer,) = problems("{condition: 催发贷}", SHARED)
    assert answer.startswith("rules/a.yaml:3:")
    assert answer.endswith(
        "condition: got '催发贷'; expected a condition of synonyms.yaml (催发货); did you mean '催发货'?"
    )
    (answer,) = problems("{all: [{condition: 催发货}]}", "schema: 1\n")
    assert "expected a condition of synonyms.yaml, which has none below `conditions:`" in answer


def test_what_is_wrong_in_a_shared_condition_is_told_once_and_there() -> None:
    shared = SHARED.replace("customer says: [催一下]", "customer say: [催一下]")
    assert problems("{condition: 催发货}", shared) == [
        "rules/synonyms.yaml:7:9: 催发货: unknown condition 'customer say'; did you mean 'customer says'?"
    ]
    nested = SHARED + "  又催: {condition: 催发货}\n"
    assert problems("{condition: 又催}", nested) == [
        "rules/synonyms.yaml:8:8: 又催: a shared condition names no other; write out what it stands for"
    ]


def test_a_rule_changes_its_version_with_the_condition_that_it_names() -> None:
    text = RULE.replace("{customer says: [发货]}", "{condition: 催发货}")
    before, after = (
        rules.load(RuleFiles.from_texts({"a.yaml": text, "synonyms.yaml": shared})).versions["a.rule"]
        for shared in (SHARED, SHARED.replace("催一下", "催催"))
    )
    assert before != after


def test_marks_in_a_shared_condition_are_named_once() -> None:
    texts = {
        "a.yaml": RULE.replace("{customer says: [发货]}", "{condition: 催发货}"),
        "synonyms.yaml": SHARED.replace("[催一下]", "[催一下，快点]"),
    }
    ruleset = rules.load(RuleFiles.from_texts(texts))
    warned = [str(warning) for warning in rules.lint(ruleset, tests=()) if warning.code == "chinese-punctuation"]
    assert [warning.split(": ")[0] for warning in warned] == ["rules/synonyms.yaml:7:25"]


def test_an_explanation_spells_the_condition_out() -> None:
    texts = {"a.yaml": RULE.replace("{customer says: [发货]}", "{condition: 催发货}"), "synonyms.yaml": SHARED}
    ruleset = rules.load(RuleFiles.from_texts(texts))
    transcript = call(*ASKED)
    context = rules.MatchContext.of(transcript, analyse_transcript(transcript))
    drawn = "\n".join(rules.draw(rules.explain(ruleset.rules[0], context, lists=ruleset.shared.lists)))
    assert "客户说: [催一下]" in drawn
    assert "第 10 秒" in drawn


def test_the_words_are_written_in_both_languages() -> None:
    chinese = rewrite(SHARED, "synonyms", "chinese")
    assert "共用条件:\n  催发货:\n    任一:\n      - 客户说: [$催]" in chinese
    assert rewrite(chinese, "synonyms", "english") == SHARED
    assert rewrite("schema: 1\nrules: [{when: {条件: 催发货}}]\n", "rules", "english").endswith(
        "{when: {condition: 催发货}}]\n"
    )


def test_who_reads_chinese_is_told_in_chinese() -> None:
    with messages.speaking("zh"):
        (answer,) = problems("{条件: 催发贷}", SHARED)
    assert answer.endswith(
        "条件：写的是“催发贷”；应为：synonyms.yaml 里 `共用条件`（conditions）的一个（催发货）；是不是想写“催发货”？"
    )
