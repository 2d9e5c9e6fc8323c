"""Replay: what an edited rule set changes in calls that are judged already, before it counts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from qareport import privacy
from qareport.model import Finding, PersonalKind
from qareport.rules.call_snapshot import CallSnapshot
from qareport.rules.fairness import charge_once, limit_rules, without_untimely_praise
from qareport.rules.judge import match, score_card
from qareport.rules.match_context import MatchContext
from qareport.rules.rule import Rule, RuleSet, RuleStatus
from qareport.settings import ScoreSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A hit that an edit gains or loses."""

    rule_id: str
    call_id: str
    order_id: str | None
    agent_id: str | None
    at_ms: int
    points: int
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChange:
    """Mean scores of one agent (None: not known) before and after."""

    agent_id: str | None
    calls: int
    #: Mean scores, one decimal.
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What an edit does to stored calls."""

    calls: int
    changed_calls: int
    #: Calls that could not be read.
    unread: int
    rules: tuple[str, ...]
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]
    before: float | None
    after: float | None
    agents: tuple[AgentChange, ...]
    seconds: float


@dataclass(slots=True)
class _Sums:
    calls: Counter[str | None] = field(default_factory=Counter)
    before: Counter[str | None] = field(default_factory=Counter)
    after: Counter[str | None] = field(default_factory=Counter)

    def add(self, agent: str | None, before: int, after: int) -> None:
        self.calls[agent] += 1
        self.before[agent] += before
        self.after[agent] += after

    def agents(self) -> tuple[AgentChange, ...]:
        return tuple(
            AgentChange(
                agent_id=agent,
                calls=count,
                before=round(self.before[agent] / count, 1),
                after=round(self.after[agent] / count, 1),
            )
            for agent, count in sorted(self.calls.items(), key=lambda item: item[0] or "")
        )

    def mean(self, sums: Counter[str | None]) -> float | None:
        total = sum(self.calls.values())
        return round(sum(sums.values()) / total, 2) if total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJudgement:
    """A call to replay: what rules look at, and the versions of the rules that judged it."""

    snapshot: CallSnapshot
    order_id: str | None
    #: By rule id; None: not known any more.
    versions: Mapping[str, str] | None
    earlier: Callable[[], tuple[datetime, ...] | None]


def replay(
    edited: RuleSet,
    calls: Iterable[StoredJudgement | None],
    score: ScoreSettings,
    *,
    against: RuleSet | None = None,
    kinds: Collection[PersonalKind] = privacy.ALL_KINDS,
    time_zone: tzinfo | None = None,
) -> Replay:
    """Match an edited rule set against stored calls.

    A rule of the version that judged a call is not matched again: its findings are stored. The others are matched as
    on the day of the call, so the result is that of a new run. Time is linear in calls and in edited rules.

    Args:
        edited: the rules as they are now.
        calls: what is stored; None for a call that cannot be read.
        score: how points become a score.
        against: compare with this rule set; None: with what is stored.
        kinds: personal data to mask in quotes; empty: none.
        time_zone: by whose clock days and hours count; None: by that of each call's own start.
    """
    started = time.perf_counter()
    gained: list[Change] = []
    lost: list[Change] = []
    sums = _Sums()
    count = changed = unread = 0
    for call in calls:
        if call is None:
            unread += 1
            continue
        count += 1
        before, after = _both(edited, against, call, time_zone)
        more, less = _difference(before, after, call, kinds), _difference(after, before, call, kinds)
        gained += more
        lost += less
        changed += bool(more or less)
        if call.snapshot.score is not None:
            old = call.snapshot.score if against is None else _score(before, score)
            sums.add(call.snapshot.agent_id, old, old if before is after else _score(after, score))
    return _result(sums, gained, lost, counts=(count, changed, unread), started=started)


def _result(
    sums: _Sums, gained: list[Change], lost: list[Change], *, counts: tuple[int, int, int], started: float
) -> Replay:
    return Replay(
        calls=counts[0],
        changed_calls=counts[1],
        unread=counts[2],
        rules=tuple(sorted({change.rule_id for change in (*gained, *lost)})),
        gained=tuple(gained),
        lost=tuple(lost),
        before=sums.mean(sums.before),
        after=sums.mean(sums.after),
        agents=sums.agents(),
        seconds=round(time.perf_counter() - started, 2),
    )


def _both(
    edited: RuleSet, against: RuleSet | None, call: StoredJudgement, time_zone: tzinfo | None
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings before and after; the same list twice when nothing can have changed."""
    stored = call.snapshot.findings()
    contexts: dict[int, MatchContext] = {}

    def context(ruleset: RuleSet) -> MatchContext:
        key = id(ruleset) if ruleset.stages else 0  # without stages, both sets match the same context
        if key not in contexts:
            contexts[key] = call.snapshot.context(ruleset.stages, call.earlier(), time_zone)
        return contexts[key]

    before = stored if against is None else _findings(against, stored, call.versions, context)
    after = _findings(edited, stored, call.versions, context)
    return (before, before) if _keys(before) == _keys(after) else (before, after)


def _findings(
    ruleset: RuleSet,
    stored: list[Finding],
    versions: Mapping[str, str] | None,
    context: Callable[[RuleSet], MatchContext],
) -> list[Finding]:
    known = versions or {}
    same = {rule.id: rule for rule in ruleset.rules if known.get(rule.id) == rule.version}
    # What another finding covered costs again if that one is gone, and so may what was above the limit of its rule.
    findings = [
        replace(finding, points=same[finding.rule_id].points, covered_by=None)
        if finding.covered_by or same[finding.rule_id].most is not None
        else finding
        for finding in stored
        if finding.rule_id in same
    ]
    for rule in ruleset.rules:
        if rule.id not in same and rule.status is RuleStatus.ACTIVE:
            findings += without_untimely_praise(_match(rule, context(ruleset)), context(ruleset))
    charged = charge_once(sorted(findings, key=lambda finding: (finding.at_ms, finding.rule_id)))
    return limit_rules(charged, {rule.id: rule.most for rule in ruleset.rules if rule.most is not None})


def _match(rule: Rule, context: MatchContext) -> list[Finding]:
    if not context.spoken or not rule.in_effect(context.day):
        return []
    try:
        return match(rule, context) or []
    except TimeoutError:
        return []


def _keys(findings: list[Finding]) -> list[tuple[str, int, int]]:
    return sorted((finding.rule_id, finding.at_ms, finding.points) for finding in findings)


def _difference(
    without: list[Finding], having: list[Finding], call: StoredJudgement, kinds: Collection[PersonalKind]
) -> list[Change]:
    """Return the hits of one side that the other does not have; the same hit with other points counts on both."""
    if without is having:
        return []
    known = set(_keys(without))
    new = [finding for finding in having if (finding.rule_id, finding.at_ms, finding.points) not in known]
    hide = privacy.quote_masker(call.snapshot.segments(), kinds) if new else str
    return [
        Change(
            rule_id=finding.rule_id,
            call_id=call.snapshot.call_id,
            order_id=call.order_id,
            agent_id=call.snapshot.agent_id,
            at_ms=finding.at_ms,
            points=finding.points,
            quote=hide(
                next((evidence.quote for evidence in finding.evidence), None) or call.snapshot.text_at(finding.at_ms)
            ),
        )
        for finding in new
    ]


def _score(findings: list[Finding], settings: ScoreSettings) -> int:
    return score_card(findings, (), (), settings).score
