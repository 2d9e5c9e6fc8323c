"""`config/topics.yaml`: what it may say, and how it answers what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.analysis import load_topics
from qareport.errors import ConfigError
from qareport.model import MomentKind
from qareport.text.wordlist import WordList
from tests.support.calls import CUSTOMER, TOPICS, analyse, say
from tests.support.paths import ROOT

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


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("帮我催个单", "物流延迟"), ("都三天了还没寄出来", "物流延迟"), ("我的东西到哪儿了", "物流延迟"),
        ("几天了还没发", "物流延迟"), ("什么时候能送过来", "物流延迟"), ("where is my order", "物流延迟"),
        ("鞋子大了两码", "尺码不符"), ("腰围太紧了", "尺码不符"), ("it doesn't fit me", "尺码不符"),
        ("我想退掉", "退换货运费"), ("能不能换个颜色", "退换货运费"), ("I want to return it", "退换货运费"),
        ("钱还没退", "退款"), ("退我钱", "退款"), ("怎么比别家贵", "价格"),
        ("屏幕碎了", "质量"), ("充不进电", "质量"), ("洗一次就掉毛", "质量"), ("it doesn't work", "质量"),
        ("打了一上午电话没人接", "客服响应慢"), ("我打了五遍电话", "客服响应慢"), ("nobody answered", "客服响应慢"),
    ],
)  # fmt: skip
def test_an_issue_is_known_in_other_words(text: str, issue: str) -> None:
    assert issue in issues(text)


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("灰色的羽绒服，大码", "尺码不符"), ("我要一件小码的", "尺码不符"), ("等的时间太长了", "尺码不符"),
        ("帮我换个人来说", "退换货运费"), ("我要退款", "退换货运费"), ("优惠券用不了", "质量"),
        ("刚才电话断了", "质量"), ("单号是YT7734512098761", "物流延迟"),
        ("配送费多少", "物流延迟"), ("退款还没到账", "物流延迟"),
    ],
)  # fmt: skip
def test_a_word_that_only_looks_like_an_issue_is_none(text: str, issue: str) -> None:
    assert issue not in issues(text)


@pytest.mark.parametrize("text", ["我要发到抖音上", "我打12345", "我去法院告你们", "I will report you", "我要举报"])
def test_the_public_and_the_courts_are_an_escalation(text: str) -> None:
    assert MomentKind.ESCALATION in kinds(text)


@pytest.mark.parametrize("text", ["那我不想要了", "帮我取消", "我去别的店买", "拉倒吧", "I will buy it somewhere else"])
def test_giving_up_has_many_words(text: str) -> None:
    assert MomentKind.CHURN_SIGNAL in kinds(text)


def issues(text: str) -> set[str | None]:
    moments = analyse(say(0, 2, CUSTOMER, text)).moments
    return {moment.issue for moment in moments if moment.kind is MomentKind.TOPIC_MENTION}


def kinds(text: str) -> set[MomentKind]:
    return {moment.kind for moment in analyse(say(0, 2, CUSTOMER, text)).moments}
