"""Waiting, gaps, speed by language, loudness by second, sentiment by quarter."""

from __future__ import annotations

import dataclasses

import pytest

from qareport.analysis.metrics import level_curve
from qareport.model import AudioEvent, Emotion
from tests.support.calls import AGENT, CUSTOMER, analyse, say

MUSIC = (AudioEvent.BGM,)


def test_hold_music_is_a_hold_and_no_silence() -> None:
    result = analyse(
        say(0, 2, AGENT, "请稍等"), say(2.1, 20, AGENT, "", None, events=MUSIC), say(20.5, 22, AGENT, "久等了")
    )
    assert result.silences == ()
    assert [(hold.start_ms, hold.end_ms, hold.music) for hold in result.metrics.holds] == [(2100, 20_000, True)]
    assert [(gap.start_ms, gap.end_ms) for gap in result.metrics.gaps] == [(2000, 20_500)]


def test_what_is_left_of_a_pause_beside_the_music_is_a_silence() -> None:
    result = analyse(say(0, 2, AGENT, "好"), say(5, 9, AGENT, "", None, events=MUSIC), say(12, 13, CUSTOMER, "喂"))
    assert [(gap.start_ms, gap.end_ms) for gap in result.silences] == [(2000, 5000), (9000, 12_000)]


def test_a_long_pause_is_a_hold_only_when_the_agent_announced_it() -> None:
    announced = analyse(say(0, 2, AGENT, "我帮您查一下，请稍等"), say(9, 10, AGENT, "查到了"))
    assert [(hold.start_ms, hold.end_ms, hold.music) for hold in announced.metrics.holds] == [(2000, 9000, False)]
    assert len(announced.silences) == 1
    assert analyse(say(0, 2, AGENT, "嗯"), say(9, 10, AGENT, "查到了")).metrics.holds == ()


@pytest.mark.parametrize("announcement", ["请您不要挂断电话", "麻烦您稍等"])
def test_a_customer_who_agrees_to_wait_does_not_end_the_hold(announcement: str) -> None:
    asked = say(0, 2, AGENT, announcement)
    agreed = analyse(asked, say(2.2, 3.5, CUSTOMER, "好的，可以", acts="accept"), say(12, 13, AGENT, "查到了"))
    assert [(hold.start_ms, hold.end_ms) for hold in agreed.metrics.holds] == [(3500, 12_000)]
    wants = analyse(asked, say(2.2, 3.5, CUSTOMER, "要多久", acts="ask"), say(12, 13, AGENT, "查到了"))
    assert wants.metrics.holds == ()


def test_talk_over_music_is_talk() -> None:
    result = analyse(say(0, 2, AGENT, "您好", events=MUSIC), say(2, 8, CUSTOMER, "你好", events=MUSIC))
    assert (result.metrics.holds, result.metrics.talk_ms) == ((), 8000)


def test_gaps_and_talk_fill_the_call() -> None:
    metrics = analyse(say(1, 2, AGENT, "一"), say(1.5, 4, CUSTOMER, "二"), say(4.2, 5, AGENT, "三"), duration=9).metrics
    assert sum(gap.end_ms - gap.start_ms for gap in metrics.gaps) == metrics.non_talk_ms == 5200


def test_english_is_counted_in_words_apart_from_the_characters() -> None:
    role = analyse(
        say(0, 6, AGENT, "您好请问有什么可以帮您"), say(6, 12, AGENT, "how can i help you today")
    ).metrics.roles["agent"]
    assert (role.characters_per_minute, role.words_per_minute) == (110.0, 60.0)


def test_interruptions_tell_how_long_both_spoke() -> None:
    metrics = analyse(say(0, 6, CUSTOMER, "我上周下的单"), say(4, 8, AGENT, "您先听我说")).metrics
    assert metrics.interruption_ms == {"customer": 0, "agent": 2000}


def test_the_loudness_curve_has_one_level_a_second_and_none_where_nothing_is_said() -> None:
    loud = dataclasses.replace(say(0, 1.5, AGENT, "一"), loudness_dbfs=-20.0)
    quiet = dataclasses.replace(say(1.5, 2, AGENT, "二"), loudness_dbfs=-40.0)
    late = dataclasses.replace(say(4, 4.5, AGENT, "三"), loudness_dbfs=-30.0)
    assert level_curve([loud, quiet, late]) == (-20.0, pytest.approx(-23.0, abs=0.05), None, None, -30.0)
    assert level_curve([say(0, 1, AGENT, "一")]) == ()


def test_the_loudness_curve_of_a_role_is_that_of_its_segments() -> None:
    loud = dataclasses.replace(say(0, 2, AGENT, "您好"), loudness_dbfs=-21.5)
    assert analyse(loud).metrics.roles["agent"].loudness_curve == (-21.5, -21.5)


def test_sentiment_is_weighted_by_time_and_told_by_quarter() -> None:
    metrics = analyse(
        say(0, 10, CUSTOMER, "一", Emotion.HAPPY),
        say(10, 20, AGENT, "二", None),
        say(20, 30, CUSTOMER, "三", Emotion.NEUTRAL),
        say(30, 40, CUSTOMER, "四", Emotion.ANGRY),
    ).metrics
    assert metrics.roles["customer"].sentiment == 0.0
    assert metrics.roles["customer"].sentiment_quarters == (5.0, None, 0.0, -5.0)
    assert metrics.roles["agent"].sentiment is None
