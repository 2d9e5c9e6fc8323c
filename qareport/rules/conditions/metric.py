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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from qareport.messages import say
from qareport.model import MEASURES, CallMetrics, Measure, Unit
from qareport.presentation.locale import _
from qareport.rules.aliases import VALUES, Choices, did_you_mean, measure_name
from qareport.rules.condition_hit import ConditionHit, measured
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import Number, check_bounds
from qareport.strict_yaml import refusal

#: Every name that `metric: {name: …}` may carry: the measures of `qareport.model.measures`. Times are in seconds, as
#: everywhere in rules, and their names say so: `talk_ms` is `talk_s`.
METRICS: Mapping[str, Measure] = {measure_name(measure.id): measure for measure in MEASURES.values()}


def value_of(metrics: CallMetrics, name: str) -> float | None:
    """Return a measure by its name in rules; None when it was not measured."""
    measure = METRICS[name]
    value = measure.of(metrics)
    return value / 1000 if value is not None and measure.unit is Unit.MILLISECONDS else value


def _known(name: str) -> str:
    if name not in METRICS:
        near = did_you_mean(name, [word for known in METRICS for word in (known, *VALUES[known])])
        known = None if near else say("known: {names}", names=Choices.of_values(METRICS))
        raise refusal("metric", say("the name of a measure"), near or known)
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricIs(Condition):
    """A measure of the whole call is greater than `above` and less than `below`."""

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
            []
            if self.below is not None and value >= self.below
            else [measured(context.end_ms, f"{self.name} = {value:.4g}")]
        )

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it was measured."""
        return value_of(context.analysis.metrics, self.name) is not None

    def seen(self, context: MatchContext) -> str:
        """Say what was measured."""
        value = value_of(context.analysis.metrics, self.name)
        return _("{name} 没有量到").format(name=self.name) if value is None else f"{self.name} = {value:.4g}"


class MetricForm(LeafForm):
    """`metric: {name: non_talk_share, above: 0.4}`."""

    one_of: ClassVar[tuple[str, ...]] = ("above", "below")

    heads: ClassVar[tuple[str, ...]] = ("metric",)

    name: Annotated[str, AfterValidator(_known), WithJsonSchema({"enum": [*METRICS]})]
    above: Number | None = None
    below: Number | None = None

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
        return [measured(context.end_ms, f"客户情绪 {self.trend}")] if held else []

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether enough was judged."""
        return context.analysis.metrics.trend is not None

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
