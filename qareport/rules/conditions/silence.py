"""`silence`: nobody speaks for some time.

The pauses are those of the analysis: those up to `silence_ms` of the settings are not silences.

Keys:
    longer: the shortest pause that counts.
    shorter: the pause is shorter than this.
    after: who spoke last before it; may also be written beside `silence`.
    before: who speaks first after it.

Example:
    silence: 3s
    after: customer
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import model_validator

from qareport.messages import say
from qareport.model import Evidence, Role
from qareport.presentation.locale import _
from qareport.rules.condition_hit import SILENCE_QUOTE, ConditionHit
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import DurationMs
from qareport.strict_yaml import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceLasts(Condition):
    """A silence of the analysis lasts `longer_ms` or more, after or before a role's words if one is named."""

    longer_ms: int
    #: None: no limit.
    shorter_ms: int | None
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
            and (self.shorter_ms is None or silence.duration_ms < self.shorter_ms)
            and (self.after is None or silence.after is self.after)
            and (self.before is None or silence.before is self.before)
            and context.covers(silence.start_ms)
        ]

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known who speaks before and after the pauses, where that matters."""
        return all(role is None or context.hears(role) for role in (self.after, self.before))

    def seen(self, context: MatchContext) -> str:
        """Say how long the longest was."""
        longest_ms = max((silence.duration_ms for silence in context.analysis.silences), default=0)
        return _("最长 {seconds} 秒").format(seconds=f"{longest_ms / 1000:g}")


class SilenceForm(LeafForm):
    """`silence: 2s`, with `after: customer` beside it or inside."""

    heads: ClassVar[tuple[str, ...]] = ("silence",)
    bare: ClassVar[str | None] = "longer"
    one_of: ClassVar[tuple[str, ...]] = ("longer", "shorter")
    siblings: ClassVar[tuple[str, ...]] = ("after",)

    longer: DurationMs | None = None
    shorter: DurationMs | None = None
    after: Role | None = None
    before: Role | None = None

    @model_validator(mode="after")
    def _bounded(self) -> SilenceForm:
        if self.longer is None and self.shorter is None:
            raise refusal("bounds", say("`longer` or `shorter` with a length of time"))
        if self.longer is not None and self.shorter is not None and self.longer >= self.shorter:
            raise refusal("bounds", say("`longer` less than `shorter`: no pause lies between them"), at="shorter")
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return SilenceLasts(longer_ms=self.longer or 0, shorter_ms=self.shorter, after=self.after, before=self.before)
