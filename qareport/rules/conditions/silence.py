"""`interruption`: a role starts to speak while the other speaks (抢话).

Keys:
    by: who interrupts; without it, anyone.
    lasts: the shortest time in which both speak.

Example:
    interruption: {by: agent, lasts: 800ms}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qareport.model import Evidence, Role
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.match_context import SILENCE_QUOTE, ConditionHit, MatchContext
from qareport.rules.schema_types import DurationMs


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionBy(Condition):
    """An interruption of the analysis, by interruption role if it is named, with this much speech at once."""

    by: Role | None
    lasts_ms: int

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each interruption; its quote is what the interrupting role says."""
        quotes = {(segment.role, segment.start_ms): segment.text for segment in context.spoken}
        return [
            ConditionHit(
                at_ms=interruption.start_ms,
                evidence=(
                    Evidence(
                        at_ms=interruption.start_ms,
                        end_ms=interruption.end_ms,
                        role=interruption.by,
                        quote=quotes.get((interruption.by, interruption.start_ms), ""),
                    ),
                ),
                span_ms=interruption.duration_ms,
            )
            for interruption in context.analysis.interruptions
            if (self.by is None or interruption.by is self.by)
            and interruption.duration_ms >= self.lasts_ms
            and context.covers(interruption.start_ms)
        ]


class InterruptionForm(LeafForm):
    """`interruption: {by: agent}` or, shorter, `interruption: agent`."""

    heads: ClassVar[tuple[str, ...]] = ("interruption",)
    bare: ClassVar[str | None] = "by"

    by: Role | None = None
    lasts: DurationMs = 0

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return InterruptionBy(by=self.by, lasts_ms=self.lasts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceLasts(Condition):
    """A silence of the analysis lasts `longer_ms` or more, after or before a role's words if one is named."""

    longer_ms: int
    after: Role | None
    before: Role | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each silence; its evidence carries the role that spoke last and no words."""
        return [
            ConditionHit(
                at_ms=silence.start_ms,
                evidence=(
                    Evidence(
                        at_ms=silence.start_ms,
                        end_ms=silence.end_ms,
                        role=silence.after or Role.UNKNOWN,
                        quote=SILENCE_QUOTE,
                    ),
                ),
                span_ms=silence.duration_ms,
            )
            for silence in context.analysis.silences
            if silence.duration_ms >= self.longer_ms
            and (self.after is None or silence.after is self.after)
            and (self.before is None or silence.before is self.before)
            and context.covers(silence.start_ms)
        ]


class SilenceForm(LeafForm):
    """`silence: 2s`, with `after: customer` beside it or inside."""

    heads: ClassVar[tuple[str, ...]] = ("silence",)
    bare: ClassVar[str | None] = "longer"
    siblings: ClassVar[tuple[str, ...]] = ("after",)

    longer: DurationMs
    after: Role | None = None
    before: Role | None = None

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return SilenceLasts(longer_ms=self.longer, after=self.after, before=self.before)
