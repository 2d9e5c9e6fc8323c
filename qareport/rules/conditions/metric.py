"""`metric`: a measure of the whole call lies above or below a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qareport.model import CallMetrics, RoleMetrics
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.conditions.voice import check_bounds
from qareport.rules.diagnostics import did_you_mean
from qareport.rules.match_context import Hit, Scene, measured


def _seconds(value: int | None) -> float | None:
    return None if value is None else value / 1000


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


_CALL: dict[str, Callable[[CallMetrics], float | None]] = {
    "duration_s": lambda one: _seconds(one.duration_ms),
    "talk_s": lambda one: _seconds(one.talk_ms),
    "non_talk_s": lambda one: _seconds(one.non_talk_ms),
    "non_talk_share": lambda one: _share(one.non_talk_ms, one.duration_ms),
    "overlap_s": lambda one: _seconds(one.overlap_ms),
    "overlap_share": lambda one: _share(one.overlap_ms, one.duration_ms),
    "silence_count": lambda one: one.silence_count,
    "silence_s": lambda one: _seconds(one.silence_ms),
    "silence_share": lambda one: _share(one.silence_ms, one.duration_ms),
    "longest_silence_s": lambda one: _seconds(one.longest_silence_ms),
    "agent_interruptions": lambda one: one.interruptions.get("agent"),
    "customer_interruptions": lambda one: one.interruptions.get("customer"),
    "first_response_s": lambda one: _seconds(one.first_response_ms),
    "median_response_s": lambda one: _seconds(one.median_response_ms),
    "longest_response_s": lambda one: _seconds(one.longest_response_ms),
    "unknown_emotion_share": lambda one: one.unknown_emotion_share,
}
_ROLE: dict[str, Callable[[RoleMetrics, CallMetrics], float | None]] = {
    "talk_s": lambda one, _: _seconds(one.talk_ms),
    "talk_share": lambda one, call: _share(one.talk_ms, call.talk_ms),
    "longest_monologue_s": lambda one, _: _seconds(one.longest_monologue_ms),
    "characters_per_minute": lambda one, _: one.characters_per_minute,
    "loudness_dbfs": lambda one, _: one.loudness_dbfs,
    "sentiment_start": lambda one, _: one.sentiment_start,
    "sentiment_end": lambda one, _: one.sentiment_end,
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

    def find(self, scene: Scene) -> list[Hit]:
        """Return one measured hit; none when it was not measured."""
        value = value_of(scene.analysis.metrics, self.name)
        if value is None or (self.above is not None and value <= self.above):
            return []
        return [] if self.below is not None and value >= self.below else [measured(scene, f"{self.name} = {value:.4g}")]

    def seen(self, scene: Scene) -> str:
        """Say what was measured."""
        value = value_of(scene.analysis.metrics, self.name)
        return f"{self.name} was not measured" if value is None else f"{self.name} = {value:.4g}"


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

    def find(self, scene: Scene) -> list[Hit]:
        """Return one measured hit; none when too little was judged."""
        held = scene.analysis.metrics.trend == self.trend
        return [measured(scene, f"客户情绪 {self.trend}")] if held else []

    def seen(self, scene: Scene) -> str:
        """Say which way it went."""
        return f"trend {scene.analysis.metrics.trend or 'not known'}"


class TrendForm(LeafForm):
    """`trend: worsening`."""

    heads: ClassVar[tuple[str, ...]] = ("trend",)
    bare: ClassVar[str | None] = "is"

    is_: Literal["improving", "steady", "worsening"] = Field(alias="is")

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return TrendIs(trend=self.is_)
