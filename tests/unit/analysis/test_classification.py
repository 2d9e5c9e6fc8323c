"""Issue types and stages: several a call, each with its words, and none where nothing is said."""

from __future__ import annotations

import pytest

from qareport.model import Analysis, Role
from tests.support.calls import AGENT, CUSTOMER, analyse, say


def names(result: Analysis) -> tuple[list[str], list[str]]:
    return [issue.name for issue in result.issues], [stage.name for stage in result.stages]


def test_a_call_has_several_issues_the_most_spoken_of_first_each_with_its_words() -> None:
    result = analyse(
        say(0, 2, CUSTOMER, "我买的价格太贵"),
        say(3, 5, CUSTOMER, "发票也没开"),
        say(6, 8, CUSTOMER, "发票到底开不开"),
    )
    assert names(result)[0] == ["发票", "价格"]
    assert [evidence.quote for evidence in result.issues[0].evidence] == ["发票也没开", "发票到底开不开"]


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
    ],
)
def test_a_stage_is_what_is_said_and_unknown_stays_unknown(role: Role, text: str, stages: list[str]) -> None:
    assert sorted(names(analyse(say(0, 2, role, text)))[1]) == sorted(stages)


def test_only_the_customer_names_an_issue() -> None:
    assert names(analyse(say(0, 2, AGENT, "您是要开发票吗")))[0] == []


def test_an_issue_known_by_sound_alone_says_so() -> None:
    assert [issue.fuzzy for issue in analyse(say(0, 2, CUSTOMER, "我的罚票呢")).issues] == [True]
    both = analyse(say(0, 2, CUSTOMER, "我的罚票呢"), say(3, 4, CUSTOMER, "发票"))
    assert [issue.fuzzy for issue in both.issues] == [False]
