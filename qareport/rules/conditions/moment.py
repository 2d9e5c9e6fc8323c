"""`moment`, `topic`, `promise`: what the analysis found.

The analysis finds key moments from what sentences do (acts), the words of topics, emotions, silences and interruptions.
`topic` is short for a `topic_mention` with an issue. A promise is what the agent says will be done by a time
(48小时内给您发货); the `promises` of `topics.yaml` name it. A moment is not judged where the emotions or acts that it
is found from were not.

Keys of `moment`:
    is: the kind of moment.
    label: its label, such as 放弃.
    issue: the issue of `topics.yaml` that it belongs to.
    role: whose moment.

Keys of `topic`:
    is: an issue of `topics.yaml` that the customer mentions.

Keys of `promise`:
    is: one or several of `promises`; without it, any.
    longer: the time promised is this long or longer.
    shorter: the time promised is shorter; a day (明天) has no length and is neither.

Example:
    any:
      - moment: churn_signal
      - moment: {is: repeat, label: 放弃}
      - topic: 物流延迟
      - promise: {is: 发货, longer: 72h}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field, model_validator

from qareport.messages import say
from qareport.model import Evidence, MomentKind, Promise, Role
from qareport.presentation import wording
from qareport.presentation.locale import _
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import DurationMs, Keywords
from qareport.strict_yaml import refusal
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseIs(Condition):
    """The agent promises one of these (None: anything), by a time of some length."""

    actions: frozenset[str] | None
    longer_ms: int | None
    shorter_ms: int | None

    names_topic = True

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each promise; its topic is what is promised."""
        return [
            ConditionHit(
                at_ms=promise.at_ms,
                evidence=(
                    Evidence(at_ms=promise.at_ms, end_ms=promise.end_ms, role=promise.role, quote=promise.quote),
                ),
                topic=promise.action,
            )
            for promise in self._promises(context)
            if self._is_long_enough(promise)
        ]

    def _promises(self, context: MatchContext) -> Iterator[Promise]:
        for promise in context.analysis.promises:
            if context.covers(promise.at_ms) and (self.actions is None or promise.action in self.actions):
                yield promise

    def _is_long_enough(self, promise: Promise) -> bool:
        if self.longer_ms is None and self.shorter_ms is None:
            return True
        if promise.within_ms is None or (self.longer_ms is not None and promise.within_ms < self.longer_ms):
            return False
        return self.shorter_ms is None or promise.within_ms < self.shorter_ms

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known what the agent says."""
        return context.hears(Role.AGENT)

    def seen(self, context: MatchContext) -> str:
        """Say what was promised."""
        promised = _("、").join(f"{promise.action} {promise.by}" for promise in context.analysis.promises)
        return promised or _("没有承诺")


class PromiseForm(LeafForm):
    """`promise: 发货`."""

    heads: ClassVar[tuple[str, ...]] = ("promise",)
    bare: ClassVar[str | None] = "is"

    is_: Keywords | None = Field(default=None, alias="is")
    longer: DurationMs | None = None
    shorter: DurationMs | None = None

    @model_validator(mode="after")
    def _bounded(self) -> PromiseForm:
        if self.longer is not None and self.shorter is not None and self.longer >= self.shorter:
            raise refusal("bounds", say("`longer` less than `shorter`: no promise lies between them"), at="shorter")
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return PromiseIs(
            actions=None if self.is_ is None else frozenset(self.is_), longer_ms=self.longer, shorter_ms=self.shorter
        )
