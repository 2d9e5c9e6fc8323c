"""Kill the worker at chosen places of its work on uploads: none is lost, none heard twice, the desk answers (A10)."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2

from benchmarks.live_desk import LiveDesk, open_live_desk
from benchmarks.live_kills import BACK_S, Answers, recordings_heard
from qareport import settings
from qareport.web.uploading import state_of
from tests.support.serving import wait_for

#: Where an upload is when the worker is killed: its state, and seconds after that state was first seen.
PLACES: Final = (
    ("receiving", 0.0), ("queued", 0.0), ("decoding", 0.0), ("decoding", 0.2), ("hearing", 0.0), ("hearing", 0.3),
    ("hearing", 0.8), ("hearing", 1.5), ("judging", 0.0), ("judging", 0.1),
)  # fmt: skip
_OVER: Final = ("done", "failed", "cancelled")
#: A worker that ran for so long is started again after one second (`processes.Parent`).
_STEADY_S: Final = 61.0
_RECORDING: Final = "c01-shipping-doubt.ogg"


def kill_uploads(folder: Path, kills: int) -> dict[str, Any]:
    """Kill the worker so many times, at each place in turn; return what became of the uploads."""
    content = (settings.bundled_calls() / _RECORDING).read_bytes()
    uploads, back_s, places = [], [], Counter[str]()
    with open_live_desk(folder, max_calls=1) as desk:
        answers = Answers()
        asking = threading.Thread(target=answers.ask, args=(desk,), daemon=True)
        asking.start()
        started = time.monotonic()
        for number, (place, later_s) in zip(range(kills), itertools.cycle(PLACES), strict=False):
            time.sleep(max(0.0, started + _STEADY_S - time.monotonic()))
            worker = desk.serving.child("worker")
            upload = _announce(desk, number)
            putting = threading.Thread(target=_put, args=(desk, upload, content + bytes(number), place == "receiving"))
            putting.start()
            places[_wait_for_place(desk, upload, place, later_s)] += 1
            os.kill(worker, signal.SIGKILL)
            killed = time.monotonic()
            putting.join()
            uploads.append(upload)
            wait_for(lambda old=worker: desk.serving.child("worker") != old, what="another worker")  # type: ignore[misc]
            started = time.monotonic()
            wait_for(desk.is_ready, what="the engine")
            back_s.append(round(time.monotonic() - killed, 1))
        ends = Counter(wait_for(lambda at=at: _end_of(desk, at), what="an upload") for at in uploads)  # type: ignore[misc]
        answers.close()
        asking.join()
        stored = sum(bool(desk.store.results.get(f"upload-{number}").segments) for number in range(kills))
        heard = Counter(recordings_heard(desk))
    return {
        "kills": kills, "state_when_killed": dict(places), "uploads": dict(ends), "results": stored,
        "heard_twice": sorted(call_id for call_id, times in heard.items() if times > 1), "back_s": back_s,
        "asked": answers.asked, "unanswered": answers.failed, "slowest_ms": round(answers.slowest_ms),
        "load_average": round(os.getloadavg()[0], 1),
        "meets": ends == {"done": kills} and stored == kills and max(back_s) <= BACK_S and not answers.failed
        and max(heard.values()) == 1,
    }  # fmt: skip


def _announce(desk: LiveDesk, number: int) -> int:
    body = {"file_name": _RECORDING, "call_id": f"upload-{number}"}
    return int(desk.client.post("/api/v1/uploads", json=body).raise_for_status().json()["upload_id"])


def _put(desk: LiveDesk, upload: int, content: bytes, slowly: bool) -> None:
    """Send the bytes; slowly: in two halves with a second between them."""

    def halves() -> Iterator[bytes]:
        yield content[: len(content) // 2]
        time.sleep(1)
        yield content[len(content) // 2 :]

    body = halves() if slowly else content
    headers = {"sec-fetch-site": "same-origin"}
    cookies = dict(desk.client.cookies)
    with httpx2.Client(base_url=desk.serving.address, cookies=cookies, headers=headers, trust_env=False) as client:
        client.put(f"/api/v1/uploads/{upload}/content", content=body, timeout=60).raise_for_status()


def _wait_for_place(desk: LiveDesk, upload: int, place: str, later_s: float) -> str:
    """Wait until an upload is in a state, or past it; return the state in which it is then."""
    order = ("receiving", "queued", "decoding", "hearing", "judging", *_OVER)
    until = time.monotonic() + 900
    while order.index(_state(desk, upload)) < order.index(place):
        if time.monotonic() > until:
            raise SystemExit(f"upload {upload} was never {place}")
        time.sleep(0.01)
    time.sleep(later_s)
    return _state(desk, upload)


def _state(desk: LiveDesk, upload: int) -> str:
    return state_of(desk.store.jobs.get(upload)).state  # of the store: programs may ask ten times a second


def _end_of(desk: LiveDesk, upload: int) -> str | None:
    state = _state(desk, upload)
    return state if state in _OVER else None
