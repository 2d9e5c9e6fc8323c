"""Times of calls as recorders, spreadsheets and people write them; numbers that are no times are refused."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from qareport.codec import read_instant
from qareport.errors import QareportError

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-11-05T09:13:05+08:00", "2024-11-05T09:13:05+08:00"),
        ("2024-11-05T01:13:05Z", "2024-11-05T01:13:05+00:00"),
        ("2024-11-05 09:13:05.250", "2024-11-05T09:13:05.250000+08:00"),
        ("2024/11/5 9:13", "2024-11-05T09:13:00+08:00"),
        ("2024.11.05 09:13:05", "2024-11-05T09:13:05+08:00"),
        ("2024年11月5日 9:13", "2024-11-05T09:13:00+08:00"),
        ("2024年11月5日9时13分5秒", "2024-11-05T09:13:05+08:00"),
        ("20241105091305", "2024-11-05T09:13:05+08:00"),
        ("20241105-091305", "2024-11-05T09:13:05+08:00"),
        ("20241105T091305+0800", "2024-11-05T09:13:05+08:00"),
        ("202411050913", "2024-11-05T09:13:00+08:00"),
        ("2024/11/5 下午 3:13:05", "2024-11-05T15:13:05+08:00"),
        ("2024年11月5日 上午12点05分", "2024-11-05T00:05:00+08:00"),
        ("2024-11-05 3:13 PM", "2024-11-05T15:13:00+08:00"),
        ("2024-11-05 12:13 p.m.", "2024-11-05T12:13:00+08:00"),
        ("2024/11/5 中午12:13", "2024-11-05T12:13:00+08:00"),
        ("2024/11/5 下午15:13", "2024-11-05T15:13:00+08:00"),
        ("45601.75", "2024-11-05T18:00:00+08:00"),
        ("45601.38418981481", "2024-11-05T09:13:14+08:00"),
        ("1730769185", "2024-11-05T01:13:05+00:00"),
        ("1730769185000", "2024-11-05T01:13:05+00:00"),
    ],
)
def test_a_time_is_read(written: str, read: str) -> None:
    assert read_instant(written, ZONE).isoformat() == read


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "2024-02-30 09:00",
        "20241305091305",
        "05/11/2024 09:13",
        "2024-11-05",
        "20241105",
        "45601",
        "20000.5",
        "2411050913",  # year, month, … with two digits, and 2046 to a program
        "17307691850",
        "99999999999999999999",
        "1e10",
        "nan",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31 23:59:59",
        "1999-12-31 23:59:59",
        "2101-01-01 00:00",
    ],
)
def test_what_is_not_surely_the_time_of_a_call_is_refused(written: str) -> None:
    with pytest.raises(QareportError, match="expected a time such as 2026-11-21T09:13:05"):
        read_instant(written, ZONE)


def test_a_datetime_gets_the_zone_that_it_lacks() -> None:
    began = datetime(2024, 7, 1, 9, 0)  # noqa: DTZ001
    assert read_instant(began, ZoneInfo("America/New_York")).isoformat() == "2024-07-01T09:00:00-04:00"
