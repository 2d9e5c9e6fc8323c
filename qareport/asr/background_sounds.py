"""Sounds that last although nobody speaks, so that the model can say whether they are music on hold.

A voice activity detector passes music over, and a caller who hears music would seem to wait in silence. Noise of the
line or the room lasts as well; it is told apart by its spectrum, which has no peaks that stand out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qareport.asr.vad_refinement import levels
from qareport.audio.resampling import SAMPLE_RATE, Samples

#: Levels are known every 10 ms, and are smoothed over 60 ms.
_FRAME_MS, _SMOOTH_FRAMES = 10, 6
#: A sound is looked at where it lasts this long, with breaks of at most this, and this far away from utterances.
_LEAST_MS, _BREAK_MS, _MARGIN_MS = 2000, 1000, 200
#: It stands out of the quietest parts of its channel by so much; the limit is never below or above these levels.
_ABOVE_DB, _LIMITS_DBFS = 10.0, (-50.0, -25.0)
#: Spectra of 64 ms, four of them together, from 200 to 3,400 Hz.
_SPECTRUM, _TOGETHER, _BAND_HZ = 1024, 4, (200, 3400)
#: Of a long stretch so many of these are looked at.
_MOST_BLOCKS = 200
#: A peak has this many times the median power of the bins around it; in music peaks hold most of the power.
_PEAK, _AROUND, _TONAL_SHARE = 6.0, 31, 0.5


def find_sounds(samples: Samples, spoken: Sequence[Sequence[tuple[int, int]]]) -> list[tuple[int, int, int]]:
    """Find where nobody speaks and yet something tonal sounds for long.

    Args:
        samples: float32 [channels, samples] at 16 kHz.
        spoken: the utterances of each channel, (start_ms, end_ms).

    Returns:
        (channel, start_ms, end_ms) in multiples of 10 ms, the loudest channel of each stretch.
    """
    channel_levels = [levels(channel) for channel in samples]
    size = channel_levels[0].size
    silent = np.ones(size, bool)
    for start, end in itertools.chain.from_iterable(spoken):
        silent[max(0, start - _MARGIN_MS) // _FRAME_MS : (end + _MARGIN_MS) // _FRAME_MS] = False
    sounds = []
    limits = [_limit(level) for level in channel_levels]
    for first, last in _runs(silent):
        if (last - first) * _FRAME_MS < _LEAST_MS:
            continue
        loudest = max(range(len(channel_levels)), key=lambda channel: np.median(channel_levels[channel][first:last]))
        smooth = np.convolve(channel_levels[loudest][first:last], np.ones(_SMOOTH_FRAMES) / _SMOOTH_FRAMES, mode="same")
        for begin, end in _runs(_closed(smooth >= limits[loudest])):
            start_ms, end_ms = (first + begin) * _FRAME_MS, (first + end) * _FRAME_MS
            if end_ms - start_ms >= _LEAST_MS and _is_tonal(samples[loudest], start_ms, end_ms):
                sounds.append((loudest, start_ms, end_ms))
    return sounds


def _limit(level: npt.NDArray[np.float32]) -> float:
    """Return the level from which on a sound stands out."""
    quiet = float(np.percentile(level, 5)) if level.size else 0.0
    return float(np.clip(quiet + _ABOVE_DB, *_LIMITS_DBFS))


def _closed(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Close breaks that are no longer than `_BREAK_MS` between two sounds."""
    closed = flags.copy()
    for first, last in _runs(~flags):
        if first > 0 and last < flags.size and (last - first) * _FRAME_MS <= _BREAK_MS:
            closed[first:last] = True
    return closed


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where flags are set, as (first, behind the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _is_tonal(channel: Samples, start_ms: int, end_ms: int) -> bool:
    """Tell whether most of the power of a stretch is in peaks of its spectrum, as it is for music and not for noise."""
    part = channel[start_ms * SAMPLE_RATE // 1000 : end_ms * SAMPLE_RATE // 1000]
    frames = part[: part.size // _SPECTRUM * _SPECTRUM].reshape(-1, _SPECTRUM) * np.hanning(_SPECTRUM)
    power = np.square(np.abs(np.fft.rfft(frames)))[:, _bin(_BAND_HZ[0]) : _bin(_BAND_HZ[1])]
    blocks = power[: len(power) // _TOGETHER * _TOGETHER].reshape(-1, _TOGETHER, power.shape[1]).mean(axis=1) + 1e-12
    blocks = blocks[np.unique(np.linspace(0, len(blocks) - 1, _MOST_BLOCKS).astype(np.int64))]
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(blocks, ((0, 0), (_AROUND // 2, _AROUND // 2)), mode="reflect"), _AROUND, axis=1
    )
    peaks = blocks > _PEAK * np.median(around, axis=-1)
    shares = np.where(peaks, blocks, 0.0).sum(axis=1) / blocks.sum(axis=1)
    return bool(np.median(shares) >= _TONAL_SHARE)


def _bin(hertz: int) -> int:
    return hertz * _SPECTRUM // SAMPLE_RATE
