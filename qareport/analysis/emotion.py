"""Emotion as the analysis counts it: steady states, valence, sentiment by quarter, loudness over the call."""

from __future__ import annotations

import itertools
import math
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
        if segment.duration_ms < WOBBLE_MS or score_of(segment) < emotion_score:
            steady[index] = before
    return steady


QUARTERS = 4


def measure_sentiment(
    segments: Sequence[Segment], start_ms: int, end_ms: int
) -> tuple[float | None, tuple[float | None, ...]]:
    """Measure one role's mean valence over the call and in each quarter of it, -5 … +5.

    The scale and the quarters are those of Amazon Transcribe Call Analytics (OverallSentiment, SentimentByPeriod); the
    values are ours: `valence` of each segment, weighted by the time it spends in the period. Quarters lie between the
    first and the last word of the call. None where nothing was judged.

    Args:
        segments: of one role.
        start_ms: the first word of the call, whoever says it.
        end_ms: the end of the last.
    """
    judged = [
        (segment.start_ms, segment.end_ms, value) for segment in segments if (value := valence(segment)) is not None
    ]
    edges = [start_ms + (end_ms - start_ms) * quarter // QUARTERS for quarter in range(QUARTERS + 1)]
    quarters = tuple(_mean(judged, first, last) for first, last in itertools.pairwise(edges))
    return _mean(judged, start_ms, end_ms), quarters


def _mean(judged: Sequence[tuple[int, int, float]], first_ms: int, last_ms: int) -> float | None:
    weights = [(max(0, min(end, last_ms) - max(start, first_ms)), value) for start, end, value in judged]
    total = sum(weight for weight, _ in weights)
    return round(sum(weight * value for weight, value in weights) / total, 2) if total else None


def level_curve(segments: Sequence[Segment]) -> tuple[float | None, ...]:
    """Return the level in dBFS of each second from 0 to the end of the last segment; empty when none has a level.

    Mean power of the segments in that second, weighted by their time in it; None where the role says nothing then.
    """
    powers: dict[int, float] = {}
    times: dict[int, int] = {}
    for segment in segments:
        if segment.loudness_dbfs is None:
            continue
        power = 10 ** (segment.loudness_dbfs / 10)
        for second in range(segment.start_ms // 1000, -(-segment.end_ms // 1000)):
            time_ms = min(segment.end_ms, (second + 1) * 1000) - max(segment.start_ms, second * 1000)
            powers[second] = powers.get(second, 0.0) + power * time_ms
            times[second] = times.get(second, 0) + time_ms
    return tuple(_level(powers.get(second, 0.0), times.get(second, 0)) for second in range(max(times, default=-1) + 1))


def _level(power: float, time_ms: int) -> float | None:
    return round(10 * math.log10(power / time_ms), 1) if time_ms and power > 0 else None
