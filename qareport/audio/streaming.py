"""Sound that arrives while a call is on: telephone codecs, resampling without delay, and a WAV file that grows."""

from __future__ import annotations

import os
import struct
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from av import AudioResampler
from av.audio.frame import AudioFrame

from qareport.audio.resampling import SAMPLE_RATE, Samples

#: Sound as it is kept, int16 [samples].
Pcm = npt.NDArray[np.int16]
#: Sample rates that telephone systems send.
RATES: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000)
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
#: A bias and a clip of G.711 (ITU-T G.711, table 2).
_BIAS = 0x84


class Encoding(StrEnum):
    """How samples are written."""

    S16LE = "s16le"
    MULAW = "mulaw"
    ALAW = "alaw"


def _mulaw_table() -> Pcm:
    codes = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (codes >> 4 & 7).astype(np.int32), (codes & 15).astype(np.int32)
    size = ((mantissa << 3) + _BIAS << exponent) - _BIAS
    return np.where(codes & 0x80, -size, size).astype(np.int16)


def _alaw_table() -> Pcm:
    codes = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = (codes >> 4 & 7).astype(np.int32), (codes & 15).astype(np.int32)
    low = (mantissa << 4) + 8
    size = np.where(exponent == 0, low, low + 0x100 << np.maximum(exponent - 1, 0))
    return np.where(codes & 0x80, size, -size).astype(np.int16)


_TABLES = {Encoding.MULAW: _mulaw_table(), Encoding.ALAW: _alaw_table()}


def decode_samples(data: bytes, encoding: Encoding) -> Pcm:
    """Decode samples, int16 [samples].

    Raises:
        ValueError: half a sample at the end.
    """
    if encoding is Encoding.S16LE:
        return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
    return _TABLES[encoding][np.frombuffer(data, np.uint8)]


def encode_samples(samples: Pcm, encoding: Encoding) -> bytes:
    """Encode int16 [samples]: of G.711 the code whose value is nearest."""
    if encoding is Encoding.S16LE:
        return samples.astype("<i2").tobytes()
    table = _TABLES[encoding].astype(np.int32)
    order = np.argsort(table, kind="stable")
    edges = (table[order][1:] + table[order][:-1] + 1) // 2
    return order[np.searchsorted(edges, samples.astype(np.int32), side="right")].astype(np.uint8).tobytes()


class StreamResampler:
    """Brings one channel to 16 kHz; holds about 2 ms back, where `Resampler` gathers seconds first."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._resampler = None if sample_rate == SAMPLE_RATE else AudioResampler("fltp", "mono", SAMPLE_RATE)

    def push(self, samples: Pcm) -> Samples:
        """Take int16 [n]; return what is ready, float32 [m] in [-1, 1]."""
        if self._resampler is None:
            return samples.astype(np.float32) / np.float32(32768)
        if not samples.size:
            return np.zeros(0, np.float32)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="s16", layout="mono")
        frame.sample_rate = self.sample_rate
        parts = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        return np.concatenate(parts).astype(np.float32, copy=False) if parts else np.zeros(0, np.float32)


class WavAppender:
    """A WAV file (16 bits) that is valid after each `sync`; what was flushed since is found by `repair_wav`."""

    def __init__(self, path: Path, sample_rate: int, channels: int) -> None:
        """Make the file; only its owner may read it.

        Raises:
            OSError: it exists, or cannot be made.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "r+b")
        self._sample_rate, self._channels, self._bytes = sample_rate, channels, 0
        self._file.write(_header(sample_rate, channels, 0))

    def append(self, samples: npt.NDArray[np.int16]) -> None:
        """Add int16 [samples, channels]."""
        data = samples.astype("<i2").tobytes()
        self._file.write(data)
        self._bytes += len(data)

    def flush(self) -> None:
        """Give everything to the system: it outlives a kill of this process, though no loss of power."""
        self._file.flush()

    def sync(self) -> None:
        """Put everything on the disk, the lengths in the header included."""
        self._file.seek(0)
        self._file.write(_header(self._sample_rate, self._channels, self._bytes))
        self._file.seek(0, os.SEEK_END)
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        self._file.close()


def repair_wav(path: Path) -> int:
    """Bring the lengths in the header of a file that `WavAppender` left behind in line with what is there.

    Returns:
        the length in milliseconds; 0 where there is no sound.
    """
    with path.open("r+b") as file:
        try:
            fields = _HEADER.unpack(file.read(_HEADER.size))
        except struct.error:
            return 0
        channels, sample_rate = fields[6], fields[7]
        size = (path.stat().st_size - _HEADER.size) // (2 * channels) * (2 * channels)
        file.truncate(_HEADER.size + size)
        file.seek(0)
        file.write(_header(sample_rate, channels, size))
    return int(size * 1000 // (2 * channels * sample_rate))


def _header(sample_rate: int, channels: int, size: int) -> bytes:
    rate, block = sample_rate * channels * 2, channels * 2
    parts = (b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, channels, sample_rate, rate, block, 16, b"data", size)
    return _HEADER.pack(*parts)
