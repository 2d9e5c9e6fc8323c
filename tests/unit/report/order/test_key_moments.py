"""Key moments: which are shown, those of one kind folded, and how they are worded."""

from __future__ import annotations

from dataclasses import replace

from qareport.model import Finding, Moment, MomentKind, MomentLabel, Role, Severity, Silence
from qareport.report.order import key_moments
from qareport.report.order.key_moments import choose, predicate
from qareport.report.order.transcript_lines import Speakers
from tests.support import report_samples as samples

SPEAKERS = Speakers(())


def moment(kind: MomentKind, label: MomentLabel, count: int = 1, at_ms: int = 0, salience: float = 60.0) -> Moment:
    return Moment(
        at_ms=at_ms, end_ms=at_ms + 3000, kind=kind, role=Role.CUSTOMER, label_code=label, quote="", count=count,
        salience=salience,
    )  # fmt: skip


THREATS = tuple(
    moment(MomentKind.ESCALATION, MomentLabel.ESCALATION, at_ms=at_ms, salience=90.0)
    for at_ms in (5000, 20_000, 40_000)
)


def test_a_silence_says_whose_it_is_and_what_came_of_it() -> None:
    assert predicate(moment(MomentKind.SILENCE, MomentLabel.NOBODY_SPEAKS), SPEAKERS) == "3.0秒没有接话"
    assert predicate(moment(MomentKind.SILENCE, MomentLabel.GIVE_UP), SPEAKERS) == "沉默3.0秒后放弃"
    assert predicate(moment(MomentKind.SILENCE, MomentLabel.FALLS_SILENT), SPEAKERS) == "沉默3.0秒，随后不满"


def test_a_question_that_is_left_unanswered_says_who_kept_silent_and_only_for_how_long_that_was() -> None:
    asked = Moment(
        at_ms=42_000, end_ms=49_800, kind=MomentKind.TOPIC_MENTION, role=Role.CUSTOMER, label_code=MomentLabel.DOUBT,
        quote="什么时候发货？", tags=("SILENCE",), topic="发货", salience=70.0,
    )  # fmt: skip
    pause = Silence(start_ms=45_600, end_ms=49_800, after=Role.CUSTOMER, before=Role.AGENT)
    assert predicate(asked, Speakers((), (pause,))) == "提及“发货”，客服4.2秒没有接话"
    assert predicate(asked, SPEAKERS) == "提及“发货”后沉默"


def test_one_node_for_several_sentences_says_how_many() -> None:
    assert predicate(moment(MomentKind.ESCALATION, MomentLabel.ESCALATION, 5), SPEAKERS) == "要求升级或投诉（连续5句）"


def test_a_rule_belongs_to_the_moment_that_is_shown_not_to_its_part() -> None:
    silence = moment(MomentKind.SILENCE, MomentLabel.GIVE_UP, at_ms=125_000, salience=95.0)
    part = moment(MomentKind.CHURN_SIGNAL, MomentLabel.GIVE_UP, at_ms=128_000, salience=0.0)
    heard = replace(samples.FINDINGS[2].evidence[-1], at_ms=128_000)
    given_up = replace(samples.FINDINGS[2], at_ms=79_000, moment="放弃", evidence=(heard,))
    call = replace(samples.CALL, moments=(silence, part), findings=(given_up,))
    assert [(item.at_ms, len(item.told)) for item in choose(call, 5)] == [(125_000, 1)]


def test_the_same_at_other_times_is_one_node_with_its_count() -> None:
    call = replace(samples.CALL, moments=THREATS, findings=())
    (node,) = choose(call, 5)
    view = key_moments.key_moment(node, 1, SPEAKERS, "c1")
    assert (view.at, view.others) == ("第5秒", "共3次，另在第20秒、第40秒")


def test_what_one_sentence_shows_is_one_node() -> None:
    angry = replace(moment(MomentKind.EMOTION, MomentLabel.ANGRY, at_ms=5000, salience=80.0), tags=("ANGRY",))
    call = replace(samples.CALL, moments=(THREATS[0], angry), findings=())
    (node,) = choose(call, 5)
    view = key_moments.key_moment(node, 1, SPEAKERS, "c1")
    assert view.story.plain == "客户要求升级或投诉，情绪转为愤怒 [ANGRY]"
    assert view.span == "0:05 · 持续3.0秒"


def test_as_many_nodes_as_there_is_room_for_and_the_weightiest_always() -> None:
    chosen = choose(samples.CALL, 5, room=10.0, height=lambda candidate: 6.0)
    assert [item.at_ms for item in chosen] == [87_000]
    assert len(choose(samples.CALL, 5, room=12.0, height=lambda candidate: 6.0)) == 2
    assert len(choose(samples.CALL, 5, room=0.0, height=lambda candidate: 6.0)) == 1


def test_where_much_weighs_more_good_humour_is_no_key_moment() -> None:
    happy = replace(moment(MomentKind.EMOTION, MomentLabel.HAPPY, at_ms=1000, salience=25.0), tags=("HAPPY",))
    churn = moment(MomentKind.CHURN_SIGNAL, MomentLabel.GIVE_UP, at_ms=60_000, salience=85.0)
    call = replace(samples.CALL, moments=(happy, THREATS[0], churn), findings=())
    assert [item.at_ms for item in choose(call, 5)] == [5000, 60_000]
    assert [item.at_ms for item in choose(replace(call, moments=(happy,)), 5)] == [1000]


def test_a_rule_that_hits_twice_gives_its_advice_once_with_the_points_of_both() -> None:
    hits = tuple(
        Finding(
            rule_id="a", rule_version="1", title="没有承接", category="投诉", severity=Severity.MAJOR, at_ms=at_ms,
            evidence=(), advice="先记下来。", points=-5,
        )
        for at_ms in (5000, 20_000)
    )  # fmt: skip
    (node,) = choose(replace(samples.CALL, moments=THREATS, findings=hits), 5)
    (advice,) = key_moments.key_moment(node, 1, SPEAKERS, "c1").advice
    assert (advice.text, advice.rule) == ("先记下来。", "没有承接（2次） · 主要 · −10分")
    deductions = [key_moments.deduction(hit, SPEAKERS, [node]) for hit in hits]
    assert [(line.node, line.at, line.advice) for line in deductions] == [("1", "第5秒", ""), ("1", "第20秒", "")]
