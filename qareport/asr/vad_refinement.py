"""Refinement of what a voice activity detector finds.

Long utterances are split where they are quietest, short utterances that belong together are merged, the tail that a
detector adds after the last word is trimmed, and loud stretches that it missed are found by their level.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qareport.audio.resampling import SAMPLE_RATE, Samples

#: Levels and energy are measured every 10 ms.
_FRAME_MS = 10
_FRAME = SAMPLE_RATE * _FRAME_MS // 1000
#: Energy is measured over 60 ms, about a syllable's gap.
_WINDOW_FRAMES = 6
#: No part of a split utterance is shorter than this or, for small limits, than a third of the limit.
_SHORTEST_MS = 1000
#: No more than this is taken off an end.
_TAIL_MS = 240
#: Sound this much quieter than the utterance is not part of it, nor sound no louder than the noise after it.
_FAINT_DB = 28.0
_NOISE_DB = 6.0
#: Kept after the last sound that counts: breath and echo of the last syllable.
_KEPT_MS = 30
#: A loud stretch is this much quieter than the speech of its channel at most, and this much above its quiet parts.
_LOUD_DB = 12.0
_CLEAR_DB = 15.0
#: Syllables this far apart belong to the same stretch; a stretch that is loud for less in all is a click.
_TOGETHER_MS = 500
_LEAST_MS = 200


def split_long(samples: Samples, spans: list[tuple[int, int]], *, max_ms: int) -> list[tuple[int, int]]:
    """Split spans longer than a limit at the lowest short-time energy, so that hardly any word is cut.

    Args:
        samples: float32 [samples] of one channel at 16 kHz.
        spans: (start_ms, end_ms), ordered.
        max_ms: the limit, in milliseconds.

    Returns:
        Spans that cover exactly the same time, none longer than the limit.
    """
    result: list[tuple[int, int]] = []
    for start, end in spans:
        while end - start > max_ms:
            cut = _quietest(samples, *_window(start, end, max_ms))
            result.append((start, cut))
            start = cut
        result.append((start, end))
    return result


def merge_spans(
    channels: Sequence[Sequence[tuple[int, int]]], *, gap_ms: int, length_ms: int
) -> list[list[tuple[int, int]]]:
    """Merge neighbouring utterances of each channel, so that the model recognises them in context.

    Args:
        channels: for each channel, (start_ms, end_ms) ordered; a single speaker on each.
        gap_ms: utterances further apart are not merged, nor are those between which another channel begins to speak.
        length_ms: the greatest length of a merged utterance.
    """
    starts = [[start for start, _ in spans] for spans in channels]
    result = []
    for index, spans in enumerate(channels):
        others = sorted(itertools.chain.from_iterable(starts[:index] + starts[index + 1 :]))
        merged: list[tuple[int, int]] = []
        for start, end in spans:
            if merged and start - merged[-1][1] <= gap_ms and end - merged[-1][0] <= length_ms:
                answered = bisect.bisect_left(others, merged[-1][1])
                if answered == len(others) or others[answered] >= start:
                    merged[-1] = merged[-1][0], end
                    continue
            merged.append((start, end))
        result.append(merged)
    return result


def _window(start: int, end: int, max_ms: int) -> tuple[int, int]:
    """Return where a cut may fall: not before a third of the limit, not so late that the rest is too short."""
    shortest = min(_SHORTEST_MS, max_ms // 3)
    return start + max_ms // 3, min(start + max_ms, end - shortest)


def _quietest(samples: Samples, first_ms: int, last_ms: int) -> int:
    """Return the millisecond in [first_ms, last_ms] around which 60 ms carry the least energy."""
    half = _WINDOW_FRAMES // 2
    begin = max(0, first_ms * SAMPLE_RATE // 1000 - half * _FRAME)
    part = samples[begin : last_ms * SAMPLE_RATE // 1000 + half * _FRAME]
    frames = part.size // _FRAME
    if frames < _WINDOW_FRAMES:
        return last_ms
    energy = np.square(part[: frames * _FRAME], dtype=np.float64).reshape(frames, _FRAME).sum(axis=1)
    windows = np.convolve(energy, np.ones(_WINDOW_FRAMES), mode="valid")
    middle = begin * 1000 // SAMPLE_RATE + (int(np.argmin(windows)) + half) * _FRAME_MS
    return min(max(middle, first_ms), last_ms)


def levels(samples: Samples) -> npt.NDArray[np.float32]:
    """Return the level of each complete 10 ms of one channel in dBFS."""
    frames = samples[: samples.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.einsum("ij,ij->i", frames, frames) / _FRAME
    result: npt.NDArray[np.float32] = 10 * np.log10(power + 1e-10)
    return result


def trim_ends(level: npt.NDArray[np.float32], spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Trim what a detector adds after the last word of each utterance.

    silero-vad stays on for about 90 ms after the last sound, and its padding comes on top; pauses would be measured
    150 ms too short. Where noise covers the end, nothing is trimmed.

    Args:
        level: of each 10 ms, see `levels`.
        spans: (start_ms, end_ms), multiples of 10 ms, ordered.
    """
    result = []
    for start, end in spans:
        first, last = start // _FRAME_MS, min(end // _FRAME_MS, level.size)
        tail = max(first, last - _TAIL_MS // _FRAME_MS)
        after = level[last : last + 10]
        limit = _loud(level[first:last]) - _FAINT_DB
        if after.size:
            limit = max(limit, float(np.median(after)) + _NOISE_DB)
        audible = np.flatnonzero(level[tail:last] >= limit)
        if audible.size:
            end = min(end, (tail + int(audible[-1]) + 1) * _FRAME_MS + _KEPT_MS)
        result.append((start, end))
    return result


def loud_stretches(level: npt.NDArray[np.float32], spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the stretches outside utterances that are as loud as the speech of the channel, (start_ms, end_ms)."""
    inside = np.zeros(level.size, bool)
    for start, end in spans:
        inside[start // _FRAME_MS : end // _FRAME_MS] = True
    if not inside.any() or inside.all():
        return []
    limit = max(_loud(level[inside]) - _LOUD_DB, float(np.percentile(level, 20)) + _CLEAR_DB)
    frames = np.flatnonzero((level >= limit) & ~inside)
    stretches: list[list[int]] = []
    for frame in frames.tolist():
        if stretches and (frame - stretches[-1][-1]) * _FRAME_MS <= _TOGETHER_MS:
            stretches[-1].append(frame)
        else:
            stretches.append([frame])
    return [
        (stretch[0] * _FRAME_MS, (stretch[-1] + 1) * _FRAME_MS)
        for stretch in stretches
        if len(stretch) * _FRAME_MS >= _LEAST_MS
    ]


def _loud(level: npt.NDArray[np.float32]) -> float:
    """Return the level of the loud half of some frames, which is that of their vowels."""
    return float(np.percentile(level, 75)) if level.size else 0.0
