"""Play a recording to a port as a telephone system sends it: the frames of each convention, in real time or faster."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from qareport.audio.decode import decode
from qareport.audio.resampling import SAMPLE_RATE
from qareport.audio.streaming import Encoding, Pcm, encode_samples
from qareport.web.ingest.audiosocket import HANG_UP, SLIN, UUID, frame

#: The conventions that can be played.
PLAYED: Final = ("twilio", "audiosocket", "asterisk", "freeswitch", "funasr", "pcm")
_FRAME_MS: Final = 20
#: Of a port that takes no more than 200 frames a second.
_FASTEST_FRAMES: Final = 150
_SUBPROTOCOLS = {"asterisk": ["media"], "freeswitch": ["audio.drachtio.org"], "funasr": ["binary"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is played, and what is said of it."""

    #: int16 [channels, samples].
    sound: Pcm
    sample_rate: int = 8000
    #: Where to: ws://…, wss://…, or tcp://host:port.
    url: str
    convention: str
    facts: dict[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    token: str = ""
    ticket: str = ""
    #: How many times faster than people speak.
    speed: float = 1.0
    on_text: Callable[[str], None] = lambda text: None


def read_sound(path: Path, sample_rate: int, *, minutes: int = 180) -> Pcm:
    """Read a recording at a telephone's rate (8 or 16 kHz), int16 [channels, samples].

    Raises:
        AudioError: it cannot be read.
    """
    samples = decode(str(path), max_duration_ms=minutes * 60_000).samples[:2]
    if sample_rate == SAMPLE_RATE // 2:  # what is above 4 kHz would fold back
        taps = np.sinc(np.arange(-31, 32) / 2) * np.hamming(63)
        samples = np.stack([np.convolve(channel, taps / taps.sum(), mode="same")[::2] for channel in samples])
    sound: Pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    return sound


async def play(what: Play) -> None:
    """Play it to the end.

    Raises:
        OSError: nobody listens there.
        WebSocketException: the port refuses, or closes before the end.
    """
    if what.convention == "audiosocket":
        await _play_tcp(what)
        return
    headers = {"Authorization": f"Bearer {what.token}"} if what.token else {}
    context = ssl.create_default_context() if what.url.startswith("wss") else None
    url = what.url
    if what.ticket and what.convention in ("asterisk", "freeswitch"):
        url += f"{'&' if '?' in url else '?'}ticket={what.ticket}"
    subprotocols = _SUBPROTOCOLS.get(what.convention)
    async with connect(url, additional_headers=headers, subprotocols=subprotocols, ssl=context) as websocket:  # type: ignore[arg-type]
        listening = asyncio.create_task(_listen(websocket, what.on_text))
        async for message in _in_time(what):
            await websocket.send(message)
        if what.convention == "funasr":
            await asyncio.wait_for(listening, 60)
        else:
            listening.cancel()


async def _listen(websocket: ClientConnection, on_text: Callable[[str], None]) -> None:
    async for message in websocket:
        on_text(str(message))
        if isinstance(message, str) and message.startswith("{") and json.loads(message).get("is_final"):
            return


async def _in_time(what: Play) -> AsyncIterator[str | bytes]:
    """Yield messages when a telephone system would send them."""
    for text in _before(what):
        yield text
    loop = asyncio.get_running_loop()
    began = loop.time()
    for at_ms, messages in _frames(what):
        wait_s = at_ms / 1000 / what.speed - (loop.time() - began)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        for message in messages:
            yield message
    for text in _after(what):
        yield text


def _before(what: Play) -> Iterator[str]:
    facts = {**what.facts, **({"ticket": what.ticket} if what.ticket else {})}
    channels, rate = len(what.sound), what.sample_rate
    match what.convention:
        case "pcm":
            roles = {"roles": list(what.roles)} if what.roles else {}
            yield json.dumps({**facts, "rate": rate, "channels": channels, "format": "s16le", **roles})
        case "twilio":
            tracks = ["inbound", "outbound"][:channels]
            form = {"encoding": "audio/x-mulaw", "sampleRate": rate, "channels": 1}
            start = {
                "streamSid": "MZ0", "accountSid": "AC0", "callSid": facts.pop("call_id", "CA0"), "tracks": tracks,
                "customParameters": facts, "mediaFormat": form,
            }  # fmt: skip
            yield json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
            yield json.dumps({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": "MZ0"})
        case "asterisk":
            slin = {8000: "slin", 16_000: "slin16"}[rate]
            name = what.facts.get("call_id", "play")
            yield (
                f"MEDIA_START connection_id:{uuid.uuid4()} channel:WebSocket/play channel_id:{name} format:{slin} "
                f"optimal_frame_size:{rate // 50 * 2} ptime:20"
            )
        case "freeswitch":
            yield json.dumps({**facts, "sampleRate": rate, "mixType": "stereo" if channels == 2 else "mono"})
        case _:
            yield json.dumps(
                {
                    "mode": "2pass",
                    "chunk_size": [5, 10, 5],
                    "chunk_interval": 10,
                    "audio_fs": rate,
                    "wav_name": what.facts.get("call_id", "play"),
                    "wav_format": "pcm",
                    "is_speaking": True,
                    "itn": True,
                }
            )


def _frames(what: Play) -> Iterator[tuple[float, list[str | bytes]]]:
    """Yield (when, in ms of the sound; the messages of that time)."""
    frame_ms = max(_FRAME_MS, round(_FRAME_MS * what.speed * 50 / _FASTEST_FRAMES))
    size = frame_ms * what.sample_rate // 1000
    for number, at in enumerate(range(0, what.sound.shape[1], size)):
        part = what.sound[:, at : at + size]
        at_ms = at * 1000 / what.sample_rate
        if what.convention == "twilio":
            yield at_ms, [
                json.dumps(
                    {
                        "event": "media", "sequenceNumber": str(number + 2), "streamSid": "MZ0",
                        "media": {
                            "track": track, "chunk": str(number + 1), "timestamp": str(round(at_ms)),
                            "payload": base64.b64encode(encode_samples(channel, Encoding.MULAW)).decode(),
                        },
                    }
                )
                for track, channel in zip(("inbound", "outbound"), part, strict=False)
            ]  # fmt: skip
        else:
            yield at_ms, [np.ascontiguousarray(part.T).astype("<i2").tobytes()]


def _after(what: Play) -> Iterator[str]:
    match what.convention:
        case "pcm":
            yield json.dumps({"end": True})
        case "twilio":
            yield json.dumps({"event": "stop", "streamSid": "MZ0", "stop": {"callSid": "CA0"}})
        case "asterisk":
            yield "HANGUP"
        case "funasr":
            yield json.dumps({"is_speaking": False})
        case _:
            pass


async def _play_tcp(what: Play) -> None:
    address = urlsplit(what.url)
    kind = next(kind for kind, rate in SLIN.items() if rate == what.sample_rate)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(frame(UUID, uuid.UUID(what.ticket).bytes))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for at_ms, messages in _frames(what):
        wait_s = at_ms / 1000 / what.speed - (loop.time() - began)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        for message in messages:
            writer.write(frame(kind, message if isinstance(message, bytes) else b""))
        await writer.drain()
    writer.write(frame(HANG_UP))
    await writer.drain()
    writer.close()
