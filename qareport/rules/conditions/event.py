"""`event`: a sound such as laughter or crying.

Utterances without words count, too. In a transcript that has no sounds at all, not even speech, nothing was judged.

Keys:
    is: a sound of the model.
    role: in whose utterance; without it, anyone's.

Example:
    event: Cry
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from qareport.model import AudioEvent, Evidence, Role
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.match_context import Condition, LeafForm, MatchContext


@dataclass(frozen=True, slots=True, kw_only=True)
class EventIs(Condition):
    """A sound is heard, in anyone's or one role's utterance, also in one without words."""

    event: AudioEvent
    role: Role | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each utterance that carries the sound."""
        return [
            ConditionHit(
                at_ms=segment.start_ms,
                evidence=(
                    Evidence(
                        at_ms=segment.start_ms,
                        end_ms=segment.end_ms,
                        role=segment.role,
                        quote=segment.text or f"[{self.event.value.upper()}]",
                    ),
                ),
            )
            for segment in sorted(context.transcript.segments, key=lambda segment: segment.start_ms)
            if self.event in segment.events
            and (self.role is None or segment.role is self.role)
            and context.covers(segment.start_ms)
        ]

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether sounds were listened for (speech is one), and it is known in whose utterances."""
        return any(segment.events for segment in context.transcript.segments) and (
            self.role is None or context.hears(self.role)
        )


class EventForm(LeafForm):
    """`event: Laughter` is anyone's."""

    heads: ClassVar[tuple[str, ...]] = ("event",)
    bare: ClassVar[str | None] = "is"

    is_: AudioEvent = Field(alias="is")
    role: Role | None = None

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return EventIs(event=self.is_, role=self.role)
