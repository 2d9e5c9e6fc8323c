"""Asterisk's AudioSocket: over TCP, one byte of kind, two of length (big-endian), then the payload."""

from __future__ import annotations

import struct
import uuid
from typing import Final

from qareport.audio.streaming import Encoding, decode_samples
from qareport.model import Role
from qareport.web.ingest.conventions import Began, FrameError, OneWay, Over, SoundFrame, Step

HANG_UP, UUID, DTMF, ERROR = 0x00, 0x01, 0x03, 0xFF
#: Kinds of 16-bit sound, by their sample rates.
SLIN: Final = {
    0x10: 8000, 0x11: 12_000, 0x12: 16_000, 0x13: 24_000, 0x14: 32_000, 0x15: 44_100, 0x16: 48_000, 0x17: 96_000,
    0x18: 192_000,
}  # fmt: skip
_HEADER = struct.Struct(">BH")


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Make a frame."""
    return _HEADER.pack(kind, len(payload)) + payload


class AudioSocketConvention(OneWay):
    """One connection: the UUID first, which is a ticket, then sound of one channel."""

    def __init__(self) -> None:
        self._buffer = b""
        self._ticket = ""
        self._began: Began | None = None
        #: Frames so far, for their limit.
        self.frames = 0

    def feed(self, message: str | bytes) -> list[Step]:
        """Take bytes as they arrive (see `Convention`)."""
        if isinstance(message, str):
            raise FrameError("text, where AudioSocket sends bytes")
        self._buffer += message
        steps: list[Step] = []
        while len(self._buffer) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._buffer)
            if len(self._buffer) < _HEADER.size + length:
                break
            payload = self._buffer[_HEADER.size : _HEADER.size + length]
            self._buffer = self._buffer[_HEADER.size + length :]
            self.frames += 1
            steps += self._frame(kind, payload)
        return steps

    def _frame(self, kind: int, payload: bytes) -> list[Step]:
        if kind == UUID:
            if self._ticket or len(payload) != 16:
                raise FrameError("a UUID of 16 bytes, once")
            self._ticket = str(uuid.UUID(bytes=payload))
            return []
        if not self._ticket:
            raise FrameError("the UUID comes first")
        if kind == HANG_UP:
            return [Over()]
        if kind in SLIN:
            if len(payload) % 2:
                raise FrameError("the sound ends in the middle of a sample")
            steps: list[Step] = []
            if self._began is None:
                self._began = Began(roles=(Role.UNKNOWN,), sample_rate=SLIN[kind], ticket=self._ticket, is_half=False)
                steps.append(self._began)
            elif self._began.sample_rate != SLIN[kind]:
                raise FrameError("the sample rate changed")
            return [*steps, SoundFrame(channel=0, samples=decode_samples(payload, Encoding.S16LE))]
        if kind == ERROR:
            return [Over()]
        if kind == DTMF:
            return []
        raise FrameError("unknown kind of frame")
