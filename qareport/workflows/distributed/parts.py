"""Part the recordings of a run into what a process of the cluster is given at once, and part again what went down."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.workflows.transcribe import RecordingToTranscribe

#: Most recordings of a part: on a GPU as many as the engine gathers, on CPUs fewer, so that less is done again when a
#: process is lost.
GPU_PART, CPU_PART = 64, 8
#: So many parts each process gets where there are few recordings, so that none waits for the last.
_ROUNDS = 4
#: Most bytes of a part (a larger recording goes alone): what a process holds besides its model.
_MOST_BYTES = 256 << 20
#: Recordings of a part that went down with its process are tried in parts of this size, then each alone.
_SUSPECTS = 8
#: Alone, a recording may bring down this many processes.
_MOST_ALONE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Recordings that a process transcribes together."""

    recordings: tuple[RecordingToTranscribe, ...]
    #: Processes that went down with it since it holds these recordings.
    losses: int = 0

    @property
    def is_given_up(self) -> bool:
        """Tell whether its only recording brought down so many processes that no other is given to it."""
        return len(self.recordings) == 1 and self.losses >= _MOST_ALONE

    def after_loss(self) -> tuple[Part, ...]:
        """Return the parts in which its recordings are tried again, once a process went down with it."""
        if len(self.recordings) == 1:
            return (Part(recordings=self.recordings, losses=self.losses + 1),)
        size = _SUSPECTS if len(self.recordings) > _SUSPECTS else 1
        return tuple(
            Part(recordings=self.recordings[first : first + size]) for first in range(0, len(self.recordings), size)
        )


def make_parts(recordings: Sequence[RecordingToTranscribe], *, processes: int, most: int) -> tuple[Part, ...]:
    """Part recordings, in the order given.

    Copies have met before: `transcribe_calls` gives each recording once.

    Args:
        recordings: what is to be transcribed.
        processes: how many processes there are.
        most: most recordings of a part.
    """
    size = min(most, math.ceil(len(recordings) / (processes * _ROUNDS)))
    return tuple(Part(recordings=tuple(group)) for group in _groups(recordings, max(1, size)))


def _groups(recordings: Sequence[RecordingToTranscribe], size: int) -> Iterator[list[RecordingToTranscribe]]:
    group: list[RecordingToTranscribe] = []
    held = 0
    for recording in recordings:
        length = _length(recording.call.audio_path)
        if group and (len(group) == size or held + length > _MOST_BYTES):
            yield group
            group, held = [], 0
        group.append(recording)
        held += length
    if group:
        yield group


def _length(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:  # named when it is read
        return 0
