"""`metric`, `trend`: measures of the whole call.

The hit is at the end of the call, when it is certain; a measure that is unknown never matches.

Keys of `metric`:
    name: the measure, for example `non_talk_share` or `agent_talk_share`; a misspelled name is answered with the known.
    above: greater than this.
    below: less than this.

Keys of `trend`:
    is: which way the customer's emotion goes.

Example:
    all:
      - metric: {name: non_talk_share, above: 0.4}
      - trend: worsening
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qareport.model import CallMetrics, RoleMetrics
from qareport.presentation.locale import _
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.diagnostics import did_you_mean
from qareport.rules.match_context import ConditionHit, MatchContext, measured
from qareport.rules.schema_types import check_bounds


def _seconds(value: int | None) -> float | None:
    return None if value is None else value / 1000


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


_CALL: dict[str, Callable[[CallMetrics], float | None]] = {
    "duration_s": lambda call: _seconds(call.duration_ms),
    "talk_s": lambda call: _seconds(call.talk_ms),
    "non_talk_s": lambda call: _seconds(call.non_talk_ms),
    "non_talk_share": lambda call: _share(call.non_talk_ms, call.duration_ms),
    "overlap_s": lambda call: _seconds(call.overlap_ms),
    "overlap_share": lambda call: _share(call.overlap_ms, call.duration_ms),
    "silence_count": lambda call: call.silence_count,
    "silence_s": lambda call: _seconds(call.silence_ms),
    "silence_share": lambda call: _share(call.silence_ms, call.duration_ms),
    "longest_silence_s": lambda call: _seconds(call.longest_silence_ms),
    "agent_interruptions": lambda call: call.interruptions.get("agent"),
    "customer_interruptions": lambda call: call.interruptions.get("customer"),
    "first_response_s": lambda call: _seconds(call.first_response_ms),
    "median_response_s": lambda call: _seconds(call.median_response_ms),
    "longest_response_s": lambda call: _seconds(call.longest_response_ms),
    "unknown_emotion_share": lambda call: call.unknown_emotion_share,
}
_ROLE: dict[str, Callable[[RoleMetrics, CallMetrics], float | None]] = {
    "talk_s": lambda role, _call: _seconds(role.talk_ms),
    "talk_share": lambda role, call: _share(role.talk_ms, call.talk_ms),
    "longest_monologue_s": lambda role, _call: _seconds(role.longest_monologue_ms),
    "characters_per_minute": lambda role, _call: role.characters_per_minute,
    "loudness_dbfs": lambda role, _call: role.loudness_dbfs,
    "sentiment_start": lambda role, _call: role.sentiment_start,
    "sentiment_end": lambda role, _call: role.sentiment_end,
}
#: Every name that `metric: {name: …}` may carry.
METRICS = (*_CALL, *(f"{role}_{name}" for role in ("agent", "customer") for name in _ROLE))


def value_of(metrics: CallMetrics, name: str) -> float | None:
    """Return a measure by its name; None when it was not measured."""
    if name in _CALL:
        return _CALL[name](metrics)
    role, _, measure = name.partition("_")
    of_role = metrics.roles.get(role)
    return None if of_role is None else _ROLE[measure](of_role, metrics)


def _known(name: str) -> str:
    if name not in METRICS:
        near = did_you_mean(name, METRICS) or "known: " + ", ".join(METRICS)
        raise PydanticCustomError("metric", "the name of a measure; {near}", {"near": near})
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricIs(Condition):
    """A measure of the whole call lies between two numbers, both left out; or the mood went this way."""

    name: str
    above: float | None
    below: float | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when it was not measured."""
        value = value_of(context.analysis.metrics, self.name)
        if value is None or (self.above is not None and value <= self.above):
            return []
        return (
            [] if self.below is not None and value >= self.below else [measured(context, f"{self.name} = {value:.4g}")]
        )

    def seen(self, context: MatchContext) -> str:
        """Say what was measured."""
        value = value_of(context.analysis.metrics, self.name)
        return _("{name} 没有量到").format(name=self.name) if value is None else f"{self.name} = {value:.4g}"


class MetricForm(LeafForm):
    """`metric: {name: non_talk_share, above: 0.4}`."""

    heads: ClassVar[tuple[str, ...]] = ("metric",)

    name: Annotated[str, AfterValidator(_known)]
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> MetricForm:
        check_bounds(self.above, self.below)
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return MetricIs(name=self.name, above=self.above, below=self.below)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendIs(Condition):
    """The customer's mood went this way over the call."""

    trend: str

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when too little was judged."""
        held = context.analysis.metrics.trend == self.trend
        return [measured(context, f"客户情绪 {self.trend}")] if held else []

    def seen(self, context: MatchContext) -> str:
        """Say which way it went."""
        return _("走向 {trend}").format(trend=context.analysis.metrics.trend or _("未知"))


class TrendForm(LeafForm):
    """`trend: worsening`."""

    heads: ClassVar[tuple[str, ...]] = ("trend",)
    bare: ClassVar[str | None] = "is"

    is_: Literal["improving", "steady", "worsening"] = Field(alias="is")

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return TrendIs(trend=self.is_)
