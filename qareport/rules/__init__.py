"""Rules in YAML: read, checked, tested beside themselves, and matched against analysed calls.

`load` reads a folder of rules and reports every problem in it at once. `judge` matches them against one call.
`run_cases` runs the `*.test.yaml` beside the rules, `lint` names what loads and still is not good, `json_schema` serves
editors. `explain` tells why a rule hit a call or did not, `replay` what an edit would do to the calls that are stored.
docs/rules.zh-CN.md tells users how to write them.
"""

from qareport.rules.call_snapshot import Packed, pack
from qareport.rules.diagnostics import did_you_mean
from qareport.rules.explain import Explanation, draw, explain
from qareport.rules.json_schema import json_schema
from qareport.rules.judge import judge, judge_scene
from qareport.rules.lint import HitCounts, count_hits, lint
from qareport.rules.loader import load, load_files, load_revision
from qareport.rules.match_context import Scene
from qareport.rules.replay import AgentChange, Change, Replay, StoredJudgement, replay
from qareport.rules.rule import Occurrence, Rule, RuleSet, Status
from qareport.rules.rule_tests import CaseResult, cut_case, run_cases

__all__ = [
    "AgentChange",
    "CaseResult",
    "Change",
    "Explanation",
    "HitCounts",
    "Occurrence",
    "Packed",
    "Replay",
    "Rule",
    "RuleSet",
    "Scene",
    "Status",
    "StoredJudgement",
    "count_hits",
    "cut_case",
    "did_you_mean",
    "draw",
    "explain",
    "json_schema",
    "judge",
    "judge_scene",
    "lint",
    "load",
    "load_files",
    "load_revision",
    "pack",
    "replay",
    "run_cases",
]
