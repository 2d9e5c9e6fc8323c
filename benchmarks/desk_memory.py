"""What the desk's processes hold after hours of calls, uploads and pages (A11), by a clock that is compressed.

An hour is so many live calls, played faster than they were spoken, so many uploads and so many pages: what grows, grows
with them and not with the time between them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from benchmarks.live_desk import RATE, LiveDesk, open_live_desk, scripts, sound_of
from qareport import settings
from tests.support.serving import wait_for

#: Bars: megabytes of the desk's process and of the worker, per cent of growth in an hour, megabytes of a large upload.
DESK_MB, WORKER_MB, GROWTH, UPLOAD_MB = 200, 1536, 0.05, 20
LARGE_MB: Final = 499
#: Calls at a time, how much faster than spoken, and milliseconds of a frame.
_AT_ONCE, _SPEED, _FRAME_MS = 5, 8, 100
#: The first hours fill caches and load what is loaded once; growth counts after them.
_WARM: Final = 2
_UPLOADS: Final = 5
#: After an hour's work each process gives back what it does not need, at the latest so many seconds later.
_GIVEN_BACK_S: Final = 25
_PAGES: Final = (
    "/", "/calls", "/calls?q=退货", "/calls?q=ANGRY", "/heat", "/reports", "/review", "/rules", "/rules/service.yaml",
    "/board", "/upload", "/qa", "/exports", "/appeals", "/audit", "/settings/users", "/api/v1/calls",
    "/api/v1/live/calls",
)  # fmt: skip


def measure_growth(folder: Path, hours: int, calls: int) -> dict[str, Any]:
    """Let hours pass; return what each process held after each of them and the most in it, and whether bars are met."""
    held: dict[str, list[float]] = {"web": [], "worker": []}
    most: dict[str, list[float]] = {"web": [], "worker": []}
    with open_live_desk(folder, max_calls=50) as desk:
        before = {name: _held_mb(desk, name) for name in held}
        for hour in range(hours):
            for name in most:
                _count_the_most_anew(desk, name)
            asyncio.run(_play(desk, hour, calls))
            _upload(desk, hour)
            _look(desk)
            wait_for(lambda: _is_idle(desk), what="the end of the hour's work", seconds=1800)
            time.sleep(_GIVEN_BACK_S)
            for name in held:
                held[name].append(_held_mb(desk, name))
                most[name].append(_held_mb(desk, name, "VmHWM"))
            print(f"hour {hour + 1}: { ({name: mb[-1] for name, mb in held.items()}) }", flush=True)
        upload = _upload_large(desk)
    growth = {name: _growth(mb) for name, mb in held.items()}
    return {
        "hours": hours, "calls_an_hour": calls, "uploads_an_hour": _UPLOADS, "pages_an_hour": len(_PAGES),
        "before_mb": before, "held_mb": held, "most_mb": most, "growth_an_hour": growth, **upload,
        "load_average": round(os.getloadavg()[0], 1),
        "meets": max(most["web"]) <= DESK_MB and max(most["worker"]) <= WORKER_MB and max(growth.values()) <= GROWTH
        and upload["upload_adds_mb"] <= UPLOAD_MB,
    }  # fmt: skip


def _growth(mb: list[float]) -> float:
    """Return by what share the memory grows in an hour: the slope of a line through the hours after the first ones."""
    later = np.array(mb[_WARM:])
    if len(later) < 2:
        return 0.0
    slope = np.polyfit(np.arange(len(later)), later, 1)[0]
    return round(float(slope / later[0]), 4)


async def _play(desk: LiveDesk, hour: int, calls: int) -> None:
    """Let so many calls come in and end."""
    free = asyncio.Semaphore(_AT_ONCE)
    named = itertools.cycle(script["audio"] for script in scripts() if "mono" not in script["audio"])
    names = list(itertools.islice(named, calls))
    await asyncio.gather(*(_call(desk, free, f"hour{hour}-{number}", name) for number, name in enumerate(names)))


async def _call(desk: LiveDesk, free: asyncio.Semaphore, call_id: str, name: str) -> None:
    sound = sound_of(name)
    headers, size = {"Authorization": f"Bearer {desk.token}"}, RATE * _FRAME_MS // 1000
    async with free:
        for _ in range(20):
            try:
                async with connect(f"{desk.serving.live}/pcm", additional_headers=headers) as websocket:
                    first = {
                        "call_id": call_id,
                        "agent_id": "A1",
                        "rate": RATE,
                        "channels": len(sound),
                        "format": "s16le",
                    }
                    await websocket.send(json.dumps(first | {"roles": ["agent", "customer"]}))
                    began = time.monotonic()
                    for number, at in enumerate(range(0, sound.shape[1], size), start=1):
                        await websocket.send(np.ascontiguousarray(sound[:, at : at + size].T).tobytes())
                        await asyncio.sleep(max(0.0, began + number * _FRAME_MS / 1000 / _SPEED - time.monotonic()))
                    await websocket.send('{"end": true}')
                    return
            except (InvalidHandshake, TimeoutError):  # busy: the same call a little later
                await asyncio.sleep(2)
    raise SystemExit(f"{call_id} was never taken")


def _upload(desk: LiveDesk, hour: int) -> None:
    names = [script["audio"] for script in scripts()]
    for number in range(_UPLOADS):
        name = names[(hour * _UPLOADS + number) % len(names)]
        content = (settings.bundled_calls() / name).read_bytes() + bytes(1 + hour * _UPLOADS + number)
        desk.upload(name, content, f"upload-{hour}-{number}")


def _look(desk: LiveDesk) -> None:
    """Open each page, and a call."""
    calls = desk.client.get("/api/v1/calls").json()["items"]
    for address in (*_PAGES, *(f"/calls/{call['call_id']}" for call in calls[:10])):
        answer = desk.client.get(address)
        if answer.status_code >= 400:
            raise SystemExit(f"{address}: {answer.status_code}")
        time.sleep(0.11)


def _is_idle(desk: LiveDesk) -> bool:
    states = {call.state.value for call in desk.store.live_calls.list_ended(limit=1000)}
    waiting = desk.client.get("/readyz").json()["queue"]
    return not desk.store.live_calls.list_on() and not states & {"ended", "lost"} and not waiting


def _held_mb(desk: LiveDesk, name: str, field: str = "VmRSS") -> float:
    status = Path(f"/proc/{desk.serving.child(name)}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith(field))
    return round(int(line.split()[1]) / 1024, 1)


def _count_the_most_anew(desk: LiveDesk, name: str) -> None:
    Path(f"/proc/{desk.serving.child(name)}/clear_refs").write_text("5")


def _upload_large(desk: LiveDesk) -> dict[str, Any]:
    """Upload a large recording; return what it added to the desk's process while it came."""
    piece = bytes(1_000_000)

    def content() -> Iterator[bytes]:
        for _ in range(LARGE_MB):
            yield piece

    added = desk.client.post("/api/v1/uploads", json={"file_name": "large.wav"}).raise_for_status().json()
    before = _held_mb(desk, "web")
    _count_the_most_anew(desk, "web")
    with httpx2.Client(
        base_url=desk.serving.address, cookies=dict(desk.client.cookies), headers={"sec-fetch-site": "same-origin"},
        trust_env=False, timeout=600,
    ) as client:  # fmt: skip
        client.put(added["put_url"], content=content()).raise_for_status()
    most = _held_mb(desk, "web", "VmHWM")
    desk.client.delete(f"/api/v1/uploads/{added['upload_id']}")
    return {"upload_mb": LARGE_MB, "upload_adds_mb": round(most - before, 1)}
