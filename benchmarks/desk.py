"""Measure the desk over hundreds of thousands of calls: its lists, its pages, a call, rules, and its memory.

    python -m benchmarks.desk [--calls 200000] [--postgresql] [--keep FOLDER]
    python -m benchmarks.desk --only A3,A10,A11,A12,A20

fills a store with the calls of a year (`benchmarks.large_store`), runs `qareport serve --no-engine` over it as a user
does, and asks for pages over HTTP. Milliseconds are wall time of whole answers as a client on the same machine sees
them, `cpu_ms` the processor time of the desk's process and of PostgreSQL's for one of them (in steps of 10 ms,
averaged). On a busy machine wall time says little: `load` is the load average of the last minute. PostgreSQL has a
quarter of the memory for buffers, and the search index in them beforehand. `--keep` keeps the store for further runs.
Writes benchmarks/results/desk.json, an entry for each size and database. Bars: `BARS`, for a million calls.

Parts that need no such store are measured by themselves, with `--only`:

    A3    how soon an upload is on the page (`benchmarks.desk_uploads`)
    A10   the worker killed at chosen places of its work on uploads (`benchmarks.desk_kills`; --kills 20)
    A11   memory of both processes after hours of calls, by a compressed clock (`benchmarks.desk_memory`; --hours 8)
    A12   seven tabs and the board in one browser (`benchmarks.desk_tabs`)
    A20   the wheel in a new environment without a network (`benchmarks.desk_install`)
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx2
import numpy as np

from benchmarks.desk_install import open_installed
from benchmarks.desk_kills import kill_uploads
from benchmarks.desk_memory import measure_growth
from benchmarks.desk_uploads import measure_uploads
from benchmarks.large_store import fill, warm, whole_calls
from benchmarks.machine import describe, family_s, processor_s, server_of
from benchmarks.rules import make_calls
from qareport.audio.containers import sha256_of
from qareport.model import Agents, AudioInfo, Call, CallReport, UserRole
from qareport.settings import default_dir
from qareport.store import Store
from qareport.workflows.call_sound import make_listening
from qareport.workflows.judge import judge_call
from qareport.workflows.workspace import Workspace
from tests.support import postgres
from tests.support.serving import Serving, serving, wait_for

RESULT = Path(__file__).parent / "results" / "desk.json"
#: In milliseconds, p95.
BARS: Final = {
    "list": 200, "words": 500, "heat": 300, "today": 300, "call": 300, "long call": 300, "waveform": 300, "sound": 1000,
    "verdict": 2000, "swap": 2000, "lint": 200, "replay": 10_000,
}  # fmt: skip
REPEATS = 5
#: What is added up once a day is asked for so often: the slowest of them (`worst_ms`) adds it up, p95 does not.
OFTEN = 20
#: Length of the call that is played from any of its sentences, and how many of these are clicked on.
LONG_MS, CLICKS = 3 * 3_600_000, 20
#: What a browser asks for to play on: a quarter of a minute.
_PIECE: Final = 65_536
#: Calls that a replay walks through.
REPLAYED = 10_000
UPLOAD_MB = 499
#: A person may ask for 20 pages a second, a program for 10.
_PAUSE_S: Final = 0.11


@dataclass
class Desk:
    """A desk that runs, an administrator's browser, and what was measured of it."""

    serving: Serving
    client: httpx2.Client
    #: Process of the database server; None: SQLite.
    server: int | None = None
    #: Milliseconds of wall and processor time by group and address.
    times: dict[str, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)

    def ask(
        self, group: str, name: str, send: Callable[[], httpx2.Response], *, times: int = REPEATS
    ) -> httpx2.Response:
        """Send a request several times and note how long each took."""
        for _ in range(times):
            began, busy = time.perf_counter(), self.processor_s()
            answer = send()
            taken = (time.perf_counter() - began) * 1000, (self.processor_s() - busy) * 1000
            if answer.status_code >= 400:
                raise SystemExit(f"{name}: {answer.status_code} {answer.text[:300]}")
            self.times.setdefault(group, {}).setdefault(name, []).append(taken)
            time.sleep(_PAUSE_S)
        return answer

    def get(self, group: str, address: str, *, times: int = REPEATS) -> httpx2.Response:
        """Ask for a page several times."""
        return self.ask(group, address, lambda: self.client.get(address), times=times)

    def processor_s(self) -> float:
        """Return the processor time that the desk's process and the database's have used."""
        return processor_s(self.serving.process.pid) + (family_s(self.server) if self.server else 0)

    def memory_mb(self, name: str) -> float:
        """Return its resident memory (`VmRSS`), or the most it has held (`VmHWM`)."""
        status = Path(f"/proc/{self.serving.process.pid}/status").read_text("ascii")
        found = re.search(rf"{name}:\s+(\d+)", status)
        return round(int(found.group(1)) / 1024, 1) if found else 0.0

    def result(self) -> dict[str, Any]:
        """Sum up what was measured, group by group, with the slowest addresses of each."""
        return {
            group: {"bar_ms": BARS[group], "addresses": len(found)}
            | _figures(list(itertools.chain.from_iterable(found.values())))
            | {"slowest": {name: _figures(times) for name, times in sorted(found.items(), key=_middle)[-8:]}}
            for group, found in self.times.items()
        }


def _figures(times: list[tuple[float, float]]) -> dict[str, float]:
    wall = sorted(taken for taken, _ in times)
    processor = sorted(busy for _, busy in times)
    place = max(0, -(-len(wall) * 95 // 100) - 1)
    return {
        "p50_ms": round(statistics.median(wall), 1),
        "p95_ms": round(wall[place], 1),
        "worst_ms": round(wall[-1], 1),
        "cpu_ms": round(statistics.fmean(processor), 1),
        "cpu_p95_ms": round(processor[place], 1),
    }


def _middle(item: tuple[str, list[tuple[float, float]]]) -> float:
    return statistics.median(wall for wall, _ in item[1])


# --- what is asked ----------------------------------------------------------------------------------------------------


def facets_of(store: Store) -> Iterator[tuple[str, str]]:
    """Yield values of the form's fields: of each facet the commonest and the rarest."""
    for kind, counted in store.call_pages.count_facets(Agents()).items():
        yield from {(kind, counted[place][0]): None for place in (0, -1) if counted}
    yield from (("team", "t03"), ("agent", "A017"), ("risk", "high"), ("risk", "low"))
    today = datetime.now(UTC).date()
    yield ("from", str(today - timedelta(days=31)))
    yield ("to", str(today - timedelta(days=300)))


def measure_lists(desk: Desk, facets: list[tuple[str, str]]) -> None:
    """A1: the first page and the next ones, each facet alone and any two, by time and by score; words."""
    pairs = [dict(pair) for pair in itertools.combinations(facets, 2) if pair[0][0] != pair[1][0]]
    for choice in ({}, *(dict([facet]) for facet in facets), *pairs):
        for sort in ("-started", "score"):
            address = "/calls?" + urlencode(choice | {"sort": sort})
            further = desk.get("list", address, times=1).text
            for _ in range(1 if len(choice) == 1 else 0 if choice else 3):
                found = re.search(r'href="(/calls\?[^"]*after=[^"]*)"', further)
                if found is None:
                    break
                further = desk.get("list", found.group(1).replace("&amp;", "&"), times=1).text
    for sort in ("-started", "score"):
        desk.get("words", "/calls?" + urlencode({"q": "ANGRY AND 退货", "sort": sort}))
        desk.get("words", "/calls?" + urlencode({"q": "ANGRY AND 退货", "in": "call", "sort": sort}))


def measure_pages(desk: Desk, store: Store, calls: int) -> None:
    """A2 and the page of a call: heat maps, what is to be done today, calls."""
    desk.get("heat", "/heat", times=OFTEN)
    desk.get("heat", "/heat?team=t03")
    stages = store.call_pages.count_facets(Agents())["stage"]
    desk.get("heat", "/heat?" + urlencode({"stage": stages[0][0]}))
    desk.get("today", "/", times=OFTEN)
    for call_id in itertools.islice(whole_calls(calls), REPEATS):
        desk.get("call", f"/calls/{call_id}", times=2)


def measure_long_call(desk: Desk, store: Store, folder: Path) -> dict[str, Any]:
    """A4: page, wave and sound of a call of three hours, from any of its sentences.

    Sound is measured as the pieces that a browser asks for, from where the sentence stands in the file; to find that
    place it asks for a few more.
    """
    call = put_long_call(store, folder)
    desk.get("long call", f"/calls/{call.call_id}")
    wave = desk.get("waveform", f"/calls/{call.call_id}/waveform")
    address = f"/calls/{call.call_id}/sound"
    size = int(desk.client.get(address, headers={"range": "bytes=0-0"}).headers["content-range"].rpartition("/")[2])
    for segment in random.Random(5).sample(call.segments, CLICKS):
        begin = min(size - 1, size * segment.start_ms // LONG_MS)
        asked = {"range": f"bytes={begin}-{min(size, begin + _PIECE) - 1}"}
        desk.ask("sound", address, lambda: desk.client.get(address, headers=asked), times=1)  # noqa: B023 - sent at once
    figures = {"sentences": len(call.segments), "waveform_kb": round(len(wave.content) / 1000), "bar_waveform_kb": 500}
    return {"long_call": figures | {"sound_mb": round(size / 1e6, 1)}}


def put_long_call(store: Store, folder: Path) -> CallReport:
    """Put a call of three hours with its recording, and make what is played and drawn of it."""
    import soundfile

    path, rate = folder / "long.wav", 8_000
    noise = np.random.default_rng(3)
    with soundfile.SoundFile(path, "w", samplerate=rate, channels=2) as file:
        for _ in range(LONG_MS // 60_000):  # a minute of voices, as loud as such: what they say plays no part
            file.write(noise.normal(0, 0.05, (60 * rate, 2)).astype(np.float32))
    with Workspace.open(config=default_dir("config")) as workspace:
        book, settings = workspace.rule_book, workspace.settings
    (transcript,) = make_calls(book, 1, length_ms=LONG_MS)
    began = datetime.now(UTC) - timedelta(days=200)
    audio = AudioInfo(path=str(path), sha256=sha256_of(path), duration_ms=LONG_MS, sample_rate=rate, channels=2)
    call = Call(call_id="long", audio_path=str(path), agent_id="A017", started_at=began)
    report = judge_call(call, replace(transcript, call_id="long", started_at=began, audio=audio), book)
    store.results.put("long".ljust(64, "0"), call, report, rules_sha256=book.ruleset.sha256)
    make_listening(folder / settings.desk.folder / "sound", report, settings.privacy, max_duration_ms=LONG_MS + 60_000)
    return report


def put_heard_calls(store: Store) -> Sequence[str]:
    """Put calls of three minutes with their transcripts, from which a swap of roles judges them anew."""
    with Workspace.open(config=default_dir("config")) as workspace:
        book = workspace.rule_book
    names = [f"heard-{number}" for number in range(REPEATS)]
    for name, transcript in zip(names, make_calls(book, REPEATS, length_ms=180_000), strict=True):
        call = Call(call_id=name, audio_path="", agent_id="A017", started_at=datetime.now(UTC) - timedelta(days=200))
        own = replace(transcript, call_id=name, started_at=call.started_at)
        store.transcripts.put(name.ljust(64, "0"), own)
        report = judge_call(call, own, book)
        store.results.put(name.ljust(64, "1"), call, report, rules_sha256=book.ruleset.sha256)
    return names


def measure_rules(desk: Desk, calls: int, heard: Sequence[str]) -> dict[str, Any]:
    """A5: a verdict with its new score, a swap of roles, lint of the bundled rules, replay of an edited one."""
    client = desk.client
    given = 0
    for call_id in whole_calls(calls):
        findings = client.get(f"/api/v1/calls/{call_id}/findings").json()["findings"]
        if findings:
            address = f"/api/v1/calls/{call_id}/findings/{findings[0]['finding_id']}/verdict"
            body = {"verdict": "rejected", "reason": "wrong_words"}
            desk.ask("verdict", "verdict", lambda: client.put(address, json=body), times=1)  # noqa: B023 - sent at once
            given += 1
        time.sleep(_PAUSE_S)
        if given == REPEATS:
            break
    for call_id in heard:
        desk.ask("swap", "swap", lambda: client.post(f"/api/v1/calls/{call_id}/swap-roles"), times=1)  # noqa: B023
    name = "service.yaml"
    client.get(f"/rules/{name}")  # as who edits it does first
    text = client.get(f"/api/v1/rules/files/{name}").json()["text"]
    for number in range(REPEATS):  # each text is a new one, as in an editor
        edit = {"files": {name: f"{text}\n# {number}\n"}}
        desk.ask("lint", "lint", lambda: client.post("/api/v1/rules/lint", json=edit), times=1)  # noqa: B023
    days = max(1, -(-REPLAYED * 365 // calls))
    first = datetime.now(UTC).date() - timedelta(days=days)
    harder = re.sub(r"points: -(\d+)", lambda points: f"points: -{int(points[1]) + 1}", text, count=3)
    edit = {"files": {name: harder}, "first": str(first)}
    answer = desk.ask("replay", "replay", lambda: client.post("/api/v1/rules/replay", json=edit, timeout=300), times=2)
    return {"replayed": {key: value for key, value in answer.json().items() if isinstance(value, int)}}


def measure_memory(desk: Desk) -> dict[str, float]:
    """A11 in its short form: what the process holds after all of this, and what a large upload adds."""
    before, held = desk.memory_mb("VmRSS"), desk.memory_mb("VmHWM")
    client = desk.client
    added = client.post("/api/v1/uploads", json={"file_name": "large.wav"}).json()
    piece = bytes(1_000_000)

    def content() -> Iterator[bytes]:
        for _ in range(UPLOAD_MB):
            yield piece

    Path(f"/proc/{desk.serving.process.pid}/clear_refs").write_text("5")  # the most it has held counts from here on
    began = time.perf_counter()
    answer = client.put(added["put_url"], content=content(), timeout=600)
    if answer.status_code != 202:
        raise SystemExit(answer.text)
    seconds = time.perf_counter() - began
    most = desk.memory_mb("VmHWM")
    client.delete(f"/api/v1/uploads/{added['upload_id']}")
    return {
        "resident_mb": before, "most_before_mb": held, "upload_mb": UPLOAD_MB, "upload_s": round(seconds, 1),
        "upload_adds_mb": round(most - before, 1), "bar_mb": 200, "bar_upload_mb": 20,
    }  # fmt: skip


# --- the run ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _open_desk(url: str, folder: Path, store: Store) -> Iterator[Desk]:
    """Run a desk over a store, with an administrator logged in."""
    user = store.users.find("bench") or store.users.add("bench", UserRole.ADMIN, at=datetime.now(UTC))
    token = store.sessions.start(
        user.user_id, at=datetime.now(UTC), lasts=timedelta(hours=12), ip="", user_agent="benchmark"
    )
    with serving("--no-engine", "--store", url, cwd=folder) as server:
        headers = {"sec-fetch-site": "same-origin", "accept-language": "zh-CN"}
        client = httpx2.Client(
            base_url=server.address, headers=headers, cookies={"qareport": token}, trust_env=False, timeout=120
        )
        wait_for(lambda: _answers(client), what="the desk")
        yield Desk(serving=server, client=client, server=server_of(store))


def _answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def measure(url: str, calls: int, folder: Path) -> Mapping[str, Any]:
    """Fill a store and measure the desk over it."""
    with Store(url) as store:
        seconds = 0.0
        if store.calls.count().total < calls:  # what earlier runs put beside them counts, too
            began = time.monotonic()
            until = datetime.now(UTC).astimezone() - timedelta(days=1)
            fill(store, calls, until=until, on_progress=lambda done: print(f"{done} calls", end="\r", flush=True))
            seconds = time.monotonic() - began
        warm(store)
        with _open_desk(url, folder, store) as desk:
            start_mb = desk.memory_mb("VmRSS")
            load = os.getloadavg()[0]
            measure_lists(desk, list(facets_of(store)))
            measure_pages(desk, store, calls)
            long_call = measure_long_call(desk, store, folder)
            replayed = measure_rules(desk, calls, put_heard_calls(store))
            memory = {"start_mb": start_mb} | measure_memory(desk)
            return {
                "database": url.partition(":")[0], "calls": calls, "store_mb": store.maintenance.size_bytes() >> 20,
                "fill_s": round(seconds), "load": [round(load, 1), round(os.getloadavg()[0], 1)],
                **desk.result(), **long_call, **replayed, "memory": memory,
            }  # fmt: skip


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--postgresql", action="store_true", help="start a PostgreSQL server for it")
    parser.add_argument("--keep", type=Path, help="folder of the store, which is then kept and filled only once")
    parser.add_argument("--only", default="", help="parts that need no store: A3,A10,A11,A12,A20")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--hours", type=int, default=8)
    parser.add_argument("--live-calls", type=int, default=50, help="live calls of such an hour")
    options = parser.parse_args()
    if options.only:
        _write_parts(options)
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        keep = options.keep and options.keep / "postgresql"
        own = stack.enter_context(postgres.own_database("desk", keep=keep)) if options.postgresql else None
        measured = measure(own or f"sqlite:///{options.keep or folder}/desk.db", options.calls, Path(folder))
    _keep("runs", f"{measured['database']} {measured['calls']}", measured)


def _write_parts(options: argparse.Namespace) -> None:
    """Measure parts that need no large store."""
    for part in options.only.split(","):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if part == "A3":
                measured = measure_uploads(folder)
            elif part == "A10":
                measured = kill_uploads(folder, options.kills)
            elif part == "A11":
                measured = measure_growth(folder, options.hours, options.live_calls)
            elif part == "A12":
                from benchmarks.desk_tabs import measure_tabs

                measured = measure_tabs(folder)
            elif part == "A20":
                measured = open_installed()
            else:
                raise SystemExit(f"no part {part!r}")
            _keep("parts", part, measured)


def _keep(kind: str, name: str, measured: Mapping[str, Any]) -> None:
    """Write a result beside those that are there."""
    known = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    known[kind] = dict(sorted((known.get(kind, {}) | {name: measured}).items()))
    result = {"machine": describe(), "runs": known.get("runs", {}), "parts": known.get("parts", {})}
    RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(measured, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
