"""Which days a run is for: time zones, clock changes, the turn of the year, days that were missed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from qareport import periods
from qareport.model import PeriodKind, RunState
from qareport.workflows.daily.context import due_periods, last_period

DONE, PARTIAL, KILLED = RunState.DONE, RunState.PARTIAL, RunState.KILLED


@pytest.mark.parametrize(
    ("kind", "now", "zone", "first", "last"),
    [
        ("day", "2026-11-22T07:00:00+08:00", "Asia/Shanghai", "2026-11-21", "2026-11-21"),
        ("day", "2026-11-22T00:00:00+08:00", "Asia/Shanghai", "2026-11-21", "2026-11-21"),
        ("day", "2026-11-21T23:59:59+08:00", "Asia/Shanghai", "2026-11-20", "2026-11-20"),
        ("day", "2026-11-21T20:00:00+00:00", "Asia/Shanghai", "2026-11-21", "2026-11-21"),  # already the 22nd there
        ("day", "2027-01-01T06:00:00+08:00", "Asia/Shanghai", "2026-12-31", "2026-12-31"),
        ("day", "2028-03-01T06:00:00+08:00", "Asia/Shanghai", "2028-02-29", "2028-02-29"),
        ("day", "2026-03-30T00:30:00+02:00", "Europe/Berlin", "2026-03-29", "2026-03-29"),  # a day of 23 hours
        ("day", "2026-10-26T00:30:00+01:00", "Europe/Berlin", "2026-10-25", "2026-10-25"),  # a day of 25 hours
        ("week", "2026-11-23T06:00:00+08:00", "Asia/Shanghai", "2026-11-16", "2026-11-22"),
        ("week", "2027-01-04T06:00:00+08:00", "Asia/Shanghai", "2026-12-28", "2027-01-03"),
        ("month", "2027-01-01T06:00:00+08:00", "Asia/Shanghai", "2026-12-01", "2026-12-31"),
        ("month", "2026-03-31T06:00:00+08:00", "Asia/Shanghai", "2026-02-01", "2026-02-28"),
    ],
)
def test_the_last_period_that_is_over(kind: str, now: str, zone: str, first: str, last: str) -> None:
    found = last_period(PeriodKind(kind), datetime.fromisoformat(now), zone)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-11-21", "Asia/Shanghai", 24),
        ("2026-12-31", "Asia/Shanghai", 24),
    ],
)
def test_a_day_ends_where_the_next_one_begins_whatever_the_clocks_do(day: str, zone: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo(zone))
    period = periods.period_of(PeriodKind.DAY, noon.date(), zone)
    start, end = (instant.timestamp() for instant in periods.bounds(period))
    assert end - start == hours * 3600
    following = last_period(PeriodKind.DAY, datetime.fromtimestamp(end, ZoneInfo(zone)), zone)
    assert following == period


def due(now: str, states: dict[str, RunState], catch_up_days: int = 7, kind: str = "day") -> list[str]:
    moment = datetime.fromisoformat(now)
    found = due_periods(PeriodKind(kind), moment, "Asia/Shanghai", states=states, catch_up_days=catch_up_days)
    return [period.first.isoformat() for period in found]


def test_the_first_run_ever_is_for_yesterday_alone() -> None:
    assert due("2026-11-22T07:00:00+08:00", {}) == ["2026-11-21"]


def test_days_that_were_missed_or_left_unfinished_are_made_up_for_oldest_first() -> None:
    states = {"day:2026-11-17": DONE, "day:2026-11-18": PARTIAL, "day:2026-11-19": DONE, "day:2026-11-20": KILLED}
    assert due("2026-11-23T07:00:00+08:00", states) == ["2026-11-18", "2026-11-20", "2026-11-21", "2026-11-22"]


def test_the_turn_of_the_year_loses_no_day() -> None:
    assert due("2027-01-02T07:00:00+08:00", {"day:2026-12-30": DONE}) == ["2026-12-31", "2027-01-01"]


def test_what_lies_too_far_back_is_left_alone() -> None:
    states = {"day:2026-10-01": DONE}
    assert due("2026-11-22T07:00:00+08:00", states, catch_up_days=2) == ["2026-11-19", "2026-11-20", "2026-11-21"]
    assert due("2026-11-22T07:00:00+08:00", states, catch_up_days=0) == ["2026-11-21"]


def test_days_do_not_count_for_weeks() -> None:
    assert due("2026-11-23T07:00:00+08:00", {"day:2026-11-01": DONE}, 31, "week") == ["2026-11-16"]
    assert due("2026-11-23T07:00:00+08:00", {"week:2026-11-02": DONE}, 31, "week") == ["2026-11-09", "2026-11-16"]
