"""Rules in YAML: read, checked, tested, and matched against analysed calls.

`RuleFiles` holds rule files in memory, from a folder, a git revision, the store or an editor; `load` reads a rule set
from them and reports every problem at once. `judge` matches it against a call, `replay` against stored calls. `lint`
returns warnings about rules that load, `run_rule_tests` runs the `*.test.yaml` beside them, `explain` tells why a
rule hit a call or missed it. `json_schema` and `conditions_reference` serve editors and the documentation.
"""

from qareport.rules.aliases import did_you_mean
from qareport.rules.call_snapshot import CallSnapshot
from qareport.rules.diagnostics import CODES
from qareport.rules.explain import Explanation, draw, explain
from qareport.rules.judge import judge, judge_context
from qareport.rules.lint import HitCounts, count_hits, lint
from qareport.rules.loader import load
from qareport.rules.match_context import MatchContext
from qareport.rules.reference import codes_reference, conditions_reference
from qareport.rules.replay import AgentChange, Change, Replay, StoredJudgement, replay
from qareport.rules.review import reviewed_card
from qareport.rules.risk import RiskAssessment, assess_risk
from qareport.rules.rule import Occurrence, Rule, RuleSet, RuleStatus
from qareport.rules.rule_files import RuleFiles, kind_of
from qareport.rules.rule_templates import NewRule, RuleTemplate, add_rule, next_id
from qareport.rules.rule_tests import RuleTest, RuleTestResult, export_rule_test, load_rule_tests, run_rule_tests
from qareport.rules.rule_text import EditableRule, WordField, append_rule, edit_rule, read_rules, split_words
from qareport.rules.schema import FileKind, json_schema
from qareport.rules.slots import Tongue
from qareport.rules.translation import rewrite

__all__ = [
    "CODES",
    "AgentChange",
    "CallSnapshot",
    "Change",
    "EditableRule",
    "Explanation",
    "FileKind",
    "HitCounts",
    "MatchContext",
    "NewRule",
    "Occurrence",
    "Replay",
    "RiskAssessment",
    "Rule",
    "RuleFiles",
    "RuleSet",
    "RuleStatus",
    "RuleTemplate",
    "RuleTest",
    "RuleTestResult",
    "StoredJudgement",
    "Tongue",
    "WordField",
    "add_rule",
    "append_rule",
    "assess_risk",
    "codes_reference",
    "conditions_reference",
    "count_hits",
    "did_you_mean",
    "draw",
    "edit_rule",
    "explain",
    "export_rule_test",
    "json_schema",
    "judge",
    "judge_context",
    "kind_of",
    "lint",
    "load",
    "load_rule_tests",
    "next_id",
    "read_rules",
    "replay",
    "reviewed_card",
    "rewrite",
    "run_rule_tests",
    "split_words",
]
