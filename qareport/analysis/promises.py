"""Promises: what an agent says will be done, and by when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from qareport.analysis.scene import Scene
from qareport.model import Promise, Role

_NUMBER = r"[0-9]+(?:\.[0-9]+)?|[零〇一二两三四五六七八九十百]+|半"
#: A span ahead. 三天前, 等了三天 and 三天没 look back.
_SPAN = re.compile(
    rf"(?<![了过第0-9.])(?P<count>{_NUMBER})\s*个?(?P<half>半)?"
    r"(?P<unit>分钟|小时|钟头|工作日|天|日(?!子)|星期|礼拜|周|个?月(?!份)|"
    r"\s?(?:working days?|business days?|minutes?|hours?|days?|weeks?))"
    r"\s*(?P<end>之内|以内|内|以后|之后|后|左右)?(?!之?前|以前|了|没|都没|无理由)",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"(?P<day>今天|今日|今晚|当天|今儿|明天|明日|明儿|后天|\btoday\b|\btonight\b|\btomorrow\b)", re.IGNORECASE
)
_CLOCK = re.compile(
    r"(?P<part>早上|上午|中午|下午|晚上|傍晚)?(?P<hour>[0-9]{1,2}|[一二两三四五六七八九十]{1,3})点(?P<half>半)?(?:之?前|以前)"
)
_DAYS = {"今": 0, "当": 0, "明": 1, "后": 2, "today": 0, "tonight": 0, "tomorrow": 1}
_MINUTES = {
    "分": 1, "min": 1, "小": 60, "钟": 60, "hou": 60, "天": 1440, "日": 1440, "day": 1440,
    "星": 10_080, "礼": 10_080, "周": 10_080, "wee": 10_080, "月": 43_200, "个": 43_200,
}  # fmt: skip
#: Not a promise: a question, a refusal, a condition, something done.
_NO_PROMISE = re.compile(r"[?？吗]|不能|没办法|无法|不可以|如果|已经|刚才|保证不了|不一定|can't|cannot|unable")
_WORKING = ("工", "wor", "bus")
_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}


def find_promises(scene: Scene, started_at: datetime | None) -> Iterator[Promise]:
    """Find what the agent says will be done by a time.

    A promise names an action of `promises` in topics.yaml and a time ahead in one segment, and is no question,
    condition or refusal. Due: the start of the call plus the span; for "今天" the end of that day or the hour that is
    named; working days are Monday to Friday, public holidays are not known.

    Args:
        scene: the call.
        started_at: when it began; None leaves `due_at` open.
    """
    for index, segment in enumerate(scene.spoken):
        if segment.role is not Role.AGENT or _NO_PROMISE.search(segment.text):
            continue
        action = next((one.name for one in scene.topics.promises if one.words.find(scene.words[index])), None)
        time = _time(segment.text, started_at) if action is not None else None
        if action is not None and time is not None:
            by, within_ms, due_at = time
            yield Promise(
                at_ms=segment.start_ms,
                end_ms=segment.end_ms,
                role=segment.role,
                quote=segment.text,
                action=action,
                by=by,
                within_ms=within_ms,
                due_at=due_at,
            )


def _time(text: str, started_at: datetime | None) -> tuple[str, int | None, datetime | None] | None:
    if span := _SPAN.search(text):
        return _span(span, started_at)
    if day := _DAY.search(text):
        word = day["day"].lower()
        clock = _CLOCK.match(text, day.end())
        said = text[day.start() : clock.end() if clock else day.end()]
        return said, None, _end_of_day(started_at, _DAYS.get(word, _DAYS.get(word[0], 0)), clock)
    return None


def _span(span: re.Match[str], started_at: datetime | None) -> tuple[str, int | None, datetime | None]:
    count = read_number(span["count"]) + (0.5 if span["half"] else 0)
    unit = span["unit"].strip().lower()
    said = span.group().strip()
    if unit.startswith(_WORKING):
        return said, None, _working_days(started_at, round(count))
    minutes = count * next(value for start, value in _MINUTES.items() if unit.startswith(start))
    due_at = started_at + timedelta(minutes=minutes) if started_at else None
    return said, round(minutes * 60_000), due_at


def read_number(text: str) -> float:
    """Read a number below a thousand in Arabic or Chinese figures: 48, 四十八, 两, 半."""
    if text == "半":
        return 0.5
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


def _end_of_day(started_at: datetime | None, days: int, clock: re.Match[str] | None) -> datetime | None:
    if started_at is None:
        return None
    hour, minute, second = 23, 59, 59
    if clock is not None:
        hour = int(read_number(clock["hour"]))
        hour += 12 if clock["part"] in ("下午", "晚上", "傍晚") and hour < 12 else 0
        minute, second = (30 if clock["half"] else 0), 0
    if hour > 23:
        hour, minute, second = 23, 59, 59
    return (started_at + timedelta(days=days)).replace(hour=hour, minute=minute, second=second, microsecond=0)


def _working_days(started_at: datetime | None, count: int) -> datetime | None:
    if started_at is None:
        return None
    due_at = started_at
    while count > 0:
        due_at += timedelta(days=1)
        count -= due_at.weekday() < 5
    return due_at
