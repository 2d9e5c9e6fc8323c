"""`call length`, `turns`, `utterances`: how long the call is.

A turn is a run of consecutive utterances of a role; 嗯 under the other's words takes none. The hit is at the end of the
call. Where it is not known who speaks, turns and a role's utterances are not judged.

Keys of `call length`:
    longer: the recording is this long or longer.
    shorter: the recording is shorter.

Keys of `turns`, `utterances`:
    role: whose; without it, both sides'.
    above: more than this.
    below: fewer than this.

Example:
    all:
      - call length: {longer: 20s, shorter: 30m}
      - turns: {above: 2}
      - utterances: {role: customer, above: 1}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from qareport.messages import say
from qareport.model import Role
from qareport.presentation.locale import _
from qareport.rules.condition_hit import ConditionHit, measured
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import DurationMs, WholeNumber, check_bounds
from qareport.strict_yaml import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLength(Condition):
    """The recording is longer or shorter than this."""

    longer_ms: int | None
    shorter_ms: int | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit."""
        length_ms = context.length_ms
        if (self.longer_ms is not None and length_ms < self.longer_ms) or (
            self.shorter_ms is not None and length_ms >= self.shorter_ms
        ):
            return []
        return [measured(context.end_ms, f"通话 {length_ms / 1000:.0f} 秒")]

    def seen(self, context: MatchContext) -> str:
        """Say how long the call is."""
        return _("全长 {seconds} 秒").format(seconds=f"{context.length_ms / 1000:g}")


class CallLengthForm(LeafForm):
    """`call length: 10m` means that or longer."""

    heads: ClassVar[tuple[str, ...]] = ("call length",)
    bare: ClassVar[str | None] = "longer"
    one_of: ClassVar[tuple[str, ...]] = ("longer", "shorter")

    longer: DurationMs | None = None
    shorter: DurationMs | None = None

    @model_validator(mode="after")
    def _bounded(self) -> CallLengthForm:
        if self.longer is None and self.shorter is None:
            raise refusal("bounds", say("`longer` or `shorter` with a length of time"))
        if self.longer is not None and self.shorter is not None and self.longer >= self.shorter:
            raise refusal("bounds", say("`longer` less than `shorter`: no call lies between them"), at="shorter")
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return CallLength(longer_ms=self.longer, shorter_ms=self.shorter)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechCount(Condition):
    """A role (None: both) has more or fewer turns or utterances than this."""

    role: Role | None
    of_turns: bool
    above: float | None
    below: float | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit."""
        if not self.is_judged(context):
            return []
        count = self._count(context)
        if (self.above is not None and count <= self.above) or (self.below is not None and count >= self.below):
            return []
        return [measured(context.end_ms, f"{count} {'轮' if self.of_turns else '句'}", self.role)]

    def _count(self, context: MatchContext) -> int:
        counted = context.turns if self.of_turns else context.spoken
        return sum(
            1
            for spoken in counted
            if (self.role is None or spoken.role is self.role) and context.covers(spoken.start_ms)
        )

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known whose they are; sentences of both sides are counted whoever speaks."""
        return context.knows_speakers or (self.role is None and not self.of_turns)

    def seen(self, context: MatchContext) -> str:
        """Say how many there are."""
        return (_("{count} 轮") if self.of_turns else _("{count} 句")).format(count=self._count(context))


class SpeechCountForm(LeafForm):
    """`turns: {above: 40}`, `utterances: {role: customer, below: 2}`."""

    heads: ClassVar[tuple[str, ...]] = ("turns", "utterances")
    one_of: ClassVar[tuple[str, ...]] = ("above", "below")

    role: Role | None = None
    above: Annotated[WholeNumber, Field(ge=0)] | None = None
    below: Annotated[WholeNumber, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> SpeechCountForm:
        check_bounds(self.above, self.below)
        if self.above is not None and self.below is not None and self.below - self.above == 1:
            raise refusal("bounds", say("a number between `above` and `below`"))
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return SpeechCount(role=self.role, of_turns=head == "turns", above=self.above, below=self.below)
