"""Reports and heat maps of a period made from the calls of some agents alone, as a team's view shows; norms of days."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from qareport import calendar, periods
from qareport.model import (
    Agents,
    CallSummary,
    CallSums,
    DayFigures,
    HeatMap,
    MeasuredCall,
    OrderReport,
    Period,
    PeriodKind,
    PeriodReport,
    TeamNorm,
)
from qareport.periods import Compared, TrendTotals
from qareport.settings import PeriodSettings
from qareport.workflows.review import review_summaries
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    from qareport.store import Store

#: How far back promises and repeated calls are looked for, beside the periods that are compared.
LOOK_BACK: Final = timedelta(days=14)
_Days = Mapping[tuple[datetime, datetime], DayFigures]


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


def brief_of(workspace: Workspace, day: Period, agents: Agents, *, agent_id: str | None = None) -> PeriodReport:
    """Build what the first page shows of a day from the calls of some agents: its own, and earlier days added up.

    Args:
        workspace: the installation.
        day: the day.
        agents: whose calls count.
        agent_id: makes the own edition of this agent, who is one of them.
    """
    settings, store = workspace.settings.period, workspace.store
    start, end = periods.bounds(day)
    first = _first_of(workspace, day, day)
    now = store.summaries.list(start, end, summarise=periods.summarise_call, agents=agents)
    days = store.summaries.list_days(
        (first, end), day_of=partial(periods.day_around, time_zone=day.time_zone), add_calls=periods.add_calls,
        summarise=periods.summarise_call,
    )  # fmt: skip
    next_end = end + calendar.DAY
    earlier = store.summaries.list_related(
        first, start, orders=sorted({call.order_id for call in now if call.order_id}),
        keys=sorted({key for _, figures in days for due_at, key in figures.due if start <= due_at < next_end}),
        summarise=periods.summarise_call, agents=agents,
    )  # fmt: skip
    return periods.build_brief(
        day,
        review_summaries(store, now, workspace.settings.score),
        earlier,
        _compared(workspace, day, dict(days), agents),
        [call for call in store.calls.list_failures(start, end) if agents.holds(call.agent_id)],
        settings,
        agent_id=agent_id,
        roster=workspace.roster,
    )


def _compared(workspace: Workspace, day: Period, days: _Days, agents: Agents) -> Compared:
    """Add up a day and those that it is compared with, for some agents."""
    settings = workspace.settings.period
    baseline = periods.baseline_of(day, settings)
    within = timedelta(days=settings.repeat_days)
    first, last = periods.bounds(baseline[-1])[0] - within, periods.bounds(day)[1]
    repeats = workspace.store.summaries.list_repeats(first, last, agents)
    again = [start for start, before in repeats if start - before <= within]

    def added(one_day: Period) -> CallSums:
        begin, end = periods.day_around(periods.bounds(one_day)[0], one_day.time_zone)
        known = days[begin, end].sums if (begin, end) in days else {}
        total = CallSums.total(sums for agent, sums in known.items() if agents.holds(agent or None))
        return replace(total, repeated=sum(begin <= start < end for start in again))

    earlier = [added(other) for other in baseline]
    return Compared(
        now=added(day),
        previous=earlier[0] if earlier[0].calls else None,
        baseline=CallSums.total(earlier),
        periods=sum(bool(sums.calls) for sums in earlier),
    )


def state_of(workspace: Workspace, period: Period, trend_of: Period | None = None) -> Hashable:
    """Return what changes with everything that `brief_of` and `report_of` make a period from."""
    start, end = periods.bounds(period)
    first = _first_of(workspace, period, trend_of or period)
    failures = workspace.store.calls.list_failures(start, end)
    calls = workspace.store.call_pages.find_state(first, end)
    verdicts = workspace.store.reviews.find_state(first, end)
    return calls, verdicts, *((failure.call_id, failure.reason) for failure in failures)


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
    counts = workspace.store.call_pages.count_heat(
        periods.bounds(period), agents, day_of=partial(periods.day_around, time_zone=period.time_zone), stage=stage
    )
    return periods.build_heat(counts, workspace.settings.period)


def _summaries(workspace: Workspace, first: datetime, last: datetime, agents: Agents) -> tuple[CallSummary, ...]:
    found = workspace.store.summaries.list(first, last, summarise=periods.summarise_call, agents=agents)
    return review_summaries(workspace.store, found, workspace.settings.score)


class Keep(Protocol):
    """Keeps what is made for as long as its state lasts, from one request to the next."""

    def __call__(self, key: Hashable, state: Hashable, make: Callable[[], TeamNorm], /) -> TeamNorm:
        """Return what was made under a key in this state, or what `make` returns now."""


class Norms:
    """What is usual in the team, for any day; read once for each day."""

    def __init__(self, store: Store, period: PeriodSettings, *, keep: Keep | None = None) -> None:
        self._store, self._period, self._keep = store, period, keep
        self._known: dict[date, TeamNorm] = {}

    def before(self, day: date) -> TeamNorm:
        """Return the norm of the `period.baseline_days` before a day; on a store's first day, of that day itself."""
        if day not in self._known:
            first, start, end = self._around(day)

            def make() -> TeamNorm:
                calls = self._measures(first, start) or self._measures(start, end)
                return periods.team_norm(calls, self._period.time_zone)

            if self._keep is None:
                self._known[day] = make()
            else:
                state = self._store.call_pages.find_state(first, end)
                self._known[day] = self._keep(("norm", day), state, make)
        return self._known[day]

    def know(self, day: date, calls: Iterable[CallSummary]) -> None:
        """Take calls that were read already: those of the day and of the `period.baseline_days` before, and others."""
        first, start, end = self._around(day)
        dated = [(call.started_at, call) for call in calls if call.started_at is not None]
        before = [call for began, call in dated if first <= began < start]
        own = before or [call for began, call in dated if start <= began < end]
        self._known[day] = periods.team_norm(own, self._period.time_zone)

    def _around(self, day: date) -> tuple[datetime, datetime, datetime]:
        """Return when the days before a day begin, and when it begins and ends itself."""
        today = periods.period_of(PeriodKind.DAY, day, self._period.time_zone)
        first = min(periods.bounds(earlier)[0] for earlier in periods.baseline_of(today, self._period))
        return first, *periods.bounds(today)

    def _measures(self, first: datetime, last: datetime) -> Sequence[MeasuredCall]:
        return self._store.summaries.list_measures(first, last, summarise=periods.summarise_call)

    def of(self, order: OrderReport) -> TeamNorm | None:
        """Return the norm before the order's latest call; None if its time is not known."""
        starts = [call.started_at for call in order.calls if call.started_at is not None]
        return self.before(periods.local_day(max(starts), self._period.time_zone)) if starts else None
