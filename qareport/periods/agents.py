"""The agents of a period: how each did and each group of them, what to coach on first, and what to praise."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from qareport.model import (
    AgentFault,
    AgentPraise,
    AgentRow,
    CallSummary,
    GroupRow,
    MomentKind,
    Role,
    Roster,
    RuleHit,
)
from qareport.model.period_figures import CallTotals
from qareport.periods.rules import evidence_of
from qareport.periods.scope import Scope, cost_of, count_rules, is_fatal, is_high, lost_by
from qareport.periods.significance import Sample, means_differ

#: With fewer agents there is no team to compare with.
_TEAM_NEEDS = 3
#: With fewer groups there is nothing to set side by side.
_GROUPS_NEED = 2


def agent_rows(scope: Scope) -> tuple[AgentRow, ...]:
    """Make one row for each agent, lowest mean score first; calls without a known agent and without a score last.

    Sigma: (mean of the agent - mean of the team) / (s / sqrt(n)), with s the standard deviation of the scores of all
    calls and n the agent's scored calls, as in a funnel plot (Spiegelhalter 2005, Statistics in Medicine 24:1185): an
    agent with few calls must deviate more to be an outlier. Given from `small_n` calls and three agents on. Of many
    agents about one in twenty is beyond 2 by chance alone, and calls are not assigned evenly: a mark does not say why.
    """
    now, previous, baseline = (_by_agent(calls) for calls in (scope.now, scope.previous or (), scope.baseline))
    scores = [call.score for call in scope.now if call.score is not None]
    spread = statistics.stdev(scores) if len(scores) > 1 and _team_size(now) >= _TEAM_NEEDS else 0.0
    mean = statistics.fmean(scores) if scores else 0.0
    common = _common_praise(scope)
    rows = [
        _row(scope, agent, calls, previous.get(agent, ()), baseline.get(agent, ()), mean, spread, common)
        for agent, calls in now.items()
    ]
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                row.agent_id is None,
                row.mean_score.value is None,
                row.mean_score.value or 0.0,
                row.agent_id or "",
            ),
        )
    )


def _by_agent(calls: Iterable[CallSummary]) -> dict[str | None, list[CallSummary]]:
    grouped: dict[str | None, list[CallSummary]] = defaultdict(list)
    for call in calls:
        grouped[call.agent_id].append(call)
    return grouped


def _team_size(by_agent: Mapping[str | None, Sequence[CallSummary]]) -> int:
    return sum(agent is not None for agent in by_agent)


def group_rows(scope: Scope, roster: Roster) -> tuple[GroupRow, ...]:
    """Add the calls up by the groups of their agents, lowest mean score first; calls without a group last.

    With fewer than two groups there is nothing to set side by side, and no row.
    """
    group_of = {agent.id: agent.group for agent in roster}
    now, previous, baseline = (
        _by_group(calls, group_of) for calls in (scope.now, scope.previous or (), scope.baseline)
    )
    if sum(bool(group) for group in now) < _GROUPS_NEED:
        return ()
    rows = [
        GroupRow(
            group=group,
            agents=len({call.agent_id for call in calls if call.agent_id is not None}),
            **_fields(_totals(scope, calls, previous.get(group, ()), baseline.get(group, ()))),
        )
        for group, calls in now.items()
    ]
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                not row.group,
                row.mean_score.value is None,
                row.mean_score.value or 0.0,
                row.group,
            ),
        )
    )


def _by_group(calls: Iterable[CallSummary], group_of: Mapping[str, str]) -> dict[str, list[CallSummary]]:
    grouped: dict[str, list[CallSummary]] = defaultdict(list)
    for call in calls:
        grouped[group_of.get(call.agent_id or "", "")].append(call)
    return grouped


def _row(
    scope: Scope,
    agent: str | None,
    calls: Sequence[CallSummary],
    previous: Sequence[CallSummary],
    baseline: Sequence[CallSummary],
    mean: float,
    spread: float,
    common: frozenset[str],
) -> AgentRow:
    totals = _totals(scope, calls, previous, baseline)
    own, sigma = totals.mean_score, None
    if agent is not None and own.value is not None and not own.small and spread > 0:
        sigma = (own.value - mean) / (spread / math.sqrt(own.n))
    return AgentRow(
        agent_id=agent,
        praise=_praise(calls, common) if agent is not None else None,
        sigma=sigma,
        outlier=sigma is not None and abs(sigma) >= scope.settings.outlier_sigma,
        **_fields(totals),
    )


def _totals(
    scope: Scope,
    calls: Sequence[CallSummary],
    previous: Sequence[CallSummary],
    baseline: Sequence[CallSummary],
) -> CallTotals:
    scored = [call for call in calls if call.score is not None]
    return CallTotals(
        calls=len(calls),
        mean_score=scope.mean_score(calls),
        reviewed_score=scope.reviewed_score(calls),
        previous_score=scope.mean_score(previous) if previous else None,
        baseline_score=scope.mean_score(baseline) if baseline else None,
        baseline_clear=means_differ(*(_scores(side) for side in (baseline, calls))),
        high_risk=sum(is_high(call) for call in calls),
        fatal=sum(is_fatal(call) for call in calls),
        passed=scope.rate(sum(bool(call.passed) for call in scored), len(scored)),
        points_lost=lost_by(calls),
        handling_ms=statistics.fmean(call.duration_ms for call in calls),
        main_fault=_main_fault(calls),
    )


def _fields(totals: CallTotals) -> dict[str, Any]:
    return {field.name: getattr(totals, field.name) for field in fields(totals)}


def _scores(calls: Iterable[CallSummary]) -> Sample:
    scores = [call.score for call in calls if call.score is not None]
    return Sample(len(scores), sum(scores), sum(score * score for score in scores))


def _main_fault(calls: Iterable[CallSummary]) -> AgentFault | None:
    """Find the rule that took most points away; its evidence is the costliest quoted hit of the worst call."""
    by_rule: dict[str, list[tuple[CallSummary, RuleHit]]] = defaultdict(list)
    for call in calls:
        for hit in call.hits:
            if call.score is not None and cost_of(hit) > 0:
                by_rule[hit.rule_id].append((call, hit))
    if not by_rule:
        return None
    costs = {rule_id: sum(cost_of(hit) for _, hit in hits) for rule_id, hits in by_rule.items()}
    rule_id = min(costs, key=lambda name: (-costs[name], name))
    call, hit = min(
        by_rule[rule_id],
        key=lambda item: (not item[1].quote, item[0].score or 0, item[0].call_id, -cost_of(item[1]), item[1].at_ms),
    )
    return AgentFault(
        rule_id=rule_id,
        title=hit.title,
        calls=len({call.call_id for call, _ in by_rule[rule_id]}),
        points_lost=costs[rule_id],
        evidence=evidence_of(call, hit),
        advice=hit.advice,
    )


def _common_praise(scope: Scope) -> frozenset[str]:
    """Name the rules that praise a third of the calls to which they apply: usual praise tells nobody anything."""
    counts = count_rules(scope.now)
    praising = {hit.rule_id for call in scope.now for hit in call.hits if hit.points > 0}
    return frozenset(
        rule_id
        for rule_id in praising
        if counts.judged >= scope.settings.small_n and counts.hit[rule_id] * 3 > counts.opportunities(rule_id)
    )


def _praise(calls: Iterable[CallSummary], common: frozenset[str]) -> AgentPraise | None:
    """Find what an agent did well in a call that passed: a rule that gives points, else a customer calmed down.

    Of several rules the one with most points; the place is in the call with the highest score.
    """
    passed = [call for call in calls if call.passed and call.score is not None]
    hits = [(call, hit) for call in passed for hit in call.hits if hit.points > 0 and hit.rule_id not in common]
    if hits:
        call, hit = min(hits, key=lambda item: (-item[1].points, -(item[0].score or 0), item[0].call_id, item[1].at_ms))
        count = len({other.call_id for other, found in hits if found.rule_id == hit.rule_id})
        place = evidence_of(call, hit)
        if hit.role is not Role.AGENT:  # the customer's words do not show what the agent did well
            place = replace(place, quote="")
        return AgentPraise(rule_id=hit.rule_id, title=hit.title, calls=count, evidence=place)
    calmed = [
        (call, moment)
        for call in passed
        for moment in call.moments
        if call.recovered and moment.kind is MomentKind.RECOVERY
    ]
    if not calmed:
        return None
    call, moment = min(calmed, key=lambda item: (-(item[0].score or 0), item[0].call_id, item[1].at_ms))
    count = len({other.call_id for other, _ in calmed})
    return AgentPraise(rule_id="", title="", calls=count, evidence=evidence_of(call, moment))
