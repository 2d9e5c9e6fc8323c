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
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import DurationMs


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionBy(Condition):
    """An interruption of the analysis, by a role if it is named, with this much speech at once."""

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

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known who speaks."""
        return context.knows_speakers


class InterruptionForm(LeafForm):
    """`interruption: {by: agent}` or, shorter, `interruption: agent`."""

    heads: ClassVar[tuple[str, ...]] = ("interruption",)
    bare: ClassVar[str | None] = "by"

    by: Role | None = None
    lasts: DurationMs = 0

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return InterruptionBy(by=self.by, lasts_ms=self.lasts)
