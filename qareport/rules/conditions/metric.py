"""`metric`: a measure of the whole call lies above or below a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qareport.model import MEASURES, CallMetrics, Measure, Unit
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.conditions.voice import check_bounds
from qareport.rules.diagnostics import did_you_mean
from qareport.rules.match_context import Hit, Scene, measured


def _name(measure: Measure) -> str:
    return measure.id.removesuffix("_ms") + "_s" if measure.unit is Unit.MILLISECONDS else measure.id


#: Every name that `metric: {name: …}` may carry: the measures of `qareport.model.measures`. Times are in seconds, as
#: everywhere in rules, and their names say so: `talk_ms` is `talk_s`.
METRICS: Mapping[str, Measure] = {_name(measure): measure for measure in MEASURES.values()}


def value_of(metrics: CallMetrics, name: str) -> float | None:
    """Return a measure by its name in rules; None when it was not measured."""
    measure = METRICS[name]
    value = measure.of(metrics)
    return value / 1000 if value is not None and measure.unit is Unit.MILLISECONDS else value


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
