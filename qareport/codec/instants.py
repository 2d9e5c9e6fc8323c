"""Read when a call began, as people and programs write it; what is not surely a time of a call is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from qareport.errors import QareportError
from qareport.messages import Message, say

#: Calls outside these years are mistakes: a clock that was never set, a number that was taken for a time.
OLDEST_YEAR, LATEST_YEAR = 2000, 2100
#: The last second that 32 bits can count (2038-01-19): a larger number is no Unix time.
_LATEST_UNIX_S = 2**31 - 1
_OLDEST_UNIX_S = int(datetime(OLDEST_YEAR, 1, 1, tzinfo=UTC).timestamp())
#: 2026-11-21 9:13, 2026/11/21 09:13:05.120, 2026.11.21T09:13:05+08:00, 2026年11月21日9时13分5秒, 2026/11/21 下午 3:15
_WRITTEN = re.compile(
    r"(?P<year>\d{4})(?:[-/.]|年)(?P<month>\d{1,2})(?:[-/.]|月)(?P<day>\d{1,2})日?(?:\s*T\s*|\s+|(?<=日))(?:(?:星期|周|礼拜)[一二三四五六日天]\s*)?"
    r"(?P<half>上午|下午|中午|晚上|凌晨|早上)?\s*"
    r"(?P<hour>\d{1,2})(?:[:：]|[时時点點])(?P<minute>\d{1,2})分?(?:[:：]?(?P<second>\d{1,2})秒?)?(?:[.,](?P<fraction>\d{1,9}))?"
    r"\s*(?P<pm>[ap]\.?m\.?)?"
    r"\s*(?P<offset>Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
#: 20261121091305, 202611210913, 20261121T091305, 20261121-091305
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})[-_T ]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?"
    r"(?P<fraction>)(?P<offset>Z|[+-]\d{2}:?\d{2})?(?P<half>)(?P<pm>)",
    re.IGNORECASE,
)
#: A cell of times that lost its format is a number of days in Excel's 1900 system, which counts a 29 February 1900.
_EXCEL_BEGIN = datetime(1899, 12, 30, tzinfo=UTC)
_EXCEL_DAYS = tuple((datetime(year, 1, 1, tzinfo=UTC) - _EXCEL_BEGIN).days for year in (OLDEST_YEAR, LATEST_YEAR + 1))
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def is_plausible(instant: datetime) -> bool:
    """Tell whether a call can have begun then: in the years from `OLDEST_YEAR` to `LATEST_YEAR`."""
    return OLDEST_YEAR <= instant.year <= LATEST_YEAR


def read_instant(value: object, zone: ZoneInfo) -> datetime:
    """Read an instant.

    Args:
        value: a datetime, text (`2026-11-21T09:13:05+08:00`, `2026/11/21 9:13`, `20261121091305`), or Unix seconds or
            milliseconds of the years 2000 to 2037, or days of Excel with their fraction (`45617.75`).
        zone: of times that are written without an offset.

    Returns:
        the instant, with its offset.

    Raises:
        QareportError: no time of a call; the text says why and what to write.
    """
    instant = value if isinstance(value, datetime) else _read(str(value).strip())
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone)
    if not is_plausible(instant):
        raise _refusal(
            say("a time in the year {year}, when no call began", year=instant.year)
            if instant.year < OLDEST_YEAR
            else say("a time in the year {year}, which is far ahead", year=instant.year)
        )
    return instant


def _read(text: str) -> datetime:
    for pattern in (_WRITTEN, _COMPACT):
        if match := pattern.fullmatch(text):
            try:
                return _from_parts(match)
            except ValueError as error:  # the 31st of February
                raise _refusal(say("a time that does not exist")) from error
    if _NUMBER.fullmatch(text):
        return _from_unix(text)
    raise _refusal(say("no time that can be read"))


def _from_parts(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (
        int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    hour = _of_half(hour, match["half"] or (match["pm"] or "").lower().replace(".", ""))
    micros = int((match["fraction"] or "0").ljust(6, "0")[:6])
    instant = datetime(year, month, day, hour, minute, second, micros)  # noqa: DTZ001 - its zone follows
    offset = match["offset"]
    if offset is None:
        return instant
    return instant.replace(tzinfo=UTC if offset.isalpha() else datetime.strptime(offset, "%z").tzinfo)


def _of_half(hour: int, half: str) -> int:
    """Return the hour of the day of an hour of its first or second half; one after 12 is that of the day already."""
    if half in ("下午", "晚上", "pm", "中午") and hour < 12 and not (half == "中午" and hour >= 10):
        return hour + 12
    if half in ("上午", "凌晨", "早上", "am") and hour == 12:
        return 0
    return hour


def _from_unix(text: str) -> datetime:
    seconds = float(text)
    if "." in text and _EXCEL_DAYS[0] <= seconds < _EXCEL_DAYS[1]:
        return (_EXCEL_BEGIN + timedelta(seconds=round(seconds * 86_400))).replace(tzinfo=None)  # its zone follows
    if seconds > _LATEST_UNIX_S:
        seconds /= 1000
    if not _OLDEST_UNIX_S <= seconds <= _LATEST_UNIX_S:
        raise _refusal(say("a number that is no time of a call"))
    return datetime.fromtimestamp(seconds, UTC)


def _refusal(what: Message) -> QareportError:
    return QareportError(what, expected=say("a time such as 2026-11-21T09:13:05+08:00 or 2026-11-21 09:13:05"))
