"""Measure how long a user waits: the demo, its second run, and the report of an order, each a cold process.

    python -m benchmarks.demo [--runs 3]

writes benchmarks/results/demo.json and prints it. Bars: the demo 90 s, a report 3 s, on two cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe

RESULT = Path(__file__).parent / "results" / "demo.json"


def timed(arguments: list[str], cwd: Path) -> float:
    """Run `qareport` in a process of its own and return its wall seconds."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "qareport", *arguments], cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    seconds: dict[str, list[float]] = {"demo": [], "second_demo": [], "report": []}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            cwd = Path(folder)
            seconds["demo"].append(timed(["demo", "--out", "out"], cwd))
            seconds["second_demo"].append(timed(["demo", "--out", "out"], cwd))
            order = min((cwd / "out" / "reports").glob("*.pdf")).stem
            store = f"sqlite:///{cwd / 'out' / 'qareport.db'}"
            seconds["report"].append(timed(["report", order, "--store", store, "--out", "again"], cwd))
    result = {
        "command": "python -m benchmarks.demo",
        "machine": describe(),
        "wall_seconds": {
            name: {
                "median": round(statistics.median(values), 2),
                "min": round(min(values), 2),
                "max": round(max(values), 2),
            }
            for name, values in seconds.items()
        },
        "runs": runs,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
