"""What a rule recommends must not cost points by the same rule."""

from __future__ import annotations

import pytest

from qareport import rules
from qareport.rules import RuleFiles
from tests.support.rule_texts import RULE

ADVICE = "可以说：“真是对不住您，我马上催仓库发货。”"


def warned(exceptions: str, advice: str = ADVICE) -> list[str]:
    text = RULE.replace("advice: 好", f"advice: {advice}").replace("发货]}", f"发货], unless: {exceptions}}}")
    texts = {"a.yaml": text, "synonyms.yaml": "schema: 1\nsynonyms: {道歉: [抱歉, 对不住]}\n"}
    warnings = rules.lint(rules.load(RuleFiles.from_texts(texts)), tests=())
    return [str(warning) for warning in warnings if warning.code == "advice-not-excused"]


@pytest.mark.parametrize(
    "exceptions",
    ["[{agent says: [抱歉], within: 30s}]", "[{agent says: {any: [抱歉]}}, {agent says: 不好意思, around: 9s}]"],
)
def test_advice_that_its_own_exceptions_do_not_know_is_named(exceptions: str) -> None:
    (warning,) = warned(exceptions)
    assert warning.startswith("rules/a.yaml:3:")
    assert "a.rule: none of the words of `unless` stands in what the advice says to say" in warning
    assert "add words of '真是对不住您，我马上催仓库发货。' there" in warning


@pytest.mark.parametrize(
    "exceptions",
    [
        "[{agent says: [对不住]}]",
        "[{agent says: [$道歉], within: 30s}]",
        "[{agent says: [抱歉]}, {agent does: apologise}]",
        "[{agent says: [请稍等], before: 12s}]",
        "[{customer says: [谢谢]}]",
    ],
)
def test_advice_that_is_excused_or_may_be_is_left_alone(exceptions: str) -> None:
    assert warned(exceptions) == []


def test_advice_without_a_sentence_to_say_is_left_alone() -> None:
    assert warned("[{agent says: [抱歉]}]", "先道歉，再办事。") == []
