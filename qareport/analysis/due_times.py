"""Times ahead, as people say them: within 48 hours, tomorrow afternoon before three, Saturday nine to eleven."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

_HAN = "零〇一二两三四五六七八九十"
_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_ENGLISH = {
    name: value
    for value, name in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 1)
}
_NUMBER = rf"[0-9]+(?:\.[0-9]+)?|[{_HAN}百]+(?:来(?=个|天))?|半|\b(?:{'|'.join(_ENGLISH)})\b"
_TO = r"\s*(?:到|至|、|-|~|—|to)\s*"
_BEFORE = r"(?:之?前|以前|左右|之内|以内|之间|以后|之后|前后|后)"
_WITHIN = r"之内|以内|内|里[头面]?"
#: 三天前, 等了三天 and 三天没 look back, 每三天 and 提前三天 tell no time, 七天无理由 is a term.
#: 收到了三天内 looks ahead.
_SPAN = (
    rf"(?<![0-9.{_HAN}])(?:(?<![了过满第每前这等上下])|(?<=[要得]等)"
    rf"|(?<=[了等])(?=大概|大约|(?:{_NUMBER})个?(?:工作日|小时|钟头|天)(?:{_WITHIN}|[就到会能给退审发送])))"
    rf"(?P<about>大概|大约|约)?(?:(?P<least>{_NUMBER})个?半?(?:工作日|小时|天|日)?{_TO})?"
    rf"(?P<count>{_NUMBER})\s*个?(?P<half>半)?"
    r"(?P<unit>分钟|小时|钟头|钟(?=[之以内里后])|工作日|天(?!天|一夜)|日(?=之内|以内|内|以后|之后|后|左右|里)|星期|礼拜"
    r"|周(?![一二三四五六日天末])"
    r"|个?月(?=[之以内里后])|\s?(?:working days?|business days?|minutes?|hours?|days?|weeks?)\b)"
    rf"\s*(?P<end>{_WITHIN}|以后|之后|后|左右|上下)?+(?!都?没|无理由|价保|保价|质保|试|免|一[次回])(?(end)|(?!之?前|以前|了))"
)
#: 5号仓 and 3号楼 are places, 六号螺丝 is a part; the second 号 of 三号到五号 ends a range.
_MONTH = r"(?:1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月(?:份)?"
_DATE = (
    rf"(?<![月第0-9.{_HAN}])(?:(?:[1-3]?[0-9]|[{_HAN}]{{1,3}})号?{_TO})?(?:{_MONTH}(?:[1-3]?[0-9]|[{_HAN}]{{1,3}})[号日]?"
    rf"|(?:[1-3]?[0-9]|[{_HAN}]{{1,3}})(?:号|日)"
    r"(?=[上下早晚中傍之以前左到至给发寄送能就会再来去退师您开安装审出换补修货派配往可准都应才也肯我、，,。！!\s]|$))"
)
_DAY = (
    r"(?:今明两天|今天明天|明后两?天|这(?:一两|两三|几|[一二两三])天(?=就|会|能|应该|给|可以|[弄发到送办出])"
    r"|今天|今日|今晚|今儿个?|今夜|当[天日晚]|明天|明日|明儿个?|明[早晚]|[听聽]日|[听聽]晚|次日|第二天|隔天|大后[天日]|后[天日]"
    r"|\b(?:today|tonight|tomorrow)\b)"
)
_WEEK = (
    r"(?:(?<![上每])(?:下下|下|本|这|呢)?个?(?<![上每]个)(?:周|星期|礼拜)[一二三四五六日天末]|(?<!上)下个?(?:周|星期|礼拜)"
    r"|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|next week)\b)"
)
_IN_MONTH = r"(?:底|末|初|头上|[上中下]旬)"
_MONTH_END = (
    rf"(?:下个?|本|这个?)?月{_IN_MONTH}|下个?月(?![0-9{_HAN}]|之?前)"
    rf"|{_MONTH}(?:{_IN_MONTH}|(?=之?前))|年[底末](?=之?前)"
)
_PART = r"(?:早上|早晨|上午|朝早|中午|晌午|下午|下昼|晚上|傍晚|夜里|凌晨|早(?![就已点些])|晚(?![点些就上]))"
#: 三点二 and 一点儿 are no hours.
_HOUR = (
    rf"(?:[0-9]{{1,2}}:[0-5][0-9]|(?<![0-9{_HAN}.])(?:[0-9]{{1,2}}|[{_HAN}]{{1,3}})(?:点|時)"
    rf"(?:半|多|钟|整|一刻|[{_HAN}]?十[{_HAN}]?分?|零[{_HAN}]分?|[0-5][0-9]分?)?(?![0-9{_HAN}儿](?![位名])))"
)
_CLOCK = rf"(?:{_HOUR}(?:{_TO}{_PART}?{_HOUR})?)"
_POINT = (
    rf"(?P<day>{_DATE}|{_DAY}|{_WEEK}|{_MONTH_END})(?:的)?(?P<part>{_PART})?(?:以前)?(?P<clock>{_CLOCK})?{_BEFORE}?(?:下班(?:之?前|以前))?"
    rf"|(?P<only_part>{_PART})(?P<part_clock>{_CLOCK}){_BEFORE}?"
    rf"|(?P<only_clock>(?!一点(?!{_BEFORE}|半|钟)){_CLOCK}){_BEFORE}?"
    rf"|(?P<soon>上午|中午|下午|晚上|傍晚)(?=给|就|能|会|来|再|之?前|发|送|寄|打|回)(?:之?前)?"
    r"|(?P<closing>下班(?:之?前|以前))"
)
_TIME = re.compile(rf"{_SPAN}|{_POINT}", re.IGNORECASE)
_ONE_HOUR = re.compile(
    rf"(?P<hour>[0-9]{{1,2}}|[{_HAN}]{{1,3}})(?::(?P<minute>[0-5][0-9])|(?:点|時)(?P<rest>半|一刻|[{_HAN}]+|[0-9]+)?)"
)
_CALENDAR = re.compile(rf"(?:(?P<month>[0-9]+|[{_HAN}]+)月(?:份)?)?(?P<day>[0-9]+|[{_HAN}]+)")
_OF_MONTH = re.compile(
    rf"(?P<next>下)?个?[本这]?个?(?P<month>1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])?月(?:份)?(?P<part>{_IN_MONTH})?"
)
#: The day on which a part of a month is over, where it is not the last.
_PART_OF_MONTH = {"初": 10, "头上": 10, "上旬": 10, "中旬": 20}
_DAYS = {
    "今": 0, "当": 0, "明": 1, "听": 1, "聽": 1, "次": 1, "隔": 1, "第": 1, "后": 2, "大": 3,
    "今明两天": 1, "今天明天": 1, "明后天": 2, "明后两天": 2, "today": 0, "tonight": 0, "tomorrow": 1,
}  # fmt: skip
_MINUTES = {
    "分": 1, "min": 1, "小": 60, "钟": 60, "hou": 60, "天": 1440, "日": 1440, "day": 1440,
    "星": 10_080, "礼": 10_080, "周": 10_080, "wee": 10_080, "月": 43_200, "个": 43_200,
}  # fmt: skip
_WORKING = ("工", "wor", "bus")
_WEEKDAYS = {
    **{name: day for day, name in enumerate("一二三四五六日")}, "天": 6, "末": 6,
    **{name: day for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
}  # fmt: skip
#: The hour at which a part of the day is over.
_PART_ENDS = {"早": 10, "朝": 10, "凌": 6, "上": 12, "中": 14, "晌": 14, "下": 18, "傍": 20}
_LATE = ("下", "晚", "傍", "夜")
#: Between two halves of a time: 后天，礼拜二; 明天也就是九号; 九号送到您手上，就是今天.
_GAP = re.compile(
    r"[，,、 ]?(?:也?就是|或者?)?"
    r"|(?:送到|送达|能到|到货|给|到|您|手[上里]|那[边儿]?|的)*[，,](?:也|那)?(?:就|正|刚好|正好|确实|应该)是?"
)
_TELLS_DAY = re.compile(r"[天日号月周]|礼拜|星期|[今明后听聽][早晚儿]|day|week", re.IGNORECASE)
_TELLS_HOUR = re.compile(r"[点時:]|钟|小时|hour|minute", re.IGNORECASE)
#: A number of days above this is no time, but letters gone wrong.
_MOST = 1000
#: 下班前: the end of the working day.
_CLOSING_HOUR = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTime:
    """A time ahead: where and how it is said, the length of the span if it is one, and when it is over if known."""

    start: int
    end: int
    words: str
    within_ms: int | None = None
    at: datetime | None = None
    is_span: bool = False

    def goes_with(self, other: DueTime) -> bool:
        """Tell whether a neighbour says the same time: a day and what is told of it, or days and when they end."""
        if self.is_span:
            return not other.is_span and bool(_TELLS_DAY.search(self.words) and _TELLS_DAY.search(other.words))
        return _TELLS_DAY.search(self.words) is not None and _TELLS_HOUR.search(self.words) is None


def find_due_times(text: str, started_at: datetime | None) -> Iterator[DueTime]:
    """Find the times ahead that a sentence names, in order.

    What is said of one time in two halves is one: 后天，礼拜二上午. A span counts from the start of the call, of a
    range its end; a day, a part of it (上午 until 12, 中午 14, 下午 18) or an hour is over when it ends; of a day of
    the week or of the month the next one is meant; working days are Monday to Friday.

    Args:
        text: what is said.
        started_at: when the call began; None leaves `at` open.
    """
    last: DueTime | None = None
    for match in _TIME.finditer(text):
        if match["count"] and read_number(match["count"]) > _MOST:
            continue
        due = _due_time(match, started_at)
        if last is not None and _GAP.fullmatch(text, last.end, due.start) and last.goes_with(due):
            due = _joined(last, due, text, started_at)
        elif last is not None:
            yield last
        last = due
    if last is not None:
        yield last


def _due_time(match: re.Match[str], started_at: datetime | None) -> DueTime:
    within_ms, at = _span(match, started_at) if match["count"] else (None, _point(match, started_at))
    return DueTime(
        start=match.start(), end=match.end(), words=match.group().strip(), within_ms=within_ms, at=at,
        is_span=bool(match["count"]),
    )  # fmt: skip


def _joined(first: DueTime, second: DueTime, text: str, started_at: datetime | None) -> DueTime:
    """Make one time of two halves. An hour is one of the day before it."""
    whole = None if second.is_span else _TIME.fullmatch(first.words + second.words)
    at = second.at if whole is None else _point(whole, started_at)
    return replace(second, start=first.start, words=text[first.start : second.end].strip(), at=at)


def read_number(text: str) -> float:
    """Read a number below a thousand in Arabic, Chinese or English figures: 48, 四十八, 两, 半, three."""
    if text == "半":
        return 0.5
    if text.lower() in _ENGLISH:
        return _ENGLISH[text.lower()]
    if text[0].isascii():
        return float(text)
    text = text.removesuffix("来")  # 十来天
    total = current = 0
    for letter in text:
        if letter in _DIGITS:
            # 三四 is three or four.
            current = _DIGITS[letter]
        else:
            total += (current or 1) * (10 if letter == "十" else 100)
            current = 0
    return total + current


def _span(span: re.Match[str], started_at: datetime | None) -> tuple[int | None, datetime | None]:
    count = read_number(span["count"]) + (0.5 if span["half"] else 0)
    unit = span["unit"].strip().lower()
    if unit.startswith(_WORKING):
        return None, _working_days(started_at, round(count))
    minutes = count * next(value for start, value in _MINUTES.items() if unit.startswith(start))
    return round(minutes * 60_000), started_at + timedelta(minutes=minutes) if started_at else None


def _point(point: re.Match[str], started_at: datetime | None) -> datetime | None:
    if started_at is None:
        return None
    day = _day(point["day"], started_at) if point["day"] else started_at
    if day is None:
        return None
    part = point["part"] or point["only_part"] or point["soon"] or ((point["day"] or "")[-1:] if point["day"] else "")
    clock = point["clock"] or point["part_clock"] or point["only_clock"]
    hour: int | None = None
    minute = 0
    if clock:
        *_, last = _ONE_HOUR.finditer(clock)
        hour, minute = int(read_number(last["hour"])), _minute(last)
        hour += 12 if (part.startswith(_LATE) or _is_late(clock)) and hour < 12 else 0
    elif "下班" in point.group():
        hour = _CLOSING_HOUR
    elif part:
        hour = _PART_ENDS.get(part[0])
    if hour is None or hour > 23:
        return day.replace(hour=23, minute=59, second=59, microsecond=0)
    at = day.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if clock and not point["day"] and at < started_at:  # the next such hour is meant
        at += timedelta(hours=12 if hour < 12 else 24)
    return at


def _is_late(clock: str) -> bool:
    return any(part in clock for part in ("下午", "晚", "傍"))


def _minute(hour: re.Match[str]) -> int:
    rest = hour["minute"] or hour["rest"] or ""
    if rest == "半":
        return 30
    if rest == "一刻":
        return 15
    return min(59, int(read_number(rest))) if rest else 0


def _day(words: str, started_at: datetime) -> datetime | None:
    lower = words.lower()
    if lower in _DAYS or (words[0] in _DAYS and "月" not in words):
        return started_at + timedelta(days=_DAYS.get(lower, _DAYS.get(words[0], 0)))
    if words.startswith("这") and words.endswith("天"):  # 这两天, 这几天
        return started_at + timedelta(days=_DIGITS.get(words[-2], 3))
    if words.startswith("年"):
        return started_at.replace(month=12, day=31)
    if (part := _OF_MONTH.fullmatch(words)) is not None:
        return _in_month(part, started_at)
    if any(week in lower for week in ("周", "星期", "礼拜", "day", "week")):
        return _weekday(lower, started_at)
    return _date(words, started_at)


def _in_month(part: re.Match[str], started_at: datetime) -> datetime:
    """Return when a part of a month is over; a month alone is one before which something is due."""
    month = int(read_number(part["month"])) if part["month"] else started_at.month % 12 + 1 if part["next"] else None
    first = started_at.replace(day=1)
    while month is not None and first.month != month:
        first = (first + timedelta(days=32)).replace(day=1)
    if part["month"] and not part["part"]:
        return first - timedelta(days=1)
    day = _PART_OF_MONTH.get(part["part"] or "", calendar.monthrange(first.year, first.month)[1])
    return first.replace(day=day)


def _date(words: str, started_at: datetime) -> datetime | None:
    *_, date = (None, *_CALENDAR.finditer(words))  # of a range the last
    day = int(read_number(date["day"])) if date else 0
    if date is None or not 1 <= day <= 31:
        return None
    month = int(read_number(date["month"])) if date["month"] else started_at.month
    year = started_at.year
    if (month, day) < (started_at.month, started_at.day):  # the next one is meant
        month, year = (month, year + 1) if date["month"] else (month % 12 + 1, year + month // 12)
    last = calendar.monthrange(year, month)[1]
    return started_at.replace(year=year, month=month, day=min(day, last))


def _weekday(words: str, started_at: datetime) -> datetime:
    name = words[:3] if words[0].isascii() else words[-1]
    monday = started_at - timedelta(days=started_at.weekday())
    if name not in _WEEKDAYS:  # 下周, next week
        return monday + timedelta(days=13)
    weeks = len(words) - len(words.lstrip("下"))
    day = monday + timedelta(days=_WEEKDAYS[name] + 7 * weeks)
    return day if day.date() >= started_at.date() else day + timedelta(days=7)


def _working_days(started_at: datetime | None, count: int) -> datetime | None:
    if started_at is None:
        return None
    due_at = started_at
    while count > 0:
        due_at += timedelta(days=1)
        count -= due_at.weekday() < 5
    return due_at
