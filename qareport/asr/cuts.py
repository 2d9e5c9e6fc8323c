"""Bring utterances to a good length: cut long ones where they are quietest, join short ones that belong together."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qareport.audio.decode import SAMPLE_RATE

#: Energy is measured over 60 ms, about a syllable's gap, every 10 ms.
_HOP_MS = 10
_WINDOW_HOPS = 6
#: No piece is shorter than this or, for small limits, than a third of the limit.
_SHORTEST_MS = 1000


def cut_long(samples: npt.NDArray[np.float32], spans: list[tuple[int, int]], *, max_ms: int) -> list[tuple[int, int]]:
    """Cut spans longer than a limit at the lowest short-time energy, so that no word is cut as far as energy can tell.

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


def join_near(
    channels: Sequence[Sequence[tuple[int, int]]], *, gap_ms: int, length_ms: int
) -> list[list[tuple[int, int]]]:
    """Join neighbouring utterances of each channel, so that the model hears them in context.

    Args:
        channels: for each channel, (start_ms, end_ms) ordered; one speaker each.
        gap_ms: utterances further apart stay apart; so do those between which another channel begins to speak.
        length_ms: the greatest length of what is joined.
    """
    starts = [[start for start, _ in spans] for spans in channels]
    result = []
    for index, spans in enumerate(channels):
        others = sorted(itertools.chain.from_iterable(starts[:index] + starts[index + 1 :]))
        joined: list[tuple[int, int]] = []
        for start, end in spans:
            if joined and start - joined[-1][1] <= gap_ms and end - joined[-1][0] <= length_ms:
                answered = bisect.bisect_left(others, joined[-1][1])
                if answered == len(others) or others[answered] >= start:
                    joined[-1] = joined[-1][0], end
                    continue
            joined.append((start, end))
        result.append(joined)
    return result


def _window(start: int, end: int, max_ms: int) -> tuple[int, int]:
    """Return where a cut may fall: not before a third of the limit, not so late that a scrap is left over."""
    shortest = min(_SHORTEST_MS, max_ms // 3)
    return start + max_ms // 3, min(start + max_ms, end - shortest)


def _quietest(samples: npt.NDArray[np.float32], first_ms: int, last_ms: int) -> int:
    """Return the millisecond in [first_ms, last_ms] around which 60 ms carry the least energy."""
    hop = SAMPLE_RATE * _HOP_MS // 1000
    half = _WINDOW_HOPS // 2
    begin = max(0, first_ms * SAMPLE_RATE // 1000 - half * hop)
    part = samples[begin : last_ms * SAMPLE_RATE // 1000 + half * hop]
    hops = part.size // hop
    if hops < _WINDOW_HOPS:
        return last_ms
    energy = np.square(part[: hops * hop], dtype=np.float64).reshape(hops, hop).sum(axis=1)
    windows = np.convolve(energy, np.ones(_WINDOW_HOPS), mode="valid")
    middle = begin * 1000 // SAMPLE_RATE + (int(np.argmin(windows)) + half) * _HOP_MS
    return min(max(middle, first_ms), last_ms)
