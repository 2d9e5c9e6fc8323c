"""Where speech stands in the sound itself: what a detector leaves on after the last word, and where it is loud."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qareport.audio.decode import SAMPLE_RATE

Samples = npt.NDArray[np.float32]

_FRAME_MS = 10
_FRAME = SAMPLE_RATE * _FRAME_MS // 1000
#: No more than this is taken off an end.
_TAIL_MS = 240
#: What is this much quieter than the utterance is not a part of it, nor what is no louder than the noise behind it.
_FAINT_DB = 28.0
_NOISE_DB = 6.0
#: Kept after the last sound that counts: breath and echo of the last syllable.
_KEPT_MS = 30
#: A loud stretch is this much quieter than the speech of its channel at most, and this much above its quiet parts.
_LOUD_DB = 12.0
_CLEAR_DB = 15.0
#: Syllables this far apart belong to one stretch; one that is loud for less in all is a click.
_TOGETHER_MS = 500
_LEAST_MS = 200


def levels(samples: Samples) -> npt.NDArray[np.float32]:
    """Return the level of each whole 10 ms of one channel in dBFS."""
    frames = samples[: samples.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.einsum("ij,ij->i", frames, frames) / _FRAME
    result: npt.NDArray[np.float32] = 10 * np.log10(power + 1e-10)
    return result


def trim_ends(level: npt.NDArray[np.float32], spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Take off what a detector leaves on after the last word of each utterance.

    silero-vad stays on for about 90 ms after the last sound, and its padding comes on top; pauses would be measured
    150 ms short. Where noise covers the end, nothing is taken off.

    Args:
        level: of each 10 ms, see `levels`.
        spans: (start_ms, end_ms), multiples of 10 ms, ordered.
    """
    result = []
    for start, end in spans:
        first, last = start // _FRAME_MS, min(end // _FRAME_MS, level.size)
        tail = max(first, last - _TAIL_MS // _FRAME_MS)
        behind = level[last : last + 10]
        limit = _loud(level[first:last]) - _FAINT_DB
        if behind.size:
            limit = max(limit, float(np.median(behind)) + _NOISE_DB)
        heard = np.flatnonzero(level[tail:last] >= limit)
        if heard.size:
            end = min(end, (tail + int(heard[-1]) + 1) * _FRAME_MS + _KEPT_MS)
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
