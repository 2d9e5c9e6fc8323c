"""A sentence costs once, and praise waits until the customer is settled."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport import rules
from qareport.model import Call, Emotion, Evidence, Finding, Role, Segment, Severity
from qareport.rules.fairness import charge_once, is_unsettled
from qareport.settings import ScoreSettings, Settings
from qareport.workflows.judge import RuleBook, judge_call
from tests.support.calls import AGENT, CUSTOMER, TOPICS, analyse_transcript, call, say

TWO = """schema: 1
rules:
  - {id: a.heavy, title: 重, severity: major, points: -10, category: 物流, advice: 好, when: {agent says: [尽快]}}
  - {id: a.light, title: 轻, severity: major, points: -6, category: 物流, advice: 好, when: {agent does: evade}}
  - {id: a.other, title: 别, severity: major, points: -3, category: 物流, advice: 好, when: {customer says: [发货]}}
"""
TALK = (say(1, 3, CUSTOMER, "什么时候发货", acts="ask"), say(4, 6, AGENT, "会尽快的", acts="evade"))


def finding(rule_id: str, points: int, *places: tuple[int, int], fatal: bool = False) -> Finding:
    evidence = tuple(Evidence(at_ms=start, end_ms=end, role=Role.AGENT, quote="话") for start, end in places)
    return Finding(
        rule_id=rule_id, rule_version="1", title="标题", category="物流", severity=Severity.MAJOR,
        at_ms=places[0][0] if places else 0, evidence=evidence, advice="好", points=points, fatal=fatal,
    )  # fmt: skip


def test_the_heaviest_finding_on_a_sentence_counts_and_the_others_name_it() -> None:
    charged = charge_once([finding("a", -5, (0, 9)), finding("b", -8, (5, 20)), finding("c", -3, (20, 30))])
    assert [(item.rule_id, item.points, item.covered_by) for item in charged] == [
        ("a", 0, "b"),
        ("b", -8, None),
        ("c", -3, None),
    ]


def test_of_equal_findings_the_one_with_more_evidence_counts() -> None:
    charged = charge_once([finding("a", -8, (0, 9)), finding("b", -8, (0, 9), (10, 20))])
    assert [item.points for item in charged] == [0, -8]


def test_fatal_findings_praise_and_findings_without_words_stay_as_they_are() -> None:
    given = [
        finding("a", -100, (0, 9), fatal=True),
        finding("b", -100, (0, 9), fatal=True),
        finding("c", 5, (0, 9)),
        finding("d", -3),
        finding("e", -3, (7, 7)),
    ]
    assert charge_once(given) == given


def test_a_replay_charges_what_was_covered_by_a_rule_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TWO, encoding="utf-8")
    ruleset = rules.load(tmp_path)
    report = judge_call(
        Call(call_id="c", audio_path=""), call(*TALK), RuleBook(settings=Settings(), topics=TOPICS, ruleset=ruleset)
    )
    assert [(item.rule_id, item.points, item.covered_by) for item in report.findings] == [
        ("a.other", -3, None),
        ("a.heavy", -10, None),
        ("a.light", 0, "a.heavy"),
    ]
    assert report.score == 87
    snapshot = rules.CallSnapshot.read(rules.CallSnapshot.take(report, None).to_json())
    assert snapshot is not None
    stored = rules.StoredJudgement(snapshot=snapshot, order_id=None, versions=ruleset.versions, earlier=lambda: None)
    assert rules.replay(ruleset, [stored], ScoreSettings()).changed_calls == 0
    lighter = rules.load(ruleset.origin.edited("a.yaml", TWO.replace("[尽快]", "[马上]")))
    replayed = rules.replay(lighter, [stored], ScoreSettings())
    assert [(change.rule_id, change.points) for change in replayed.gained] == [("a.light", -6)]
    assert replayed.after == 91


@pytest.mark.parametrize(
    ("last", "unsettled"),
    [
        (say(5, 6, CUSTOMER, "好的", acts="accept"), False),
        (say(5, 6, CUSTOMER, "嗯", acts="small"), True),
        (say(5, 6, CUSTOMER, "我要投诉", acts="threaten"), True),
        (say(5, 6, CUSTOMER, "好的", Emotion.ANGRY, acts="accept"), True),
    ],
)
def test_the_last_telling_sentence_of_the_customer_decides(last: Segment, unsettled: bool) -> None:
    transcript = call(say(1, 2, CUSTOMER, "太慢了", acts="complain"), last)
    assert is_unsettled(rules.MatchContext.of(transcript, analyse_transcript(transcript))) is unsettled
