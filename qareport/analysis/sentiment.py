"""Sentiment and loudness over the course of a call."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from qareport.analysis.emotion import valence
from qareport.model import Segment

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
