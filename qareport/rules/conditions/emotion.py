"""`emotion`: a role speaks with an emotion, for some time.

Consecutive utterances of the role that carry one of the emotions are one hit, as long as no more than 5 s lie between
them: two outbursts a minute apart are two. The emotion lasts as long as these utterances do, short pauses between them
(below 1.2 s, in which nobody else speaks) included: what others say and longer pauses do not count.
Utterances whose emotion was not judged never match. Where no utterance of the role was judged, the condition is not.

Keys:
    is: one or several emotions of the model.
    role: who speaks.
    score: the lowest score of the emotion; the scores of the model are not calibrated. Emotions without score count.
    lasts: the shortest time that it must last.

Example:
    emotion: {is: [ANGRY, DISGUSTED], role: customer, score: 0.6, lasts: 2s}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from qareport.model import DEFAULT_SILENCE_MS, Emotion, Evidence, Role, Segment
from qareport.presentation.locale import _
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import DurationMs, Number, Speaker

#: A longer pause between two utterances ends what is one outburst.
PAUSE_MS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionIs(Condition):
    """Consecutive utterances of a role carry one of the emotions, for `lasts_ms` or longer."""

    emotions: frozenset[Emotion]
    role: Role | None
    #: The lowest score of the tag; a tag without scores counts as it is.
    score: float
    lasts_ms: int

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each run that lasts long enough; its quote is its first utterance, its span what it lasts."""
        return [hit for hit in self._outbursts(context) if (hit.span_ms or 0) >= self.lasts_ms]

    def _outbursts(self, context: MatchContext) -> Iterator[ConditionHit]:
        for run in self._runs(context):
            first, end_ms = run[0], max(segment.end_ms for segment in run)
            evidence = Evidence(at_ms=first.start_ms, end_ms=end_ms, role=first.role, quote=first.text)
            yield ConditionHit(at_ms=first.start_ms, evidence=(evidence,), span_ms=_length_ms(run, context))

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether the emotion of any utterance of the role was judged, in whatever part of the call."""
        return any(segment.emotion is not None for segment in context.speech(self.role).segments)

    def seen(self, context: MatchContext) -> str:
        """Say how long it lasted at most."""
        if not self.is_judged(context):
            return _("情绪没有判定")
        longest_ms = max((hit.span_ms or 0 for hit in self._outbursts(context)), default=0)
        return _("最长 {seconds} 秒").format(seconds=f"{longest_ms / 1000:g}")

    def _runs(self, context: MatchContext) -> Iterator[list[Segment]]:
        run: list[Segment] = []
        for segment, _words in context.utterances(self.role):
            matches = self._matches(segment)
            if run and not (matches and segment.start_ms - run[-1].end_ms <= PAUSE_MS):
                yield run
                run = []
            if matches:
                run.append(segment)
        if run:
            yield run

    def _matches(self, segment: Segment) -> bool:
        if segment.emotion not in self.emotions:
            return False
        scores = segment.emotion_scores
        return not scores or scores.get(segment.emotion, 0.0) >= self.score


def _length_ms(run: Sequence[Segment], context: MatchContext) -> int:
    """Return how long a run lasts: its utterances, and pauses that are no silences and in which nobody else speaks."""
    length_ms, end_ms = run[0].duration_ms, run[0].end_ms
    for segment in run[1:]:
        length_ms += max(0, segment.end_ms - max(segment.start_ms, end_ms))
        pause_ms = segment.start_ms - end_ms
        if 0 < pause_ms < DEFAULT_SILENCE_MS and not _speaks_between(end_ms, segment.start_ms, context):
            length_ms += pause_ms
        end_ms = max(end_ms, segment.end_ms)
    return length_ms


def _speaks_between(from_ms: int, to_ms: int, context: MatchContext) -> bool:
    return any(segment.start_ms < to_ms and segment.end_ms > from_ms for segment in context.spoken)


_EMOTION = {"enum": [emotion.value for emotion in Emotion]}


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class EmotionForm(LeafForm):
    """`emotion: ANGRY` is the customer's; `is` takes one or several."""

    heads: ClassVar[tuple[str, ...]] = ("emotion",)
    bare: ClassVar[str | None] = "is"

    is_: Annotated[
        tuple[Emotion, ...],
        BeforeValidator(_as_list),
        Field(min_length=1),
        WithJsonSchema({"anyOf": [_EMOTION, {"type": "array", "items": _EMOTION, "minItems": 1}]}),
    ] = Field(alias="is")
    role: Speaker = Role.CUSTOMER
    score: Annotated[Number, Field(ge=0, le=1)] = 0.0
    lasts: DurationMs = 0

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return EmotionIs(emotions=frozenset(self.is_), role=self.role, score=self.score, lasts_ms=self.lasts)
