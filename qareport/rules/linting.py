"""What loads and still is not good: rules without tests, advice that names what the rule never finds, equal titles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qareport.errors import Problem, SourceLocation
from qareport.rules.cases import load_cases
from qareport.rules.rule import Rule, RuleSet, Status


def lint(ruleset: RuleSet, rules_dir: Path) -> tuple[Problem, ...]:
    """Name the weak places of a rule set, as warnings.

    Raises:
        ConfigError: a test file beside the rules cannot be read.
    """
    cases = load_cases(ruleset, rules_dir)
    hit = {expected.rule for case in cases for expected in case.must_hit}
    not_hit = {rule_id for case in cases for rule_id in case.must_not_hit}
    warnings = [*_without_tests(ruleset, hit, not_hit), *_advice_without_topic(ruleset), *_equal_titles(ruleset)]
    return tuple(warnings)


def _without_tests(ruleset: RuleSet, hit: set[str], not_hit: set[str]) -> Iterator[Problem]:
    for rule in ruleset.rules:
        if rule.status is Status.RETIRED:
            continue
        for tested, key in ((hit, "must_hit"), (not_hit, "must_not_hit")):
            if rule.id not in tested:
                yield _warning(rule, f"no test has it in `{key}`", "add a case to the *.test.yaml beside it")


def _advice_without_topic(ruleset: RuleSet) -> Iterator[Problem]:
    for rule in ruleset.rules:
        if rule.advice.names("topic") and not rule.when.names_topic:
            yield _warning(rule, "advice names {{ topic }}, but `when` does not always find one", "name it in words")


def _equal_titles(ruleset: RuleSet) -> Iterator[Problem]:
    first: dict[str, SourceLocation] = {}
    for rule in ruleset.rules:
        if rule.title in first:
            yield _warning(rule, f"title {rule.title!r} is that of another rule", f"see {first[rule.title]}")
        first.setdefault(rule.title, rule.location)


def _warning(rule: Rule, what: str, to_do: str) -> Problem:
    return Problem(what=f"{rule.id}: {what}", where=rule.location, to_do=to_do)
