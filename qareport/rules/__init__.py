"""Rules in YAML: read, checked, tested beside themselves, and matched against analysed calls.

`load` reads a folder of rules and reports every problem in it at once. `judge` matches them against one call.
`run_cases` runs the `*.test.yaml` beside the rules, `lint` names what loads and still is not good, `json_schema` serves
editors. `explain` tells why a rule hit a call or did not, `replay` what an edit would do to the calls that are stored.
docs/rules.zh-CN.md tells users how to write them.
"""

from qareport.rules.cases import CaseResult, run_cases
from qareport.rules.cutting import cut_case
from qareport.rules.explaining import Explanation, draw, explain
from qareport.rules.judging import judge, judge_scene
from qareport.rules.linting import lint
from qareport.rules.loading import load, load_files
from qareport.rules.packing import Packed, pack
from qareport.rules.problems import did_you_mean
from qareport.rules.replay import AgentChange, Change, Replay, StoredJudgement, replay
from qareport.rules.revision import load_revision
from qareport.rules.rule import Occurrence, Rule, RuleSet, Status
from qareport.rules.scene import Scene
from qareport.rules.schema import json_schema
from qareport.rules.usage import HitCounts, count_hits

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
