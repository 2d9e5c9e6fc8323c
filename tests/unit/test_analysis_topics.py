"""`config/topics.yaml`: what it may say, and how it answers what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.analysis import load_topics
from qareport.errors import ConfigError
from qareport.words import WordList
from tests.unit.test_analysis_example import ROOT, TOPICS

SHIPPED = (ROOT / "config" / "topics.yaml").read_text(encoding="utf-8")


def test_the_shipped_file_knows_the_issue_types_of_the_product() -> None:
    assert [topic.name for topic in TOPICS.topics] == [
        "物流延迟", "尺码不符", "退换货运费", "退款", "价格", "质量", "发票", "客服响应慢",
    ]  # fmt: skip


def test_two_readings_of_one_file_are_equal_and_look_equal() -> None:
    again = load_topics(ROOT / "config" / "topics.yaml")
    assert (again, repr(again)) == (TOPICS, repr(TOPICS))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  churn:", "  chrun:", "did you mean 'churn'"),
        ("schema: 1", "schema: 2", "schema: got 2"),
        ("    any: [呵呵, 呵, 哈哈, 嘿嘿, 哼, haha]", "    any: []", "any: got []"),
        ("    any: [呵呵, 呵, 哈哈, 嘿嘿, 哼, haha]", "    any: ['  ']", "words, not a blank"),
        ("  - name: 退款\n", "  - name: 价格\n", "topic '价格' is given twice"),
        ("  - name: 退款\n", "  - title: 退款\n", "'name' is missing"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SHIPPED
    path = tmp_path / "topics.yaml"
    path.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_topics(path)
    assert message in str(raised.value)
    assert f"{path}:" in str(raised.value)


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_topics(tmp_path / "topics.yaml")


def test_an_exception_hides_the_word_inside_it_and_no_other() -> None:
    words = WordList(("算了", "不要了"), ("算了一下", "要不要了解"))
    assert words.find("我算了一下") is None
    assert words.find("我算了一下还是不要了") == "不要了"


def test_the_longest_word_is_found_as_the_list_spells_it() -> None:
    assert WordList(("退货", "退货 运费", "Refund")).find("退货运费谁出") == "退货 运费"
    assert WordList(("Refund",)).find("i want a refund") == "Refund"
    assert WordList(("Refund",)).find("refunded") is None
