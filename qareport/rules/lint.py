"""Warnings about rules that load: words that hide each other, rules without tests, rules that never hit.

Each warning has a code of `diagnostics.CODES`; a comment `# qareport: ignore[code]` silences it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from qareport.errors import Diagnostic, SourceLocation
from qareport.messages import Message, say
from qareport.model import DEFAULT_SILENCE_MS
from qareport.rules.aliases import did_you_mean
from qareport.rules.diagnostics import read_ignores, silence
from qareport.rules.lint_advice import check_advice
from qareport.rules.lint_conditions import Limits, check_conditions, same_trigger
from qareport.rules.lint_words import check_words
from qareport.rules.live import what_needs_end
from qareport.rules.replay import StoredJudgement
from qareport.rules.rule import Rule, RuleSet, RuleStatus
from qareport.rules.rule_tests import RuleTest, load_rule_tests
from qareport.rules.yaml_style import AMBIGUOUS
from qareport.strict_yaml import NodePath

#: A rule that hit nothing for so long is doubtful.
IDLE = timedelta(days=30)


def lint(
    ruleset: RuleSet,
    *,
    tests: Sequence[RuleTest] | None = None,
    silence_ms: int = DEFAULT_SILENCE_MS,
    topics: Collection[str] | None = None,
    promises: Collection[str] | None = None,
    today: date | None = None,
    counts: HitCounts | None = None,
    categories: Collection[str] = (),
) -> tuple[Diagnostic, ...]:
    """Return the warnings about a rule set, without those that comments silence.

    Args:
        ruleset: the rules, with the files that they were read from.
        tests: the tests beside the rules; None: read from the same files.
        silence_ms: shorter pauses are not silences.
        topics: the issues of topics.yaml; None: not checked.
        promises: what its `promises` can be about; None: not checked.
        today: rules that ended before this day are reported; None: not checked.
        counts: hits in stored calls; None: not checked.
        categories: those of the scorecard; rules may have others, but hardly misspelled ones.

    Raises:
        ConfigError: a test file beside the rules has errors.
    """
    if tests is None:
        tests = load_rule_tests(ruleset)
    limits = Limits(
        silence_ms=silence_ms,
        topics=None if topics is None else frozenset(topics),
        promises=None if promises is None else frozenset(promises),
    )
    not_checked = {"unknown-topic": topics, "unknown-promise": promises, "ended-rule": today, "never-hits": counts}
    warnings = (
        *_ambiguous_scalars(ruleset),
        *check_words(ruleset),
        *_misspelled_categories(ruleset, categories),
        *_without_tests(ruleset, tests),
        *_tests_of_retired_rules(ruleset, tests),
        *_advice_without_topic(ruleset),
        *check_advice(ruleset),
        *_equal_titles(ruleset),
        *_conditions(ruleset, limits),
        *_live_without_end(ruleset),
        *_lifetimes(ruleset, today),
        *_shadowed_rules(ruleset),
        *(counts.warnings(ruleset) if counts is not None else ()),
    )
    return tuple(_unsilenced(warnings, ruleset, tests, [code for code, given in not_checked.items() if given is None]))


def _unsilenced(
    warnings: Iterable[Diagnostic], ruleset: RuleSet, tests: Iterable[RuleTest], unchecked: Collection[str]
) -> Iterator[Diagnostic]:
    """Apply the `ignore` comments of all files."""
    sources = {**ruleset.sources, **{test.source.file: test.source for test in tests}}
    ignores = [ignore for source in sources.values() for ignore in read_ignores(source)]
    starts = [(ruleset.source_of(rule).locate(rule.path), rule.location) for rule in ruleset.rules]
    return silence(warnings, ignores, starts, unchecked)


def _warning(
    code: str, ruleset: RuleSet, rule: Rule, what: Message, to_do: Message | None, path: NodePath | None = None
) -> Diagnostic:
    """Word a warning about a rule; `path` is a place below it, None its id."""
    where = rule.location if path is None else ruleset.source_of(rule).locate((*rule.path, *path))
    text = say("{subject}: {what}", subject=rule.id, what=what)
    return Diagnostic(code=code, severity="warning", what=text, where=where, to_do=to_do)


def _ambiguous_scalars(ruleset: RuleSet) -> Iterator[Diagnostic]:
    """Find plain values that are text here and something else in other readers of YAML."""
    for source in ruleset.sources.values():
        for where, text in source.plain_scalars:
            for pattern, meaning in AMBIGUOUS.items():
                if pattern.match(text):
                    what = say(meaning.template, text=text)
                    to_do = say('write it with quotes: "{text}"', text=text)
                    yield Diagnostic(code="ambiguous-scalar", severity="warning", what=what, where=where, to_do=to_do)


def _without_tests(ruleset: RuleSet, tests: Iterable[RuleTest]) -> Iterator[Diagnostic]:
    tested: dict[str, set[str]] = {"must_hit": set(), "must_not_hit": set()}
    for test in tests:
        tested["must_hit"].update(expected.rule for expected in test.must_hit)
        tested["must_not_hit"].update(test.must_not_hit)
    for rule in ruleset.rules:
        if rule.status is RuleStatus.RETIRED:
            continue
        for key, rule_ids in tested.items():
            if rule.id not in rule_ids:
                what, to_do = say("no test has it in `{key}`", key=key), say("add a case to the *.test.yaml beside it")
                yield _warning("rule-without-test", ruleset, rule, what, to_do)


def _tests_of_retired_rules(ruleset: RuleSet, tests: Iterable[RuleTest]) -> Iterator[Diagnostic]:
    for test in tests:
        for rule_id in (*(expected.rule for expected in test.must_hit), *test.must_not_hit):
            rule = ruleset.find(rule_id)
            if rule is not None and rule.status is RuleStatus.RETIRED:
                what = say("{test}: {rule} is retired and hits nothing", test=test.name, rule=rule_id)
                to_do = say("take this case out")
                yield Diagnostic(
                    code="retired-rule-tested", severity="warning", what=what, where=test.location, to_do=to_do
                )


def _misspelled_categories(ruleset: RuleSet, categories: Collection[str]) -> Iterator[Diagnostic]:
    """Find categories that the scorecard does not list and that are nearly one that it does."""
    for rule in ruleset.rules:
        if rule.category not in categories and (near := did_you_mean(rule.category, categories)) is not None:
            what = say("the scorecard has no category {category!r}", category=rule.category)
            yield _warning("unknown-category", ruleset, rule, what, near, ("category",))


def _advice_without_topic(ruleset: RuleSet) -> Iterator[Diagnostic]:
    for rule in ruleset.rules:
        texts = (rule.advice, *rule.variants.values())
        if any(advice.names("topic") for advice in texts) and not rule.when.names_topic:
            what = say("advice names {{ topic }}, but `when` does not always find one")
            yield _warning("advice-without-topic", ruleset, rule, what, say("name it in words"))


def _equal_titles(ruleset: RuleSet) -> Iterator[Diagnostic]:
    first: dict[str, SourceLocation] = {}
    for rule in ruleset.rules:
        if rule.title in first:
            what = say("title {title!r} is that of another rule", title=rule.title)
            yield _warning("duplicate-title", ruleset, rule, what, say("see {where}", where=first[rule.title]))
        first.setdefault(rule.title, rule.location)


def _conditions(ruleset: RuleSet, limits: Limits) -> Iterator[Diagnostic]:
    for rule in ruleset.rules:
        for warning in check_conditions(rule, ruleset.shared.lists, limits):
            yield _warning(warning.code, ruleset, rule, warning.what, warning.to_do, warning.path)


def _live_without_end(ruleset: RuleSet) -> Iterator[Diagnostic]:
    for rule in ruleset.rules:
        for path, what in what_needs_end(rule.written) if rule.live else ():
            to_do = say("take `live` out, or give it a time: it is not judged while a call is on")
            yield _warning("live-needs-end", ruleset, rule, what, to_do, path)


def _lifetimes(ruleset: RuleSet, today: date | None) -> Iterator[Diagnostic]:
    for rule in ruleset.rules:
        if today is not None and rule.effective_to is not None and rule.effective_to < today:
            what, to_do = say("ended on {day} and counts no more", day=rule.effective_to), say("set `status: retired`")
            yield _warning("ended-rule", ruleset, rule, what, to_do, ("effective",))
        for replaced in rule.replaces:
            other = ruleset.find(replaced)
            if replaced == rule.id:
                to_do = say("name the rule that it replaces")
                yield _warning("replaces-itself", ruleset, rule, say("replaces itself"), to_do, ("replaces",))
            elif other is None:
                what = say("replaces {rule!r}, which is no rule", rule=replaced)
                near = did_you_mean(replaced, ruleset.versions)
                yield _warning("replaces-unknown", ruleset, rule, what, near, ("replaces",))
            elif other.status is RuleStatus.ACTIVE and rule.status is RuleStatus.ACTIVE:
                what = say("replaces {rule}, which still counts: one fault costs twice", rule=replaced)
                to_do = say("set `status: retired` at {where}", where=other.location)
                yield _warning("replaces-active", ruleset, rule, what, to_do, ("replaces",))


def _shadowed_rules(ruleset: RuleSet) -> Iterator[Diagnostic]:
    """Find rules that hit wherever another hits: one fault costs twice."""
    active = [rule for rule in ruleset.rules if rule.status is RuleStatus.ACTIVE]
    for index, rule in enumerate(active):
        for other in active[:index]:
            if same_trigger(rule, other):
                what = say("hits wherever {rule} hits: one fault costs twice", rule=other.id)
                to_do = say("see {where}: keep one", where=other.location)
                yield _warning("shadowed-rule", ruleset, rule, what, to_do, ("when",))


@dataclass(frozen=True, slots=True, kw_only=True)
class HitCounts:
    """Hits by rule over all stored calls, and over the 30 days before the newest of them."""

    calls: int
    by_rule: Mapping[str, int]
    recent: Mapping[str, int]

    def warnings(self, ruleset: RuleSet) -> Iterator[Diagnostic]:
        """Report the active rules that hit nothing in the last 30 days; none when no calls are stored."""
        for rule in ruleset.rules:
            if self.calls and rule.status is RuleStatus.ACTIVE and not self.recent.get(rule.id):
                what = say("hit none of the stored calls in 30 days")
                to_do = say("see `qareport rules explain CALL --rule`")
                yield _warning("never-hits", ruleset, rule, what, to_do)


def count_hits(ruleset: RuleSet, calls: Iterable[StoredJudgement | None]) -> HitCounts:
    """Count the stored hits of each rule of a set."""
    total: Counter[str] = Counter()
    by_day: list[tuple[datetime | None, list[str]]] = []
    for call in calls:
        if call is not None:
            rule_ids = [finding.rule_id for finding in call.snapshot.findings()]
            total.update(rule_ids)
            by_day.append((call.snapshot.started_at, rule_ids))
    newest = max((day for day, _ in by_day if day is not None), default=None)
    recent: Counter[str] = Counter()
    for day, rule_ids in by_day:
        if newest is None or (day is not None and newest - day <= IDLE):
            recent.update(rule_ids)
    return HitCounts(
        calls=len(by_day),
        by_rule={rule.id: total[rule.id] for rule in ruleset.rules},
        recent={rule.id: recent[rule.id] for rule in ruleset.rules},
    )
