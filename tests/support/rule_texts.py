"""A rule file and its test file as texts, and what testing them says."""

from __future__ import annotations

from pathlib import Path

from qareport import rules
from qareport.model import Judgement, Segment
from qareport.settings import ScoreSettings
from tests.support.calls import analyse_transcript, call
from tests.support.paths import ROOT

SHIPPED = ROOT / "config" / "rules"

RULE = """schema: 1
rules:
  - {id: a.rule, title: 标题, severity: major, points: -10, category: 物流, advice: 好, when: {customer says: [发货]}}
"""
CASE = """schema: 1
cases:
  - name: 问发货
    conversation:
      - 客户 12.0-14.5 ANGRY: 什么时候发货
      - agent 15-16: 您好
    must_hit: [{rule: a.rule, at: 12}]
"""


def rule_set(folder: Path, when: str, more: str = "") -> rules.RuleSet:
    """Load a single rule, whose `when` is given in YAML's short form."""
    text = (
        "schema: 1\nrules:\n  - id: a.rule\n    title: 标题\n    severity: minor\n    points: -10\n    category: 物流\n"
        f"    advice: '{{{{ topic }}}}|{{{{ quote }}}}|{{{{ seconds }}}}|{{{{ order_id }}}}'\n    when: {when}\n{more}"
    )
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return rules.load(folder)


def judge(folder: Path, when: str, *segments: Segment, more: str = "", duration: float | None = None) -> Judgement:
    """Judge a conversation by such a rule."""
    transcript = call(*segments, duration=duration)
    return rules.judge(rule_set(folder, when, more), transcript, analyse_transcript(transcript), ScoreSettings())


def hits(folder: Path, when: str, *segments: Segment, more: str = "", duration: float | None = None) -> list[float]:
    """Return the seconds at which such a rule hits, every time it does."""
    more += "    occurrence: every\n"
    return [finding.at_ms / 1000 for finding in judge(folder, when, *segments, more=more, duration=duration).findings]


def run_case(folder: Path, rule: str = RULE, case: str = CASE) -> tuple[rules.RuleTestResult, ...]:
    """Write both texts to a folder and run the rule's tests."""
    (folder / "a.yaml").write_text(rule, encoding="utf-8")
    (folder / "a.test.yaml").write_text(case, encoding="utf-8")
    return rules.run_rule_tests(rules.load(folder), analyse_transcript)
