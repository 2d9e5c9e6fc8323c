"""Conventions that say first, as JSON, what follows as binary sound: our own, FreeSWITCH's two modules, and jambonz."""

from __future__ import annotations

import json
from typing import Any

from qareport.audio.streaming import Encoding
from qareport.model import Role
from qareport.web.ingest.conventions import (
    Began,
    FrameError,
    OneWay,
    Over,
    SoundFrame,
    Step,
    facts_of,
    rate_of,
    read_object,
    role_of,
    split_channels,
)


class PcmConvention(OneWay):
    """Our own: `{call_id, agent_id, rate, channels, roles, format, …}`, binary frames, and `{"end": true}`."""

    def __init__(self) -> None:
        self._began: Began | None = None
        self._encoding = Encoding.S16LE

    def feed(self, message: str | bytes) -> list[Step]:
        """Take a message (see `Convention`)."""
        if isinstance(message, bytes):
            if self._began is None:
                raise FrameError("sound before the first text")
            parts = split_channels(message, self._encoding, len(self._began.roles))
            return [SoundFrame(channel=channel, samples=part) for channel, part in enumerate(parts)]
        values = read_object(message)
        if self._began is not None:
            if values.get("end"):
                self._began = None
                return [Over()]
            raise FrameError('a second text that is not {"end": true}')
        self._began = self._read(values)
        return [self._began]

    def _read(self, values: dict[str, Any]) -> Began:
        known = {
            "call_id", "order_id", "agent_id", "external_ref", "customer_phone", "ticket", "rate", "channels", "roles",
            "format",
        }  # fmt: skip
        if strange := sorted(values.keys() - known):
            raise FrameError(f"unknown keys: {', '.join(strange)[:100]}")
        try:
            self._encoding = Encoding(values.get("format", "s16le"))
        except ValueError as error:
            raise FrameError("format: s16le, mulaw or alaw") from error
        channels = values.get("channels", 1)
        if channels not in (1, 2) or isinstance(channels, bool):
            raise FrameError("channels: 1 or 2")
        given = values.get("roles", ["customer", "agent"] if channels == 2 else ["unknown"])
        if not isinstance(given, list) or len(given) != channels:
            raise FrameError("roles: one for each channel")
        roles = tuple(map(role_of, given))
        return Began(
            **facts_of(values),
            roles=roles,
            sample_rate=rate_of(values.get("rate", 8000)),
            is_half=len(roles) == 1 and roles[0] is not Role.UNKNOWN,
        )


class ForkConvention(OneWay):
    """FreeSWITCH's mod_audio_fork and mod_audio_stream, and jambonz: metadata that may be absent, then 16-bit sound.

    Two channels have the caller first. What the metadata does not say is in the address: `rate`, `channels`, `role`.
    """

    def __init__(self, query: dict[str, str]) -> None:
        self._query = query
        self._began: Began | None = None
        self._channels = 1

    def feed(self, message: str | bytes) -> list[Step]:
        """Take a message (see `Convention`)."""
        if isinstance(message, str):
            if self._began is not None:  # dtmf, and notes of the modules
                return []
            return [self._begin(_metadata(message))]
        steps: list[Step] = [] if self._began is not None else [self._begin({})]
        parts = split_channels(message, Encoding.S16LE, self._channels)
        return [*steps, *(SoundFrame(channel=channel, samples=part) for channel, part in enumerate(parts))]

    def _begin(self, values: dict[str, Any]) -> Began:
        said = {**values, **self._query}
        named = ("call_id", "order_id", "agent_id", "external_ref", "customer_phone", "ticket")
        facts = {name: str(said[name]) for name in named if said.get(name) not in (None, "")}
        facts.setdefault("call_id", str(values.get("callSid") or values.get("uuid") or ""))
        facts.setdefault("customer_phone", str(values.get("from") or ""))
        rate = said.get("rate") or values.get("sampleRate") or values.get("sample_rate") or 8000
        mix = str(values.get("mixType") or values.get("mix_type") or "")
        channels = int(self._query.get("channels") or values.get("channels") or (2 if mix == "stereo" else 1))
        if channels not in (1, 2):
            raise FrameError("channels: 1 or 2")
        self._channels = channels
        role = role_of(self._query.get("role", "unknown"))
        roles = (Role.CUSTOMER, Role.AGENT) if channels == 2 else (role,)
        self._began = Began(
            **facts_of(facts), roles=roles, sample_rate=rate_of(int(rate)),
            is_half=channels == 1 and role is not Role.UNKNOWN,
        )  # fmt: skip
        return self._began


def _metadata(message: str) -> dict[str, Any]:
    """Return the metadata; a text that is no JSON object says nothing."""
    try:
        value = json.loads(message)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
