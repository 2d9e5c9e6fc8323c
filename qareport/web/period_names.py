"""Names of periods in addresses: day 2026-11-21, week 2026-W47, month 2026-11; and the days that a form chooses."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from qareport import periods
from qareport.calendar import DAY
from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import Period, PeriodKind

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_WEEK: Final = re.compile(r"(\d{4})-W(\d{2})")
#: Days of a range at most: more are looked at month by month.
MOST_DAYS: Final = 366


def read_period(kind: str, name: str, time_zone: str) -> Period:
    """Read the name of a day, a week or a month; a week and a month may also be named by a day in them.

    Raises:
        NotFoundError: there is no such period.
    """
    try:
        return periods.period_of(PeriodKind(kind), _day_in(name), time_zone)
    except (ValueError, OverflowError):
        raise NotFoundError(
            say("there is no period {kind} {name!r}", kind=kind, name=name),
            expected=say("day/2026-11-21, week/2026-W47, month/2026-11"),
        ) from None


def _day_in(name: str) -> date:
    if match := _WEEK.fullmatch(name):
        return date.fromisocalendar(int(match[1]), int(match[2]), 1)
    if match := _MONTH.fullmatch(name):
        return date(int(match[1]), int(match[2]), 1)
    return date.fromisoformat(name)


def chosen_days(first: str, last: str, *, today: date, time_zone: str, days: int) -> Period:
    """Return the days that a form names; what is left empty or is no day: the last `days` up to yesterday.

    A range that ends before it begins is turned round; one of more than `MOST_DAYS` keeps its last days.
    """
    end = _read_day(last) or today - DAY
    begin = _read_day(first) or end - timedelta(days=days - 1)
    begin, end = min(begin, end), max(begin, end)
    return periods.range_of(max(begin, end - timedelta(days=MOST_DAYS - 1)), end, time_zone)


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
