"""Replay: what an edited rule set would say of calls that are judged already, before it counts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from qareport.model import Finding
from qareport.rules.call_snapshot import Packed
from qareport.rules.judge import match
from qareport.rules.match_context import Scene
from qareport.rules.rule import Rule, RuleSet, Status
from qareport.rules.scorecard import score_card
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
    """What happens to the scores of one agent (None: not known)."""

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
    #: Calls that the replay could not look at.
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
    """A call to replay: what rules look at, and by which rules it was judged."""

    packed: Packed
    order_id: str | None
    #: Versions of the rules that judged it, by id; None: not known any more.
    versions: Mapping[str, str] | None
    earlier: Callable[[], tuple[datetime, ...] | None]


def replay(
    edited: RuleSet,
    calls: Iterable[StoredJudgement | None],
    score: ScoreSettings,
    *,
    against: RuleSet | None = None,
) -> Replay:
    """Match an edited rule set against stored calls.

    A rule whose version is the one that judged a call is not matched again: what it found is stored. The rest is
    matched as on the day, so the result is what a new run would give. Time is linear in calls and in edited rules.

    Args:
        edited: the rules as they stand now.
        calls: what is stored; None for a call that cannot be read.
        score: how points become a score.
        against: compare with this rule set; None: with what is stored.
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
        before, after = _both(edited, against, call)
        more, less = _difference(before, after, call), _difference(after, before, call)
        gained += more
        lost += less
        changed += bool(more or less)
        if call.packed.score is not None:
            old = call.packed.score if against is None else _score(before, score)
            sums.add(call.packed.agent_id, old, old if before is after else _score(after, score))
    return _result(sums, gained, lost, counts=(count, changed, unread), started=started)


def _result(
    sums: _Sums, gained: list[Change], lost: list[Change], *, counts: tuple[int, int, int], started: float
) -> Replay:
    return Replay(
        calls=counts[0],
        changed_calls=counts[1],
        unread=counts[2],
        rules=tuple(sorted({one.rule_id for one in (*gained, *lost)})),
        gained=tuple(gained),
        lost=tuple(lost),
        before=sums.mean(sums.before),
        after=sums.mean(sums.after),
        agents=sums.agents(),
        seconds=round(time.perf_counter() - started, 2),
    )


def _both(edited: RuleSet, against: RuleSet | None, call: StoredJudgement) -> tuple[list[Finding], list[Finding]]:
    """Return the findings before and after; the same list twice when nothing can have changed."""
    stored = call.packed.findings()
    scenes: dict[int, Scene] = {}

    def scene(ruleset: RuleSet) -> Scene:
        key = id(ruleset) if ruleset.stages else 0  # without stages, one layout serves both sets
        if key not in scenes:
            scenes[key] = call.packed.scene(ruleset.stages, call.earlier())
        return scenes[key]

    before = stored if against is None else _findings(against, stored, call.versions, scene)
    after = _findings(edited, stored, call.versions, scene)
    return (before, before) if _keys(before) == _keys(after) else (before, after)


def _findings(
    ruleset: RuleSet,
    stored: list[Finding],
    versions: Mapping[str, str] | None,
    scene: Callable[[RuleSet], Scene],
) -> list[Finding]:
    known = versions or {}
    same = {rule.id for rule in ruleset.rules if known.get(rule.id) == rule.version}
    found = [one for one in stored if one.rule_id in same]
    for rule in ruleset.rules:
        if rule.id not in same and rule.status is Status.ACTIVE:
            found += _match(rule, scene(ruleset))
    return sorted(found, key=lambda one: (one.at_ms, one.rule_id))


def _match(rule: Rule, scene: Scene) -> list[Finding]:
    began = scene.transcript.started_at
    if not scene.spoken or not rule.in_effect(began.date() if began else None):
        return []
    try:
        return match(rule, scene) or []
    except TimeoutError:
        return []


def _keys(findings: list[Finding]) -> list[tuple[str, int, int]]:
    return sorted((one.rule_id, one.at_ms, one.points) for one in findings)


def _difference(without: list[Finding], having: list[Finding], call: StoredJudgement) -> list[Change]:
    """Name the hits of one side that the other does not have; the same hit with other points counts on both."""
    if without is having:
        return []
    known = set(_keys(without))
    return [
        Change(
            rule_id=one.rule_id,
            call_id=call.packed.call_id,
            order_id=call.order_id,
            agent_id=call.packed.agent_id,
            at_ms=one.at_ms,
            points=one.points,
            quote=next((said.quote for said in one.evidence), None) or call.packed.said_at(one.at_ms),
        )
        for one in having
        if (one.rule_id, one.at_ms, one.points) not in known
    ]


def _score(findings: list[Finding], settings: ScoreSettings) -> int:
    return score_card(findings, (), (), settings).score
