"""Measure the documents of orders: a three-minute call, one of an hour, a cold command, a sample of a day.

    python -m benchmarks.reports [--orders 60]

Calls are made from the sentences of the starter rules, so that documents hold as many different characters as real ones
do. Processor seconds count this process and its children. A day is extrapolated from the sample, and says so (`--orders
3000` is the whole of it); memory is looked at ten times on the way. Other work on the machine makes everything longer,
processor seconds too where cores are shared; so load averages stand beside the figures. The result is
benchmarks/results/reports.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from qareport import periods, report
from qareport.model import Call, CallReport, CurvePoint, Emotion, OrderReport
from qareport.report.formats.pdf import PRINTER
from qareport.settings import ReportSettings, default_dir
from qareport.store import Store
from qareport.workflows.render import render_orders
from qareport.workflows.workspace import Workspace
from tests.support import report_samples as samples

RESULT = Path(__file__).parent / "results" / "reports.json"
SETTINGS = ReportSettings(organisation="客户服务中心")
DOCUMENTS = ("docx", "pdf", "html")
_TURNS, _TURN_MS = 60, 3_000
_EMOTIONS = (Emotion.NEUTRAL, Emotion.ANGRY, Emotion.EMO_UNKNOWN, None, Emotion.SAD)
_DAY_ORDERS = 3_000


def sentences() -> list[str]:
    """Cut what the starter rules say in Chinese into sentences."""
    text = "".join(path.read_text("utf-8") for path in sorted((default_dir("config") / "rules").glob("*.yaml")))
    parts = (part.strip("，") for part in re.split(r"[^一-鿿，]+", text))
    return [part for part in parts if 6 <= len(part) <= 40]


def call(turns: int, number: int = 0) -> CallReport:
    """Make a call of alternating turns with everything else that a call may carry."""
    said = sentences()
    segments = tuple(
        samples.say(
            turn * _TURN_MS,
            turn * _TURN_MS + 2_600,
            samples.AGENT if turn % 2 else samples.CUSTOMER,
            said[(number * 7 + turn) % len(said)] + "。",
            _EMOTIONS[turn % len(_EMOTIONS)],
        )
        for turn in range(turns)
    )
    curve = tuple(CurvePoint(at_ms=s.start_ms, role=s.role, value=(i % 7) - 3.0) for i, s in enumerate(segments))
    metrics = replace(samples.RICH_CALL.metrics, duration_ms=turns * _TURN_MS)
    return replace(
        samples.RICH_CALL, call_id=f"call-{number:05d}", segments=segments, silences=(), curve=curve, metrics=metrics
    )


def order(turns: int) -> OrderReport:
    """Make the report of one such call."""
    return samples.with_dossier(replace(samples.EXAMPLE, calls=(call(turns),)))


def processor_seconds() -> float:
    """Return what this process and its ended children have worked."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def work(task: Callable[[], object]) -> float:
    """Return the processor seconds of a task, with the printers that it started."""
    PRINTER.close()
    before = processor_seconds()
    task()
    PRINTER.close()
    return processor_seconds() - before


def warm(made: OrderReport, kinds: tuple[str, ...], times: int) -> float:
    """Return the processor seconds of one more order's documents, in a process that has made some already."""

    def render(count: int) -> None:
        for _ in range(count):
            for kind in kinds:
                report.render(made, kind, templates=None, settings=SETTINGS)

    return round((work(lambda: render(1 + times)) - work(lambda: render(1))) / times, 3)


def fill(store: Store, count: int) -> list[str]:
    """Put so many orders of one three-minute call each into a store."""
    for number in range(count):
        one = call(_TURNS, number)
        about = Call(call_id=one.call_id, audio_path="a.wav", order_id=f"order-{number:05d}", started_at=one.started_at)
        kept = periods.summarise_call(one, about.order_id, rules_sha256="bench")
        store.put_report(f"bench-{number}", about, one, rules_sha256="bench", digest=kept)
    return [f"order-{number:05d}" for number in range(count)]


def memory_mib() -> dict[str, int]:
    """Return the resident memory of this process and of the printers it has."""
    own = str(os.getpid())
    sizes = {"own": 0, "printers": 0}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:  # it has ended
            continue
        size = int(fields.get("VmRSS", "0 kB").split()[0]) // 1024
        if status.parent.name == own:
            sizes["own"] += size
        elif fields["PPid"].strip() == own:
            sizes["printers"] += size
    return sizes


def day(workspace: Workspace, names: list[str], folder: Path) -> dict[str, Any]:
    """Make the documents of a sample of a day in two workers, and work out what a day of 3,000 takes."""
    memory: dict[int, dict[str, int]] = {}

    def look(_: str, done: int, __: int) -> None:
        if done % max(1, len(names) // 10) == 0:
            memory[done] = memory_mib()

    PRINTER.close()
    before, started, load = processor_seconds(), time.perf_counter(), os.getloadavg()[0]
    done = render_orders(workspace, names, formats=DOCUMENTS, out_dir=folder / "reports", workers=2, on_progress=look)
    wall = time.perf_counter() - started
    PRINTER.close()
    cpu = processor_seconds() - before
    if done.problems:
        raise SystemExit(f"not all documents were made: {done.problems[:3]}")
    return {
        "orders": len(names),
        "workers": 2,
        "wall_seconds": round(wall, 1),
        "processor_seconds": round(cpu, 1),
        "load_average_before": round(load, 1),
        "memory_mib_after_orders": memory,
        f"minutes_for_{_DAY_ORDERS}_orders": {
            "wall_as_measured": round(wall / len(names) * _DAY_ORDERS / 60, 1),
            "two_cores_by_processor_seconds": round(cpu / len(names) * _DAY_ORDERS / 60 / 2, 1),
        },
    }


def cold(url: str, name: str, folder: Path) -> dict[str, float]:
    """Run `qareport report` on one order in a fresh process."""
    command = [sys.executable, "-m", "qareport", "report", name, "--store", url, "--out", str(folder)]
    before, started = processor_seconds(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return {
        "wall_seconds": round(time.perf_counter() - started, 2),
        "processor_seconds": round(processor_seconds() - before, 2),
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=60)
    count = parser.parse_args().orders
    short, hour = order(_TURNS), order(2_000)
    sizes = {
        name: {
            kind: round(len(report.render(made, kind, templates=None, settings=SETTINGS)) / 1024) for kind in DOCUMENTS
        }
        for name, made in (("three_minutes", short), ("an_hour", hour))
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'bench.db'}"
        with Workspace.open(store=url, templates=default_dir("templates"), make_store=True) as workspace:
            names = fill(workspace.store, count)
            sample = day(workspace, names, folder)
        written = {
            "command": f"python -m benchmarks.reports --orders {count}",
            "machine": describe(),
            "different_characters_in_a_call": len({letter for one in short.calls[0].segments for letter in one.text}),
            "kib": sizes,
            "load_average_before": round(os.getloadavg()[0], 1),
            "three_minutes_processor_seconds": {
                "docx_pdf_html": warm(short, DOCUMENTS, 10),
                **{kind: warm(short, (kind,), 10) for kind in DOCUMENTS},
            },
            "an_hour_2000_segments_processor_seconds": {kind: warm(hour, (kind,), 1) for kind in DOCUMENTS},
            "report_command_cold_docx_pdf": min((cold(url, names[0], folder / str(n)) for n in range(3)), key=_wall),
            "a_day": sample,
        }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def _wall(measured: dict[str, float]) -> float:
    return measured["wall_seconds"]


if __name__ == "__main__":
    main()
