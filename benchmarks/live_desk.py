"""A desk that hears live calls: `qareport serve` as a user runs it, telephones that call it, and whoever follows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx2
import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as connect_now

from qareport import settings
from qareport.audio.streaming import Pcm
from qareport.model import Permission, UserRole
from qareport.store import Store
from qareport.web.ingest.player import read_sound
from tests.support.serving import Serving, serving, wait_for

RATE: Final = 8000
_FRAME_S: Final = 0.02
_SCRIPT: Final = settings.bundled_calls() / "truth.json"


@cache
def scripts() -> tuple[dict[str, Any], ...]:
    """Return what is said in every bundled call that can be read, as it was scripted."""
    return tuple(json.loads(_SCRIPT.read_text("utf-8"))["calls"])


@cache
def sound_of(name: str) -> Pcm:
    """Return a bundled recording as a telephone sends it, int16 [channels, samples] at 8 kHz."""
    return read_sound(settings.bundled_calls() / name, RATE)


def say(what: str) -> None:
    """Tell whoever runs this how far it is."""
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {what}\n")


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for something, so long at most; tell whether it came."""
    until = time.monotonic() + seconds
    while not (done := is_so()) and time.monotonic() < until:
        time.sleep(0.5)
    return done


@dataclass(slots=True, kw_only=True)
class Telephone:
    """One call that is made: which recording is played, when, and what became of it."""

    call_id: str
    script: dict[str, Any]
    agent_id: str = "A1"
    #: Seconds after the others.
    after_s: float = 0.0
    #: By the clock of this process: when its first sound was sent; 0: it never was.
    began_s: float = 0.0
    #: Milliseconds of sound that were sent, and how late the latest frame was.
    sent_ms: float = 0.0
    late_ms: float = 0.0
    #: Why it was not taken, or was cut off.
    refused: str = ""

    @property
    def sound(self) -> Pcm:
        """What is said."""
        return sound_of(self.script["audio"])

    async def call(self, url: str, token: str) -> None:
        """Call, play the recording in real time, and hang up."""
        await asyncio.sleep(self.after_s)
        try:
            async with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as websocket:
                first = {"call_id": self.call_id, "agent_id": self.agent_id, "rate": RATE, "channels": len(self.sound)}
                roles = ["agent", "customer"] if len(self.sound) == 2 else ["unknown"]
                await websocket.send(json.dumps(first | {"roles": roles, "format": "s16le"}))
                self.began_s = time.monotonic()
                await self._talk(websocket)
                await websocket.send('{"end": true}')
        except InvalidStatus as error:
            self.refused = str(error.response.status_code)
        except ConnectionClosed as error:
            self.refused = str(error.rcvd.code if error.rcvd else "cut off")
        except OSError as error:
            self.refused = error.strerror or "nobody listens"

    async def _talk(self, websocket: Any) -> None:
        size = round(RATE * _FRAME_S)
        for number, at in enumerate(range(0, self.sound.shape[1], size)):
            wait_s = self.began_s + (number + 1) * _FRAME_S - time.monotonic()  # a frame is sent when it is over
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            self.late_ms = max(self.late_ms, -wait_s * 1000)
            await websocket.send(np.ascontiguousarray(self.sound[:, at : at + size].T).tobytes())
            self.sent_ms = (number + 1) * _FRAME_S * 1000


@dataclass(slots=True)
class Follower:
    """Whoever has the board open: everything that `/api/v1/live/stream` tells, with when it came."""

    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    #: Ids of live calls by the ids of calls.
    live_ids: dict[str, str] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def follow(self, client: httpx2.Client) -> None:
        """Follow until `close`; call it in a thread of its own."""
        while not self._stopping.is_set():
            with contextlib.suppress(httpx2.TransportError), client.stream("GET", "/api/v1/live/stream") as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: ") and line != "data: {}":
                        self._take(time.monotonic(), json.loads(line[6:]))
                    if self._stopping.is_set():
                        return

    def _take(self, at_s: float, event: dict[str, Any]) -> None:
        self.events.append((at_s, event))
        if event["type"] == "live.started":
            self.live_ids[event["data"]["call_id"]] = event["live_id"]

    def of(self, call_id: str) -> list[tuple[float, dict[str, Any]]]:
        """Return what was told of a call."""
        live_id = self.live_ids.get(call_id)
        return [(at_s, event) for at_s, event in list(self.events) if event["live_id"] == live_id]

    def close(self) -> None:
        """Follow no longer."""
        self._stopping.set()


@dataclass(slots=True, kw_only=True)
class LiveDesk:
    """The desk, its administrator's browser and a token of the telephones."""

    serving: Serving
    store: Store
    folder: Path
    client: httpx2.Client
    token: str
    follower: Follower

    def is_ready(self) -> bool:
        """Tell whether everything of it works."""
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def is_followed(self) -> bool:
        """Let a call in that says nothing; tell whether whoever follows was told of it."""
        call_id = f"silent-{time.monotonic()}"
        with connect_now(
            f"{self.serving.live}/pcm", additional_headers={"Authorization": f"Bearer {self.token}"}
        ) as it:
            it.send(json.dumps({"call_id": call_id}))
            time.sleep(2)
        return call_id in self.follower.live_ids

    def call(self, telephones: Sequence[Telephone], *, at_once: int = 1000) -> None:
        """Let all of them call, so many at a time, and wait until the last has hung up."""

        async def every() -> None:
            lines = asyncio.Semaphore(at_once)
            await asyncio.gather(*(one(telephone, lines) for telephone in telephones))

        async def one(telephone: Telephone, lines: asyncio.Semaphore) -> None:
            async with lines:
                say(f"{telephone.call_id} calls")
                await telephone.call(f"{self.serving.live}/pcm", self.token)

        asyncio.run(every())

    def upload(self, name: str, content: bytes, call_id: str) -> int:
        """Put a recording in; return the upload's number."""
        added = self.client.post("/api/v1/uploads", json={"file_name": name, "call_id": call_id}).raise_for_status()
        self.client.put(added.json()["put_url"], content=content).raise_for_status()
        return int(added.json()["upload_id"])

    def processor_s(self) -> dict[str, float]:
        """Return the processor time that each process has used so far, and the machine's that was not idle."""
        tick = os.sysconf("SC_CLK_TCK")
        used = {"telephones": time.process_time()}
        for name in ("web", "worker"):
            fields = Path(f"/proc/{self.serving.child(name)}/stat").read_text("ascii").rpartition(")")[2].split()
            used[name] = (int(fields[11]) + int(fields[12])) / tick
        machine = Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:9]
        used["machine"] = sum(int(value) for index, value in enumerate(machine) if index not in (3, 4)) / tick
        return used


@contextlib.contextmanager
def open_live_desk(folder: Path, *, max_calls: int, is_masked: bool = True) -> Iterator[LiveDesk]:
    """Run a desk over an empty store until it is ready; someone follows its live calls from then on."""
    config = folder / "config"
    shutil.copytree(settings.default_dir("config"), config)
    path = config / "qareport.yaml"
    text = path.read_text("utf-8").replace("  max_calls: 50", f"  max_calls: {max_calls}", 1)
    path.write_text(text if is_masked else text.replace("  enabled: true", "  enabled: false", 1), "utf-8")
    url = f"sqlite:///{folder / 'live.db'}"
    now = datetime.now(UTC)
    with Store(url) as store:
        user = store.users.add("bench", UserRole.ADMIN, at=now)
        session = store.sessions.start(user.user_id, at=now, lasts=timedelta(hours=12), ip="", user_agent="benchmark")
        scopes = [Permission.LIVE_INGEST]
        _, token = store.tokens.add("telephones", user.user_id, scopes, at=now, lasts=timedelta(days=1))
        with (
            serving(
                "--store", url, "--config", str(config), "--model", "demo", "--log-format", "json", cwd=folder
            ) as server,
            httpx2.Client(
                base_url=server.address, cookies={"qareport": session}, trust_env=False, timeout=60,
                headers={"sec-fetch-site": "same-origin"},
            ) as client,
        ):  # fmt: skip
            follower = Follower()
            desk = LiveDesk(
                serving=server, store=store, folder=folder, client=client, token=token, follower=follower
            )  # fmt: skip
            wait_for(desk.is_ready, what="the desk")
            thread = threading.Thread(target=follower.follow, args=(client,), daemon=True)
            thread.start()
            wait_for(desk.is_followed, what="what is told of live calls")
            try:
                yield desk
            finally:
                follower.close()
