"""Silences, turns, measures, emotion and trajectory."""

from __future__ import annotations

import pytest

from qareport import analysis
from qareport.analysis.emotion import valence
from qareport.model import (
    Emotion,
    MomentLabel,
    Role,
    RoleSource,
    Segment,
    TrajectoryState,
)
from qareport.text.wordlist import count_units, normalise
from tests.support.calls import AGENT, CUSTOMER, analyse, call, say

UNKNOWN = Role.UNKNOWN


def test_a_pause_counts_only_when_it_is_longer_than_the_threshold() -> None:
    result = analyse(say(0, 1, CUSTOMER, "喂"), say(2.2, 3, AGENT, "您好"), say(4.201, 5, CUSTOMER, "你好"))
    assert [(gap.start_ms, gap.end_ms, gap.after, gap.before, gap.last_said) for gap in result.silences] == [
        (3000, 4201, AGENT, CUSTOMER, "您好")
    ]


def test_no_pause_where_anyone_is_still_speaking() -> None:
    result = analyse(say(0, 9, CUSTOMER, "我跟你说"), say(1, 2, AGENT, "嗯"), say(8, 10, AGENT, "好的"))
    assert result.silences == ()


def test_the_edges_of_the_call_are_silent_only_when_its_length_is_known() -> None:
    words = say(3, 4, CUSTOMER, "喂")
    assert analyse(words).silences == ()
    edges = analyse(words, duration=10).silences
    assert [(gap.start_ms, gap.end_ms, gap.after, gap.before) for gap in edges] == [
        (0, 3000, None, CUSTOMER),
        (4000, 10_000, CUSTOMER, None),
    ]


def test_a_call_without_speech_says_so_and_has_no_measures_of_roles() -> None:
    result = analyse(duration=10)
    assert [note.code for note in result.notes] == ["no_speech"]
    assert result.metrics.roles == {}
    assert (result.metrics.duration_ms, result.metrics.talk_ms, result.metrics.non_talk_ms) == (10_000, 0, 10_000)
    assert result.metrics.first_response_ms is None


def test_segments_without_words_are_not_talk() -> None:
    assert analyse(say(0, 5, UNKNOWN, "  ")).metrics.talk_ms == 0


def test_talk_and_overlap_count_each_moment_once() -> None:
    metrics = analyse(say(0, 4, CUSTOMER, "一"), say(3, 6, AGENT, "二"), say(8, 9, AGENT, "三"), duration=10).metrics
    assert (metrics.talk_ms, metrics.overlap_ms, metrics.non_talk_ms) == (7000, 1000, 3000)


def test_the_agent_who_starts_while_the_customer_is_talking_interrupts() -> None:
    result = analyse(say(0, 6, CUSTOMER, "我上周下的单"), say(4, 8, AGENT, "您先听我说"))
    assert [(interruption.start_ms, interruption.end_ms, interruption.by) for interruption in result.interruptions] == [
        (4000, 6000, AGENT)
    ]
    assert result.metrics.interruptions == {"customer": 0, "agent": 1}


def test_a_short_yes_is_no_interruption() -> None:
    assert analyse(say(0, 6, CUSTOMER, "我上周下的单"), say(4, 4.4, AGENT, "嗯")).interruptions == ()


@pytest.mark.parametrize("words", ["嗯", "嗯嗯，对对对。", "好的好的", "是的，没错", "哦…", "Mm-hm, okay.", "係啊"])
def test_who_only_says_that_he_listens_does_not_interrupt_however_long(words: str) -> None:
    assert analyse(say(0, 9, CUSTOMER, "我上周下的单"), say(4, 6, AGENT, words)).interruptions == ()


@pytest.mark.parametrize("words", ["好了好了", "行了", "不对", "嗯，您先听我说", "好好听我说"])
def test_who_cuts_off_or_goes_on_after_it_does(words: str) -> None:
    result = analyse(say(0, 9, CUSTOMER, "我上周下的单"), say(4, 4.6, AGENT, words))
    assert [interruption.by for interruption in result.interruptions] == [AGENT]


def test_who_listens_and_then_interrupts_has_interrupted() -> None:
    result = analyse(say(0, 9, CUSTOMER, "我上周就下的单"), say(4, 4.6, AGENT, "嗯嗯"), say(5, 7, AGENT, "您先听我说"))
    assert [(found.start_ms, found.end_ms) for found in result.interruptions] == [(5000, 7000)]


def test_who_was_interrupted_and_only_goes_on_has_not_interrupted() -> None:
    result = analyse(say(0, 5, CUSTOMER, "我"), say(4, 9, AGENT, "您先听"), say(5.3, 8, CUSTOMER, "我还没说完"))
    assert [interruption.by for interruption in result.interruptions] == [AGENT]


def test_an_interruption_lasts_through_the_sentences_of_one_breath() -> None:
    result = analyse(
        say(0, 6, CUSTOMER, "我上周就下的单"), say(4, 5, AGENT, "您先听我说。"), say(5, 7, AGENT, "这个不归我们管"),
    )  # fmt: skip
    assert [(interruption.start_ms, interruption.end_ms, interruption.by) for interruption in result.interruptions] == [
        (4000, 6000, AGENT)
    ]


def test_response_delay_runs_from_the_customers_last_word_to_the_agents_first() -> None:
    metrics = analyse(
        say(0, 2, CUSTOMER, "在吗"),
        say(2.5, 4, CUSTOMER, "喂"),
        say(7, 8, AGENT, "在的"),
        say(8.2, 12, CUSTOMER, "什么时候发货"),
        say(11, 13, AGENT, "今天"),
    ).metrics
    assert (metrics.first_response_ms, metrics.median_response_ms, metrics.longest_response_ms) == (3000, 1500, 3000)


def monologue_of_customer(*segments: Segment) -> int:
    return analyse(*segments).metrics.roles["customer"].longest_monologue_ms


def test_a_monologue_goes_on_through_short_pauses_and_back_channels() -> None:
    assert (
        monologue_of_customer(
            say(0, 4, CUSTOMER, "我上周下的单"), say(3, 3.6, AGENT, "嗯"), say(6, 10, CUSTOMER, "到今天都没发")
        )
        == 10_000
    )


def test_a_monologue_ends_at_a_silence_in_which_somebody_should_have_spoken() -> None:
    assert (
        monologue_of_customer(say(0, 4, CUSTOMER, "什么时候发货？"), say(30, 35, CUSTOMER, "喂？还在吗？我等着呢"))
        == 5000
    )


def test_a_monologue_ends_where_the_other_takes_a_turn() -> None:
    assert (
        monologue_of_customer(
            say(0, 4, CUSTOMER, "一"), say(4.1, 5.5, AGENT, "您先听我说"), say(5.6, 8, CUSTOMER, "二")
        )
        == 4000
    )


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("什么时候发货？", 6),
        ("我要 XL 码", 4),
        ("where is my package?", 4),
        ("订单12345", 7),
        ("don't", 1),
        ("。。", 0),
    ],
)
def test_speed_counts_characters_digits_and_latin_words(text: str, units: int) -> None:
    assert count_units(text) == units


def test_speed_is_per_minute_of_talk_and_not_measured_below_three_seconds() -> None:
    assert analyse(say(0, 6, AGENT, "您好请问有什么可以帮您")).metrics.roles["agent"].characters_per_minute == 110.0
    assert analyse(say(0, 2, AGENT, "您好")).metrics.roles["agent"].characters_per_minute is None


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("退款，怎么还没到账？", "退款怎么还没到账"),
        ("ＡＢＣ  When   Will", "abc when will"),
        ("39.9 元", "39.9元"),
        ("don't, please", "don't please"),
    ],
)
def test_words_are_compared_without_punctuation_width_and_case(text: str, normal: str) -> None:
    assert normalise(text) == normal


def test_valence_is_weighted_by_scores_or_the_tags_own_without_them() -> None:
    assert valence(say(0, 1, CUSTOMER, "一", Emotion.ANGRY)) == -5
    assert valence(say(0, 1, CUSTOMER, "一", Emotion.ANGRY, scores={"ANGRY": 0.5, "NEUTRAL": 0.5})) == -2.5
    assert valence(say(0, 1, CUSTOMER, "一", Emotion.EMO_UNKNOWN, scores={"ANGRY": 0.1, "EMO_UNKNOWN": 0.9})) is None
    assert valence(say(0, 1, CUSTOMER, "一", None)) is None


def states(*segments: Segment) -> list[str]:
    return [state.state for state in analyse(*segments).trajectory]


def test_one_short_wobble_does_not_flip_the_trajectory() -> None:
    assert states(
        say(0, 3, CUSTOMER, "一"), say(3.2, 3.8, CUSTOMER, "二", Emotion.ANGRY), say(4, 6, CUSTOMER, "三")
    ) == ["NEUTRAL"]


def test_a_long_sure_anger_between_calm_words_stays() -> None:
    assert states(
        say(0, 3, CUSTOMER, "一"), say(3.2, 6, CUSTOMER, "二", Emotion.ANGRY), say(6.2, 9, CUSTOMER, "三")
    ) == ["NEUTRAL", "ANGRY", "NEUTRAL"]


def test_unknown_and_unjudged_emotion_stay_visible_and_apart() -> None:
    assert states(
        say(0, 3, CUSTOMER, "一"),
        say(3.1, 3.5, CUSTOMER, "二", Emotion.EMO_UNKNOWN),
        say(3.6, 6, CUSTOMER, "三"),
        say(6.1, 6.4, CUSTOMER, "四", None),
    ) == ["NEUTRAL", "EMO_UNKNOWN", "NEUTRAL", "NOT_JUDGED"]


def test_a_silence_belongs_to_those_who_spoke_before_or_after_it() -> None:
    result = analyse(say(0, 1, CUSTOMER, "喂"), say(1.2, 2, AGENT, "您好"), say(9, 10, AGENT, "您好？"))
    assert [state.state for state in result.trajectory if state.role is CUSTOMER] == ["NEUTRAL"]
    assert [state.state for state in result.trajectory if state.role is AGENT] == ["NEUTRAL", "SILENCE", "NEUTRAL"]


def test_the_arrow_form_drops_neutral_unless_there_is_nothing_else() -> None:
    def state(name: str, at: int) -> TrajectoryState:
        return TrajectoryState(start_ms=at, end_ms=at + 1, state=name)

    assert analysis.arrow_form([state("NEUTRAL", 0)]) == "[NEUTRAL]"
    assert analysis.arrow_form([state("SAD", 0), state("NEUTRAL", 1), state("SAD", 2)]) == "[SAD]"
    assert analysis.arrow_form([]) == ""


def test_the_trend_compares_the_first_and_the_last_quarter_of_the_customers_talk() -> None:
    worse = [say(at, at + 3, CUSTOMER, "话", Emotion.NEUTRAL if at < 8 else Emotion.ANGRY) for at in range(0, 16, 4)]
    assert analyse(*worse).metrics.trend == "worsening"
    assert analyse(*worse[:3]).metrics.trend is None


def test_emotion_shares_are_by_time_and_name_what_was_not_judged() -> None:
    metrics = analyse(
        say(0, 3, CUSTOMER, "一", Emotion.ANGRY), say(3, 4, CUSTOMER, "二", None), say(4, 8, AGENT, "三", None)
    ).metrics
    assert metrics.roles["customer"].emotion_shares == {"ANGRY": 0.75, "NOT_JUDGED": 0.25}
    assert metrics.unknown_emotion_share == 0.0


def test_a_transcript_of_times_roles_and_text_works_and_says_what_was_not_judged() -> None:
    result = analyse(say(0, 3, CUSTOMER, "什么时候发货", None), say(8, 9, AGENT, "今天", None))
    assert {note.code: dict(note.values) for note in result.notes} == {
        "duration_unknown": {},
        "emotion_not_judged": {"share": "1.00"},
        "loudness_unknown": {},
        "sounds_not_judged": {},
    }
    assert result.metrics.unknown_emotion_share is None
    assert result.metrics.trend is None
    assert result.curve == ()
    assert [moment.label_code for moment in result.moments if moment.salience] == [MomentLabel.MENTION]


def test_guessed_and_unknown_roles_and_mostly_unknown_emotion_are_noted() -> None:
    guessed = Segment(
        start_ms=0, end_ms=3000, role=AGENT, role_source=RoleSource.VOICE, text="您好", emotion=Emotion.EMO_UNKNOWN
    )
    transcript = call(guessed, say(4, 5, UNKNOWN, "喂"), duration=5)
    result = analyse(*transcript.segments, duration=5)
    assert {note.code: dict(note.values) for note in result.notes} == {
        "roles_unknown": {"share": "0.50"},
        "roles_guessed": {"source": "voice", "share": "0.50"},
        "loudness_unknown": {},
        "sounds_not_judged": {},
        "emotion_mostly_unknown": {"share": "0.75"},
    }


def test_segments_of_no_length_are_measured_without_fault() -> None:
    result = analyse(say(1, 1, CUSTOMER, "喂"), say(1, 1, AGENT, "您好"))
    assert result.metrics.talk_ms == 0
    assert result.metrics.roles["customer"].emotion_shares == {}
