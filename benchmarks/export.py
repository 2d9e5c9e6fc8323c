"""Measure the time and memory of exports: every sentence of a store, in each format, to the end of the file.

    python -m benchmarks.export --segments 1000000
    python -m benchmarks.export --segments 100000
    python -m benchmarks.export --segments 1000000 --keep /var/tmp/store

fills a SQLite store (in a temporary folder unless --keep names a folder, which is then kept and filled only once),
runs `qareport export` for each format in a process of its own, reads the file back to count its rows, and writes
benchmarks/results/export.json, an entry for each size. Seconds are wall time of the whole command, `cpu_seconds` the
processor time of it, memory the most that the process held. Memory is to be the same at both sizes.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pyarrow.parquet

from benchmarks.machine import describe
from benchmarks.stored import SENTENCES, fill
from qareport.store import Store

RESULT = Path(__file__).parent / "results" / "export.json"
#: What is exported, and the format.
EXPORTS = (("segments", "csv"), ("segments", "jsonl"), ("segments", "parquet"), ("segments", "xlsx"), ("text", "txt"))


def export(url: str, kind: str, format: str, folder: Path) -> dict[str, object]:
    """Export everything, count the rows, and delete the file."""
    path = folder / f"{kind}.{format}"
    started = time.monotonic()
    command = [sys.executable, "-m", "qareport", "export", kind, "--store", url, "-o", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    measured = {
        "kind": kind,
        "format": format,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_memory_mib": used.ru_maxrss // 1024,
        "file_mib": round(path.stat().st_size / 2**20, 1),
        "rows_read_back": count(path),
    }
    path.unlink()
    return measured


def count(path: Path) -> int:
    """Count the rows of a file below its headings; of plain text, the sentences."""
    if path.suffix == ".parquet":
        return int(pyarrow.parquet.ParquetFile(path).metadata.num_rows)
    if path.suffix == ".xlsx":
        return _count_sheets(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix == ".csv":
            return sum(1 for _ in csv.reader(file)) - 1
        return sum(1 for line in file if line.strip() and not line.startswith("# "))


def _count_sheets(path: Path) -> int:
    rows = 0
    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/"):
                rows -= 1  # its heading
                with book.open(name) as sheet:
                    rest = b""
                    while part := sheet.read(2**20):
                        rows += (rest + part).count(b"</row>")
                        rest = part[-len(b"</row>") + 1 :]
    return rows


def measure(url: str, calls: int, folder: Path) -> dict[str, object]:
    """Fill a store and export it in every format."""
    with Store(url) as store:
        if store.calls.count().total != calls:
            fill(store, calls)
    exports = [export(url, kind, format, folder) for kind, format in EXPORTS]
    rows = {measured["rows_read_back"] for measured in exports}
    if rows != {calls * SENTENCES}:
        raise SystemExit(f"rows are missing: {rows} in place of {calls * SENTENCES}")
    return {
        "calls": calls,
        "sentences": calls * SENTENCES,
        #: Load average of the last minute: on a busy machine processor time is more reliable.
        "load": round(os.getloadavg()[0], 1),
        "exports": exports,
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="folder of the store, which is then kept and filled only once")
    options = parser.parse_args()
    calls = -(-options.segments // SENTENCES)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(f"sqlite:///{options.keep or folder}/export.db", calls, Path(folder))
    known = json.loads(RESULT.read_text("utf-8"))["runs"] if RESULT.exists() else {}
    known[str(measured["sentences"])] = measured
    runs = dict(sorted(known.items(), key=lambda run: int(run[0])))
    result = {"machine": describe(), "runs": runs}
    RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(measured, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
