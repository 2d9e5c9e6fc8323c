"""Twilio Media Streams, and Telnyx and Exotel, which do nearly the same.

Text frames of JSON: `connected`, `start`, `media` (base64), `dtmf`, `mark`, `stop`. Track `inbound` is the customer,
`outbound` the agent. Frames may come out of order: they are put in order by `chunk` within 200 ms. Telnyx does not say
which tracks it sends: a call whose start names none begins when 200 ms of sound have shown it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any, Final

from qareport.audio.streaming import Encoding, decode_samples
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
)

#: Frames that wait for one that is missing: 200 ms.
_WAITING: Final = 10
_ENCODINGS = {
    "audio/x-mulaw": Encoding.MULAW, "PCMU": Encoding.MULAW, "audio/x-alaw": Encoding.ALAW, "PCMA": Encoding.ALAW,
    "audio/x-l16": Encoding.S16LE, "L16": Encoding.S16LE, "base64": Encoding.S16LE, "raw/slin": Encoding.S16LE,
}  # fmt: skip
_TRACKS = {"inbound": Role.CUSTOMER, "outbound": Role.AGENT}


def signature_of(token: str, url: str) -> str:
    """Return what Twilio sends as `X-Twilio-Signature` with the request of a websocket."""
    digest = hmac.new(token.encode(), url.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class TwilioConvention(OneWay):
    """One stream."""

    def __init__(self) -> None:
        self._began: Began | None = None
        self._encoding = Encoding.MULAW
        self._tracks: tuple[str, ...] = ()
        #: A start that names no tracks, and the media since.
        self._unnamed: dict[str, Any] | None = None
        self._held: list[dict[str, Any]] = []
        self._next: dict[int, int] = {}
        self._early: dict[int, dict[int, SoundFrame]] = {}

    def feed(self, message: str | bytes) -> list[Step]:
        """Take a message (see `Convention`)."""
        if isinstance(message, bytes):
            raise FrameError("binary, where Twilio sends text")
        values = read_object(message)
        match values.get("event"):
            case "start":
                if self._began is not None or self._unnamed is not None:
                    raise FrameError("a second start")
                start = _mapping(values, "start")
                if not start.get("tracks"):
                    self._unnamed = start
                    return []
                self._began = self._start(start)
                return [self._began]
            case "media":
                media = _mapping(values, "media")
                if self._unnamed is not None:
                    return self._hold(media)
                if self._began is None:
                    raise FrameError("media before start")
                return self._media(media)
            case "stop":
                begun = [] if self._unnamed is None else self._begin_unnamed()
                self._began = None
                return [*begun, *self._rest(), Over()]
            case "connected" | "dtmf" | "mark" | "error" | "clear":
                return []
        raise FrameError("unknown event")

    def _hold(self, media: dict[str, Any]) -> list[Step]:
        """Hold media until it is known which tracks come."""
        self._held.append(media)
        names = {_track_of(held) for held in self._held}
        is_known = "" in names or len(names) == len(_TRACKS) or len(self._held) >= _WAITING
        return self._begin_unnamed() if is_known else []

    def _begin_unnamed(self) -> list[Step]:
        names = {_track_of(held) for held in self._held} - {""} or {"inbound"}
        self._began, self._unnamed = self._start({**(self._unnamed or {}), "tracks": sorted(names)}), None
        held, self._held = self._held, []
        return [self._began, *(step for media in held for step in self._media(media))]

    def _start(self, start: dict[str, Any]) -> Began:
        form = start.get("mediaFormat") or start.get("media_format") or {}
        if not isinstance(form, dict):
            raise FrameError("mediaFormat: an object")
        self._encoding = _ENCODINGS.get(str(form.get("encoding", "audio/x-mulaw")), Encoding.MULAW)
        rate = form.get("sampleRate") or form.get("sample_rate") or 8000
        tracks = start["tracks"]
        if not isinstance(tracks, list) or not set(tracks) <= {*_TRACKS, "inbound_track", "outbound_track"}:
            raise FrameError("tracks: inbound and outbound")
        self._tracks = tuple(name for name in _TRACKS if name in tracks or f"{name}_track" in tracks)
        given = start.get("customParameters") or start.get("custom_parameters") or {}
        facts = facts_of(given if isinstance(given, dict) else {})
        facts["call_id"] = facts["call_id"] or str(
            start.get("callSid") or start.get("call_sid") or start.get("call_control_id") or ""
        )[:200]  # fmt: skip
        if not facts["customer_phone"] and isinstance(start.get("from"), str):
            facts["customer_phone"] = start["from"][:40]
        return Began(**facts, roles=tuple(_TRACKS[name] for name in self._tracks), sample_rate=rate_of(int(rate)))

    def _media(self, media: dict[str, Any]) -> list[Step]:
        track = _track_of(media) or self._tracks[0]
        if track not in self._tracks:
            raise FrameError("media of a track that was not announced")
        channel = self._tracks.index(track)
        try:
            data = base64.b64decode(str(media.get("payload", "")), validate=True)
            samples = decode_samples(data, self._encoding)
            chunk, at_ms = int(media.get("chunk") or 0), int(media.get("timestamp") or -1)
        except (ValueError, binascii.Error) as error:
            raise FrameError("payload: base64 of whole samples") from error
        sound = SoundFrame(channel=channel, samples=samples, at_ms=at_ms if at_ms >= 0 else None)
        if not chunk:
            return [sound]
        return self._in_order(channel, chunk, sound)

    def _in_order(self, channel: int, chunk: int, sound: SoundFrame) -> list[Step]:
        early = self._early.setdefault(channel, {})
        following = self._next.setdefault(channel, chunk)
        if chunk < following:  # it comes too late: its place is filled
            return []
        early[chunk] = sound
        if len(early) > _WAITING:
            following = min(early)
        steps: list[Step] = []
        while following in early:
            steps.append(early.pop(following))
            following += 1
        self._next[channel] = following
        return steps

    def _rest(self) -> list[Step]:
        return [early[chunk] for early in self._early.values() for chunk in sorted(early)]


def _track_of(media: dict[str, Any]) -> str:
    return str(media.get("track") or "").removesuffix("_track")


def _mapping(values: dict[str, Any], key: str) -> dict[str, Any]:
    value = values.get(key)
    if not isinstance(value, dict):
        raise FrameError(f"{key}: an object")
    return value
