"""Silences that tell something, and pauses in which somebody works."""

from __future__ import annotations

import pytest

from qareport.model import Moment, MomentKind, MomentLabel, Segment
from tests.support.calls import AGENT, CUSTOMER, analyse, say


def silences(*segments: Segment, duration: float | None = None) -> list[Moment]:
    return [moment for moment in analyse(*segments, duration=duration).moments if moment.kind is MomentKind.SILENCE]


ASK = say(0, 2, CUSTOMER, "今天到底来不来", acts="ask")


def test_a_question_that_is_met_with_silence_and_evasion_is_the_agents() -> None:
    (silence,) = silences(ASK, say(5, 6, AGENT, "您再等等", acts="evade"))
    assert (silence.at_ms, silence.end_ms, silence.role) == (2000, 5000, AGENT)
    assert (silence.label_code, silence.quote, silence.tags) == (
        MomentLabel.NOBODY_SPEAKS,
        "今天到底来不来",
        ("SILENCE",),
    )


@pytest.mark.parametrize("acts", ["ask_again", "complain", "small", "threaten"])
def test_a_customer_who_speaks_again_into_the_silence_was_not_answered(acts: str) -> None:
    assert len(silences(ASK, say(5, 6, CUSTOMER, "喂？", acts=acts))) == 1


def test_a_question_at_the_end_of_the_call_that_nobody_answers_tells() -> None:
    assert [silence.at_ms for silence in silences(ASK, duration=9)] == [2000]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(say(5, 6, AGENT, "来的，六点前", acts="answer"), id="the agent worked and answers"),
        pytest.param(say(5, 6, CUSTOMER, "哦看到了", acts="inform"), id="the customer was busy"),
        pytest.param(say(5, 6, AGENT, "嗯"), id="nothing is known"),
        pytest.param(say(3.5, 6, AGENT, "您再等等", acts="evade"), id="a short pause"),
    ],
)
def test_other_pauses_after_a_question_tell_nothing(after: Segment) -> None:
    assert silences(ASK, after) == []


HOLD = say(0, 2, AGENT, "您稍等，我查一下", acts="hold")
ASKED_MEANWHILE = say(2.5, 3, CUSTOMER, "我问来不来", acts="ask")


def test_an_announced_pause_tells_nothing() -> None:
    assert silences(HOLD, say(9, 11, CUSTOMER, "还没好吗", acts="complain")) == []
    assert silences(HOLD, ASKED_MEANWHILE, say(9, 10, CUSTOMER, "喂", acts="small")) == []


def test_an_announced_pause_in_which_the_customer_asks_and_must_ask_again_tells() -> None:
    assert len(silences(HOLD, ASKED_MEANWHILE, say(9, 10, CUSTOMER, "还在不，得等多久", acts="ask"))) == 1


def test_an_agent_who_at_last_speaks_of_something_else_left_the_question_unanswered() -> None:
    assert len(silences(ASK, say(5, 6, AGENT, "您的单号报一下", acts="ask_info"))) == 1


def test_a_customer_who_calls_into_the_silence_was_not_heard() -> None:
    said = say(0, 2, CUSTOMER, "就是正跟你说的这个", acts="inform")
    assert len(silences(said, say(5, 6, CUSTOMER, "喂？喂？", acts="small"))) == 1
    assert silences(say(0, 2, CUSTOMER, "喂", acts="small"), say(5, 6, CUSTOMER, "喂？", acts="small")) == []


@pytest.mark.parametrize(
    ("before", "after", "tells"),
    [
        pytest.param("answer", "ask", True, id="an answer that brings the same question up again"),
        pytest.param("evade", "inform", True, id="an evasion that is swallowed"),
        pytest.param("evade", "thank", False, id="thanks"),
        pytest.param("ask_info", "ask", False, id="looking for what was asked"),
        pytest.param("answer", "accept", False, id="thinking it over"),
    ],
)
def test_the_customers_own_silence_tells_unless_the_customer_is_content_or_busy(
    before: str, after: str, *, tells: bool
) -> None:
    found = silences(say(0, 2, AGENT, "您问问送货的吧", acts=before), say(6, 8, CUSTOMER, "就想知道来不来", acts=after))
    assert len(found) == tells


def test_a_customer_who_falls_silent_after_a_refusal_and_gives_up_is_a_grave_moment() -> None:
    result = analyse(say(0, 2, AGENT, "退不了的", acts="refuse"), say(6, 8, CUSTOMER, "那算了，不要了", acts="give_up"))
    told = [moment for moment in result.moments if moment.salience > 0]
    assert [(moment.kind, moment.role, moment.label_code, moment.quote, moment.salience) for moment in told] == [
        (MomentKind.SILENCE, CUSTOMER, MomentLabel.GIVE_UP, "退不了的", 95)
    ]
    assert [moment.at_ms for moment in result.moments if moment.kind is MomentKind.CHURN_SIGNAL] == [6000]


def test_a_customer_who_is_upset_after_a_silence_of_their_own_is_told_and_one_who_thinks_is_not() -> None:
    evaded = say(0, 2, AGENT, "看仓库安排", acts="evade")
    (silence,) = silences(evaded, say(6, 8, CUSTOMER, "你们真行", acts="sarcasm"))
    assert (silence.role, silence.label_code) == (CUSTOMER, MomentLabel.FALLS_SILENT)
    assert silences(say(0, 2, AGENT, "点右上角", acts="answer"), say(6, 8, CUSTOMER, "点好了", acts="inform")) == []
