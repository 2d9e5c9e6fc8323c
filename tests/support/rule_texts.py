"""A rule file and its test file as texts, and what testing them says."""

from __future__ import annotations

from pathlib import Path

from qareport import rules
from tests.support.calls import analyse_transcript
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


def run_case(folder: Path, rule: str = RULE, case: str = CASE) -> tuple[rules.RuleTestResult, ...]:
    """Write both texts to a folder and run the rule's tests."""
    (folder / "a.yaml").write_text(rule, encoding="utf-8")
    (folder / "a.test.yaml").write_text(case, encoding="utf-8")
    return rules.run_rule_tests(rules.load(folder), analyse_transcript)
