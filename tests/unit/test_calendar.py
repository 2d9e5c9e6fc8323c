"""Days in time zones, also on the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.calendar import bounds, local_day, start_of

CHINA, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [(CHINA, "2026-11-21", 24), (NEW_YORK, "2026-03-08", 23), (NEW_YORK, "2026-11-01", 25)],
)
def test_a_day_lasts_as_long_as_the_clocks_there_say(zone: ZoneInfo, day: str, hours: int) -> None:
    start, end = bounds(date.fromisoformat(day), date.fromisoformat(day), zone)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)


def test_bounds_reach_from_the_first_day_to_the_end_of_the_last() -> None:
    start, end = bounds(date(2026, 11, 20), date(2026, 11, 21), CHINA)
    assert (start.isoformat(), end.isoformat()) == ("2026-11-20T00:00:00+08:00", "2026-11-22T00:00:00+08:00")


def test_a_day_that_is_not_given_is_no_bound() -> None:
    assert bounds(None, None, CHINA) == (None, None)
    assert bounds(date(2026, 11, 20), None, CHINA)[1] is None


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda instant: 1900 < instant.year < 2100))
def test_every_instant_lies_within_its_own_day(instant: datetime) -> None:
    day = local_day(instant, NEW_YORK)
    start, end = bounds(day, day, NEW_YORK)
    assert start <= instant < end
    assert start == start_of(day, NEW_YORK)
