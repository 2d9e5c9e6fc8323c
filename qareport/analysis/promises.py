"""Promises: what an agent says will be done, and by when."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from qareport.analysis.context import Scene
from qareport.model import Promise, Role

_HAN_NUMBER = "零〇一二两三四五六七八九十百"
_ENGLISH = {
    name: value
    for value, name in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 1)
}
_NUMBER = rf"[0-9]+(?:\.[0-9]+)?|[{_HAN_NUMBER}]+|半|\b(?:{'|'.join(_ENGLISH)})\b"
#: A span ahead. 三天前, 等了三天 and 三天没 look back; 11月25日 is a date.
_SPAN = re.compile(
    rf"(?<![了过第0-9.])(?P<count>{_NUMBER})\s*个?(?P<half>半)?"
    rf"(?P<unit>分钟|小时|钟头|工作日|天|日(?=之内|以内|内|以后|之后|后|左右)|星期|礼拜|周|个?月(?![份0-9{_HAN_NUMBER}])|"
    r"\s?(?:working days?|business days?|minutes?|hours?|days?|weeks?))"
    r"\s*(?P<end>之内|以内|内|以后|之后|后|左右)?(?!之?前|以前|了|没|都没|无理由)",
    re.IGNORECASE,
)
#: A day of the month; 5号仓 and 3号楼 are places, 三日内 is a span.
_DATE = re.compile(
    rf"(?<![月第0-9])(?:(?P<month>1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月(?:份)?)?"
    rf"(?P<day>[1-3]?[0-9]|[{_HAN_NUMBER}]{{1,3}})(?:号|日)(?!内|之内|以内|后|仓|楼|门|店|客服|线|院|库|机)(?:之?前|以前)?"
)
_DAY = re.compile(
    r"(?P<day>今天|今日|今晚|当天|今儿|明天|明日|明儿|明早|明晚|次日|隔天|大后天|后天|\btoday\b|\btonight\b|\btomorrow\b)",
    re.IGNORECASE,
)
_WEEK = re.compile(
    r"(?<![上个])(?P<next>下下?|本|这)?个?(?:周|星期|礼拜)(?P<day>[一二三四五六日天末])(?:之?前|以前)?|(?P<whole>下)个?(?:周|星期|礼拜)"
    r"|\b(?P<english>monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|\b(?P<week>next week)\b",
    re.IGNORECASE,
)
_MONTH_END = re.compile(r"(?P<next>下个?月)?(?:本|这个?)?月底(?:之?前)?")
#: What may follow a day: a part of it, and an hour.
_CLOCK = re.compile(
    rf"(?:的)?(?P<part>早上|上午|中午|下午|晚上|傍晚|早|晚)?"
    rf"(?:(?P<hour>[0-9]{{1,2}}|[{_HAN_NUMBER}]{{1,3}})点(?P<half>半)?)?(?:之?前|以前)?"
)
_PART = re.compile(r"(?P<part>中午|下午|晚上|傍晚)")
_DAYS = {
    "今": 0, "当": 0, "明": 1, "次": 1, "隔": 1, "后": 2, "大": 3, "today": 0, "tonight": 0, "tomorrow": 1,
}  # fmt: skip
_MINUTES = {
    "分": 1, "min": 1, "小": 60, "钟": 60, "hou": 60, "天": 1440, "日": 1440, "day": 1440,
    "星": 10_080, "礼": 10_080, "周": 10_080, "wee": 10_080, "月": 43_200, "个": 43_200,
}  # fmt: skip
_WORKING = ("工", "wor", "bus")
_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_WEEKDAYS = {
    **{name: day for day, name in enumerate("一二三四五六日")}, "天": 6, "末": 6,
    **{name: day for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
}  # fmt: skip
#: The hour at which a part of the day is over.
_PART_ENDS = {"早": 10, "上": 12, "中": 14, "下": 18, "傍": 20}
_LATE = ("下", "晚", "傍")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A time ahead: as it is said, the length of the span if it is one, and when it is over, if the start is known."""

    words: str
    within_ms: int | None = None
    at: datetime | None = None


def find_due(text: str, started_at: datetime | None) -> Due | None:
    """Return the time ahead that a sentence names; None when it names none.

    A span counts from the start of the call; a day, a part of it (上午 until 12, 中午 14, 下午 18) or an hour is over
    when it ends; of a day of the week or of the month the next one is meant; working days are Monday to Friday.
    """
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, datetime | None], Due | None]], ...] = (
        (_SPAN, _span),
        (_DATE, _date),
        (_DAY, _day),
        (_WEEK, _weekday),
        (_MONTH_END, _month_end),
        (_PART, _part),
    )
    for pattern, read in readers:
        match = pattern.search(text)
        due = read(match, text, started_at) if match else None
        if due is not None:
            return due
    return None


def read_number(text: str) -> float:
    """Read a number below a thousand in Arabic, Chinese or English figures: 48, 四十八, 两, 半, three."""
    if text == "半":
        return 0.5
    if text.lower() in _ENGLISH:
        return _ENGLISH[text.lower()]
    if text[0].isascii():
        return float(text)
    total = current = 0
    for letter in text:
        if letter in _DIGITS:
            current = (
                current * 10 + _DIGITS[letter] if current and "十" not in text and "百" not in text else _DIGITS[letter]
            )
        else:
            total += (current or 1) * (10 if letter == "十" else 100)
            current = 0
    return total + current


def _span(span: re.Match[str], text: str, started_at: datetime | None) -> Due:
    count = read_number(span["count"]) + (0.5 if span["half"] else 0)
    unit = span["unit"].strip().lower()
    words = span.group().strip()
    if unit.startswith(_WORKING):
        return Due(words=words, at=_working_days(started_at, round(count)))
    minutes = count * next(value for start, value in _MINUTES.items() if unit.startswith(start))
    at = started_at + timedelta(minutes=minutes) if started_at else None
    return Due(words=words, within_ms=round(minutes * 60_000), at=at)


def _date(date: re.Match[str], text: str, started_at: datetime | None) -> Due | None:
    day = int(read_number(date["day"]))
    if not 1 <= day <= 31:
        return None
    if started_at is None:
        return _at_hour(text, date, None)
    month = int(read_number(date["month"])) if date["month"] else started_at.month
    year = started_at.year
    if (month, day) < (started_at.month, started_at.day):  # the next one is meant
        month, year = (month, year + 1) if date["month"] else (month % 12 + 1, year + month // 12)
    last = calendar.monthrange(year, month)[1]
    return _at_hour(text, date, started_at.replace(year=year, month=month, day=min(day, last)))


def _day(day: re.Match[str], text: str, started_at: datetime | None) -> Due:
    word = day["day"].lower()
    days = _DAYS.get(word, _DAYS.get(word[0], 0))
    return _at_hour(text, day, started_at + timedelta(days=days) if started_at else None)


def _weekday(week: re.Match[str], text: str, started_at: datetime | None) -> Due:
    if started_at is None:
        return _at_hour(text, week, None)
    name = week["day"] or (week["english"] or "")[:3].lower()
    monday = started_at - timedelta(days=started_at.weekday())
    if not name:
        return _at_hour(text, week, monday + timedelta(days=13))
    weeks = len(week["next"]) if week["next"] in ("下", "下下") else 0
    day = monday + timedelta(days=_WEEKDAYS[name] + 7 * weeks)
    return _at_hour(text, week, day if day.date() >= started_at.date() else day + timedelta(days=7))


def _month_end(month: re.Match[str], text: str, started_at: datetime | None) -> Due:
    if started_at is None:
        return _at_hour(text, month, None)
    first = started_at.replace(day=1) + (timedelta(days=32) if month["next"] else timedelta())
    return _at_hour(text, month, first.replace(day=calendar.monthrange(first.year, first.month)[1]))


def _part(part: re.Match[str], text: str, started_at: datetime | None) -> Due:
    return _at_hour(text, part, started_at, at=part.start())


def _at_hour(text: str, match: re.Match[str], day: datetime | None, *, at: int | None = None) -> Due:
    """Read the part of the day and the hour that follow; without them the end of the day is meant."""
    clock = _CLOCK.match(text, match.end() if at is None else at)
    end = max(match.end(), clock.end() if clock else 0)
    part = (clock["part"] if clock and clock["part"] else "") or _part_within(match.group())
    words = text[match.start() : end]
    if day is None:
        return Due(words=words)
    hour = minute = None
    if clock and clock["hour"]:
        hour, minute = int(read_number(clock["hour"])), 30 if clock["half"] else 0
        hour += 12 if part.startswith(_LATE) and hour < 12 else 0
    elif part:
        hour, minute = _PART_ENDS.get(part[0]), 0
    if hour is None or hour > 23:
        return Due(words=words, at=day.replace(hour=23, minute=59, second=59, microsecond=0))
    return Due(words=words, at=day.replace(hour=hour, minute=minute or 0, second=0, microsecond=0))


def _part_within(words: str) -> str:
    """Return the part of the day that is in the name of a day: 今晚, 明早."""
    return words[-1] if words[-1] in "早晚" else ""


def _working_days(started_at: datetime | None, count: int) -> datetime | None:
    if started_at is None:
        return None
    due_at = started_at
    while count > 0:
        due_at += timedelta(days=1)
        count -= due_at.weekday() < 5
    return due_at


#: Not a promise: a question, a refusal, a condition, something done.
_NO_PROMISE = re.compile(
    r"[?？吗]|不能|没办法|无法|不可以|如果|已经|刚才|保证不了|不一定|昨天|前天|上周|上个?月|上次|"
    r"(?:申请|提交|签收|购买|下单|付款|买|拍)的|下的单|can't|cannot|unable|yesterday|last (?:week|month)"
)


def find_promises(scene: Scene, started_at: datetime | None) -> Iterator[Promise]:
    """Find what the agent says will be done by a time.

    A promise names an action of `promises` in topics.yaml and a time ahead in one segment, and is no question,
    condition or refusal. When it is due: see `find_due`; public holidays are not known.

    Args:
        scene: the call.
        started_at: when it began; None leaves `due_at` open.
    """
    for index, segment in enumerate(scene.spoken):
        if segment.role is not Role.AGENT or _NO_PROMISE.search(segment.text):
            continue
        action = next((topic.name for topic in scene.topics.promises if topic.words.find(scene.words[index])), None)
        due = find_due(segment.text, started_at) if action is not None else None
        if action is not None and due is not None:
            yield Promise(
                at_ms=segment.start_ms,
                end_ms=segment.end_ms,
                role=segment.role,
                quote=segment.text,
                action=action,
                by=due.words,
                within_ms=due.within_ms,
                due_at=due.at,
            )
