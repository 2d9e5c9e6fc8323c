"""What a negation before a word denies, and what only looks like one."""

from __future__ import annotations

import pytest

from qareport.text.negation import asks, begins_negated, has_negation, is_negated


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("我不要退款", "退款"), ("没有申请退款", "退款"), ("没说要退款", "退款"), ("无需退款", "退款"),
        ("不太想退款", "退款"), ("不需要您提供密码", "提供"), ("不用您找快递", "找快递"), ("别投诉", "投诉"),
        ("我不会投诉你的", "投诉"), ("从来不给差评", "差评"), ("不是假货", "假货"), ("还没退货呢", "退货"),
        ("唔使退款", "退款"), ("未发货", "发货"),
        # With the one it is done for, or by.
        ("不用给我退款", "退款"), ("别给我退款", "退款"), ("没有给我们退款", "退款"), ("不帮我退款", "退款"),
        # Not allowed, not able, nobody does it.
        ("不支持退款", "退款"), ("不同意给我退款", "退款"), ("不愿意退款", "退款"), ("不予退款", "退款"),
        ("不可能给我退款", "退款"), ("没办法退款", "退款"), ("没人给我退款", "退款"), ("无权退款", "退款"),
        ("不着急退款", "退款"), ("不是要退款", "退款"),
        # Not much, not in time.
        ("不是很满意", "满意"), ("没那么满意", "满意"), ("谈不上满意", "满意"), ("用不着退款", "退款"),
        ("不按时发货", "发货"), ("没准时送到", "送到"),
        # Asked, come for, never.
        ("没让你退款", "退款"), ("不是来投诉的", "投诉"), ("不曾退款", "退款"),
        ("不用您自己联系快递", "联系"),
        ("i don't want a refund", "refund"), ("no refund", "refund"), ("without the refund", "refund"),
    ],
)  # fmt: skip
def test_what_follows_a_negation_is_denied(text: str, word: str) -> None:
    assert is_negated(text, text.index(word))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("我要退款", "退款"), ("要不要退款", "退款"), ("是不是要退款", "退款"), ("有没有发货", "发货"),
        ("能不能给我退款", "退款"), ("可不可以退款", "退款"), ("会不会掉色", "掉色"), ("不仅退款", "退款"),
        ("不但要投诉", "投诉"), ("没想到退款", "退款"), ("不得不投诉", "投诉"), ("不能不退款", "退款"),
        ("没有不退款", "退款"), ("特别想退款", "退款"), ("别家便宜", "便宜"), ("对不起退款", "退款"),
        ("要不给我退款", "退款"), ("不发出来我要投诉", "投诉"), ("不是说要给我退款吗", "退款"),
        ("不知道退款要多久", "退款"), ("并非不退款", "退款"),
        ("i can't wait for the refund", "refund"), ("not only a refund", "refund"), ("a note on my refund", "refund"),
    ],
)  # fmt: skip
def test_questions_double_negation_and_words_that_look_alike_deny_nothing(text: str, word: str) -> None:
    assert not is_negated(text, text.rindex(word))


def test_a_comma_ends_what_is_denied() -> None:
    assert is_negated("不是要投诉", 3, "不是要投诉。")
    assert not is_negated("不是要投诉", 3, "不是，要投诉。")
    assert is_negated("i don't want a refund", 15, "I don't want a refund!")
    assert not is_negated("no refund", 3, "No, refund.")


def test_a_word_may_begin_with_a_negation_itself() -> None:
    assert begins_negated("不发货")
    assert begins_negated("没收到")
    assert not begins_negated("发货")
    assert not begins_negated("还没发货")


def test_half_of_a_question_is_no_negation() -> None:
    assert asks("请问是不是正品", 3, "请问是不是正品？")
    assert not asks("这不是正品", 1)
    assert not asks("是不是正品", 1, "是，不是正品")


def test_a_sentence_denies_something_or_nothing() -> None:
    assert [has_negation(text) for text in ("我不要退款", "没人接电话")] == [True, True]
    assert not any(map(has_negation, ("我要退款", "要不要退款", "不好意思我要退款")))
