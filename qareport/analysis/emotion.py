"""Emotion as the analysis counts it: steady states, valence, sentiment by quarter, a trajectory of states, a curve."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from qareport.model import (
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    CurvePoint,
    Emotion,
    Role,
    Segment,
    Silence,
    TrajectoryState,
)

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


def find_trajectory(
    role: Role, segments: Sequence[Segment], states: Sequence[str], silences: Iterable[Silence]
) -> list[TrajectoryState]:
    """Find the states of one role in order of time, equal neighbours joined.

    A silence belongs to a role's trajectory when that role spoke last before it or first after it; other silences are
    between others and say nothing about this one. Joined states keep the time of the first start and the last end.

    Args:
        role: whose.
        segments: that role's segments, ordered by start.
        states: the steady state of each of them.
        silences: all silences of the call.
    """
    pieces = [(segment.start_ms, segment.end_ms, state) for segment, state in zip(segments, states, strict=True)]
    pieces += [(gap.start_ms, gap.end_ms, STATE_SILENCE) for gap in silences if role in (gap.after, gap.before)]
    pieces.sort(key=lambda piece: piece[0])
    joined: list[TrajectoryState] = []
    for start_ms, end_ms, state in pieces:
        if joined and joined[-1].state == state:
            last = joined.pop()
            start_ms, end_ms = last.start_ms, max(last.end_ms, end_ms)
        joined.append(TrajectoryState(start_ms=start_ms, end_ms=end_ms, state=state, role=role))
    return joined


def find_curve(role: Role, segments: Sequence[Segment]) -> list[CurvePoint]:
    """Find the emotion curve of one role: a point at the start of each segment whose valence is known.

    Lightly smoothed over the neighbouring points with the weights 1-4-1, so that a single peak stays one.
    """
    known = [(segment.start_ms, value) for segment in segments if (value := valence(segment)) is not None]
    values = [value for _, value in known]
    return [
        CurvePoint(at_ms=at_ms, role=role, value=round(_smooth(values, index), 2))
        for index, (at_ms, _) in enumerate(known)
    ]


def _smooth(values: Sequence[float], index: int) -> float:
    window = [(4, values[index])]
    window += [(1, values[near]) for near in (index - 1, index + 1) if 0 <= near < len(values)]
    return sum(weight * value for weight, value in window) / sum(weight for weight, _ in window)


def condense(trajectory: Iterable[TrajectoryState], role: Role = Role.CUSTOMER) -> list[str]:
    """Return the states of one role without repetition; NEUTRAL is left out unless there is nothing else."""
    states = [state.state for state in trajectory if state.role is role]
    marked = [state for state in states if state != Emotion.NEUTRAL] or states
    return [state for index, state in enumerate(marked) if index == 0 or marked[index - 1] != state]


def arrow_form(trajectory: Iterable[TrajectoryState], role: Role = Role.CUSTOMER) -> str:
    """Return the condensed trajectory as documents print it: `[SILENCE] → [ANGRY] → [SILENCE]`; empty for no states."""
    return " → ".join(f"[{state}]" for state in condense(trajectory, role))


def roles_present(segments: Iterable[Segment]) -> Mapping[Role, list[int]]:
    """Return the indexes of each role's segments: customer, agent, unknown, as far as they speak."""
    indexes: dict[Role, list[int]] = {Role.CUSTOMER: [], Role.AGENT: [], Role.UNKNOWN: []}
    for index, segment in enumerate(segments):
        indexes[segment.role].append(index)
    return {role: own for role, own in indexes.items() if own}
