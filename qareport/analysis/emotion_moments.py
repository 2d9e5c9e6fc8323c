"""Moments of the customer's emotion: where one begins, and where it comes back to calm."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

from qareport.analysis.context import Scene, emotion_salience, salience
from qareport.analysis.emotion import WEIGHTS, score_of
from qareport.model import (
    NEGATIVE_EMOTIONS,
    TROUBLE_KINDS,
    Emotion,
    Moment,
    MomentKind,
    TrajectoryState,
)

LABELS: dict[str, str] = {
    Emotion.ANGRY: "愤怒",
    Emotion.DISGUSTED: "厌烦",
    Emotion.SAD: "失望",
    Emotion.FEARFUL: "担忧",
    Emotion.SURPRISED: "意外",
    Emotion.HAPPY: "满意",
}
LABEL_TRUST_LOST = "信任崩塌"
LABEL_RECOVERY = "缓和"

#: Calm must last for this many segments, or this long, to be more than a breath.
CALM_SEGMENTS, CALM_MS = 2, 3000
#: Thanks count as recovery among this many last segments of the customer.
LAST_SEGMENTS = 3


def emotion_moments(scene: Scene, trajectory: Sequence[TrajectoryState]) -> Iterator[Moment]:
    """Find where the customer's emotion turns to something else than NEUTRAL.

    An onset needs a score of `emotion_score` (a tag without scores counts). It lasts as long as its state in the
    trajectory; the same emotion after a silence, or after segments that were not judged, is no new onset. Anger amid
    words of distrust is 信任崩塌.
    """
    runs = [state for state in trajectory if state.role is scene.customer_role]
    starts = [state.start_ms for state in runs]
    current: str | None = None
    for index, segment in scene.of_customer():
        state = scene.states[index]
        if state == current or state not in WEIGHTS:
            continue
        if state in LABELS and score_of(segment) < scene.settings.emotion_score:
            continue
        current = state
        if state not in LABELS:
            continue
        run = runs[bisect.bisect_right(starts, segment.start_ms) - 1]
        end_ms = max(run.end_ms, segment.end_ms) if run.state == state else segment.end_ms
        trust_lost = state == Emotion.ANGRY and scene.topics.distrust.match(scene.words[index]) is not None
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=end_ms,
            kind=MomentKind.EMOTION,
            role=segment.role,
            label=LABEL_TRUST_LOST if trust_lost else LABELS[state],
            quote=segment.text,
            tags=(state,),
            salience=emotion_salience(state, end_ms - segment.start_ms),
        )


def recovery_moments(scene: Scene, moments: Sequence[Moment]) -> Iterator[Moment]:
    """Find where a customer who was in trouble is calm again and stays so: at most one a call.

    Calm after a negative emotion: a HAPPY segment, or NEUTRAL ones that last (`CALM_SEGMENTS` or `CALM_MS`). After any
    trouble: thanks among the customer's last segments. Nothing negative may follow.
    """
    own = list(scene.of_customer())
    negative = [
        segment.start_ms
        for index, segment in own
        if scene.states[index] in NEGATIVE_EMOTIONS and score_of(segment) >= scene.settings.emotion_score
    ]
    trouble = [moment.at_ms for moment in moments if moment.kind in TROUBLE_KINDS]
    if not negative and not trouble:
        return
    last_ms = max(negative + trouble)
    after = [index for index, segment in own if segment.start_ms > last_ms]
    last_segments = {index for index, _ in own[-LAST_SEGMENTS:]}
    thanks = [
        index for index in after if index in last_segments and scene.topics.thanks.find(scene.words[index]) is not None
    ]
    found = [*(_calm(scene, after) if negative else []), *thanks]
    if found:
        segment = scene.spoken[min(found)]
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=segment.end_ms,
            kind=MomentKind.RECOVERY,
            role=segment.role,
            label=LABEL_RECOVERY,
            quote=segment.text,
            salience=salience(MomentKind.RECOVERY),
        )


def _calm(scene: Scene, after: Sequence[int]) -> list[int]:
    happy = [index for index in after if scene.states[index] == Emotion.HAPPY]
    neutral = [index for index in after if scene.states[index] == Emotion.NEUTRAL]
    calm_ms = sum(scene.spoken[index].duration_ms for index in neutral)
    lasts = len(neutral) >= CALM_SEGMENTS or calm_ms >= CALM_MS
    return [*happy[:1], *(neutral[:1] if lasts else [])]
