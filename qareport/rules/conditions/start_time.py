"""`time of day`, `weekday`: when the call began, by the clock of `period.time_zone` in the settings.

A call whose start is unknown is not judged: it never matches, under `none` either. The hit is at the end of the call.

Keys of `time of day`:
    between: two times of day, the second excluded; may cross midnight.

Keys of `weekday`:
    is: one or several of mon … sun or 周一 … 周日.

Example:
    all:
      - time of day: 22:00-08:00
      - weekday: [周六, 周日]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from qareport.messages import say
from qareport.presentation.locale import N_, _
from qareport.rules.condition_hit import ConditionHit, measured
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.strict_yaml import refusal

#: Names of the days, Monday first, as `datetime.weekday` counts.
DAYS = (N_("周一"), N_("周二"), N_("周三"), N_("周四"), N_("周五"), N_("周六"), N_("周日"))
#: As rules write them.
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = {"enum": [*WEEKDAYS]}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])\s*-\s*([01]?[0-9]|2[0-4]):([0-5][0-9])")


def parse_clock(value: Any) -> tuple[int, int]:
    """Turn `22:00-08:00` into two minutes of the day.

    Raises:
        PydanticCustomError: anything else.
    """
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise refusal("clock", say("two times of day: 22:00-08:00"))
    hours = [int(part) for part in match.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start == end or max(start, end) > 24 * 60:
        raise refusal("clock", say("two different times of day: 22:00-08:00"))
    return start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class BeganAt(Condition):
    """The call began between two times of day, or on one of these weekdays."""

    minutes: tuple[int, int] | None = None
    days: frozenset[int] | None = None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when the start is not known."""
        began = context.began
        if began is None or not (self._in_hours(began) and (self.days is None or began.weekday() in self.days)):
            return []
        return [measured(context.end_ms, f"来电时间 {began:%Y-%m-%d %H:%M}")]

    def _in_hours(self, began: datetime) -> bool:
        if self.minutes is None:
            return True
        start, end = self.minutes
        at = began.hour * 60 + began.minute
        return start <= at < end if start < end else at >= start or at < end

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether the start is known."""
        return context.began is not None

    def seen(self, context: MatchContext) -> str:
        """Say when the call began."""
        began = context.began
        if began is None:
            return _("开始时间未知")
        return _("开始于{day} {time}").format(day=_(DAYS[began.weekday()]), time=f"{began:%H:%M}")


class TimeOfDayForm(LeafForm):
    """`time of day: 22:00-08:00`."""

    heads: ClassVar[tuple[str, ...]] = ("time of day",)
    bare: ClassVar[str | None] = "between"

    between: Annotated[
        tuple[int, int],
        BeforeValidator(parse_clock),
        WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$"}),
    ]

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return BeganAt(minutes=self.between)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class WeekdayForm(LeafForm):
    """`weekday: [周六, 周日]`."""

    heads: ClassVar[tuple[str, ...]] = ("weekday",)
    bare: ClassVar[str | None] = "is"

    is_: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
        BeforeValidator(_as_list),
        Field(min_length=1),
        WithJsonSchema({"anyOf": [_DAY, {"type": "array", "items": _DAY, "minItems": 1}]}),
    ] = Field(alias="is")

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return BeganAt(days=frozenset(WEEKDAYS.index(day) for day in self.is_))
