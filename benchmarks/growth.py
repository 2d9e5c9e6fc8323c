"""Measure how the work on a store grows with its calls: the same questions in stores of several sizes.

    python -m benchmarks.growth [--calls 10000 100000] [--postgresql] [--keep FOLDER]

fills a store of each size with the calls of a year (`benchmarks.large_store`) and measures processor time, which a busy
machine changes least: of pages of calls, searches, a heat map, the deletion of an order, a replay of 500 calls, an
export of 100 and a backup. `exponent` is that of the growth from the smallest store to the largest: 0 where the size
does not matter, 1 where twice the calls take twice the time, 2 where they take four times as long. With PostgreSQL the
server's own work is in the wall time alone. How much room a call takes is measured apart, on calls that are put with
transcript (times of characters and scores of tags, as heard), snapshot and summary as a run puts them. Writes
benchmarks/results/growth.json. Bar: 65 KB a call.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.large_store import fill, whole_calls
from benchmarks.machine import describe
from benchmarks.rules import make_calls
from qareport import periods, rules, search
from qareport.model import Agents, AudioEvent, Call, Emotion, Segment, Token
from qareport.search import Node
from qareport.settings import default_dir
from qareport.store import Store
from qareport.store.call_pages import CallPageQuery
from qareport.workflows.judge import judge_call
from qareport.workflows.workspace import Workspace
from tests.support import postgres

RESULT = Path(__file__).parent / "results" / "growth.json"
REPEATS: Final = 5
ZONE: Final = "Asia/Shanghai"
#: When the last call of each store began.
UNTIL: Final = datetime.fromisoformat("2026-11-20T21:00:00+08:00")
#: Calls that are put to see how much room one takes, and how long each is: three minutes.
PUT, LENGTH_MS = 40, 180_000


def asked(text: str) -> Node:
    """Parse a query."""
    return search.parse(text, time_zone=ZONE)


def works(store: Store, calls: int, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Name what is measured; each may be done again."""
    everyone, names, copies = Agents(), whole_calls(calls), itertools.count()
    page = store.call_pages.list(CallPageQuery())
    month = periods.bounds(periods.range_of(UNTIL.date() - timedelta(days=30), UNTIL.date(), ZONE))
    day_of = partial(periods.day_around, time_zone=ZONE)
    yield "first page of calls", lambda: store.call_pages.list(CallPageQuery())
    yield "next page of calls", lambda: store.call_pages.list(CallPageQuery(after=page.calls[-1].place))
    yield "search, rare", lambda: store.search_index.search(asked("ANGRY AND 退货"))
    yield "search, in older calls", lambda: store.search_index.search(asked("退货"), limit=2_000)
    yield "heat map of a month", lambda: store.call_pages.count_heat(month, everyone, day_of=day_of)
    yield "look for calls without an index", lambda: store.search_index.index_missing(on_progress=lambda *_: None)
    yield "find the calls of a customer", lambda: store.deletion.find_calls(customer="13900000042")
    yield "replay of 500 calls", lambda: sum(1 for _ in store.results.list_snapshots(most=500))
    yield "export of 100 calls", lambda: sum(1 for _ in store.results.list(list(whole_calls(calls))[:100]))

    def delete() -> None:
        found = store.deletion.find_calls(call=next(names))
        store.deletion.delete(found, by="call", selector="x", now=datetime.now(UTC))

    yield "deletion of a call", delete
    if store.database.is_sqlite:
        yield "backup", lambda: store.maintenance.backup(folder / f"backup-{calls}-{next(copies)}.db")


def measure(url: str, calls: int, folder: Path) -> dict[str, Any]:
    """Fill a store unless it is full, and measure everything in it."""
    with Store(url) as store:
        began = time.process_time()
        if not store.calls.count().total:
            fill(store, calls, until=UNTIL)
        filled = time.process_time() - began
        store.search_index.index_missing(on_progress=lambda *_: None)
        measured = {}
        for name, work in works(store, calls, folder):
            times = [_time(work) for _ in range(REPEATS)]
            measured[name] = {
                "cpu_ms": round(statistics.median(cpu for cpu, _ in times), 2),
                "ms": round(statistics.median(wall for _, wall in times), 2),
            }
        return {
            "database": url.partition(":")[0],
            "calls": calls,
            "fill_cpu_s": round(filled, 1),
            "load": round(os.getloadavg()[0], 1),
            "works": measured,
        }


def _time(work: Callable[[], object]) -> tuple[float, float]:
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return (time.process_time() - busy) * 1000, (time.perf_counter() - wall) * 1000


def room_of_a_call(url: str) -> dict[str, float]:
    """Put calls of three minutes as a run does, and see how much the store grows by each."""
    with Store(url) as store, Workspace.open(config=default_dir("config")) as workspace:
        book = workspace.rule_book
        empty, seconds = store.maintenance.size_bytes(), 0.0
        dice = random.Random(3)
        for number, made in enumerate(make_calls(book, PUT, length_ms=LENGTH_MS)):
            transcript = replace(made, segments=tuple(_as_heard(segment, dice) for segment in made.segments))
            call = Call(call_id=transcript.call_id, audio_path="", order_id=f"o{number}", started_at=UNTIL)
            report = judge_call(call, transcript, book)
            summary = periods.summarise_call(report, call.order_id, rules_sha256=book.ruleset.sha256)
            snapshot = rules.CallSnapshot.take(report, call.order_id).to_json()
            began = time.process_time()
            store.transcripts.put(f"{number:064d}", transcript)
            store.results.put(
                f"{number:064d}", call, report, rules_sha256=book.ruleset.sha256, snapshot=snapshot, summary=summary
            )
            seconds += time.process_time() - began
    with Store(url) as store:  # closed, SQLite's log is in the file
        size = store.maintenance.size_bytes()
    return {"kb_a_call": round((size - empty) / PUT / 1000, 1), "put_cpu_ms": round(seconds / PUT * 1000, 1)}


def _as_heard(segment: Segment, dice: random.Random) -> Segment:
    """Give a sentence what the engine gives each: raw output, scores of all tags, and the time of each character."""
    step_ms = (segment.end_ms - segment.start_ms) / max(1, len(segment.text))
    starts = [round((segment.start_ms + place * step_ms) / 60) * 60 for place in range(len(segment.text))]
    return replace(
        segment,
        raw=f"<|zh|><|{segment.emotion or 'NEUTRAL'}|><|Speech|><|withitn|>{segment.text}",
        emotion_scores=_scores([emotion.value for emotion in Emotion], dice),
        emotion_view=_scores(["HAPPY", "SAD", "ANGRY", "NEUTRAL"], dice),
        event_scores=_scores([event.value for event in AudioEvent], dice),
        loudness_dbfs=round(dice.gauss(-20, 3), 2),
        tokens=tuple(
            Token(character, start_ms, start_ms + dice.choice((60, 120, 180, 240)))
            for character, start_ms in zip(segment.text, starts, strict=True)
        ),
    )


def _scores(names: Sequence[str], dice: random.Random) -> dict[str, float]:
    weights = [math.exp(4 * dice.gauss(0, 1)) for _ in names]
    return {name: round(weight / sum(weights), 4) for name, weight in zip(names, weights, strict=True)}


def exponents(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Return the exponent of growth of each work from the smallest store to the largest."""
    first, last = runs[0], runs[-1]
    kind = "cpu_ms" if first["database"] == "sqlite" else "ms"
    return {
        name: round(
            math.log(max(last["works"][name][kind], 0.01) / max(first["works"][name][kind], 0.01))
            / math.log(last["calls"] / first["calls"]),
            2,
        )
        for name in first["works"]
    }


def main() -> None:
    """Measure, print and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder of the SQLite stores, which are then filled only once")
    options = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = options.keep or Path(place)
        for calls in sorted(options.calls):
            url = f"sqlite:///{folder / f'{calls}.db'}"
            if options.postgresql:
                url = stack.enter_context(postgres.own_database(f"calls_{calls}"))
            runs.append(measure(url, calls, Path(place)))
            print(json.dumps(runs[-1], ensure_ascii=False))
        url = f"sqlite:///{Path(place) / 'room.db'}"
        if options.postgresql:
            url = stack.enter_context(postgres.own_database("room"))
        room = room_of_a_call(url)
    known = json.loads(RESULT.read_text("utf-8"))["databases"] if RESULT.exists() else {}
    known[runs[0]["database"]] = room | {"exponents": exponents(runs), "runs": runs}
    text = json.dumps({"machine": describe(), "databases": known}, ensure_ascii=False, indent=1)
    RESULT.write_text(text + "\n", "utf-8")
    print(json.dumps(room | exponents(runs), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
