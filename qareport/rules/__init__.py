"""Rules in YAML: read, checked, tested beside themselves, and matched against analysed calls.

`load` reads a folder of rules and reports every problem in it at once. `judge` matches them against one call.
`run_cases` runs the `*.test.yaml` beside the rules, `lint` names what loads and still is not good, `json_schema` serves
editors. docs/rules.zh-CN.md tells users how to write them.
"""

from qareport.rules.cases import CaseResult, run_cases
from qareport.rules.judging import judge
from qareport.rules.linting import lint
from qareport.rules.loading import load
from qareport.rules.rule import Occurrence, Rule, RuleSet, Status
from qareport.rules.schema import json_schema

__all__ = [
    "CaseResult",
    "Occurrence",
    "Rule",
    "RuleSet",
    "Status",
    "json_schema",
    "judge",
    "lint",
    "load",
    "run_cases",
]
