"""The gate before anything is learned from a call: was it solved?"""

from __future__ import annotations

import pytest

from qareport.analysis.solved import is_solved
from qareport.model import Emotion, Segment
from tests.support.calls import AGENT, CUSTOMER, say

ASK = say(0, 2, CUSTOMER, "退货的运费谁出", acts="ask")
ANSWER = say(3, 5, AGENT, "七天内退货运费由我们承担", acts="answer")
THANK = say(6, 7, CUSTOMER, "好的谢谢", acts="accept thank")


def solved(*segments: Segment) -> bool:
    return is_solved(segments)


def test_thanks_after_an_answer_say_that_it_was_solved() -> None:
    assert solved(ASK, ANSWER, THANK)


def test_a_calm_customer_who_goes_on_contented_needs_no_thanks() -> None:
    assert solved(ASK, ANSWER, say(6, 7, CUSTOMER, "嗯，那我去申请", acts="inform"))


@pytest.mark.parametrize(
    "last",
    [
        say(6, 8, CUSTOMER, "那运费险呢", acts="ask"),
        say(6, 8, CUSTOMER, "那我不要了，谢谢啊", acts="give_up"),
        say(6, 8, CUSTOMER, "你们可真会做生意", acts="sarcasm"),
        say(6, 8, CUSTOMER, "试了还是不行，谢谢", acts="inform thank"),
        say(6, 8, CUSTOMER, "什么破规矩", Emotion.ANGRY, acts="complain"),
    ],
    ids=["asks on", "gives up", "is ironic", "in vain", "is angry"],
)
def test_a_call_that_ends_otherwise_was_not_solved(last: Segment) -> None:
    assert not solved(ASK, ANSWER, last)


def test_who_was_only_put_off_was_not_helped_however_polite() -> None:
    put_off = say(3, 5, AGENT, "我给您反馈，有结果尽快联系您", acts="promise answer")
    assert not solved(ASK, put_off, THANK)


def test_an_evasion_stays_open_until_the_customer_is_content() -> None:
    evades = say(3, 5, AGENT, "这个您看一下页面吧", acts="evade")
    assert not solved(ASK, evades, say(6, 7, CUSTOMER, "谢谢", acts="thank"))
    again = say(7, 8, CUSTOMER, "我问的是运费谁出", acts="ask_again")
    assert solved(
        ASK,
        evades,
        again,
        say(9, 11, AGENT, "运费由我们承担", acts="answer"),
        say(12, 13, CUSTOMER, "谢谢你", acts="thank"),
    )


def test_a_customer_who_calms_down_counts_although_the_help_is_still_to_come() -> None:
    angry = say(0, 2, CUSTOMER, "等了三天没人来装", Emotion.ANGRY, acts="complain")
    offer = say(3, 5, AGENT, "我换一位师傅，四十分钟内到，上门费给您免了", acts="offer promise")
    assert solved(angry, offer, say(6, 8, CUSTOMER, "这还像句话，我不气了", acts="calm"))


def test_a_call_without_an_answer_was_not_solved() -> None:
    assert not solved(THANK)
    assert not solved()
