"""Chinese marks that make one word of a whole list, and words that stand by chance in others, are told of."""

from __future__ import annotations

import pytest

from qareport import rules
from qareport.errors import ConfigError
from qareport.rules import RuleFiles
from tests.support.rule_texts import RULE


def warned(condition: str, synonyms: str = "schema: 1\n") -> list[str]:
    text = RULE.replace("{customer says: [发货]}", condition)
    ruleset = rules.load(RuleFiles.from_texts({"a.yaml": text, "synonyms.yaml": synonyms}))
    return [str(warning) for warning in rules.lint(ruleset, tests=()) if warning.code != "rule-without-test"]


@pytest.mark.parametrize(
    ("condition", "mark", "to_do"),
    [
        ("{customer says: [发货，物流单号]}", "，", "is an English comma missing?"),
        ("{customer says: 发货、退款}", "、", "is an English comma missing?"),
        ("{customer says: {any: [发货；退款]}}", "；", "is an English comma missing?"),
        ("{customer says: 【发货】}", "【", "write English brackets"),
        ("{customer says: ［发货］}", "［", "write English brackets"),
        ("{agent says: [“您好”]}", "“", "take the quotation marks out"),
        ("{客服说: {排除: [“您好”]}, 除非: [{客户说: 好，的}]}", "“", "take the quotation marks out"),
        ("{silence: 3s, unless: [{agent says: [请稍等，您好]}]}", "，", "is an English comma missing?"),
        ("{all: [{customer says: [昨天，今天]}]}", "，", "is an English comma missing?"),
        ("{customer says: [发货/退款]}", "/", "is an English comma missing?"),
        ("{customer says: [发货 | 退款]}", "|", "is an English comma missing?"),
        ("{customer says: '发货,退款'}", ",", "is an English comma missing?"),
        ("{customer says: 发货。退款}", "。", "is an English comma missing?"),
        ("{customer says: [「发货」]}", "「", "take the quotation marks out"),
        ("{customer says: 任一：发货}", "：", "the colon is a Chinese one"),
        ("{customer says: [发货 - 退款]}", "-", "begin each dash of a list in the same column"),
    ],
)
def test_a_chinese_mark_in_a_word_is_named(condition: str, mark: str, to_do: str) -> None:
    condition = condition.replace("{客服说: {排除:", "{客服说: {任一: 好, 排除:")
    warning = warned(condition)[0]
    assert f"{mark} stands in the word" in warning
    assert to_do in warning
    assert warning.startswith("rules/a.yaml:3:")


def test_a_chinese_mark_in_a_shared_list_is_named_with_its_line() -> None:
    synonyms = (
        "schema: 1\nsynonyms:\n  安抚: [别急]\n  道歉: [真不好意思，非常抱歉，抱歉]\nstages:\n  待发货: [压单、没发]\n"
    )
    first, second = warned("{customer says: [发货]}", synonyms)
    assert first.startswith("rules/synonyms.yaml:4:8: 道歉: ， stands in the word")
    assert second.startswith("rules/synonyms.yaml:6:9: 待发货: 、 stands in the word")


def test_sentences_may_have_commas() -> None:
    assert warned("{customer says: {like: [我要退款，谢谢], exact: ['好的，谢谢']}}") == []


def test_chinese_words_with_a_space_between_them_may_have_been_meant_as_several() -> None:
    (warning,) = warned("{customer says: [发货 退款]}")
    assert "a space stands in the word '发货 退款'; of several words make a list" in warning
    assert warned("{customer says: [iPhone 15, A/B 面, 24/7 服务, 退款]}") == []


@pytest.mark.parametrize(
    "condition",
    [
        "{customer says: 钱呢}",
        "{customer says: [退款, 钱呢]}",
        "{客户说: {任一: [钱呢], 排除: [零钱呢]}}",
        "{silence: 3s, unless: [{customer says: [钱呢]}]}",
    ],
)
def test_a_word_that_stands_in_an_everyday_expression_is_named_with_it(condition: str) -> None:
    (warning,) = warned(condition)
    assert "'钱呢' is found in '多少钱呢' as well; write a longer word, or add 多少钱呢 to `except`" in warning
    assert warning.startswith("rules/a.yaml:3:")


@pytest.mark.parametrize(
    "condition",
    [
        "{customer says: {any: [钱呢], except: [多少钱呢]}}",
        "{customer says: {any: [钱呢], except: [多少钱]}}",
        "{customer says: [钱呢, 多少钱]}",  # both are meant
        "{customer says: {all: [钱呢, 退款]}}",
        "{customer says: {exact: [钱呢]}}",
        "{customer says: [退款, 发货, 投诉, 什么时候到, 物流单号]}",
        "{customer says: [要真的]}",  # 不要真的 is denied
    ],
)
def test_a_word_that_is_not_found_there_is_not_named(condition: str) -> None:
    assert warned(condition) == []


def test_a_shared_list_cannot_hold_another() -> None:
    texts = {"a.yaml": RULE, "synonyms.yaml": "schema: 1\nsynonyms:\n  安抚: [别急]\n  道歉: [$安抚, 抱歉]\n"}
    with pytest.raises(ConfigError, match=r"synonyms.yaml:4:3: .*a list of synonyms.yaml cannot hold another list"):
        rules.load(RuleFiles.from_texts(texts))
