"""`silence`: nobody speaks for some time.

The pauses are those of the analysis: shorter ones than `silence_ms` of the settings are not silences.

Keys:
    longer: the shortest pause that counts.
    after: who spoke last before it; may also be written beside `silence`.
    before: who speaks first after it.

Example:
    silence: 3s
    after: customer
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qareport.model import Evidence, Role
from qareport.rules.match_context import SILENCE_QUOTE, Condition, ConditionHit, LeafForm, MatchContext
from qareport.rules.schema_types import DurationMs


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
