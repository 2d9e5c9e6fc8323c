"""`interruption`: a role begins to speak over the other (抢话)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qareport.model import Evidence, Role
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.match_context import Hit, Scene
from qareport.rules.schema_types import DurationMs


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionBy(Condition):
    """An interruption of the analysis, by one role if it is named, with this much speech at once."""

    by: Role | None
    lasts_ms: int

    names_topic = False

    def find(self, scene: Scene) -> list[Hit]:
        """Return each interruption; its quote is what the interrupting role says."""
        quotes = {(segment.role, segment.start_ms): segment.text for segment in scene.spoken}
        return [
            Hit(
                at_ms=one.start_ms,
                evidence=(
                    Evidence(
                        at_ms=one.start_ms,
                        end_ms=one.end_ms,
                        role=one.by,
                        quote=quotes.get((one.by, one.start_ms), ""),
                    ),
                ),
                span_ms=one.duration_ms,
            )
            for one in scene.analysis.interruptions
            if (self.by is None or one.by is self.by)
            and one.duration_ms >= self.lasts_ms
            and scene.covers(one.start_ms)
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
