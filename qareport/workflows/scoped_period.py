"""Reports and heat maps of a period made from the calls of some agents alone: what a team's view of the desk shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from qareport import periods
from qareport.model import Agents, CallSummary, HeatMap, Period, PeriodReport
from qareport.periods import TrendTotals
from qareport.workflows.review import review_summaries
from qareport.workflows.workspace import Workspace

#: How far back promises and repeated calls are looked for, beside the periods that are compared.
LOOK_BACK: Final = timedelta(days=14)


def report_of(
    workspace: Workspace,
    period: Period,
    agents: Agents,
    *,
    agent_id: str | None = None,
    trend_of: Period | None = None,
) -> PeriodReport:
    """Build the report of a period from the calls of some agents: other calls are in no number of it.

    Args:
        workspace: the installation.
        period: the days.
        agents: whose calls count.
        agent_id: makes the own edition of this agent, who is one of them.
        trend_of: the last period of its trend; None: the period itself.
    """
    trend_of = trend_of or period
    settings, store = workspace.settings.period, workspace.store
    start, end = periods.bounds(period)
    compared = min(periods.bounds(earlier)[0] for earlier in (*periods.baseline_of(period, settings), period))
    first = min(
        compared - timedelta(days=settings.repeat_days), start - LOOK_BACK, periods.trend_start(trend_of, settings)
    )
    known = _summaries(workspace, first, end, agents)
    calls = tuple(call for call in known if call.started_at is not None and call.started_at >= start)
    before = tuple(call for call in known if call.started_at is not None and call.started_at < start)
    failures = tuple(call for call in store.calls.list_failures(start, end) if agents.holds(call.agent_id))
    return periods.build_period(
        period,
        calls,
        before,
        failures,
        settings,
        agent_id=agent_id,
        roster=workspace.roster,
        trend=TrendTotals.of(trend_of, known, settings),
    )


def heat_of(workspace: Workspace, period: Period, agents: Agents, *, stage: str | None = None) -> HeatMap:
    """Count the calls of some agents by issue and emotion, and the stages that they were about.

    Args:
        workspace: the installation.
        period: the days.
        agents: whose calls count.
        stage: only calls of this stage; None: all.
    """
    start, end = periods.bounds(period)
    calls = _summaries(workspace, start, end, agents)
    chosen = calls if stage is None else tuple(call for call in calls if stage in call.stages)
    return periods.build_heat(period, chosen, workspace.settings.period)


def stages_of(heat: HeatMap) -> tuple[str, ...]:
    """Return the stages that a heat map of all stages names, most calls first."""
    return tuple(stage for stage, _ in heat.total.stages)


def _summaries(workspace: Workspace, first: datetime, last: datetime, agents: Agents) -> tuple[CallSummary, ...]:
    found = workspace.store.results.list_summaries(first, last, summarise=periods.summarise_call)
    own = found if agents.only is None else tuple(call for call in found if agents.holds(call.agent_id))
    return review_summaries(workspace.store, own, workspace.settings.score)
