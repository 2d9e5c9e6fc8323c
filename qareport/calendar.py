"""Days in a time zone, and the instants at which they begin and end."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import overload
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a day, by the clock of a time zone."""
    return datetime.combine(day, time.min, tzinfo=zone)


@overload
def bounds(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]: ...
@overload
def bounds(first: date | None, last: date | None, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]: ...
def bounds(first: date | None, last: date | None, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return the first instant of one day and the first one after another, by the clock of a time zone.

    A day on which clocks change has 23 or 25 hours. None means no bound.
    """
    return (
        None if first is None else start_of(first, zone),
        None if last is None else start_of(last + DAY, zone),
    )


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day on which an instant falls in a time zone."""
    return instant.astimezone(zone).date()
