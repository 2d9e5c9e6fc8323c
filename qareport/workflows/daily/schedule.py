"""Which periods a run is for: the last one that is over, and those before it that were never finished."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from qareport import periods
from qareport.calendar import DAY
from qareport.model import Period, PeriodKind, RunState
from qareport.workflows.daily.record import period_name


def last_period(kind: PeriodKind, now: datetime, time_zone: str) -> Period:
    """Return yesterday, last week or last month, as the calendar of a time zone has it."""
    today = periods.local_day(now, time_zone)
    return periods.period_of(kind, periods.period_of(kind, today, time_zone).first - DAY, time_zone)


def due_periods(
    kind: PeriodKind, now: datetime, time_zone: str, *, states: Mapping[str, RunState], catch_up_days: int
) -> tuple[Period, ...]:
    """Return the last period and the unfinished ones before it, oldest first.

    A period is made up for when it lies within the days to catch up and after the first one that was ever worked on;
    so a machine that was off, and a clock that stood wrong, lose no day, and a new installation sends no old ones.

    Args:
        kind: day, week or month.
        now: the time.
        time_zone: whose midnights count.
        states: how the runs of periods ended, by `period_name`.
        catch_up_days: how far to look back from the last period.
    """
    last = last_period(kind, now, time_zone)
    known = sorted(name for name in states if name.startswith(f"{kind}:"))
    due = [last]
    if known:
        first_ever = date.fromisoformat(known[0].partition(":")[2])
        earlier = periods.period_of(kind, last.first - DAY, time_zone)
        while earlier.first >= first_ever and (last.first - earlier.first).days <= catch_up_days:
            if states.get(period_name(earlier)) is not RunState.DONE:
                due.append(earlier)
            earlier = periods.period_of(kind, earlier.first - DAY, time_zone)
    return tuple(reversed(due))
