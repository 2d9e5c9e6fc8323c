"""Moments on acts: each where the act is, folded where it goes on, and none where the context denies it."""

from __future__ import annotations

import pytest

from qareport.model import Analysis, AudioEvent, Emotion, Moment, MomentKind, MomentLabel, Role, Segment
from tests.support.calls import AGENT, CUSTOMER, analyse, say

ANGRY = Emotion.ANGRY


def of_kind(result: Analysis, kind: MomentKind) -> list[Moment]:
    return [moment for moment in result.moments if moment.kind is kind]


def starts(kind: MomentKind, *segments: Segment) -> list[int]:
    return [moment.at_ms // 1000 for moment in of_kind(analyse(*segments), kind)]


@pytest.mark.parametrize(
    ("act", "kind", "label"),
    [
        ("give_up", MomentKind.CHURN_SIGNAL, MomentLabel.GIVE_UP),
        ("threaten", MomentKind.ESCALATION, MomentLabel.ESCALATION),
        ("ask_again", MomentKind.REPEAT, MomentLabel.ASK_AGAIN),
        ("sarcasm", MomentKind.IRONY, MomentLabel.IRONY),
        ("remind_promise", MomentKind.BROKEN_PROMISE, MomentLabel.BROKEN_PROMISE),
    ],
)
def test_an_act_of_the_customer_is_a_moment_with_its_reader_and_score(
    act: str, kind: MomentKind, label: MomentLabel
) -> None:
    (moment,) = of_kind(analyse(say(1, 3, CUSTOMER, "那就这样", acts=f"{act}=0.8")), kind)
    assert (moment.at_ms, moment.role, moment.label_code, moment.quote) == (1000, CUSTOMER, label, "那就这样")
    assert (moment.reader, moment.score, moment.count) == ("given", 0.8, 1)


@pytest.mark.parametrize("text", ["要是不行就算了吧，谢谢你", "销售经理怎么联系呢", "呵呵", "我要投诉"])
def test_words_without_an_act_are_no_moment(text: str) -> None:
    kinds = {moment.kind for moment in analyse(say(0, 2, CUSTOMER, text)).moments}
    assert kinds <= {MomentKind.TOPIC_MENTION}


def test_sentences_of_one_turn_that_do_the_same_are_one_node_with_a_count() -> None:
    (moment,) = of_kind(
        analyse(
            say(0, 2, CUSTOMER, "我要投诉", acts="threaten=0.7"),
            say(2, 4, CUSTOMER, "都等三天了", acts="complain"),
            say(3, 3.4, AGENT, "嗯", acts="small"),
            say(4, 8, CUSTOMER, "我打12315", acts="threaten=0.9"),
        ),
        MomentKind.ESCALATION,
    )
    assert (moment.at_ms, moment.end_ms, moment.count, moment.score) == (0, 8000, 2, 0.9)


def test_the_same_after_an_answer_is_a_moment_of_its_own() -> None:
    assert starts(
        MomentKind.ESCALATION,
        say(0, 2, CUSTOMER, "我要投诉", acts="threaten"),
        say(3, 5, AGENT, "您别急", acts="empathise"),
        say(6, 8, CUSTOMER, "我打12315", acts="threaten"),
    ) == [0, 6]


def test_anger_and_laughter_are_evidence_beside_the_words_and_no_event_of_their_own() -> None:
    result = analyse(
        say(0, 4, CUSTOMER, "你们可真行", ANGRY, events=(AudioEvent.LAUGHTER,), acts="sarcasm"),
        say(5, 6, CUSTOMER, "行", acts="small"),
        say(9, 10, CUSTOMER, "哈哈", events=(AudioEvent.LAUGHTER,), acts="small"),
    )
    assert [moment.tags for moment in of_kind(result, MomentKind.IRONY)] == [("ANGRY", "LAUGHTER")]
    assert [moment.at_ms for moment in of_kind(result, MomentKind.EVENT)] == [9000]


def test_a_recovery_needs_a_low_before_it() -> None:
    calm = say(10, 12, CUSTOMER, "那好，谢谢你", acts="calm")
    assert starts(MomentKind.RECOVERY, say(0, 2, CUSTOMER, "怎么退", acts="ask"), calm) == []
    for low in ("complain", "threaten", "sarcasm", "remind_promise"):
        assert starts(MomentKind.RECOVERY, say(0, 2, CUSTOMER, "太慢了", acts=low), calm) == [10]
    assert starts(MomentKind.RECOVERY, say(0, 2, CUSTOMER, "太慢了", ANGRY), calm) == [10]


def test_an_evasion_is_a_missing_answer_of_the_agents() -> None:
    (moment,) = of_kind(
        analyse(say(0, 2, CUSTOMER, "几点到", acts="ask"), say(3, 5, AGENT, "您耐心等待", acts="evade=0.7")),
        MomentKind.NO_ANSWER,
    )
    assert (moment.at_ms, moment.role, moment.score) == (3000, AGENT, 0.7)


@pytest.mark.parametrize(
    ("reply", "missing"),
    [("", True), ("answer", False), ("refuse", False), ("hold", False), ("ask_info", False), ("greet", False)],
)
def test_a_question_asked_again_shows_that_the_reply_between_held_nothing(reply: str, missing: bool) -> None:
    found = starts(
        MomentKind.NO_ANSWER,
        say(0, 2, CUSTOMER, "几点到", acts="ask"),
        say(3, 5, AGENT, "我们会安排的", acts=reply),
        say(6, 8, CUSTOMER, "我问几点到", acts="ask_again"),
    )
    assert found == ([3] if missing else [])


def test_a_reply_after_which_nobody_asks_again_is_not_accused() -> None:
    asked = say(0, 2, CUSTOMER, "几点到", acts="ask")
    assert starts(MomentKind.NO_ANSWER, asked, say(3, 5, AGENT, "我们会安排的"), say(6, 7, CUSTOMER, "好的")) == []


def test_a_question_asked_again_into_silence_and_given_up_is_one_grave_moment() -> None:
    result = analyse(
        say(0, 2, CUSTOMER, "到底几点到", acts="ask_again"),
        say(8, 9, CUSTOMER, "算了，不要了", acts="give_up"),
    )
    (repeat,) = of_kind(result, MomentKind.REPEAT)
    assert (repeat.label_code, repeat.tags, repeat.end_ms) == (MomentLabel.GIVE_UP, ("SILENCE",), 8000)
    assert [moment.kind for moment in result.moments if moment.salience > 0] == [MomentKind.REPEAT]


def test_nothing_is_claimed_of_speakers_who_are_not_known() -> None:
    assert analyse(say(0, 2, Role.UNKNOWN, "我要投诉"), say(3, 5, Role.UNKNOWN, "您别急")).moments == ()
