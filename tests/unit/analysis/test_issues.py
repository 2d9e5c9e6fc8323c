"""Topics and stages: several a call, each with its words, and none where nothing is said."""

from __future__ import annotations

import dataclasses

import pytest

from qareport.model import Analysis, Role, TopicScore
from tests.support.calls import AGENT, CUSTOMER, analyse, analyse_transcript, call, say


def names(result: Analysis) -> tuple[list[str], list[str]]:
    return [issue.name for issue in result.issues], [stage.name for stage in result.stages]


def claimed(*names: str) -> tuple[TopicScore, ...]:
    return tuple(TopicScore(name=name) for name in names)


def test_issues_are_what_a_reader_claims_and_then_what_sure_words_name_each_with_its_words() -> None:
    transcript = call(
        say(0, 2, CUSTOMER, "我那件衣服退款呢"),
        say(3, 5, CUSTOMER, "发票也没开"),
        say(6, 8, CUSTOMER, "发票到底开不开"),
    )
    result = analyse_transcript(dataclasses.replace(transcript, topics=claimed("退款")))
    assert names(result)[0] == ["退款", "发票"]
    assert [evidence.quote for evidence in result.issues[0].evidence] == ["我那件衣服退款呢"]
    assert [evidence.quote for evidence in result.issues[1].evidence] == ["发票也没开", "发票到底开不开"]


def test_a_claim_without_its_words_is_shown_where_the_customer_complains_demands_or_asks() -> None:
    transcript = call(
        say(0, 2, CUSTOMER, "我上周买的", acts="inform"), say(3, 5, CUSTOMER, "那个东西到现在没影", acts="complain")
    )
    (issue,) = analyse_transcript(dataclasses.replace(transcript, topics=claimed("物流延迟"))).issues
    assert [evidence.quote for evidence in issue.evidence] == ["那个东西到现在没影"]


@pytest.mark.parametrize("text", ["发什么货都行", "质量应该没问题吧", "退款的事我知道了", "那优惠券还在吧"])
def test_a_word_in_passing_is_no_topic(text: str) -> None:
    assert names(analyse(say(0, 2, CUSTOMER, text)))[0] == []


@pytest.mark.parametrize(
    ("role", "text", "stages"),
    [
        (CUSTOMER, "我的单子怎么还没发货", ["发货前"]),
        (CUSTOMER, "快递员说在路上", ["派送中"]),
        (CUSTOMER, "收到货一打开就是坏的", ["收货后"]),
        (CUSTOMER, "我寄回去了", ["退货时"]),
        (CUSTOMER, "我是第一次打这个电话", ["首次接入"]),
        (AGENT, "我帮您转接到售后", ["转接后"]),
        (CUSTOMER, "收到货不合适想退货", ["收货后", "退货时"]),
        (CUSTOMER, "你好在吗", []),
        (AGENT, "收到了您的信息", []),
        (CUSTOMER, "钱还没到账", []),
        (CUSTOMER, "显示已签收，我没有收到货", []),
        (CUSTOMER, "还没拿到手呢", []),
        (CUSTOMER, "我還沒收到貨", []),
        (CUSTOMER, "幾時發貨", ["发货前"]),
    ],
)
def test_a_stage_is_what_is_said_and_unknown_stays_unknown(role: Role, text: str, stages: list[str]) -> None:
    assert sorted(names(analyse(say(0, 2, role, text)))[1]) == sorted(stages)


def test_only_the_customer_names_an_issue() -> None:
    assert names(analyse(say(0, 2, AGENT, "您是要开发票吗")))[0] == []
