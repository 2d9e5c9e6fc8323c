"""Measure search: over 3,000 stored calls of about 60 sentences, and over a million sentences.

    python -m benchmarks.search --calls 3000
    python -m benchmarks.search --segments 1000000
    python -m benchmarks.search --segments 1000000 --postgresql

fills a store (SQLite in a temporary folder unless --store names an empty store), asks each query several times and
writes benchmarks/results/search.json, an entry for each size and database. Milliseconds are the best, the middle and
the worst of the repetitions, wall time of `Store.search` alone, 20 hits returned and all counted; `cpu_ms` is the
middle of the processor time of this process (all of the work where the store is SQLite). Bars: 200 ms at 3,000 calls,
twice that at a million sentences.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from benchmarks.machine import describe
from benchmarks.stored import SENTENCES, fill
from qareport import search
from qareport.store import Store
from tests.support import postgres

RESULT = Path(__file__).parent / "results" / "search.json"
REPEATS = 7
#: Rare words, common words, a single character, phrases, tags, fields of the call, NOT, and a wide OR.
QUERIES = (
    ("ANGRY AND 退货", "sentence"),
    ("ANGRY AND 退货", "call"),
    ("发货", "sentence"),
    ("的", "sentence"),
    ('"退货运费谁出"', "sentence"),
    ("压单 OR 投诉 OR 12315", "sentence"),
    ("role:customer AND 发货 AND NOT NEUTRAL", "sentence"),
    ("agent:A017 AND ANGRY", "sentence"),
    ("date:2026-09-03 AND risk:high AND 退款", "sentence"),
    ("score:<70 AND rule:logistics.shipping-doubt", "call"),
    ("SILENCE AND 发货 AND order:20260900000042", "sentence"),
    ("NOT 您好", "sentence"),
)


def ask(store: Store, asked: str, scope: str) -> dict[str, object]:
    """Ask a query several times."""
    times, processor = [], []
    for _ in range(REPEATS):
        started, busy = time.perf_counter(), time.process_time()
        query = search.parse(asked, time_zone="Asia/Shanghai")
        result = store.search_index.search(query, scope="call" if scope == "call" else "sentence")
        times.append((time.perf_counter() - started) * 1000)
        processor.append((time.process_time() - busy) * 1000)
    return {
        "query": asked,
        "in": scope,
        "sentences": result.lines,
        "calls": result.calls,
        "cpu_ms": round(statistics.median(processor), 1),
        "best_ms": round(min(times), 1),
        "ms": round(statistics.median(times), 1),
        "worst_ms": round(max(times), 1),
    }


def measure(url: str, calls: int) -> dict[str, object]:
    """Fill a store and ask it everything."""
    with Store(url) as store:
        stored = store.calls.count().total
        seconds = None if stored == calls else fill(store, calls)
        size = store.maintenance.size_bytes()
        if url.startswith("postgresql"):
            with store.database.write() as session:
                session.execute(text("ANALYZE"))  # the server's autovacuum does so within minutes
    with Store(url) as store:
        measurements = [ask(store, *query) for query in QUERIES]
    return {
        "database": url.partition(":")[0],
        "calls": calls,
        "sentences": calls * SENTENCES,
        "store_mib": round(size / 2**20),
        #: None: the store was filled already.
        "ms_to_put_a_call": None if seconds is None else round(seconds * 1000, 1),
        #: Load average of the last minute: on a busy machine the best of the repetitions is more reliable.
        "load": round(os.getloadavg()[0], 1),
        "slowest_ms": max(float(str(measured["ms"])) for measured in measurements),
        "queries": measurements,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--segments", type=int, help="number of sentences, in place of --calls")
    parser.add_argument("--store", help="an empty store")
    parser.add_argument("--postgresql", action="store_true", help="start a PostgreSQL server for it")
    parser.add_argument("--keep", type=Path, help="folder of the SQLite store, which is then kept and filled only once")
    options = parser.parse_args()
    calls = -(-options.segments // SENTENCES) if options.segments else options.calls
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        store = stack.enter_context(postgres.own_database("search")) if options.postgresql else options.store
        measured = measure(store or f"sqlite:///{options.keep or folder}/search.db", calls)
    known = json.loads(RESULT.read_text("utf-8"))["runs"] if RESULT.exists() else {}
    known[f"{measured['database']} {measured['sentences']}"] = measured
    result = {"machine": describe(), "runs": dict(sorted(known.items()))}
    RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(measured, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
