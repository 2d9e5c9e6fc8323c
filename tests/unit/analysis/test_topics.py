"""`config/topics.yaml`: what it may say, and how it answers what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.analysis import analyse as analyse_call
from qareport.analysis import load_topics
from qareport.errors import ConfigError
from qareport.model import MomentKind
from qareport.rules import load as load_rules
from qareport.settings import AnalysisSettings
from qareport.text.wordlist import WordList
from tests.support.calls import CUSTOMER, TOPICS, analyse, call, say
from tests.support.paths import ROOT

SHIPPED = (ROOT / "config" / "topics.yaml").read_text(encoding="utf-8")


def test_the_shipped_file_knows_the_topics_of_the_guide() -> None:
    assert [topic.name for topic in TOPICS.topics] == [
        "物流延迟", "物流查询", "发错漏发", "尺码不符", "质量", "退换货", "退款", "价格", "发票", "订单修改",
        "安装维修", "商品咨询", "账户支付", "客服响应慢",
    ]  # fmt: skip


def test_two_readings_of_one_file_are_equal_and_look_equal() -> None:
    again = load_topics(ROOT / "config" / "topics.yaml")
    assert (again, repr(again)) == (TOPICS, repr(TOPICS))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  distrust:", "  distrst:", "did you mean 'distrust'"),
        ("schema: 1", "schema: 2", "schema: got 2"),
        ("    any: [压单,", "    any: []\n    x: [压单,", "any: got []"),
        ("    any: [压单,", "    any: ['  ',", "words, not a blank"),
        ("  - name: 退款\n", "  - name: 价格\n", "topics: '价格' is given twice"),
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


def test_the_old_name_of_call_stages_is_read_and_both_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(SHIPPED.replace("\ncall_stages:", "\nstages:"), encoding="utf-8")
    assert load_topics(path) == TOPICS
    path.write_text(f"{SHIPPED}\nstages:\n  - name: 甲\n    keywords: [乙]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key 'stages'; did you mean 'call_stages'"):
        load_topics(path)


def test_stages_of_the_call_and_of_the_order_share_no_name_and_each_file_names_the_other() -> None:
    of_order = load_rules(ROOT / "config" / "rules").stages
    assert of_order
    assert {stage.name for stage in TOPICS.stages}.isdisjoint(of_order)
    assert "rules/synonyms.yaml" in SHIPPED
    assert "topics.yaml" in (ROOT / "config" / "rules" / "synonyms.yaml").read_text(encoding="utf-8")


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
        ("帮我催个单", "物流延迟"), ("都三天了还没寄出来", "物流延迟"), ("我的东西到哪儿了", "物流查询"),
        ("发什么快递", "物流查询"), ("where is my order", "物流延迟"), ("给我发错颜色了", "发错漏发"),
        ("鞋子大了一码", "尺码不符"), ("it doesn't fit me", "尺码不符"), ("我想退掉", "退换货"),
        ("能不能换个颜色", "退换货"), ("钱还没退", "退款"), ("刚买就降价了", "价格"), ("屏幕碎了", "质量"),
        ("专票能开吗", "发票"), ("帮我取消订单", "订单修改"), ("师傅哪天来装", "安装维修"),
        ("会员登不上去", "账户支付"),
        ("打了一上午电话没人接", "客服响应慢"), ("nobody answered", "客服响应慢"),
    ],
)  # fmt: skip
def test_a_topic_is_mentioned_in_many_words(text: str, issue: str) -> None:
    assert issue in issues(text)


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("灰色的羽绒服，大码", "尺码不符"), ("等的时间太长了", "尺码不符"), ("帮我换个人来说", "退换货"),
        ("我要退款", "退换货"), ("优惠券用不了", "质量"), ("刚才电话断了", "质量"), ("退款还没到账", "物流延迟"),
        ("我的罚票呢", "发票"), ("会不会掉色", "质量"),
    ],
)  # fmt: skip
def test_a_word_that_only_looks_or_sounds_like_a_topic_is_none(text: str, issue: str) -> None:
    assert issue not in issues(text)


def test_a_topic_may_be_known_by_sound_where_its_list_says_so(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    tolerant = SHIPPED.replace("  - name: 发票\n", "  - name: 发票\n    sounds_like: true\n", 1)
    path.write_text(tolerant, encoding="utf-8")
    result = analyse_call(call(say(0, 2, CUSTOMER, "我的罚票呢")), AnalysisSettings(), load_topics(path))
    assert [(issue.name, issue.fuzzy) for issue in result.issues] == [("发票", True)]


def issues(text: str) -> set[str | None]:
    moments = analyse(say(0, 2, CUSTOMER, text)).moments
    return {moment.issue for moment in moments if moment.kind is MomentKind.TOPIC_MENTION}
