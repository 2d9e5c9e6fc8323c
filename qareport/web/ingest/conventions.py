"""What a convention makes of messages: steps of a call. A convention is pure; the server does what its steps say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from qareport.audio.streaming import RATES, Encoding, Pcm, decode_samples
from qareport.model import Role
from qareport.model.call import LONGEST_ID

#: Codes with which a websocket is closed.
BAD_FRAME, NOT_ALLOWED, TOO_BIG, OVERLOAD, DONE = 1002, 1008, 1009, 1013, 1000
_LONGEST_TEXT = 200


class FrameError(Exception):
    """A message that the convention does not know; the call ends with it, and no other."""

    def __init__(self, reason: str, code: int = BAD_FRAME) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """The sound of a call begins; this is what is said of it."""

    call_id: str = ""
    order_id: str | None = None
    agent_id: str | None = None
    external_ref: str | None = None
    customer_phone: str | None = None
    #: Who speaks on each channel of the connection.
    roles: tuple[Role, ...]
    sample_rate: int = 8000
    #: Whether the other side has a connection of its own.
    is_half: bool = False
    #: What lets it in, where the connection itself showed nothing.
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFrame:
    """Sound of one channel, int16 [samples], and where it belongs (ms) if that is said."""

    channel: int
    samples: Pcm
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The call is held, or no longer."""

    is_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """The call is over; the connection may begin another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A text to be sent back."""

    text: str


Step = Began | SoundFrame | Held | Over | Reply


class Convention(Protocol):
    """One connection. Several calls may follow each other on it."""

    @property
    def most_channels(self) -> int:
        """How many channels a connection has at most; limits the frames of a second."""
        ...

    def feed(self, message: str | bytes) -> list[Step]:
        """Take a message.

        Raises:
            FrameError: the convention does not know it.
        """
        ...

    def told(self, kind: str, data: Mapping[str, Any]) -> str | None:
        """Word what was heard for the other side; None: it is not told. `kind`: line, partial or over."""
        ...


class OneWay:
    """A convention that is told nothing."""

    most_channels: Final = 2

    def told(self, kind: str, data: Mapping[str, Any]) -> str | None:
        """Tell nothing."""
        return None


def read_object(message: str | bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FrameError: it is none.
    """
    try:
        value = json.loads(message)
    except ValueError as error:
        raise FrameError("not JSON") from error
    if not isinstance(value, dict):
        raise FrameError("not a JSON object")
    return value


def text_of(values: Mapping[str, Any], key: str, *, longest: int = LONGEST_ID) -> str | None:
    """Return a text of a message, None where it is not there or empty.

    Raises:
        FrameError: it is no text, too long, or has control characters.
    """
    value = values.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise FrameError(f"{key}: a text of at most {longest} characters")
    return value


def facts_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a message says of a call, by the names of `Began`.

    Raises:
        FrameError: as `text_of`.
    """
    names = ("order_id", "agent_id", "external_ref", "customer_phone")
    facts: dict[str, Any] = {name: text_of(values, name) for name in names}
    facts["call_id"] = text_of(values, "call_id") or ""
    facts["ticket"] = text_of(values, "ticket", longest=_LONGEST_TEXT) or ""
    return facts


def rate_of(value: Any) -> int:
    """Read a sample rate.

    Raises:
        FrameError: it is none that telephone systems send.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value not in RATES:
        raise FrameError(f"sample rate: one of {', '.join(map(str, RATES))}")
    return value


def role_of(value: Any) -> Role:
    """Read a role.

    Raises:
        FrameError: it is none.
    """
    try:
        return Role(value)
    except ValueError as error:
        raise FrameError("role: agent, customer or unknown") from error


def split_channels(data: bytes, encoding: Encoding, channels: int) -> Sequence[Pcm]:
    """Decode interleaved sound: int16 [samples] of each channel.

    Raises:
        FrameError: it ends in the middle of a frame.
    """
    width = (2 if encoding is Encoding.S16LE else 1) * channels
    if len(data) % width:
        raise FrameError("the sound ends in the middle of a frame")
    samples = decode_samples(data, encoding)
    return [samples[channel::channels] for channel in range(channels)]
