"""FSMN-VAD's decisions: from one bit a frame, speech or not, to utterances, exactly as funasr decides them.

funasr (models/fsmn_vad_streaming/model.py, 1.4) walks a state machine over every 10 ms frame, at 36 us a frame. What it
does between two events follows from the number of speech frames in a sliding window, so this code jumps from event to
event with precomputed window sums. Tests hold it to funasr's own walk, on real recordings and on random bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: One frame of the detector.
FRAME_MS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpointing:
    """The numbers of `model_conf` that decide where utterances begin and end, in milliseconds."""

    max_end_silence_ms: int
    max_single_segment_ms: float = 60_000
    window_ms: int = 200
    silence_to_speech_ms: int = 150
    speech_to_silence_ms: int = 150
    lookback_ms: int = 200
    lookahead_ms: int = 100

    @property
    def window(self) -> int:
        """Frames of the sliding window."""
        return self.window_ms // FRAME_MS

    @property
    def latency(self) -> int:
        """Frames before its discovery at which an utterance begins, if none before it reaches so far."""
        return self.window + self.lookback_ms // FRAME_MS

    @property
    def longest(self) -> int:
        """Frames after its first at which an utterance is ended, whatever is said."""
        return int(self.max_single_segment_ms // FRAME_MS)

    @property
    def end_silence_ms(self) -> int:
        """Silence, counted from where the window has fallen silent, that ends an utterance."""
        return self.max_end_silence_ms - self.speech_to_silence_ms

    @property
    def given_back(self) -> int:
        """Frames of that silence that are not part of the utterance."""
        return max(0, int(self.end_silence_ms / FRAME_MS) - self.lookahead_ms // FRAME_MS - 1)


def find_utterances(speech: npt.NDArray[np.bool_], options: Endpointing) -> list[tuple[int, int]]:
    """Find utterances in frames.

    Args:
        speech: bool [frames], whether each 10 ms holds speech.
        options: when an utterance begins and ends.

    Returns:
        (start_ms, end_ms), ordered, not overlapping.
    """
    return list(_walk(speech, options)) if speech.size else []


def _walk(speech: npt.NDArray[np.bool_], options: Endpointing) -> Iterator[tuple[int, int]]:
    sums = np.concatenate(([0], np.cumsum(speech, dtype=np.int64)))
    begun, earliest = 0, 0  # the window holds frames from `begun`; what lies before `earliest` is taken
    while (onset := _onset(sums, begun, options)) is not None:
        first = max(earliest, onset - options.latency)
        end, last = _end(sums, begun, onset, first, options)
        yield first * FRAME_MS, (end + 1) * FRAME_MS
        begun, earliest = last + 1, end + 1


def _window_sums(sums: npt.NDArray[np.int64], begun: int, first: int, last: int, window: int) -> npt.NDArray[np.int64]:
    """Count speech in the windows that end with each of the frames [first, last), from frame `begun` on."""
    ends = np.arange(first + 1, last + 1)
    counts: npt.NDArray[np.int64] = sums[ends] - sums[np.maximum(ends - window, begun)]
    return counts


#: Frames that are looked at in one stride: long enough to spare calls, short enough to waste little.
_STRIDE = 512


def _onset(sums: npt.NDArray[np.int64], begun: int, options: Endpointing) -> int | None:
    """Return the first frame from `begun` on whose window holds enough speech."""
    needed, frames = options.silence_to_speech_ms // FRAME_MS, sums.size - 1
    for first in range(begun, frames, _STRIDE):
        last = min(first + _STRIDE, frames)
        hits = np.flatnonzero(_window_sums(sums, begun, first, last, options.window) >= needed)
        if hits.size:
            return first + int(hits[0])
    return None


def _end(sums: npt.NDArray[np.int64], begun: int, onset: int, first: int, options: Endpointing) -> tuple[int, int]:
    """Return the last frame of an utterance and the frame at which that is decided.

    In speech, the window falls silent at `speech_to_silence` or fewer and wakes at `silence_to_speech` or more. Silence
    is counted from the frame after it has fallen silent. The end of the recording and the greatest length end it too.
    """
    frames = sums.size - 1
    limit = max(onset + 1, first + options.longest)
    stop = min(limit, frames - 1)
    if onset + 1 >= frames:  # found at the very last frame
        return onset, onset
    wake, fall = options.silence_to_speech_ms // FRAME_MS, options.speech_to_silence_ms // FRAME_MS
    silent, count = False, 0
    for begin in range(onset + 1, stop + 1, _STRIDE):
        until = min(begin + _STRIDE, stop + 1)
        counts = _window_sums(sums, begun, begin, until, options.window)
        if not silent and int(counts.min()) > fall:
            continue
        for frame, held in enumerate(counts.tolist(), begin):
            if silent and held < wake:
                count += 1
                if count * FRAME_MS >= options.end_silence_ms:
                    return frame - options.given_back, frame
                continue
            silent, count = not silent and held <= fall, 0
    return stop, stop
