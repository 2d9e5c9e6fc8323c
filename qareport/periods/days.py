"""Days in a time zone, and the periods that they make: a day, a calendar week (Monday first), a calendar month."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from qareport import calendar
from qareport.model import Period, PeriodKind
from qareport.settings import PeriodSettings

_DAY = timedelta(days=1)


def period_of(kind: PeriodKind, day: date, time_zone: str) -> Period:
    """Return the day, week or month that a day lies in.

    Raises:
        ValueError: RANGE, which no single day tells; see `range_of`.
    """
    if kind is PeriodKind.DAY:
        first = last = day
    elif kind is PeriodKind.WEEK:
        first = day - timedelta(days=day.weekday())
        last = first + timedelta(days=6)
    elif kind is PeriodKind.MONTH:
        first = day.replace(day=1)
        last = _next_month(first) - _DAY
    else:
        raise ValueError("a range needs two days")
    return Period(kind=kind, first=first, last=last, time_zone=time_zone)


def range_of(first: date, last: date, time_zone: str) -> Period:
    """Return the run of days from `first` to `last`, named a day, week or month if it is exactly one.

    Raises:
        ValueError: it ends before it begins.
    """
    if last < first:
        raise ValueError(f"{first} … {last}: ends before it begins")
    for kind in (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH):
        whole = period_of(kind, first, time_zone)
        if (whole.first, whole.last) == (first, last):
            return whole
    return Period(kind=PeriodKind.RANGE, first=first, last=last, time_zone=time_zone)


def earlier_periods(period: Period, count: int) -> list[Period]:
    """Return the `count` periods of the same kind just before, the latest first; before a range: as many days."""
    found: list[Period] = []
    for _ in range(count):
        last = (found[-1] if found else period).first - _DAY
        if period.kind is PeriodKind.RANGE:
            first = last - (period.last - period.first)
            found.append(Period(kind=PeriodKind.RANGE, first=first, last=last, time_zone=period.time_zone))
        else:
            found.append(period_of(period.kind, last, period.time_zone))
    return found


def baseline_of(period: Period, settings: PeriodSettings) -> list[Period]:
    """Return the periods that this one is compared with, the latest first."""
    counts = {
        PeriodKind.DAY: settings.baseline_days,
        PeriodKind.WEEK: settings.baseline_weeks,
        PeriodKind.MONTH: settings.baseline_months,
        PeriodKind.RANGE: 1,
    }
    return earlier_periods(period, counts[period.kind])


def bounds(period: Period) -> tuple[datetime, datetime]:
    """Return the first instant of a period and the first one after it; a day of a clock change has 23 or 25 hours."""
    return calendar.bounds(period.first, period.last, ZoneInfo(period.time_zone))


def local_day(instant: datetime, time_zone: str) -> date:
    """Return the day on which an instant falls there."""
    return calendar.local_day(instant, ZoneInfo(time_zone))


def days_between(periods: Iterable[Period]) -> tuple[date, date]:
    """Return the first and the last day of some periods."""
    known = list(periods)
    return min(one.first for one in known), max(one.last for one in known)


def _next_month(first: date) -> date:
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
