"""What calls teach: answers, check-ins after silence, poor replies with a better one."""

from __future__ import annotations

from dataclasses import replace

from qareport.analysis.qa_pairs import find_pairs
from qareport.model import (
    CallMetrics,
    CallReport,
    Emotion,
    Evidence,
    Finding,
    FoundPair,
    QaKind,
    RoleSource,
    Segment,
    Severity,
    Silence,
)
from tests.support.calls import AGENT, CUSTOMER, say

METRICS = CallMetrics(
    duration_ms=9, talk_ms=5, non_talk_ms=4, overlap_ms=0, silence_count=0, silence_ms=0, longest_silence_ms=0
)
CALL = (
    say(0, 1, AGENT, "您好，请问有什么可以帮您", acts="greet"),
    say(2, 4, CUSTOMER, "喂，我前天买了一台电饭煲，单号88412093756120", acts="inform"),
    say(5, 7, CUSTOMER, "它要是降价了，差的钱能退不", acts="ask"),
    say(8, 9, AGENT, "请稍等", acts="hold"),
    say(10, 14, AGENT, "您好，签收后十五天里降价都能补差价，您这单还在期里", acts="answer"),
    say(15, 17, CUSTOMER, "那怎么申请呢", acts="ask"),
    say(18, 21, AGENT, "您在订单页点价保，提交就行", acts="answer"),
    say(22, 23, CUSTOMER, "好的谢谢", acts="accept thank"),
    say(24, 25, AGENT, "不客气，祝您生活愉快", acts="close"),
)


def find(*segments: Segment, silences: tuple[Silence, ...] = (), findings: tuple[Finding, ...] = ()) -> list[FoundPair]:
    report = CallReport(call_id="c", metrics=METRICS, segments=segments, silences=silences, findings=findings)
    return list(find_pairs(report))


def test_a_solved_call_gives_its_questions_with_what_answers_them_for_everyone() -> None:
    first, second = find(*CALL)
    assert (first.question, first.answer) == ("电饭煲：它要是降价了，差的钱能退不", "签收后十五天里降价都能补差价")
    assert (second.question, second.answer) == ("电饭煲：那怎么申请呢", "您在订单页点价保，提交就行")
    assert (first.kind, first.q_ms, first.a_ms) == (QaKind.ANSWER, 2000, 10_000)
    assert first.answer_places == (4,)


def test_a_call_that_was_not_solved_gives_none() -> None:
    left = say(22, 23, CUSTOMER, "那算了，我去别家买", acts="give_up")
    assert find(*CALL[:-2], left) == []


def test_a_call_in_which_speakers_are_guessed_gives_none() -> None:
    guessed = replace(CALL[2], role_source=RoleSource.WORDS)
    assert find(*CALL[:2], guessed, *CALL[3:]) == []


def test_it_is_told_whether_the_answer_helped() -> None:
    sad = replace(CALL[2], emotion=Emotion.SAD)
    happy = replace(CALL[5], emotion=Emotion.HAPPY)
    first, second = find(*CALL[:2], sad, *CALL[3:5], happy, *CALL[6:])
    assert (first.emotion_before, first.emotion_after, first.helped) == ("SAD", "NEUTRAL", True)
    assert second.helped is None


def test_asking_on_after_a_silence_is_a_check_in_unless_the_agent_was_at_work() -> None:
    asks_on = say(20, 22, AGENT, "您是担心运费吗，可以跟我说", acts="ask_info offer")
    told = say(23, 25, CUSTOMER, "嗯对，运费谁出", acts="ask")
    rest = (say(26, 28, AGENT, "运费由我们承担", acts="answer"), say(29, 30, CUSTOMER, "谢谢", acts="thank"))
    silence = (Silence(start_ms=14_000, end_ms=20_000, after=CUSTOMER, before=AGENT),)
    wants = say(11, 14, CUSTOMER, "我想退货", acts="request")
    pairs = find(wants, asks_on, told, *rest, silences=silence)
    assert [pair.kind for pair in pairs] == [QaKind.SILENCE_CHECK_IN, QaKind.ANSWER]
    assert (pairs[0].question, pairs[0].answer) == ("我想退货", "您是担心运费吗，可以跟我说")
    hold = say(13, 14, AGENT, "请稍等", acts="hold")
    pairs = find(wants, hold, asks_on, told, *rest, silences=silence)
    assert [pair.kind for pair in pairs] == [QaKind.ANSWER]


def finding(at_ms: int, advice: str, points: int = -10) -> Finding:
    return Finding(
        rule_id="r", rule_version="1", title="t", category="c", severity=Severity.MAJOR, at_ms=at_ms, advice=advice,
        evidence=(Evidence(at_ms=at_ms, end_ms=at_ms + 9, role=AGENT, quote=""),), points=points,
    )  # fmt: skip


def test_a_poor_reply_stands_beside_the_words_that_the_rule_advises() -> None:
    asked = say(0, 2, CUSTOMER, "到底什么时候发货", acts="ask")
    evades = say(3, 5, AGENT, "系统显示是正常的", acts="evade")
    (pair,) = find(asked, evades, findings=(finding(3000, "先说结论。可以说：“您的货明天下午发，发了我短信告诉您。”"),))
    assert (pair.kind, pair.question, pair.rejected) == (QaKind.PREFERENCE, "到底什么时候发货", "系统显示是正常的")
    assert pair.answer == "您的货明天下午发，发了我短信告诉您。"


def test_a_finding_on_a_good_answer_or_a_praise_makes_no_preference() -> None:
    asked = say(0, 2, CUSTOMER, "到底什么时候发货", acts="ask")
    answers = say(3, 5, AGENT, "下单后四十八小时内发", acts="answer")
    assert find(asked, answers, findings=(finding(3000, "要先问候"),)) == []
    evades = say(3, 5, AGENT, "系统显示是正常的", acts="evade")
    assert find(asked, evades, findings=(finding(3000, "好", points=5),)) == []
