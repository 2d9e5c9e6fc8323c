"""`moment`, `topic`: a key moment of the analysis.

The analysis finds key moments from what sentences do (acts), the words of topics, emotions, silences and interruptions.
`topic` is short for a `topic_mention` with an issue.

Keys of `moment`:
    is: the kind of moment.
    label: its label, such as 放弃.
    issue: the issue of `topics.yaml` that it belongs to.
    role: whose moment.

Keys of `topic`:
    is: an issue of `topics.yaml` that the customer mentions.

Example:
    any:
      - moment: churn_signal
      - moment: {is: repeat, label: 放弃}
      - topic: 物流延迟
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from qareport.model import Evidence, MomentKind, Role
from qareport.presentation import wording
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.text.wordlist import Keyword

#: Moments that are found from what sentences do.
_OF_ACTS = frozenset(
    {
        MomentKind.IRONY,
        MomentKind.REPEAT,
        MomentKind.NO_ANSWER,
        MomentKind.CHURN_SIGNAL,
        MomentKind.ESCALATION,
        MomentKind.BROKEN_PROMISE,
        MomentKind.RECOVERY,
    }
)


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

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each such moment."""
        return [
            ConditionHit(
                at_ms=moment.at_ms,
                evidence=(Evidence(at_ms=moment.at_ms, end_ms=moment.end_ms, role=moment.role, quote=moment.quote),),
                topic=moment.topic,
                span_ms=moment.duration_ms,
            )
            for moment in context.analysis.moments
            if moment.kind is self.kind
            and (self.label is None or self.label in (moment.label_code, moment.label))
            and (self.issue is None or moment.issue == self.issue)
            and (self.role is None or moment.role is self.role)
            and context.covers(moment.at_ms)
        ]

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether the call has what moments of this kind are found from."""
        if self.kind is MomentKind.EMOTION:
            return any(segment.emotion is not None for segment in context.spoken)
        if self.kind is MomentKind.EVENT:
            return any(segment.events for segment in context.transcript.segments)
        if self.kind in _OF_ACTS:
            return bool(context.speech(None).acts)
        return self.kind is not MomentKind.INTERRUPTION or context.knows_speakers


class MomentForm(LeafForm):
    """`moment: churn_signal`, or `moment: {is: repeat, label: 放弃}`."""

    heads: ClassVar[tuple[str, ...]] = ("moment",)
    bare: ClassVar[str | None] = "is"

    is_: MomentKind = Field(alias="is")
    label: Keyword | None = None
    issue: Keyword | None = None
    role: Role | None = None

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        label = None if self.label is None else wording.label_code(self.label) or self.label
        return MomentIs(kind=self.is_, label=label, issue=self.issue, role=self.role)


class TopicForm(LeafForm):
    """`topic: 物流延迟`: the customer mentions it, by the words of topics.yaml."""

    heads: ClassVar[tuple[str, ...]] = ("topic",)
    bare: ClassVar[str | None] = "is"

    is_: Keyword = Field(alias="is")

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return MomentIs(kind=MomentKind.TOPIC_MENTION, label=None, issue=self.is_, role=None)
