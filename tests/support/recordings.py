"""Short real recordings for tests."""

from __future__ import annotations

import struct
from pathlib import Path

from qareport import settings

#: Bytes of one second: telephone audio, µ-law, 8 kHz, two channels.
_SECOND = 16_000


def cut_recording(path: Path, second: int = 0, *, seconds: int = 2) -> Path:
    """Write some seconds of a bundled call, from a second on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = next(settings.bundled_calls().glob("*.wav")).read_bytes()
    head = whole.index(b"data")
    data = whole[head + 8 :][second * _SECOND : (second + seconds) * _SECOND]
    body = whole[8:head] + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path
