"""What is recorded of calls that are on: WAV files that grow, written and synced by a thread of their own.

A kill of the process loses what was not written, a loss of power what was not synced.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import numpy as np

from qareport import events
from qareport.audio.streaming import Pcm, WavAppender

#: So often everything is given to the system, and put on the disk.
WRITE_S: Final = 0.25
SYNC_S: Final = 1.0


class CallRecording:
    """The recording of one call: what arrives on each channel, side by side. Any thread may call it."""

    def __init__(self, path: Path, sample_rate: int, channels: int) -> None:
        """Make the file.

        Raises:
            OSError: it cannot be made.
        """
        self.path: Final = path
        self._wav = WavAppender(path, sample_rate, channels)
        self._waiting: list[deque[Pcm]] = [deque() for _ in range(channels)]
        #: Of what waits, and of the file: sound that comes does not wait for the disk.
        self._lock, self._file_lock = threading.Lock(), threading.Lock()
        self._is_changed = self._is_closed = False

    def add(self, channel: int, sound: Pcm) -> None:
        """Take int16 [samples] of one channel."""
        with self._lock:
            self._waiting[channel].append(sound)

    def write(self, *, sync: bool = False) -> None:
        """Write what all channels have; with `sync`, put it on the disk. Nothing once it is closed."""
        with self._file_lock:
            if self._is_closed:
                return
            self._write(min)
            if sync and self._is_changed:
                self._wav.sync()
                self._is_changed = False

    def close(self) -> None:
        """Write everything, also what only some channels have, beside silence; sync and close."""
        with self._file_lock:
            self._write(max)
            self._wav.close()
            self._is_closed = True

    def _write(self, length: Callable[[Iterable[int]], int]) -> None:
        with self._lock:
            sounds = [np.concatenate([*own, np.zeros(0, np.int16)]) for own in self._waiting]
            count = length(sound.size for sound in sounds)
            self._waiting = [deque([sound[count:]] if sound.size > count else []) for sound in sounds]
        if not count:
            return
        frames = np.zeros((count, len(sounds)), np.int16)
        for channel, sound in enumerate(sounds):
            frames[: min(count, sound.size), channel] = sound[:count]
        self._wav.append(frames)
        self._wav.flush()
        self._is_changed = True


class Recordings:
    """The recordings of all calls that are on. Use it as a context manager: its thread syncs them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, CallRecording] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="qareport-live-recording", daemon=True)

    def __enter__(self) -> Recordings:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        for live_id in list(self._open):
            self.close(live_id)

    def begin(self, live_id: str, sample_rate: int, channels: int) -> Path:
        """Begin to record a call. Its file is named by a hash, never by what a telephone system says.

        Raises:
            OSError: the file cannot be made.
        """
        name = hashlib.sha256(f"{live_id} {secrets.token_hex(8)}".encode()).hexdigest()[:40]
        recording = CallRecording(self._folder / f"{name}.wav", sample_rate, channels)
        with self._lock:
            self._open[live_id] = recording
        return recording.path

    def add(self, live_id: str, channel: int, sound: Pcm) -> None:
        """Take int16 [samples] of a call that is recorded; of others nothing."""
        recording = self._open.get(live_id)
        if recording is not None:
            recording.add(channel, sound)

    def close(self, live_id: str) -> None:
        """End a recording, whole on the disk."""
        with self._lock:
            recording = self._open.pop(live_id, None)
        if recording is not None:
            recording.close()

    def _run(self) -> None:
        synced_s = time.monotonic()
        while not self._stopping.wait(WRITE_S):
            is_due = time.monotonic() - synced_s >= SYNC_S
            synced_s = time.monotonic() if is_due else synced_s
            with self._lock:
                recordings = list(self._open.items())
            for live_id, recording in recordings:  # calls that begin or end meanwhile do not wait for the disk
                try:
                    recording.write(sync=is_due)
                except OSError as error:  # what is on the disk stays; the call is heard on
                    with self._lock:
                        self._open.pop(live_id, None)
                    events.happened("live", "failed", reason=str(error))
