"""Rules judged while a call is on: open while something may still excuse them, then confirmed or cleared."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport import rules
from qareport.model import Emotion, Segment
from qareport.rules.live import READ_AGAIN_MS, LiveFinding, LiveFindingState, LiveJudge, live_rules, what_needs_end
from tests.support.calls import AGENT, CUSTOMER, analyse_transcript, call, say
from tests.support.rule_texts import SHIPPED, rule_set

OPEN, CONFIRMED, CLEARED = LiveFindingState
LIVE = "    live: true\n"
ASK, SORRY = say(0, 2, CUSTOMER, "赠品没有收到"), say(10, 12, AGENT, "抱歉")
UNLESS = "{customer says: 没有收到, unless: [{agent says: 抱歉, within: 20s}]}"


def follow(folder: Path, when: str, *looks: tuple[float, tuple[Segment, ...]], more: str = LIVE) -> list[LiveFinding]:
    """Look at a call at some seconds, with what was said until then; return all changes."""
    judge = LiveJudge(rule_set(folder, when, more))
    changes: list[LiveFinding] = []
    for at, segments in looks:
        transcript = call(*segments, duration=at)
        changes += judge.look(transcript, analyse_transcript(transcript), heard_ms=round(at * 1000))
    return changes


def states(changes: list[LiveFinding]) -> list[LiveFindingState]:
    return [change.state for change in changes]


def test_a_finding_counts_down_until_its_window_is_over(tmp_path: Path) -> None:
    changes = follow(tmp_path, UNLESS, (3, (ASK,)), (15, (ASK,)), (22, (ASK,)))
    assert states(changes) == [OPEN, CONFIRMED]
    assert changes[0].until_ms == 22_000
    assert changes[1].until_ms is None
    assert changes[1].finding.at_ms == 0


def test_what_excuses_it_in_time_clears_it_and_later_it_does_not(tmp_path: Path) -> None:
    assert states(follow(tmp_path, UNLESS, (3, (ASK,)), (12, (ASK, SORRY)), (30, (ASK, SORRY)))) == [OPEN, CLEARED]
    late = say(25, 26, AGENT, "抱歉")
    assert states(follow(tmp_path, UNLESS, (3, (ASK,)), (23, (ASK,)), (26, (ASK, late)))) == [OPEN, CONFIRMED]


def test_nothing_is_confirmed_before_everything_said_in_the_window_was_heard(tmp_path: Path) -> None:
    # The agent began to speak at 19 s and speaks on: what was heard ends there.
    assert states(follow(tmp_path, UNLESS, (3, (ASK,)), (19, (ASK,)))) == [OPEN]


def test_what_settles_at_once_is_confirmed_at_once(tmp_path: Path) -> None:
    assert states(follow(tmp_path, "{customer says: 没有收到}", (2.5, (ASK,)))) == [CONFIRMED]


def test_what_must_not_be_said_in_the_first_minutes_is_settled_after_them(tmp_path: Path) -> None:
    when = "{none: [{agent says: 您好}], first: 10s}"
    changes = follow(tmp_path, when, (4, (ASK,)), (11, (ASK,)))
    assert states(changes) == [OPEN, CONFIRMED]
    assert states(follow(tmp_path, when, (4, (ASK,)), (6, (ASK, say(5, 6, AGENT, "您好"))))) == [OPEN, CLEARED]


def test_an_exception_that_counts_sentences_has_no_countdown(tmp_path: Path) -> None:
    when = "{customer says: 没有收到, unless: [{agent says: 抱歉, within: 2 sentences}]}"
    more = tuple(say(at, at + 1, AGENT, "嗯") for at in (4, 6, 8))
    changes = follow(tmp_path, when, (3, (ASK,)), (5, (ASK, *more[:1])), (12, (ASK, *more)))
    assert states(changes) == [OPEN, CONFIRMED]
    assert changes[0].until_ms is None


def test_what_rests_on_acts_waits_for_what_is_said_next(tmp_path: Path) -> None:
    evades = say(3, 5, AGENT, "请您耐心等待", acts="evade")
    changes = follow(tmp_path, "{agent does: evade}", (5.5, (ASK, evades)), (7, (ASK, evades)))
    assert states(changes) == [OPEN, CONFIRMED]
    assert changes[0].until_ms == 5000 + READ_AGAIN_MS


def test_every_occurrence_is_a_finding_of_its_own(tmp_path: Path) -> None:
    angry = tuple(say(at, at + 2, CUSTOMER, "气死了", Emotion.ANGRY) for at in (0, 20))
    more = LIVE + "    occurrence: every\n"
    assert states(follow(tmp_path, "{emotion: ANGRY}", (3, angry[:1]), (23, angry), more=more)) == [CONFIRMED] * 2


def test_a_call_that_is_over_confirms_what_is_open(tmp_path: Path) -> None:
    judge = LiveJudge(rule_set(tmp_path, UNLESS, LIVE))
    transcript = call(ASK, duration=5)
    assert states(judge.look(transcript, analyse_transcript(transcript), heard_ms=5000)) == [OPEN]
    ended = judge.look(transcript, analyse_transcript(transcript), heard_ms=5000, is_over=True)
    assert states(ended) == [CONFIRMED]


def test_a_rule_that_is_not_live_is_not_judged(tmp_path: Path) -> None:
    assert follow(tmp_path, "{customer says: 没有收到}", (30, (ASK,)), more="") == []


@pytest.mark.parametrize(
    ("when", "places"),
    [
        ("{customer says: 好, last: 20s}", [("when", "last")]),
        ("{last speaker: customer}", [("when", "last speaker")]),
        ("{call length: 30s}", [("when", "call length")]),
        ("{metric: {name: agent_talk_share, above: 0.5}}", [("when", "metric")]),
        ("{customer says: 好, unless: [{agent says: 抱歉}]}", [("when", "unless", 0)]),
        ("{none: [{agent says: 您好}]}", [("when", "none")]),
        ("{none: [{agent says: 您好}], first: 20%}", [("when", "none")]),
        ("{customer says: 好, between: [10s, -10s]}", [("when", "between")]),
        ("{all: [{customer says: 好}, {turns: {above: 3}}]}", [("when", "all", 1, "turns")]),
        ("{all: [{customer says: 好}, {none: [{agent says: 好}]}], together: 9s}", []),
        ("{none: [{agent says: 您好}], first: 2m}", []),
        ("{customer says: 好, unless: [{agent says: 抱歉, around: 9s}]}", []),
    ],
)
def test_what_rests_on_the_end_is_named_by_lint_and_not_judged(
    tmp_path: Path, when: str, places: list[tuple[str | int, ...]]
) -> None:
    ruleset = rule_set(tmp_path, when, LIVE)
    assert [path for path, _ in what_needs_end(ruleset.rules[0].written)] == places
    warned = [warning.code for warning in rules.lint(ruleset) if warning.code == "live-needs-end"]
    assert warned == ["live-needs-end"] * len(places)
    assert len(live_rules(ruleset)) == (0 if places else 1)


def test_the_key_is_written_in_chinese_too_and_changes_no_version(tmp_path: Path) -> None:
    chinese = rule_set(tmp_path, "{customer says: 好}", "    实时: 是\n")
    assert chinese.rules[0].live
    assert chinese.versions == rule_set(tmp_path, "{customer says: 好}").versions


def test_live_rules_of_the_starter_set_need_no_end() -> None:
    ruleset = rules.load(SHIPPED)
    marked = [rule.id for rule in ruleset.rules if rule.live]
    assert len(marked) >= 40
    assert [rule.id for rule in live_rules(ruleset)] == marked
