"""`customer says` and negation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.calls import CUSTOMER, say
from tests.support.rule_texts import hits


@pytest.mark.parametrize(
    ("when", "text", "expected"),
    [
        ("{customer says: [退款]}", "我不要退款", False),
        ("{customer says: [退款]}", "要不要退款", True),
        ("{customer says: [退款]}", "没有，我要退款", True),
        ("{customer says: [退款]}", "我不要退款，不对，我要退款", True),
        ("{customer says: [不发货]}", "你们怎么还不发货", True),
        ("{customer says: {any: [退款], negated: true}}", "我不要退款", True),
        ("{customer says: {any: [退款], negated: true}}", "我要退款", False),
        ("{customer says: {any: [退款], negated: either}}", "我不要退款", True),
        ("{customer says: {any: [退款], negated: any}}", "我要退款", True),
        ("{customer says: {all: [昨天, 退款]}}", "昨天说了不退款", False),
        ("{customer says: {any: [退款, 投诉], at_least: 2}}", "不退款我就投诉", False),
        ("{customer says: {any: [退款], sounds_like: true}}", "我不要退宽", False),
        ("{customer says: {like: [我要退款], similarity: 0.5}}", "我不要退款", False),
        ("{customer says: {like: [我不要退款], similarity: 0.5}}", "我不想要退款", True),
        ("{customer says: {like: [我要退款], similarity: 0.5, negated: true}}", "我不要退款", True),
        ("{customer says: {like: [我要退款], similarity: 0.5, negated: either}}", "我不要退款", True),
        ("{customer says: {exact: [不要退款]}}", "不要退款。", True),
        ("{customer says: {regex: '退.{0,2}款'}}", "我不要退款", True),
        ("{customer says: {regex: '退.{0,2}款', except: [不退款]}}", "我不退款", False),
        ("{customer says: {regex: '退.{0,2}款', except: [不退款]}}", "不退款？我要退款", True),
        ("{customer says: {like: 我要退款, similarity: 0.4, negated: any, except: [不要退款]}}", "我不要退款", False),
        ("{customer says: {exact: [不退款], except: [不退款]}}", "不退款", False),
    ],
)  # fmt: skip
def test_a_word_that_is_denied_counts_only_where_the_rule_says_so(
    tmp_path: Path, when: str, text: str, expected: bool
) -> None:
    assert bool(hits(tmp_path, when, say(3, 5, CUSTOMER, text))) is expected
