"""How soon an upload is on the page (A3): its first line, all of it, its result, its sound; alone, and ten at once."""

from __future__ import annotations

import io
import os
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx2
import numpy as np

from benchmarks.live_desk import RATE, LiveDesk, open_live_desk, scripts, sound_of

#: Bars, in seconds after the last byte: first line, whole text, result, sound; and all of ten.
FIRST_S, WHOLE_S, RESULT_S, SOUND_S, TEN_S = 3.0, 6.0, 6.5, 10.0, 60.0
#: Seconds of a call.
_LENGTH_S: Final = 180
_AGAIN_S: Final = 0.05
_MOST_S: Final = 300.0


def measure_uploads(folder: Path, *, runs: int = 3) -> dict[str, Any]:
    """Upload calls of three minutes to a warm desk; returns the slowest of each figure, and whether bars are met."""
    with open_live_desk(folder, max_calls=1) as desk:
        _follow(desk, 0, seconds=20)
        alone = [_follow(desk, number, seconds=_LENGTH_S) for number in range(1, runs + 1)]
        began = time.monotonic()
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda number: _follow(desk, number, seconds=_LENGTH_S), range(100, 110)))
        ten_s = round(time.monotonic() - began, 1)
    worst = {name: max(times[name] for times in alone) for name in alone[0]}
    bars = {"first_line_s": FIRST_S, "whole_s": WHOLE_S, "result_s": RESULT_S, "sound_s": SOUND_S}
    return {
        "seconds_of_a_call": _LENGTH_S, "runs": runs, **worst, "ten_at_once_s": ten_s, "bars": bars | {"ten": TEN_S},
        "load_average": round(os.getloadavg()[0], 1),
        "meets": all(worst[name] <= bar for name, bar in bars.items()) and ten_s <= TEN_S,
    }  # fmt: skip


def _follow(desk: LiveDesk, number: int, *, seconds: int) -> dict[str, float]:
    """Upload a call; returns how long after its last byte each of what a person waits for was there."""
    with httpx2.Client(
        base_url=desk.serving.address, cookies=dict(desk.client.cookies), headers={"sec-fetch-site": "same-origin"},
        trust_env=False, timeout=_MOST_S,
    ) as client:  # fmt: skip
        name = f"upload-{seconds}-{number}"
        new = {"file_name": f"{name}.wav", "call_id": name, "agent_id": "A1", "channel_roles": ["agent", "customer"]}
        added = client.post("/api/v1/uploads", json=new).raise_for_status().json()
        client.put(added["put_url"], content=_call(number, seconds)).raise_for_status()
        began = time.monotonic()
        times = dict(_told(client, added["upload_id"], began))
        for what, address in (("result_s", f"/api/v1/calls/{name}/report"), ("sound_s", f"/calls/{name}/sound")):
            while client.get(address, headers={"range": "bytes=0-99"}).status_code >= 300:
                if time.monotonic() - began > _MOST_S:
                    raise SystemExit(f"{address} was never there")
                time.sleep(_AGAIN_S)
            times[what] = round(time.monotonic() - began, 2)
    return times


def _told(client: httpx2.Client, upload_id: int, began: float) -> Iterator[tuple[str, float]]:
    """Yield when the first line came, and when all was there."""
    with client.stream("GET", f"/api/v1/uploads/{upload_id}/events") as events:
        is_first = True
        for line in events.iter_lines():
            if line == "event: line" and is_first:
                is_first = False
                yield "first_line_s", round(time.monotonic() - began, 2)
            elif line == "event: done":
                yield "whole_s", round(time.monotonic() - began, 2)
                return


def _call(number: int, seconds: int) -> bytes:
    """Join bundled calls with two channels to one of so many seconds, each number from another place on."""
    sounds = [sound_of(script["audio"]) for script in scripts() if "mono" not in script["audio"]]
    sound = np.roll(np.concatenate([part for part in sounds if len(part) == 2], axis=1), -number * 5 * RATE, axis=1)
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(2)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(np.ascontiguousarray(sound[:, : seconds * RATE].T).tobytes())
    return file.getvalue()
