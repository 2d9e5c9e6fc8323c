"""All key moments of a call, in order of time; those of the customer's emotion are found here.

A moment that another one covers already has a salience of 0.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

from qareport.analysis import question_moments, word_moments
from qareport.analysis.context import Scene, emotion_salience, salience
from qareport.analysis.emotion import WEIGHTS, score_of
from qareport.model import (
    NEGATIVE_EMOTIONS,
    TROUBLE_KINDS,
    Emotion,
    Interruption,
    Moment,
    MomentKind,
    MomentLabel,
    Segment,
    TrajectoryState,
)

#: Emotions whose onset is a moment, by the label of it.
ONSETS: dict[str, MomentLabel] = {
    Emotion.ANGRY: MomentLabel.ANGRY,
    Emotion.DISGUSTED: MomentLabel.DISGUSTED,
    Emotion.SAD: MomentLabel.SAD,
    Emotion.FEARFUL: MomentLabel.FEARFUL,
    Emotion.SURPRISED: MomentLabel.SURPRISED,
    Emotion.HAPPY: MomentLabel.HAPPY,
}
#: Calm must last for this many segments, or this long, to be more than a breath.
CALM_SEGMENTS, CALM_MS = 2, 3000
#: Thanks count as recovery among this many last segments of the customer.
LAST_SEGMENTS = 3


def find_moments(
    scene: Scene,
    *,
    segments: Sequence[Segment],
    interruptions: Sequence[Interruption],
    trajectory: Sequence[TrajectoryState],
) -> tuple[Moment, ...]:
    """Find the moments of every kind.

    Args:
        scene: the call.
        segments: all segments, also those without words.
        interruptions: as found.
        trajectory: as found.
    """
    mentions = word_moments.find_mentions(scene)
    churn = word_moments.churn_indexes(scene)
    ironic = word_moments.irony_indexes(scene)
    repeats = question_moments.find_repeats(scene, mentions, churn)
    topics = list(word_moments.topic_moments(scene, mentions))
    asked_again = list(question_moments.repeat_moments(scene, repeats))
    ends = {moment.end_ms for moment in (*topics, *asked_again) if moment.tags}
    covered_silences = frozenset(silence.start_ms for silence in scene.silences if silence.end_ms in ends)
    covered_churn = frozenset(repeat.churn for repeat in repeats if repeat.churn is not None)
    ironic_places = frozenset((scene.spoken[index].role, scene.spoken[index].start_ms) for index in ironic)
    moments = [
        *topics,
        *asked_again,
        *question_moments.no_answer_moments(scene, repeats),
        *question_moments.silence_moments(scene, mentions, covered_silences),
        *word_moments.churn_moments(scene, churn, covered_churn),
        *word_moments.escalation_moments(scene),
        *word_moments.irony_moments(scene, ironic),
        *word_moments.event_moments(segments, ironic_places),
        *word_moments.interruption_moments(scene, interruptions),
        *emotion_moments(scene, trajectory),
    ]
    moments += recovery_moments(scene, moments)
    return tuple(sorted(moments, key=lambda moment: (moment.at_ms, -moment.salience)))


def emotion_moments(scene: Scene, trajectory: Sequence[TrajectoryState]) -> Iterator[Moment]:
    """Find where the customer's emotion turns to something else than NEUTRAL.

    An onset needs a score of `emotion_score` (a tag without scores counts). It lasts as long as its state in the
    trajectory; the same emotion after a silence, or after segments that were not judged, is no new onset. Anger amid
    words of distrust is TRUST_BROKEN.
    """
    runs = [state for state in trajectory if state.role is scene.customer_role]
    starts = [run.start_ms for run in runs]
    current: str | None = None
    for index, segment in scene.of_customer():
        state = scene.states[index]
        if state == current or state not in WEIGHTS:
            continue
        if state in ONSETS and score_of(segment) < scene.settings.emotion_score:
            continue
        current = state
        if state not in ONSETS:
            continue
        run = runs[bisect.bisect_right(starts, segment.start_ms) - 1]
        end_ms = max(run.end_ms, segment.end_ms) if run.state == state else segment.end_ms
        distrust = state == Emotion.ANGRY and scene.topics.distrust.match(scene.words[index]) is not None
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=end_ms,
            kind=MomentKind.EMOTION,
            role=segment.role,
            label_code=MomentLabel.TRUST_BROKEN if distrust else ONSETS[state],
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
    calm = [*(_calm(scene, after) if negative else []), *thanks]
    if calm:
        segment = scene.spoken[min(calm)]
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=segment.end_ms,
            kind=MomentKind.RECOVERY,
            role=segment.role,
            label_code=MomentLabel.RECOVERY,
            quote=segment.text,
            salience=salience(MomentKind.RECOVERY),
        )


def _calm(scene: Scene, after: Sequence[int]) -> list[int]:
    happy = [index for index in after if scene.states[index] == Emotion.HAPPY]
    neutral = [index for index in after if scene.states[index] == Emotion.NEUTRAL]
    calm_ms = sum(scene.spoken[index].duration_ms for index in neutral)
    lasts = len(neutral) >= CALM_SEGMENTS or calm_ms >= CALM_MS
    return [*happy[:1], *(neutral[:1] if lasts else [])]
