"""Key moments: each kind where it is, and not where it only seems to be."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport import analysis
from qareport.model import (
    Analysis,
    AudioEvent,
    Emotion,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
    Segment,
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


def test_a_silence_after_a_question_is_the_agents() -> None:
    (silence,) = of_kind(analyse(say(0, 2, CUSTOMER, "你叫什么名字？"), say(5, 6, AGENT, "我姓王")), MomentKind.SILENCE)
    assert (silence.at_ms, silence.end_ms, silence.role, silence.label_code) == (
        2000,
        5000,
        AGENT,
        MomentLabel.NOBODY_SPEAKS,
    )


def test_a_silence_after_a_statement_is_no_moment() -> None:
    assert labels(MomentKind.SILENCE, say(0, 2, CUSTOMER, "好的"), say(5, 6, AGENT, "再见")) == []


def test_laughter_amid_complaint_is_irony_and_not_an_event() -> None:
    result = analyse(say(0, 4, CUSTOMER, "这个退货流程……呵……你们自己看看是不是太麻烦了", events=(AudioEvent.LAUGHTER,)))
    assert [moment.tags for moment in of_kind(result, MomentKind.IRONY)] == [("LAUGHTER",)]
    assert of_kind(result, MomentKind.EVENT) == []


@pytest.mark.parametrize("text", ["哈哈，太好了，很喜欢", "我在哈尔滨", "谢谢你们的呵护"])
def test_happy_laughter_and_words_that_hold_a_laugh_are_no_irony(text: str) -> None:
    assert labels(MomentKind.IRONY, say(0, 2, CUSTOMER, text, HAPPY)) == []


def test_the_same_question_in_other_words_is_a_repeat() -> None:
    assert labels(
        MomentKind.REPEAT,
        say(0, 2, CUSTOMER, "我昨天下的单，什么时候发货？"),
        say(2.5, 4, AGENT, "请您耐心等待"),
        say(5, 7, CUSTOMER, "我再问一遍，什么时候发货？"),
        say(7.5, 9, AGENT, "今天下午发出"),
    ) == [MomentLabel.ASK_AGAIN]


def test_another_question_of_the_same_shape_is_no_repeat() -> None:
    assert (
        labels(
            MomentKind.REPEAT,
            say(0, 2, CUSTOMER, "什么时候发货？"),
            say(2.5, 4, AGENT, "今天"),
            say(5, 7, CUSTOMER, "什么时候退款？"),
        )
        == []
    )


def ask_twice(first: str, reply: str, again: str, *, replier: Role = AGENT) -> Analysis:
    return analyse(say(0, 2, CUSTOMER, first), say(2.5, 4, replier, reply), say(5, 7, CUSTOMER, again))


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("今天怎么还没发货？", "到底什么时候发货？"),
        ("我的退款怎么还没到账？", "那要等多久才把钱退给我？"),
        ("点解仲未发货？", "几时先有得派送？"),
        ("Why hasn't my order shipped yet?", "How long until the parcel arrives?"),
    ],
)
def test_who_asks_when_and_why_still_not_about_one_issue_asks_again(first: str, again: str) -> None:
    result = ask_twice(first, "请您耐心等待", again)
    assert [(moment.at_ms, moment.label_code, moment.quote) for moment in of_kind(result, MomentKind.REPEAT)] == [
        (5000, MomentLabel.ASK_AGAIN, again)
    ]
    assert [moment.quote for moment in of_kind(result, MomentKind.NO_ANSWER)] == ["请您耐心等待"]


def test_who_asks_when_again_into_a_silence_asks_again() -> None:
    asked = say(0, 2, CUSTOMER, "今天怎么还没发货？")
    assert labels(MomentKind.REPEAT, asked, say(5, 7, CUSTOMER, "到底什么时候发货？")) == [MomentLabel.ASK_AGAIN]
    assert labels(MomentKind.REPEAT, asked, say(2.2, 4, CUSTOMER, "到底什么时候发货？")) == []


@pytest.mark.parametrize(
    ("first", "reply", "again"),
    [
        pytest.param("什么时候发货？", "嗯，我看一下", "发货的快递费要多少？", id="another question about the issue"),
        pytest.param(
            "今天怎么还没发货？", "今天下午已经发走", "那快递什么时候到？", id="one that follows from an answer"
        ),
        pytest.param("今天怎么还没发货？", "请您耐心等待", "那退款什么时候到账？", id="another issue"),
        pytest.param(
            "我前几天买的，能退货吗？", "嗯，我看一下", "这几天退货要自己寄吗？", id="days that nobody asks for"
        ),
        pytest.param("快递到现在还没到。", "嗯，我看一下", "快递什么时候到？", id="a statement before the question"),
    ],
)
def test_what_only_resembles_asking_when_again_is_no_repeat(first: str, reply: str, again: str) -> None:
    assert of_kind(ask_twice(first, reply, again), MomentKind.REPEAT) == []


def test_an_answer_of_a_speaker_who_is_not_known_may_be_the_agents() -> None:
    result = ask_twice("今天怎么还没发货？", "今天下午已经发走", "快递什么时候到？", replier=Role.UNKNOWN)
    assert of_kind(result, MomentKind.REPEAT) == []


def test_where_nobody_is_known_saying_the_question_back_does_not_ask_it_again() -> None:
    spoken = (say(0, 2, Role.UNKNOWN, "今天怎么还没发货？"), say(5, 7, Role.UNKNOWN, "您问什么时候发货对吗？"))
    assert labels(MomentKind.REPEAT, *spoken) == []


def test_stammering_within_one_breath_is_no_repeat() -> None:
    assert (
        labels(MomentKind.REPEAT, say(0, 2, CUSTOMER, "什么时候发货？"), say(2.2, 4, CUSTOMER, "什么时候发货？")) == []
    )


def test_a_reply_with_a_time_is_an_answer_and_a_reply_without_is_none() -> None:
    def ask(reply: str) -> list[str]:
        return labels(
            MomentKind.NO_ANSWER,
            say(0, 2, CUSTOMER, "到底什么时候发货？"),
            say(2.5, 4, AGENT, reply),
            say(5, 7, CUSTOMER, "到底什么时候发货？"),
        )

    assert ask("这个要看仓库的安排") == [MomentLabel.NO_ANSWER]
    assert ask("今天下午六点前") == []


def test_one_reply_that_answers_nothing_is_told_once_however_often_it_is_asked_again() -> None:
    result = analyse(
        say(0, 2, CUSTOMER, "我的退款什么时候到账？"),
        say(2.5, 4, AGENT, "我看一下"),
        say(4.5, 6, CUSTOMER, "页面上写着两天之内发货。"),
        say(6.5, 8, AGENT, "这个我也不太清楚"),
        say(8.5, 10, CUSTOMER, "我的退款到底什么时候到账？"),
        say(10.5, 12, AGENT, "请您耐心等待"),
        say(12.5, 14, CUSTOMER, "页面上就写着两天之内发货。"),
    )
    assert [moment.label_code for moment in of_kind(result, MomentKind.REPEAT)] == [
        MomentLabel.ASK_AGAIN,
        MomentLabel.ASK_AGAIN,
    ]
    assert [moment.quote for moment in of_kind(result, MomentKind.NO_ANSWER)] == ["这个我也不太清楚"]


@pytest.mark.parametrize("text", ["算了，我不要了", "那就取消订单吧", "forget it", "算啦，我唔要喇"])
def test_words_of_giving_up_are_a_signal_of_churn(text: str) -> None:
    assert labels(MomentKind.CHURN_SIGNAL, say(0, 2, CUSTOMER, text)) == [MomentLabel.GIVE_UP]


@pytest.mark.parametrize("text", ["我算了一下差二十块", "要不要了解一下", "你看着办"])
def test_words_that_only_look_like_giving_up_are_none(text: str) -> None:
    assert labels(MomentKind.CHURN_SIGNAL, say(0, 2, CUSTOMER, text)) == []


@pytest.mark.parametrize("text", ["我要投诉", "我打12315", "我要打幺二三一五", "把你们主管叫来", "给你们差评"])
def test_complaint_and_authorities_are_an_escalation(text: str) -> None:
    assert labels(MomentKind.ESCALATION, say(0, 2, CUSTOMER, text)) == [MomentLabel.ESCALATION]


def test_the_agents_own_word_of_complaint_is_none() -> None:
    assert labels(MomentKind.ESCALATION, say(0, 2, AGENT, "您的投诉我已经记录")) == []
    assert labels(MomentKind.ESCALATION, say(0, 2, CUSTOMER, "我不是投诉，我就问问")) == []


@pytest.mark.parametrize("text", ["单号9123150", "卡号四三六七四，六三三一五六九", "电话幺三八一二三一五零"])
def test_a_long_number_that_holds_the_hotlines_is_no_escalation(text: str) -> None:
    assert labels(MomentKind.ESCALATION, say(0, 2, CUSTOMER, text)) == []


def test_calm_that_lasts_after_anger_is_a_recovery() -> None:
    result = analyse(
        say(0, 3, CUSTOMER, "太慢了！", ANGRY),
        say(3.2, 6, AGENT, "今天发出"),
        say(6.5, 10, CUSTOMER, "那好，我等你消息"),
    )
    assert [(moment.at_ms, moment.label_code) for moment in of_kind(result, MomentKind.RECOVERY)] == [
        (6500, MomentLabel.RECOVERY)
    ]


def test_giving_up_calmly_is_no_recovery() -> None:
    assert (
        labels(MomentKind.RECOVERY, say(0, 3, CUSTOMER, "太慢了！", ANGRY), say(6.5, 10, CUSTOMER, "算了，我不要了"))
        == []
    )


def test_thanks_without_any_trouble_before_are_no_recovery() -> None:
    assert labels(MomentKind.RECOVERY, say(0, 3, CUSTOMER, "谢谢")) == []


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


def test_where_nobody_is_known_words_still_alarm_under_an_unknown_speaker() -> None:
    result = analyse(say(0, 2, Role.UNKNOWN, "我要投诉"))
    assert [moment.role for moment in of_kind(result, MomentKind.ESCALATION)] == [Role.UNKNOWN]


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
    lambda start, length, role, text, emotion, events: Segment(
        start_ms=start,
        end_ms=start + length,
        role=role,
        text=text,
        emotion=emotion,
        events=tuple(events),
    ),
    st.integers(0, 60_000),
    st.integers(0, 8000),
    st.sampled_from(Role),
    TEXTS,
    st.none() | st.sampled_from(Emotion),
    st.lists(st.sampled_from(AudioEvent), max_size=2),
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
