"""`call length`, `turns`, `utterances`: how long the call is.

A turn is a run of consecutive utterances of a role. The hit is at the end of the call.

Keys of `call length`:
    longer: the recording is this long or longer.
    shorter: the recording is shorter.

Keys of `turns`, `utterances`:
    role: whose; without it, both sides'.
    above: more than this.
    below: fewer than this.

Example:
    all:
      - call length: {longer: 20s, shorter: 30m}
      - turns: {above: 2}
      - utterances: {role: customer, above: 1}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from qareport.model import Role
from qareport.presentation.locale import N_, _
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.match_context import ConditionHit, MatchContext, measured
from qareport.rules.schema_types import DurationMs, Keywords, check_bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLength(Condition):
    """The recording is longer or shorter than this."""

    longer_ms: int | None
    shorter_ms: int | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit."""
        length_ms = context.length_ms
        if (self.longer_ms is not None and length_ms < self.longer_ms) or (
            self.shorter_ms is not None and length_ms >= self.shorter_ms
        ):
            return []
        return [measured(context, f"通话 {length_ms / 1000:.0f} 秒")]

    def seen(self, context: MatchContext) -> str:
        """Say how long the call is."""
        return _("全长 {seconds} 秒").format(seconds=f"{context.length_ms / 1000:g}")


class CallLengthForm(LeafForm):
    """`call length: 10m` means that or longer."""

    heads: ClassVar[tuple[str, ...]] = ("call length",)
    bare: ClassVar[str | None] = "longer"

    longer: DurationMs | None = None
    shorter: DurationMs | None = None

    @model_validator(mode="after")
    def _bounded(self) -> CallLengthForm:
        if self.longer is None and self.shorter is None:
            raise PydanticCustomError("bounds", "`longer` or `shorter` with a length of time")
        if self.longer is not None and self.shorter is not None and self.longer >= self.shorter:
            raise PydanticCustomError("bounds", "`longer` less than `shorter`: no call lies between them")
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return CallLength(longer_ms=self.longer, shorter_ms=self.shorter)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechCount(Condition):
    """A role (None: both) has more or fewer turns or utterances than this."""

    role: Role | None
    of_turns: bool
    above: float | None
    below: float | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit."""
        count = self._count(context)
        if (self.above is not None and count <= self.above) or (self.below is not None and count >= self.below):
            return []
        return [measured(context, f"{count} {'轮' if self.of_turns else '句'}", self.role)]

    def _count(self, context: MatchContext) -> int:
        segments = context.turns() if self.of_turns else context.spoken
        return sum(
            1
            for segment in segments
            if (self.role is None or segment.role is self.role) and context.covers(segment.start_ms)
        )

    def seen(self, context: MatchContext) -> str:
        """Say how many there are."""
        return (_("{count} 轮") if self.of_turns else _("{count} 句")).format(count=self._count(context))


class SpeechCountForm(LeafForm):
    """`turns: {above: 40}`, `utterances: {role: customer, below: 2}`."""

    heads: ClassVar[tuple[str, ...]] = ("turns", "utterances")

    role: Role | None = None
    above: Annotated[int, Field(ge=0)] | None = None
    below: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> SpeechCountForm:
        check_bounds(self.above, self.below)
        if self.above is not None and self.below is not None and self.below - self.above == 1:
            raise PydanticCustomError("bounds", "a number between `above` and `below`")
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return SpeechCount(role=self.role, of_turns=head == "turns", above=self.above, below=self.below)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageIs(Condition):
    """The order is in one of these stages."""

    stages: frozenset[str]

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when the words tell no stage."""
        held = context.stage is not None and context.stage in self.stages
        return [measured(context, f"阶段 {context.stage}")] if held else []

    def seen(self, context: MatchContext) -> str:
        """Say which stage it is."""
        return _("阶段 {stage}").format(stage=context.stage or _("未知"))


class StageForm(LeafForm):
    """`stage: 待发货`, of the stages that synonyms.yaml lists."""

    heads: ClassVar[tuple[str, ...]] = ("stage",)
    bare: ClassVar[str | None] = "is"

    is_: Keywords = Field(alias="is")

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return StageIs(stages=frozenset(self.is_))


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCalls(Condition):
    """The order has had so many calls before this one, perhaps within the last days."""

    at_least: int
    within_ms: int | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when the order or the times are not known."""
        count = self._count(context)
        return [] if count is None or count < self.at_least else [measured(context, f"此前来电 {count} 次")]

    def _count(self, context: MatchContext) -> int | None:
        began = context.transcript.started_at
        if context.earlier is None or (began is None and self.within_ms is not None):
            return None
        if began is None or self.within_ms is None:
            return len(context.earlier)
        within = timedelta(milliseconds=self.within_ms)
        return sum(1 for start in context.earlier if began - start <= within)

    def seen(self, context: MatchContext) -> str:
        """Say how many there were."""
        count = self._count(context)
        return _("此前来电次数未知") if count is None else _("此前来电 {count} 次").format(count=count)


class EarlierCallsForm(LeafForm):
    """`earlier calls: {at_least: 2, within: 7d}`; bare: the count."""

    heads: ClassVar[tuple[str, ...]] = ("earlier calls",)
    bare: ClassVar[str | None] = "at_least"

    at_least: Annotated[int, Field(ge=1, le=1000)] = 1
    within: DurationMs | None = None

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return EarlierCalls(at_least=self.at_least, within_ms=self.within)


#: Chinese and English names of the days, Monday first, as `datetime.weekday` counts.
DAYS = (N_("周一"), N_("周二"), N_("周三"), N_("周四"), N_("周五"), N_("周六"), N_("周日"))
WEEKDAYS = {
    **{name: day for day, name in enumerate(DAYS)},
    **{name: day for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])\s*-\s*([01]?[0-9]|2[0-4]):([0-5][0-9])")


def parse_clock(value: Any) -> tuple[int, int]:
    """Turn `22:00-08:00` into two minutes of the day.

    Raises:
        PydanticCustomError: anything else.
    """
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("clock", "two times of day: 22:00-08:00")
    hours = [int(part) for part in match.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start == end or max(start, end) > 24 * 60:
        raise PydanticCustomError("clock", "two different times of day: 22:00-08:00")
    return start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class BeganAt(Condition):
    """The call began between two times of day, or on one of these weekdays, by the clock of its own time zone."""

    minutes: tuple[int, int] | None = None
    days: frozenset[int] | None = None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when the start is not known."""
        began = context.transcript.started_at
        if began is None or not (self._in_hours(began) and (self.days is None or began.weekday() in self.days)):
            return []
        return [measured(context, f"来电时间 {began:%Y-%m-%d %H:%M}")]

    def _in_hours(self, began: datetime) -> bool:
        if self.minutes is None:
            return True
        start, end = self.minutes
        at = began.hour * 60 + began.minute
        return start <= at < end if start < end else at >= start or at < end

    def seen(self, context: MatchContext) -> str:
        """Say when the call began."""
        began = context.transcript.started_at
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


class WeekdayForm(LeafForm):
    """`weekday: [周六, 周日]`."""

    heads: ClassVar[tuple[str, ...]] = ("weekday",)
    bare: ClassVar[str | None] = "is"

    is_: Keywords = Field(alias="is")

    @model_validator(mode="after")
    def _known(self) -> WeekdayForm:
        if strange := [day for day in self.is_ if day.casefold() not in WEEKDAYS]:
            raise PydanticCustomError("weekday", "周一 … 周日 or mon … sun, not {day}", {"day": strange[0]})
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return BeganAt(days=frozenset(WEEKDAYS[day.casefold()] for day in self.is_))
