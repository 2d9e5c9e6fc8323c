"""Kill the worker while it hears calls and recordings: what is lost, what is heard twice, when it is back (A10)."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from benchmarks.live_desk import RATE, LiveDesk, Telephone, open_live_desk, say, scripts, wait_until
from qareport import settings
from qareport.errors import NotFoundError

#: In seconds: a worker that ran for so long is started again after one second (`processes.Parent`).
_STEADY_S: Final = 62.0
#: A worker is killed within so many seconds after an upload and a call have begun.
_WITHIN_S: Final = 9.0
#: Bars: milliseconds of sound that a kill may lose, and seconds until the worker is ready again.
LOST_MS, BACK_S = 1000, 30
#: In seconds: whatever takes longer is not waited for.
_LONGEST_S: Final = 120.0
_ENDS: Final = {"done", "failed", "cancelled"}
#: Bytes of a WAV file before its sound.
_HEADER: Final = 44


@dataclass(slots=True)
class Answers:
    """Whether the desk answers all the while: asked five times a second."""

    slowest_ms: float = 0.0
    asked: int = 0
    failed: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def ask(self, desk: LiveDesk) -> None:
        """Ask until `close`; call it in a thread of its own."""
        while not self._stopping.wait(0.2):
            began = time.monotonic()
            try:
                status = desk.client.get("/api/v1/live/calls").status_code
            except httpx2.TransportError as error:
                status = 0
                self.failed.append(type(error).__name__)
            self.asked += 1
            self.failed += [str(status)] if status >= 400 else []
            self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began) * 1000)

    def close(self) -> None:
        """Ask no longer."""
        self._stopping.set()


def kill_workers(folder: Path, kills: int, chance: random.Random) -> dict[str, Any]:
    """Kill the worker so many times; return what was lost, and whether the bars are met."""
    two = [script for script in scripts() if "mono" not in script["audio"]]
    uploads: list[int] = []
    lost_ms: list[float] = []
    back_s: list[float] = []
    places: Counter[str] = Counter()
    with open_live_desk(folder, max_calls=5) as desk:
        answers = Answers()
        asking = threading.Thread(target=answers.ask, args=(desk,), daemon=True)
        asking.start()
        for number in range(kills):
            worker = desk.serving.child("worker")
            time.sleep(max(0.0, _STEADY_S - _WITHIN_S - _age_s(worker)))
            script = two[number % len(two)]
            content = (settings.bundled_calls() / script["audio"]).read_bytes()
            uploads.append(desk.upload(script["audio"], content + bytes(number), f"upload-{number}"))
            call = Telephone(call_id=f"killed-{number}", script=two[(number + 5) % len(two)])
            calling = threading.Thread(target=desk.call, args=([call],))
            calling.start()
            time.sleep(chance.uniform(0.0, _WITHIN_S))
            time.sleep(max(0.0, _STEADY_S - _age_s(worker)))
            places[str(desk.client.get(f"/api/v1/uploads/{uploads[-1]}").json()["state"])] += 1
            os.kill(worker, signal.SIGKILL)
            killed, sent_ms = time.monotonic(), call.sent_ms
            lost_ms.append(max(0.0, sent_ms - _recorded_ms(desk, call)) if call.began_s else 0.0)
            calling.join()
            wait_until(lambda old=worker: desk.serving.child("worker") != old, seconds=_LONGEST_S)  # type: ignore[misc]
            wait_until(lambda: _takes_calls(desk), seconds=_LONGEST_S)
            back_s.append(time.monotonic() - killed)
            say(f"kill {number + 1} of {kills}: {lost_ms[-1]:.0f} ms lost, back after {back_s[-1]:.1f} s")
        wait_until(lambda: not set(_states(desk, uploads)) - _ENDS, seconds=_LONGEST_S)
        wait_until(lambda: not _unjudged(desk), seconds=_LONGEST_S)
        ends, unjudged = Counter(_states(desk, uploads)), _unjudged(desk)
        over = desk.store.live_calls.list_ended(
            limit=1000
        )  # also the silent ones that showed that the desk is followed
        calls = Counter(call.state.value for call in over if call.call_id.startswith("killed-"))
        answers.close()
        asking.join()
        stored = sum(_has_result(desk, f"upload-{number}") for number in range(kills))
        heard = Counter(recordings_heard(desk))
    return {
        "kills": kills, "in_work_when_killed": dict(places), "uploads": dict(ends), "results": stored,
        "live_calls": dict(calls), "unjudged": unjudged,
        "heard_twice": sorted(call_id for call_id, times in heard.items() if times > 1),
        "lost_ms": [round(value) for value in lost_ms], "back_s": [round(value, 1) for value in back_s],
        "asked": answers.asked, "unanswered": answers.failed, "slowest_ms": round(answers.slowest_ms),
        "load_average": round(os.getloadavg()[0], 1),
        "meets": ends == {"done": kills} and stored == kills and not unjudged
        and max(lost_ms) <= LOST_MS and max(back_s) <= BACK_S and not answers.failed and max(heard.values()) == 1,
    }  # fmt: skip


def _recorded_ms(desk: LiveDesk, call: Telephone) -> float:
    """Return how much of a call is on the disk."""
    own = next((each for each in desk.store.live_calls.list_on() if each.call_id == call.call_id), None)
    path = desk.folder / own.audio_path if own is not None else None
    return max(0, path.stat().st_size - _HEADER) / (2 * len(call.sound) * RATE) * 1000 if path else 0.0


def _takes_calls(desk: LiveDesk) -> bool:
    """Tell whether the port of live calls lets a telephone in."""
    try:
        with connect(f"{desk.serving.live}/pcm", additional_headers={"Authorization": f"Bearer {desk.token}"}):
            return True
    except (OSError, WebSocketException):
        return False


def _age_s(process: int) -> float:
    """Return how long a process has run."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    up_s = float(Path("/proc/uptime").read_text("ascii").split()[0])
    return up_s - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _states(desk: LiveDesk, uploads: Sequence[int]) -> list[str]:
    return [str(desk.client.get(f"/api/v1/uploads/{upload}").json()["state"]) for upload in uploads]


def _unjudged(desk: LiveDesk) -> list[str]:
    """Return the live calls whose recording is not judged yet."""
    calls = [*desk.store.live_calls.list_on(), *desk.store.live_calls.list_ended(limit=1000)]
    return [f"{call.call_id} {call.state}" for call in calls if call.state.value not in ("merged", "merge_failed")]


def _has_result(desk: LiveDesk, call_id: str) -> bool:
    try:
        return bool(desk.store.results.get(call_id).segments)
    except NotFoundError:
        return False


def recordings_heard(desk: LiveDesk) -> Iterator[str]:
    """Yield the id of a call each time that its recording was heard to the end."""
    for line in desk.serving.log.read_text("utf-8").splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            if (said.get("step"), said.get("outcome")) == ("transcribe", "done"):
                yield str(said.get("call_id"))
