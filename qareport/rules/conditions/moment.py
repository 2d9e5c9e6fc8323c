"""`moment`: a key moment that the analysis found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from qareport.model import Evidence, MomentKind, Role
from qareport.presentation import wording
from qareport.rules.conditions.base import Condition, LeafForm
from qareport.rules.match_context import Hit, Scene
from qareport.rules.schema_types import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentIs(Condition):
    """A moment of a kind, with this label, issue and role if they are named."""

    kind: MomentKind
    #: A `MomentLabel`, or a text that is none.
    label: str | None
    issue: str | None
    role: Role | None

    @property
    def names_topic(self) -> bool:
        """Mentions of a topic carry its word."""
        return self.kind is MomentKind.TOPIC_MENTION

    def find(self, scene: Scene) -> list[Hit]:
        """Return each such moment."""
        return [
            Hit(
                at_ms=moment.at_ms,
                evidence=(Evidence(at_ms=moment.at_ms, end_ms=moment.end_ms, role=moment.role, quote=moment.quote),),
                topic=moment.topic,
                span_ms=moment.duration_ms,
            )
            for moment in scene.analysis.moments
            if moment.kind is self.kind
            and (self.label is None or self.label in (moment.label_code, moment.label))
            and (self.issue is None or moment.issue == self.issue)
            and (self.role is None or moment.role is self.role)
            and scene.covers(moment.at_ms)
        ]


class MomentForm(LeafForm):
    """`moment: churn_signal`, or `moment: {is: repeat, label: 放弃}`."""

    heads: ClassVar[tuple[str, ...]] = ("moment",)
    bare: ClassVar[str | None] = "is"

    is_: MomentKind = Field(alias="is")
    label: Word | None = None
    issue: Word | None = None
    role: Role | None = None

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        label = None if self.label is None else wording.label_code(self.label) or self.label
        return MomentIs(kind=self.is_, label=label, issue=self.issue, role=self.role)
