"""`speed`, `loudness`: how a role speaks.

Speed is in characters a minute, Latin words count as one. Loudness is the mean level of an utterance in dBFS, so that
0 is the loudest; differences are in dB.

Keys of `speed`:
    role: who speaks.
    above: faster than this.
    below: slower than this.
    over: each `utterance`, or the whole `call`.
    characters: shorter utterances are not measured.

Keys of `loudness`:
    role: who speaks.
    above: louder than this level.
    below: quieter than this level.
    rises: louder than the same role's utterance before by this much.
    falls: quieter than the same role's utterance before by this much.
    spread: between the quietest and the loudest utterance of the call lies this much.

Example:
    any:
      - speed: {role: agent, above: 330}
      - loudness: {role: customer, rises: 8}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from qareport.model import Evidence, Role, Segment
from qareport.presentation.locale import _
from qareport.rules.condition_hit import ConditionHit, measured, uttered
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import Number, Speaker, WholeNumber, check_bounds
from qareport.text.wordlist import count_units


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedIs(Condition):
    """A role says more or fewer characters (Latin words) a minute than this: in one utterance, or over the call."""

    role: Role
    above: float | None
    below: float | None
    whole_call: bool
    #: Shorter utterances say nothing about speed.
    characters: int

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each such utterance, or one measured hit for the call."""
        if self.whole_call:
            speed = _call_speed(context, self.role)
            held = speed is not None and self._matches(speed)
            return [measured(context.end_ms, f"语速 {speed:.0f} 字/分钟", self.role)] if held else []
        return [uttered(segment) for segment, speed in self._speeds(context) if self._matches(speed)]

    def _speeds(self, context: MatchContext) -> Iterator[tuple[Segment, float]]:
        for segment, words in context.utterances(self.role):
            length_ms = segment.duration_ms
            units = count_units(words)
            if units >= self.characters and length_ms > 0:
                yield segment, units * 60_000 / length_ms

    def _matches(self, speed: float) -> bool:
        return (self.above is None or speed > self.above) and (self.below is None or speed < self.below)

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known what the role says, and over a call whether it was measured."""
        return context.hears(self.role) and (not self.whole_call or _call_speed(context, self.role) is not None)

    def seen(self, context: MatchContext) -> str:
        """Say what the speed was."""
        if self.whole_call:
            speed = _call_speed(context, self.role)
            return _("语速没有量到") if speed is None else _("每分钟 {speed} 字").format(speed=f"{speed:.0f}")
        speeds = [speed for _segment, speed in self._speeds(context)]
        if not speeds:
            return _("没有足够长的一句")
        return _("每分钟 {low} 到 {high} 字").format(low=f"{min(speeds):.0f}", high=f"{max(speeds):.0f}")


def _call_speed(context: MatchContext, role: Role) -> float | None:
    measures = context.analysis.metrics.roles.get(role.value)
    return None if measures is None else measures.characters_per_minute


class SpeedForm(LeafForm):
    """`speed: {role: agent, above: 330}`."""

    heads: ClassVar[tuple[str, ...]] = ("speed",)
    one_of: ClassVar[tuple[str, ...]] = ("above", "below")

    role: Role = Role.AGENT
    above: Annotated[Number, Field(gt=0)] | None = None
    below: Annotated[Number, Field(gt=0)] | None = None
    over: Literal["utterance", "call"] = "utterance"
    characters: Annotated[WholeNumber, Field(ge=1)] = 10

    @model_validator(mode="after")
    def _bounded(self) -> SpeedForm:
        check_bounds(self.above, self.below)
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return SpeedIs(
            role=self.role,
            above=self.above,
            below=self.below,
            whole_call=self.over == "call",
            characters=self.characters,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoudnessIs(Condition):
    """A role is louder or quieter than a level, than its own utterance before, or uneven over the call."""

    role: Role | None
    above: float | None
    below: float | None
    rises: float | None
    falls: float | None
    spread: float | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each such utterance; for `spread` the quietest and the loudest as one hit."""
        levels = [
            (segment, segment.loudness_dbfs)
            for segment, _words in context.utterances(self.role)
            if segment.loudness_dbfs is not None
        ]
        if self.spread is not None:
            return self._spread(levels)
        hits = []
        before: dict[Role, float] = {}
        for segment, level in levels:
            if self._matches(level, before.get(segment.role)):
                hits.append(uttered(segment))
            before[segment.role] = level
        return hits

    def _spread(self, levels: list[tuple[Segment, float]]) -> list[ConditionHit]:
        if len(levels) < 2 or self.spread is None:
            return []
        low, high = min(levels, key=lambda pair: pair[1])[0], max(levels, key=lambda pair: pair[1])[0]
        if (high.loudness_dbfs or 0) - (low.loudness_dbfs or 0) < self.spread:
            return []
        first, second = sorted((low, high), key=lambda segment: segment.start_ms)
        evidence = tuple(
            Evidence(at_ms=segment.start_ms, end_ms=segment.end_ms, role=segment.role, quote=segment.text)
            for segment in (first, second)
        )
        return [ConditionHit(at_ms=first.start_ms, evidence=evidence)]

    def _matches(self, level: float, before: float | None) -> bool:
        if (self.above is not None and level <= self.above) or (self.below is not None and level >= self.below):
            return False
        if self.rises is not None and (before is None or level - before < self.rises):
            return False
        return self.falls is None or (before is not None and before - level >= self.falls)

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether any level of the role was measured."""
        return any(segment.loudness_dbfs is not None for segment in context.speech(self.role).segments)

    def seen(self, context: MatchContext) -> str:
        """Say what the levels were."""
        levels = [
            segment.loudness_dbfs
            for segment, _words in context.utterances(self.role)
            if segment.loudness_dbfs is not None
        ]
        if not levels:
            return _("响度没有量到")
        return _("{low} 到 {high} dBFS").format(low=f"{min(levels):.1f}", high=f"{max(levels):.1f}")


class LoudnessForm(LeafForm):
    """`loudness: {role: customer, rises: 8}`; levels in dBFS, differences in dB."""

    heads: ClassVar[tuple[str, ...]] = ("loudness",)
    one_of: ClassVar[tuple[str, ...]] = ("above", "below", "rises", "falls", "spread")

    role: Speaker = Role.CUSTOMER
    above: Annotated[Number, Field(ge=-100, le=0)] | None = None
    below: Annotated[Number, Field(ge=-100, le=0)] | None = None
    rises: Annotated[Number, Field(gt=0, le=100)] | None = None
    falls: Annotated[Number, Field(gt=0, le=100)] | None = None
    spread: Annotated[Number, Field(gt=0, le=100)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> LoudnessForm:
        given = [self.rises, self.falls, self.spread]
        if all(bound is None for bound in given) or self.above is not None or self.below is not None:
            check_bounds(self.above, self.below)
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return LoudnessIs(**{name: getattr(self, name) for name in type(self).model_fields})
