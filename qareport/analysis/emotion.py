"""Emotion of segments: a valence on -5 … +5, and states that one doubtful segment cannot flip."""

from __future__ import annotations

from collections.abc import Sequence

from qareport.model import STATE_NOT_JUDGED, Emotion, Segment

#: Valence of each emotion, -5 (most negative) … +5 (most positive): the range that Amazon Transcribe Call Analytics
#: reports. The steps in between are ours. SURPRISED goes either way and weighs nothing.
#: OTHER and EMO_UNKNOWN are missing: they say that the model cannot tell.
WEIGHTS = {
    Emotion.HAPPY: 5.0,
    Emotion.NEUTRAL: 0.0,
    Emotion.SURPRISED: 0.0,
    Emotion.SAD: -3.0,
    Emotion.FEARFUL: -3.0,
    Emotion.DISGUSTED: -4.0,
    Emotion.ANGRY: -5.0,
}
#: By the plain tag, as scores are keyed.
_WEIGHT_OF_TAG = {emotion.value: weight for emotion, weight in WEIGHTS.items()}
#: States in which a customer is not well served.
NEGATIVE_STATES = frozenset(emotion.value for emotion, weight in WEIGHTS.items() if weight < 0)
#: A segment shorter than this can be a wobble of the model.
WOBBLE_MS = 1000


def valence(segment: Segment) -> float | None:
    """Return how positive a segment sounds, -5 … +5; None when its emotion is not judged or unknown.

    With scores: the mean of `WEIGHTS` weighted by the scores of the emotions that have a weight. Without: the weight of
    the tag.
    """
    if segment.emotion is None or segment.emotion not in WEIGHTS:
        return None
    mass = total = 0.0
    for emotion, score in (segment.emotion_scores or {}).items():
        weight = _WEIGHT_OF_TAG.get(emotion)
        if weight is not None:
            mass += score
            total += weight * score
    return total / mass if mass > 0 else WEIGHTS[segment.emotion]


def score_of(segment: Segment) -> float:
    """Return the score of the segment's own emotion tag; 1.0 when the tag came without scores."""
    if segment.emotion is None or not segment.emotion_scores:
        return 1.0
    return segment.emotion_scores.get(segment.emotion, 1.0)


def state_of(segment: Segment) -> str:
    """Return the segment's emotion tag, or NOT_JUDGED."""
    return segment.emotion.value if segment.emotion is not None else STATE_NOT_JUDGED


def steady_states(segments: Sequence[Segment], *, emotion_score: float) -> list[str]:
    """Return the state of each segment of one role, with single wobbles taken out.

    A segment is a wobble when both neighbours agree with each other and not with it, all three were judged, and it is
    shorter than `WOBBLE_MS` or its score stays below `emotion_score`. EMO_UNKNOWN and NOT_JUDGED are never hidden and
    never hide anything.
    """
    states = [state_of(segment) for segment in segments]
    steady = list(states)
    for index in range(1, len(states) - 1):
        before, state, after = states[index - 1 : index + 2]
        if before != after or state == before or state not in WEIGHTS or before not in WEIGHTS:
            continue
        segment = segments[index]
        if segment.end_ms - segment.start_ms < WOBBLE_MS or score_of(segment) < emotion_score:
            steady[index] = before
    return steady
