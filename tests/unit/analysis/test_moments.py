"""Key moments: each kind where it is, and not where it only seems to be."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from qareport import analysis
from qareport.model import (
    ACTS_OF,
    Analysis,
    AudioEvent,
    Emotion,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
    Segment,
    SpokenAct,
    Transcript,
)
from qareport.settings import AnalysisSettings
from tests.support.calls import AGENT, CUSTOMER, EXAMPLE, TOPICS, analyse, call, say

ANGRY, HAPPY, SAD = Emotion.ANGRY, Emotion.HAPPY, Emotion.SAD


def of_kind(result: Analysis, kind: MomentKind) -> list[Moment]:
    return [moment for moment in result.moments if moment.kind is kind]


def labels(kind: MomentKind, *segments: Segment) -> list[MomentLabel | None]:
    return [moment.label_code for moment in of_kind(analyse(*segments), kind)]


def test_a_topic_that_is_answered_at_once_is_only_a_mention() -> None:
    assert labels(MomentKind.TOPIC_MENTION, say(0, 2, CUSTOMER, "我想退款"), say(2.5, 4, AGENT, "好的")) == [
        MomentLabel.MENTION
    ]


def test_only_the_first_mention_counts_and_only_the_customers() -> None:
    result = analyse(
        say(0, 2, AGENT, "您是问退款吗"), say(3, 5, CUSTOMER, "对，退款"), say(6, 7, CUSTOMER, "退款要多久")
    )
    assert [moment.at_ms for moment in of_kind(result, MomentKind.TOPIC_MENTION)] == [3000]


def test_the_same_anger_after_a_pause_is_no_new_onset() -> None:
    assert labels(MomentKind.EMOTION, say(0, 2, CUSTOMER, "太慢了", ANGRY), say(6, 8, CUSTOMER, "太慢了", ANGRY)) == [
        MomentLabel.ANGRY
    ]


def test_anger_below_the_score_is_no_onset() -> None:
    weak = say(0, 3, CUSTOMER, "太慢了", ANGRY, scores={"ANGRY": 0.4, "NEUTRAL": 0.35})
    assert labels(MomentKind.EMOTION, weak) == []


def test_crying_weighs_more_than_a_cough_and_each_run_is_told_once() -> None:
    cough, cry = (AudioEvent.COUGH,), (AudioEvent.CRY, AudioEvent.SPEECH)
    result = of_kind(
        analyse(
            say(0, 1, CUSTOMER, "嗯", events=cough),
            say(1, 2, CUSTOMER, "那个", events=cough),
            say(3, 5, CUSTOMER, "", SAD, events=cry),
        ),
        MomentKind.EVENT,
    )
    assert [(moment.at_ms, moment.tags) for moment in result] == [(0, ("COUGH",)), (3000, ("CRY",))]
    assert result[1].salience > result[0].salience


def test_an_interruption_is_quoted_with_the_words_that_interrupt() -> None:
    (moment,) = of_kind(
        analyse(say(0, 6, CUSTOMER, "我上周下的单"), say(4, 8, AGENT, "您先听我说")), MomentKind.INTERRUPTION
    )
    assert (moment.role, moment.quote, moment.end_ms) == (AGENT, "您先听我说", 6000)


TEXTS = st.sampled_from(
    [
        "什么时候发货？",
        "算了",
        "请您耐心等待",
        "你们是不是压单",
        "呵呵，真行啊",
        "我要投诉",
        "谢谢",
        "好的",
        "今天发",
        "",
    ]
)
SEGMENTS = st.builds(
    lambda start, length, role, text, emotion, events, acts: Segment(
        start_ms=start,
        end_ms=start + length,
        role=role,
        text=text,
        emotion=emotion,
        events=tuple(events),
        acts=tuple(SpokenAct(act=ACTS_OF[role][place % len(ACTS_OF[role])]) for place in acts if ACTS_OF[role]),
    ),
    st.integers(0, 60_000),
    st.integers(0, 8000),
    st.sampled_from(Role),
    TEXTS,
    st.none() | st.sampled_from(Emotion),
    st.lists(st.sampled_from(AudioEvent), max_size=2),
    st.lists(st.integers(0, 15), max_size=2),
)


def shift(segment: Segment, by_ms: int) -> Segment:
    return dataclasses.replace(segment, start_ms=segment.start_ms + by_ms, end_ms=segment.end_ms + by_ms)


@given(st.lists(SEGMENTS, max_size=12), st.integers(0, 10_000_000))
def test_shifting_all_times_shifts_all_moments_and_changes_nothing_else(segments: list[Segment], by_ms: int) -> None:
    here = analyse(*segments)
    there = analyse(*(shift(segment, by_ms) for segment in segments))
    moved = [
        dataclasses.replace(moment, at_ms=moment.at_ms + by_ms, end_ms=moment.end_ms + by_ms) for moment in here.moments
    ]
    assert list(there.moments) == moved
    assert there.metrics.talk_ms == here.metrics.talk_ms


SWAP = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT, Role.UNKNOWN: Role.UNKNOWN}


def swap(segment: Segment) -> Segment:
    return dataclasses.replace(segment, role=SWAP[segment.role])


@given(st.lists(SEGMENTS, max_size=12))
def test_swapping_the_channels_swaps_the_roles_and_nothing_else(segments: list[Segment]) -> None:
    here, there = analyse(*segments), analyse(*map(swap, segments))
    assert [
        dataclasses.replace(interruption, by=SWAP[interruption.by]) for interruption in there.interruptions
    ] == list(here.interruptions)
    assert [(gap.start_ms, gap.end_ms) for gap in there.silences] == [
        (gap.start_ms, gap.end_ms) for gap in here.silences
    ]
    for role, measures in here.metrics.roles.items():
        assert there.metrics.roles[SWAP[Role(role)].value] == measures
    mirrored = sorted((state.start_ms, SWAP[state.role], state.state) for state in there.trajectory)
    assert mirrored == sorted((state.start_ms, state.role, state.state) for state in here.trajectory)


@given(st.lists(SEGMENTS, min_size=1, max_size=8), st.data())
def test_splitting_a_segment_at_a_token_keeps_talk_time(segments: list[Segment], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(segments) - 1))
    whole = segments[index]
    place = data.draw(st.integers(0, len(whole.text)))
    at_ms = data.draw(st.integers(whole.start_ms, whole.end_ms))
    first = dataclasses.replace(whole, end_ms=at_ms, text=whole.text[:place] or "嗯")
    second = dataclasses.replace(whole, start_ms=at_ms, text=whole.text[place:] or "嗯", events=())
    before = [dataclasses.replace(segment, text=segment.text or "嗯") for segment in segments]
    after = [*before[:index], first, second, *before[index + 1 :]]
    here, there = analyse(*before).metrics, analyse(*after).metrics
    assert (there.talk_ms, there.overlap_ms, there.non_talk_ms) == (here.talk_ms, here.overlap_ms, here.non_talk_ms)
    assert {role: own.talk_ms for role, own in there.roles.items()} == {
        role: own.talk_ms for role, own in here.roles.items()
    }
    assert there.gaps == here.gaps


@given(st.lists(SEGMENTS, max_size=12))
def test_moments_are_ordered_last_no_negative_time_and_the_same_every_time(segments: list[Segment]) -> None:
    result = analyse(*segments)
    assert list(result.moments) == sorted(result.moments, key=lambda moment: moment.at_ms)
    assert all(moment.end_ms >= moment.at_ms for moment in result.moments)
    assert analyse(*segments) == result


def test_stricter_settings_find_fewer_silences() -> None:
    patient = AnalysisSettings(silence_ms=6500, check_in_ms=7000)
    assert analysis.analyse(EXAMPLE, patient, TOPICS).silences == ()


def test_an_empty_transcript_has_no_moments() -> None:
    assert analysis.analyse(Transcript(call_id="c"), AnalysisSettings(), TOPICS).moments == ()
    assert analysis.analyse(call(), AnalysisSettings(), TOPICS).trajectory == ()
