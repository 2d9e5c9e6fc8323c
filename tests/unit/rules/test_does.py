"""`customer does`, `agent does`: acts in every place where a condition may stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport import rules
from qareport.model import Call, Role
from qareport.presentation import locale
from qareport.settings import ScoreSettings, Settings
from qareport.workflows.judge import RuleBook, judge_call
from tests.support.calls import AGENT, CUSTOMER, TOPICS, analyse_transcript, call, say
from tests.support.rule_texts import hits, rule_set

TALK = (
    say(1, 3, AGENT, "您好", acts="greet"),
    say(10, 12, CUSTOMER, "东西呢", acts="ask"),
    say(13, 15, AGENT, "这个说不好", acts="evade=0.7"),
    say(20, 22, CUSTOMER, "礼拜六再没有我就走平台了", acts="ask_again=0.8 threaten=0.9"),
    say(23, 25, AGENT, "对不住，今晚八点前给您电话", acts="apologise promise"),
    say(30, 31, CUSTOMER, "行", acts="accept"),
)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{customer does: threaten}", [20]),
        ("{customer does: 要投诉}", [20]),
        ("{customer does: [ask, threaten, ask_again]}", [10, 20]),
        ("{agent does: {act: evade, score: 0.7}}", [13]),
        ("{agent does: {act: evade, score: 0.71}}", []),
        ("{agent does: [apologise, empathise], first: 20s}", []),
        ("{agent does: [apologise, empathise], last: 10s}", [23]),
        ("{customer does: ask, between: [5s, 15s]}", [10]),
        ("{sequence: [{customer does: ask}, {agent does: evade, within: 5s}, {customer does: threaten}]}", [10]),
        ("{sequence: [{customer does: ask}, {agent does: evade, within: 500ms}]}", []),
        ("{customer does: threaten, unless: [{agent does: apologise, within: 5s}]}", []),
        ("{customer does: threaten, unless: [{agent does: apologise, within: 500ms}]}", [20]),
        ("{customer does: threaten, unless: [{agent does: evade, before: 10s}]}", []),
        ("{none: [{agent does: blame}]}", [31]),
        ("{none: [{agent does: evade}]}", []),
        ("{customer does: [ask, ask_again], times: 2}", [20]),
        ("{all: [{customer does: threaten}, {agent does: evade}], together: 5s}", [13]),
        ("{all: [{customer does: threaten}, {agent does: greet}], together: 5s}", []),
        ("{all: [{customer does: threaten}, {customer says: [平台]}], together: 0s}", [20]),
    ],
)
def test_an_act_is_found_where_the_condition_looks(tmp_path: Path, when: str, expected: list[float]) -> None:
    assert hits(tmp_path, when, *TALK) == expected


@pytest.mark.parametrize(
    "when",
    [
        "{none: [{agent does: apologise}]}",
        "{none: [{sequence: [{customer does: ask}, {agent does: answer}]}]}",
        "{none: [{emotion: {is: HAPPY, role: customer}, last: 25%}]}",
    ],
)
def test_what_was_not_judged_is_held_against_nobody(tmp_path: Path, when: str) -> None:
    assert hits(tmp_path, when, say(1, 3, AGENT, "您好", None), say(4, 6, CUSTOMER, "在吗", None)) == []


def test_silence_of_speakers_who_are_not_known_is_held_against_nobody(tmp_path: Path) -> None:
    assert hits(tmp_path, "{none: [{agent says: [您好]}]}", say(1, 3, Role.UNKNOWN, "喂")) == []
    assert hits(tmp_path, "{none: [{agent says: [您好]}]}", say(1, 3, CUSTOMER, "喂")) == [3]
    assert hits(tmp_path, "{none: [{agent does: greet}]}", say(1, 3, CUSTOMER, "喂", acts="small")) == [3]


def test_explain_shows_the_act_the_score_and_the_reader(tmp_path: Path) -> None:
    ruleset = rule_set(tmp_path, "{customer does: threaten}")
    transcript = call(*TALK)
    context = rules.MatchContext.of(transcript, analyse_transcript(transcript))
    text = "\n".join(rules.draw(rules.explain(ruleset.rules[0], context)))
    assert "第 20 秒 “礼拜六再没有我就走平台了” [要投诉，把握 90%，转写里写明]" in text
    with locale.speaking("en"):
        missed = rules.explain(rule_set(tmp_path, "{customer does: give_up}").rules[0], context)
    assert missed.when.seen == "accepts 1, asks 1, asks again 1, threatens to complain 1"


def test_acts_and_holds_come_back_from_a_snapshot(tmp_path: Path) -> None:
    ruleset = rule_set(
        tmp_path, "{all: [{agent does: {act: evade, score: 0.7}}, {metric: {name: hold_count, above: 0}}]}"
    )
    wait = (say(32, 33, AGENT, "请稍等", acts="hold"), say(80, 82, AGENT, "查到了", acts="answer"))
    book = RuleBook(settings=Settings(), topics=TOPICS, ruleset=ruleset)
    report = judge_call(Call(call_id="c", audio_path=""), call(*TALK, *wait), book)
    assert [finding.at_ms for finding in report.findings] == [13_000]
    snapshot = rules.CallSnapshot.read(rules.CallSnapshot.take(report, None).to_json())
    assert snapshot is not None
    context = snapshot.context({}, None)
    assert [segment.acts for segment in context.spoken] == [segment.acts for segment in report.segments]
    assert len(rules.judge_context(ruleset.rules, context, ScoreSettings()).findings) == 1
