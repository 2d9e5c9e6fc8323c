"""Asterisk's chan_websocket: `MEDIA_START`, plain or JSON, then binary sound of one channel.

Sound that comes before `MEDIA_START` is kept (a second at most): field reports have it in a tenth of calls. Two
connections of one call are its two sides: `v(call_id=…,role=agent)` and `v(call_id=…,role=customer)` of the dial
string arrive as parameters of the address.
"""

from __future__ import annotations

import json
from typing import Final

from qareport.audio.streaming import Encoding, decode_samples
from qareport.model import Role
from qareport.web.ingest.conventions import Began, FrameError, Held, OneWay, Over, SoundFrame, Step, facts_of, role_of

#: Formats, with their sample rates.
FORMATS: Final = {
    "ulaw": (Encoding.MULAW, 8000), "alaw": (Encoding.ALAW, 8000), "slin": (Encoding.S16LE, 8000),
    "slin16": (Encoding.S16LE, 16_000),
}  # fmt: skip
#: In bytes: a second of the widest format.
_EARLY: Final = 32_000


class AsteriskConvention(OneWay):
    """One media channel."""

    def __init__(self, query: dict[str, str]) -> None:
        self._query = query
        self._encoding = Encoding.MULAW
        self._began: Began | None = None
        self._early = b""

    def feed(self, message: str | bytes) -> list[Step]:
        """Take a message (see `Convention`)."""
        if isinstance(message, bytes):
            if self._began is None:
                self._early = (self._early + message)[-_EARLY:]
                return []
            return [self._sound(message)] if message else []
        event, values = _read(message)
        if event == "MEDIA_START":
            if self._began is not None:
                raise FrameError("a second MEDIA_START")
            self._begin(values)
            early, self._early = self._early, b""
            return [self._began, *([self._sound(early)] if early else [])] if self._began else []
        if event in ("HANGUP", "MEDIA_STOP"):
            return [Over()]
        if event in ("HOLD", "UNHOLD"):
            return [Held(is_held=event == "HOLD")]
        return []  # DTMF_END, MEDIA_XON, MEDIA_XOFF, and what later versions add

    def _begin(self, values: dict[str, str]) -> None:
        form = values.get("format", "ulaw")
        if form not in FORMATS:
            raise FrameError(f"format: one of {', '.join(FORMATS)}")
        self._encoding, rate = FORMATS[form]
        role = role_of(self._query.get("role", "unknown"))
        facts = facts_of(self._query)
        facts["call_id"] = facts["call_id"] or values.get("channel_id", "")[:200]
        self._began = Began(**facts, roles=(role,), sample_rate=rate, is_half=role is not Role.UNKNOWN)

    def _sound(self, data: bytes) -> SoundFrame:
        if self._encoding is Encoding.S16LE and len(data) % 2:
            raise FrameError("the sound ends in the middle of a sample")
        return SoundFrame(channel=0, samples=decode_samples(data, self._encoding))


def _read(message: str) -> tuple[str, dict[str, str]]:
    """Read an event: `NAME key:value …`, or JSON."""
    if message.startswith("{"):
        try:
            values = json.loads(message)
        except ValueError as error:
            raise FrameError("not JSON") from error
        return str(values.get("event", "")), {key: str(value) for key, value in values.items()}
    name, *pairs = message.split()
    return name, dict(pair.split(":", 1) for pair in pairs if ":" in pair)
