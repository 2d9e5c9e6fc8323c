"""Agents of a period: score, volume, trend, and who is far from the team."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from qareport.model import AgentRow, CallSummary
from qareport.periods.headlines import is_high
from qareport.periods.scope import Scope, lost_by

#: Among fewer agents there is no team to differ from.
_TEAM_NEEDS = 3


def agent_rows(scope: Scope) -> tuple[AgentRow, ...]:
    """Make one row for each agent, lowest mean score first; calls without a known agent and without a score last.

    Sigma: (mean of the agent - mean of the team) / (s / sqrt(n)), with s the standard deviation of the scores of all
    calls and n the agent's scored calls, as in a funnel plot (Spiegelhalter 2005, Statistics in Medicine 24:1185): who
    has few calls must be farther off to stand out. Given from `small_n` calls and three agents on. Of many agents
    about one in twenty lies beyond 2 by chance alone, and calls are not dealt out alike: a mark says "look", not why.
    """
    now, previous, baseline = (_by_agent(calls) for calls in (scope.now, scope.previous or (), scope.baseline))
    scores = [call.score for call in scope.now if call.score is not None]
    spread = statistics.stdev(scores) if len(scores) > 1 and _team_size(now) >= _TEAM_NEEDS else 0.0
    mean = statistics.fmean(scores) if scores else 0.0
    rows = [
        _row(scope, agent, calls, previous.get(agent, ()), baseline.get(agent, ()), mean, spread)
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


def _row(
    scope: Scope,
    agent: str | None,
    calls: Sequence[CallSummary],
    previous: Sequence[CallSummary],
    baseline: Sequence[CallSummary],
    mean: float,
    spread: float,
) -> AgentRow:
    own = scope.mean_score(calls)
    scored = [call for call in calls if call.score is not None]
    sigma = None
    if agent is not None and own.value is not None and not own.small and spread > 0:
        sigma = (own.value - mean) / (spread / math.sqrt(own.n))
    return AgentRow(
        agent_id=agent,
        calls=len(calls),
        mean_score=own,
        previous_score=scope.mean_score(previous) if previous else None,
        baseline_score=scope.mean_score(baseline) if baseline else None,
        high_risk=sum(is_high(call) for call in calls),
        passed=scope.rate(sum(bool(call.passed) for call in scored), len(scored)),
        points_lost=lost_by(calls),
        sigma=sigma,
        outlier=sigma is not None and abs(sigma) >= scope.settings.outlier_sigma,
    )
