"""Read WAV recordings that are plainly whole with libsndfile: several times faster than FFmpeg, packet by packet.

Only what leaves nothing to judge is read here: a complete data chunk of PCM, G.711 or floats. For anything else
`read_plain` returns None, and FFmpeg decides: other formats, whatever is cut off, too long or strange, and what
libsndfile cannot read. The samples are the same either way, bit by bit (a test compares them).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import soundfile

from qareport.audio.levels import SCALE_OF_16_BITS, FloatUnits
from qareport.audio.resampling import Resampler, Samples

#: In Hz, and channels: others are for FFmpeg to refuse.
_RATES, _CHANNELS = range(4000, 384_001), range(1, 33)
#: Tags of `fmt` chunks and the bits a sample that libsndfile and FFmpeg read alike: PCM, floats, A-law, mu-law.
_CODINGS = {1: (8, 16, 24, 32), 3: (32, 64), 6: (8,), 7: (8,)}
_EXTENSIBLE = 0xFFFE
#: So many seconds are read at once.
_BLOCK_SECONDS = 4
_FLOATS = frozenset(("FLOAT", "DOUBLE"))
#: Codings that 16 bits hold: libsndfile is far slower at making floats of them than `Resampler`, which makes the same.
_OF_16_BITS = frozenset(("PCM_16", "PCM_U8", "ALAW", "ULAW"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlainRecording:
    """A recording that was read to its end."""

    #: float32 [channels, samples] in [-1, 1] at `SAMPLE_RATE`.
    samples: Samples
    sample_rate: int
    duration_ms: int
    #: Its floats were in the units of 16 bits.
    scaled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How a WAV file lays out its sound."""

    sample_rate: int
    channels: int
    frame_bytes: int


def read_plain(path: Path, *, max_duration_ms: int) -> PlainRecording | None:
    """Read a recording that is plainly whole and not too long; None: FFmpeg must look at it.

    Args:
        path: a file that exists.
        max_duration_ms: as in `decode`.
    """
    try:
        found = _find_data(path)
        if found is None:
            return None
        layout, frames = found
        if not _is_usual(layout) or _is_too_long(layout, frames, max_duration_ms):
            return None
        with soundfile.SoundFile(path) as file:
            if (file.samplerate, file.channels, file.frames) != (layout.sample_rate, layout.channels, frames):
                return None
            samples, scaled = _read(file)
    except (OSError, ValueError, MemoryError, soundfile.SoundFileError):
        return None
    duration_ms = round(frames / layout.sample_rate * 1000)
    return PlainRecording(samples=samples, sample_rate=layout.sample_rate, duration_ms=duration_ms, scaled=scaled)


def _read(file: soundfile.SoundFile) -> tuple[Samples, bool]:
    scale = SCALE_OF_16_BITS if file.subtype in _FLOATS and _is_in_16_bit_units(file) else None
    resampler = Resampler(file.samplerate, file.channels, expected=file.frames / file.samplerate)
    kind = "int16" if file.subtype in _OF_16_BITS else "float32"
    for block in file.blocks(_BLOCK_SECONDS * file.samplerate, dtype=kind, always_2d=True):
        resampler.push(block.T if scale is None else block.T * scale)
    if file.tell() != file.frames:
        raise ValueError("fewer samples than stated")
    return resampler.finish(), scale is not None


def _is_in_16_bit_units(file: soundfile.SoundFile) -> bool:
    units = FloatUnits()
    for block in file.blocks(_BLOCK_SECONDS * file.samplerate, dtype="float32", always_2d=True):
        units.add(block)
    file.seek(0)
    return units.are_of_16_bits()


def _is_usual(layout: _Layout) -> bool:
    return layout.sample_rate in _RATES and layout.channels in _CHANNELS


def _is_too_long(layout: _Layout, frames: int, max_duration_ms: int) -> bool:
    most_ms = max_duration_ms * (2 / layout.channels if layout.channels > 2 else 1)
    return round(frames / layout.sample_rate * 1000) > most_ms


def _find_data(path: Path) -> tuple[_Layout, int] | None:
    """Return the layout of a WAV file and how many frames its data chunk holds, where that is complete."""
    with path.open("rb") as file:
        head = file.read(12)
        if not head.startswith(b"RIFF") or head[8:] != b"WAVE":
            return None
        size, at, layout = path.stat().st_size, 12, None
        while at + 8 <= size:
            file.seek(at)
            head = file.read(48)
            length = int.from_bytes(head[4:8], "little")
            if head.startswith(b"fmt "):
                layout = _read_layout(head[8 : 8 + length])
            elif head.startswith(b"data"):
                if layout is None or not 0 < length <= size - at - 8 or length % layout.frame_bytes:
                    return None
                return layout, length // layout.frame_bytes
            at += 8 + length + length % 2
    return None


def _read_layout(chunk: bytes) -> _Layout | None:
    """Read a `fmt ` chunk; None: coded in a way that is left to FFmpeg."""
    if len(chunk) < 16:
        return None
    tag, channels, rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", chunk[:16])
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        tag = int.from_bytes(chunk[24:26], "little")
    if bits not in _CODINGS.get(tag, ()) or frame_bytes * 8 != channels * bits:
        return None
    return _Layout(sample_rate=rate, channels=channels, frame_bytes=frame_bytes)
