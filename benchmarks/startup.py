"""Processor time of commands in fresh processes: the list of commands, the version, and one order's report.

A person waits for these; everything that is imported without need shows here. Child processes (WeasyPrint's) count.
Writes benchmarks/results/startup.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe

RESULT = Path(__file__).parent / "results" / "startup.json"
ORDER = "20261105000042"
CALL = {
    "call_id": "c1",
    "order_id": ORDER,
    "segments": [
        {"start_ms": 0, "end_ms": 2000, "role": "agent", "text": "您好，请问有什么可以帮您？"},
        {"start_ms": 2300, "end_ms": 5000, "role": "customer", "text": "我昨天下的单，什么时候发货？"},
        {"start_ms": 9500, "end_ms": 11000, "role": "customer", "text": "你们是不是压单啊！", "emotion": "ANGRY"},
    ],
}
COMMANDS = {
    "help": ("--help",),
    "version": ("--version",),
    "report_json": ("report", ORDER, "--format", "json"),
    "report_docx": ("report", ORDER, "--format", "docx"),
    "report_pdf": ("report", ORDER, "--format", "pdf"),
    "report_docx_pdf": ("report", ORDER, "--format", "docx,pdf"),
}


def cpu_seconds(arguments: Sequence[str], folder: Path) -> float:
    """Run a command, and return the processor time of it and its children, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "qareport", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def measure(arguments: Sequence[str], folder: Path, runs: int) -> dict[str, float]:
    """Run a command some times, each with documents made anew, and return the least and the median."""
    seconds = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=folder) as out:
            into = ("--out", out) if arguments[0] == "report" else ()
            seconds.append(cpu_seconds((*arguments, *into), folder))
    return {"least": round(min(seconds), 2), "median": round(statistics.median(seconds), 2)}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "calls.jsonl").write_text(json.dumps(CALL, ensure_ascii=False) + "\n", "utf-8")
        cpu_seconds(("analyse", "calls.jsonl", "--format", "json"), folder)
        measured = {label: measure(arguments, folder, runs) for label, arguments in COMMANDS.items()}
    written = {
        "command": "python -m benchmarks.startup",
        "machine": describe(),
        "runs": runs,
        "cpu_seconds": measured,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
