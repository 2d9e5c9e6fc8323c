"""Reports and heat maps of a period made from the calls of some agents alone: what a team's view of the desk shows."""

from __future__ import annotations

from collections.abc import Hashable
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
    known = _summaries(workspace, _first_of(workspace, period, trend_of), end, agents)
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


def state_of(workspace: Workspace, period: Period) -> Hashable:
    """Return what changes with everything that the report of a period is made from."""
    start, end = periods.bounds(period)
    failures = workspace.store.calls.list_failures(start, end)
    calls = workspace.store.call_pages.find_state(_first_of(workspace, period, period), end)
    return *calls, *((failure.call_id, failure.reason) for failure in failures)


def _first_of(workspace: Workspace, period: Period, trend_of: Period) -> datetime:
    """Return when the first of the calls began from which a report is made."""
    settings = workspace.settings.period
    compared = min(periods.bounds(earlier)[0] for earlier in (*periods.baseline_of(period, settings), period))
    return min(
        compared - timedelta(days=settings.repeat_days),
        periods.bounds(period)[0] - LOOK_BACK,
        periods.trend_start(trend_of, settings),
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
    counts = workspace.store.call_pages.count_heat(start, end, agents, stage=stage)
    return periods.build_heat(counts, workspace.settings.period)


def _summaries(workspace: Workspace, first: datetime, last: datetime, agents: Agents) -> tuple[CallSummary, ...]:
    found = workspace.store.results.list_summaries(first, last, summarise=periods.summarise_call)
    own = found if agents.only is None else tuple(call for call in found if agents.holds(call.agent_id))
    return review_summaries(workspace.store, own, workspace.settings.score)
