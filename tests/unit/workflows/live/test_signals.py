"""What is noticed at once: by final sentences, by two readings of an open one, and by silence."""

from __future__ import annotations

from dataclasses import replace

from qareport.model import Emotion, Role, Segment, Signal
from qareport.workflows.live.signals import (
    anger_in_partials,
    common_start,
    in_common_start,
    in_finals,
    in_silence,
)
from tests.support.calls import AGENT, CUSTOMER, say

ANGRY = {"ANGRY": 0.9}


def found(*segments: Segment, since: int = -1) -> list[Signal]:
    return [noticed.signal for noticed in in_finals(segments, since, 0.6)]


def test_final_sentences_tell_anger_threats_giving_up_irony_and_evasions() -> None:
    assert found(say(0, 2, CUSTOMER, "气死了", Emotion.ANGRY, scores=ANGRY)) == [Signal.ANGER]
    assert found(say(0, 2, CUSTOMER, "好吧", Emotion.ANGRY, scores={"ANGRY": 0.5})) == []
    assert found(say(0, 2, AGENT, "别吵", Emotion.ANGRY, scores=ANGRY)) == []
    assert found(say(0, 2, CUSTOMER, "我要投诉", acts="threaten")) == [Signal.ESCALATION]
    assert found(say(0, 2, CUSTOMER, "算了", acts="give_up sarcasm")) == [Signal.CHURN, Signal.IRONY]
    assert found(say(0, 2, AGENT, "请您耐心等待", acts="evade")) == [Signal.NO_ANSWER]
    assert found(say(0, 2, CUSTOMER, "我要投诉", acts="threaten"), since=2000) == []


def test_of_a_speaker_who_is_not_known_anger_is_somebodys_and_nothing_blames_the_agent() -> None:
    unknown = Role.UNKNOWN
    angry = say(0, 2, unknown, "气死了", Emotion.ANGRY, scores=ANGRY)
    noticed = [*in_finals([angry], -1, 0.6), anger_in_partials([angry, angry], 0.6)]
    assert [each and (each.signal, each.speaker) for each in noticed] == [(Signal.ANGER, unknown)] * 2
    for acts in ("evade", "threaten", "give_up sarcasm"):
        assert found(say(0, 2, unknown, "请您耐心等待", acts=acts)) == []
    assert in_silence([say(0, 2, unknown, "什么时候发货？", acts="ask")], 60_000, 2000) is None
    assert in_silence([say(0, 2, unknown, "请稍等", acts="hold")], 60_000, 2000) is None


def test_an_open_sentence_is_angry_when_two_readings_in_a_row_are() -> None:
    angry = say(0, 1, CUSTOMER, "你们", Emotion.ANGRY, scores=ANGRY)
    calm = replace(angry, emotion=Emotion.NEUTRAL)
    assert anger_in_partials([angry], 0.6) is None
    assert anger_in_partials([angry, calm, angry], 0.6) is None
    noticed = anger_in_partials([calm, angry, angry], 0.6)
    assert noticed is not None
    assert noticed.signal is Signal.ANGER


def test_words_of_an_open_sentence_count_as_far_as_two_readings_agree() -> None:
    first, second = say(0, 1, CUSTOMER, "我要投数，"), say(0, 2, CUSTOMER, "我要投诉你们。")
    start = common_start([first, second])
    assert start is not None
    assert start.text == "我要投"
    assert common_start([first]) is None
    assert common_start([first, say(0, 2, CUSTOMER, "好")]) is None
    threat = replace(start, acts=say(0, 1, CUSTOMER, "x", acts="threaten").acts)
    assert [noticed.signal for noticed in in_common_start(threat)] == [Signal.ESCALATION]


def test_a_customer_who_asked_and_hears_nothing_waits() -> None:
    ask = say(0, 2, CUSTOMER, "什么时候发货？", acts="ask")
    assert in_silence([ask], 4000, 2000) is None
    noticed = in_silence([ask], 4100, 2000)
    assert noticed is not None
    assert (noticed.signal, noticed.at_ms, noticed.quote) == (Signal.WAITING, 2000, "什么时候发货？")
    assert in_silence([say(0, 2, CUSTOMER, "好的", acts="accept")], 9000, 2000) is None
    assert in_silence([], 9000, 2000) is None


def test_who_was_asked_to_hold_waits_until_it_is_too_long() -> None:
    ask, hold = say(0, 2, CUSTOMER, "在吗？", acts="ask"), say(3, 4, AGENT, "请稍等", acts="hold")
    yes = say(4.5, 5, CUSTOMER, "查到了吗", acts="ask")
    assert in_silence([ask, hold], 20_000, 2000) is None
    assert in_silence([ask, hold, yes], 20_000, 2000) is None
    for spoken in ([ask, hold], [ask, hold, yes]):
        noticed = in_silence(spoken, 40_000, 2000)
        assert noticed is not None
        assert noticed.signal is Signal.HOLD
