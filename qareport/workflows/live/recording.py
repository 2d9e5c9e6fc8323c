"""What is recorded of calls that are on: WAV files that grow, synced each second by a thread of their own."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import deque
from pathlib import Path
from typing import Final

import numpy as np

from qareport import events
from qareport.audio.streaming import Pcm, WavAppender

#: So often everything is put on the disk.
SYNC_S: Final = 1.0


class CallRecording:
    """The recording of one call: what arrives on each channel, side by side."""

    def __init__(self, path: Path, sample_rate: int, channels: int) -> None:
        """Make the file.

        Raises:
            OSError: it cannot be made.
        """
        self.path: Final = path
        self._wav = WavAppender(path, sample_rate, channels)
        self._waiting: list[deque[Pcm]] = [deque() for _ in range(channels)]
        self._lock = threading.Lock()
        self._is_changed = False

    def add(self, channel: int, sound: Pcm) -> None:
        """Take int16 [samples] of one channel."""
        with self._lock:
            self._waiting[channel].append(sound)

    def write(self, *, rest: bool = False) -> None:
        """Write what all channels have, with `rest` also what only some have, beside silence."""
        with self._lock:
            sounds = [np.concatenate([*own, np.zeros(0, np.int16)]) for own in self._waiting]
            count = (max if rest else min)(sound.size for sound in sounds)
            self._waiting = [deque([sound[count:]] if sound.size > count else []) for sound in sounds]
        if not count:
            return
        frames = np.zeros((count, len(sounds)), np.int16)
        for channel, sound in enumerate(sounds):
            frames[: min(count, sound.size), channel] = sound[:count]
        self._wav.append(frames)
        self._is_changed = True

    def sync(self) -> None:
        """Put what was written on the disk, if anything was."""
        if self._is_changed:
            self._wav.sync()
            self._is_changed = False

    def close(self) -> None:
        """Write the rest, sync and close."""
        self.write(rest=True)
        self._wav.close()


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
        while not self._stopping.wait(SYNC_S):
            with self._lock:
                for live_id, recording in list(self._open.items()):
                    try:
                        recording.write()
                        recording.sync()
                    except OSError as error:  # what is on the disk stays; the call is heard on
                        del self._open[live_id]
                        events.happened("live", "failed", reason=str(error))
