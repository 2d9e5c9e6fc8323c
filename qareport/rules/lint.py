"""What loads and still is not good: words that hide each other, rules without tests, rules that never hit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import yaml

from qareport.errors import Problem, SourceLocation
from qareport.model import DEFAULT_SILENCE_MS
from qareport.rules.diagnostics import Path_
from qareport.rules.lint_conditions import Doubt, Limits, doubts, same_trigger
from qareport.rules.replay import StoredJudgement
from qareport.rules.rule import Rule, RuleSet, Status
from qareport.rules.rule_tests import load_cases
from qareport.rules.synonyms import FILE_NAME
from qareport.strict_yaml import YamlSource, parse_yaml

#: Plain values that other readers of YAML take for something else than the text that stands there.
_TRAPS = (
    (re.compile(r"(?i)(yes|no|on|off|y|n)\Z"), "true or false"),
    (re.compile(r"[-+]?0[0-9]+\Z"), "an octal number"),
    (re.compile(r"[0-9]+(:[0-5]?[0-9])+\Z"), "a number of minutes"),
)


@dataclass(frozen=True, slots=True)
class _Written:
    """A rule beside the text it was read from."""

    rule: Rule
    source: YamlSource
    path: Path_

    def problem(self, what: str, to_do: str | None, path: Path_ = ()) -> Problem:
        where = self.source.locate((*self.path, *path)) if path else self.rule.location
        return Problem(what=f"{self.rule.id}: {what}", where=where, to_do=to_do)


def lint(
    ruleset: RuleSet,
    rules_dir: Path,
    *,
    silence_ms: int = DEFAULT_SILENCE_MS,
    topics: Collection[str] | None = None,
    today: date | None = None,
) -> tuple[Problem, ...]:
    """Name the weak places of a rule set, as warnings.

    Args:
        ruleset: as it was loaded.
        rules_dir: where its tests stand.
        silence_ms: pauses up to this are no silences.
        topics: the issues that topics.yaml knows; None: not checked.
        today: rules that ended before are named; None: not checked.

    Raises:
        ConfigError: a test file beside the rules cannot be read.
    """
    cases = load_cases(ruleset, rules_dir)
    hit = {expected.rule for case in cases for expected in case.must_hit}
    not_hit = {rule_id for case in cases for rule_id in case.must_not_hit}
    limits = Limits(silence_ms=silence_ms, topics=None if topics is None else frozenset(topics))
    written = list(_written(ruleset, rules_dir))
    return (
        *_traps(ruleset, rules_dir),
        *_without_tests(ruleset, hit, not_hit),
        *_advice_without_topic(ruleset),
        *_equal_titles(ruleset),
        *(_doubtful(one, doubt) for one in written for doubt in doubts(one.rule, ruleset.shared.lists, limits)),
        *_lifetimes(ruleset, written, today),
        *_shadowed(written),
    )


def _written(ruleset: RuleSet, rules_dir: Path) -> Iterator[_Written]:
    places = {}
    for name, text in ruleset.files.items():
        if name == FILE_NAME:
            continue
        source = parse_yaml(text.encode(), name=f"{rules_dir}/{name}")
        for index, item in enumerate(source.data["rules"]):
            places[item["id"]] = (source, ("rules", index))
    for rule in ruleset.rules:
        source, path = places[rule.id]
        yield _Written(rule, source, path)


def _traps(ruleset: RuleSet, rules_dir: Path) -> Iterator[Problem]:
    """Find plain values that are text here and something else in other readers of YAML."""
    for name, text in ruleset.files.items():
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if not isinstance(token, yaml.ScalarToken) or not token.plain:
                continue
            for pattern, meaning in _TRAPS:
                if pattern.match(token.value):
                    mark = token.start_mark
                    where = SourceLocation(file=f"{rules_dir}/{name}", line=mark.line + 1, column=mark.column + 1)
                    what = f"{token.value} is read as text here, elsewhere as {meaning}"
                    yield Problem(what=what, where=where, to_do=f'write "{token.value}" with quotes')


def _without_tests(ruleset: RuleSet, hit: set[str], not_hit: set[str]) -> Iterator[Problem]:
    for rule in ruleset.rules:
        if rule.status is Status.RETIRED:
            continue
        for tested, key in ((hit, "must_hit"), (not_hit, "must_not_hit")):
            if rule.id not in tested:
                yield _warning(rule, f"no test has it in `{key}`", "add a case to the *.test.yaml beside it")


def _advice_without_topic(ruleset: RuleSet) -> Iterator[Problem]:
    for rule in ruleset.rules:
        if any(one.names("topic") for one in (rule.advice, *rule.variants.values())) and not rule.when.names_topic:
            yield _warning(rule, "advice names {{ topic }}, but `when` does not always find one", "name it in words")


def _equal_titles(ruleset: RuleSet) -> Iterator[Problem]:
    first: dict[str, SourceLocation] = {}
    for rule in ruleset.rules:
        if rule.title in first:
            yield _warning(rule, f"title {rule.title!r} is that of another rule", f"see {first[rule.title]}")
        first.setdefault(rule.title, rule.location)


def _doubtful(one: _Written, doubt: Doubt) -> Problem:
    return one.problem(doubt.what, doubt.to_do, doubt.path)


def _lifetimes(ruleset: RuleSet, written: list[_Written], today: date | None) -> Iterator[Problem]:
    for one in written:
        rule = one.rule
        if today is not None and rule.effective_to is not None and rule.effective_to < today:
            what = f"ended on {rule.effective_to} and counts no more"
            yield one.problem(what, "set `status: retired`", ("effective",))
        for replaced in rule.replaces:
            other = ruleset.find(replaced)
            if replaced == rule.id:
                yield one.problem("replaces itself", "name the rule that it replaces", ("replaces",))
            elif other is not None and other.status is Status.ACTIVE and rule.status is Status.ACTIVE:
                what = f"replaces {replaced}, which still counts: one fault costs twice"
                yield one.problem(what, f"set `status: retired` at {other.location}", ("replaces",))


def _shadowed(written: list[_Written]) -> Iterator[Problem]:
    """Find rules that hit wherever another hits: one fault costs twice."""
    active = [one for one in written if one.rule.status is Status.ACTIVE]
    for index, one in enumerate(active):
        for other in active[:index]:
            if same_trigger(one.rule, other.rule):
                what = f"hits wherever {other.rule.id} hits: one fault costs twice"
                yield one.problem(what, f"see {other.rule.location}: keep one", ("when",))


def _warning(rule: Rule, what: str, to_do: str) -> Problem:
    return Problem(what=f"{rule.id}: {what}", where=rule.location, to_do=to_do)


#: A rule that hit nothing for so long is doubtful.
IDLE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class HitCounts:
    """Hits by rule over all stored calls, and over the 30 days before the newest of them."""

    calls: int
    by_rule: Mapping[str, int]
    recent: Mapping[str, int]

    def warnings(self, ruleset: RuleSet) -> Iterator[Problem]:
        """Name the active rules that hit nothing in the last 30 days; nothing where no calls are stored."""
        for rule in ruleset.rules:
            if self.calls and rule.status is Status.ACTIVE and not self.recent.get(rule.id):
                what = f"{rule.id}: hit none of the stored calls in 30 days"
                yield Problem(what=what, where=rule.location, to_do="see `qareport rules explain CALL --rule`")


def count_hits(ruleset: RuleSet, calls: Iterable[StoredJudgement | None]) -> HitCounts:
    """Count the stored hits of each rule of a set."""
    total: Counter[str] = Counter()
    by_day: list[tuple[datetime | None, list[str]]] = []
    for call in calls:
        if call is not None:
            found = [one.rule_id for one in call.packed.findings()]
            total.update(found)
            by_day.append((call.packed.started_at, found))
    newest = max((day for day, _ in by_day if day is not None), default=None)
    recent: Counter[str] = Counter()
    for day, found in by_day:
        if newest is None or (day is not None and newest - day <= IDLE):
            recent.update(found)
    return HitCounts(
        calls=len(by_day),
        by_rule={rule.id: total[rule.id] for rule in ruleset.rules},
        recent={rule.id: recent[rule.id] for rule in ruleset.rules},
    )
