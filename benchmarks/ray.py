"""The same calls here and on a Ray cluster whose processes and nodes are killed: are the reports the same?

    python -m benchmarks.ray --calls 500 --kills 3 [--postgresql]

The calls are the bundled ones and generated ones: two stretches of bundled recordings, cut at random, so that the
bundled model has words to recognise; no call is like another. Both runs are the command `qareport run` with that
model. The cluster runs on this machine: a head and a second node with one CPU each. All kills but the last hit a
process while it transcribes, the last (of two and more) the whole second node; both at random moments. Compared are
the reports of all orders (JSON and HTML) byte by byte, the failed calls with their reasons, and how often each call is
in the store. Written to benchmarks/results/ray.json. The bar: nothing differs, is lost or is there twice.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from qareport.audio.decode import decode
from qareport.errors import AudioError
from qareport.settings import bundled_calls
from qareport.store import CallFilter, Store
from tests.support import postgres, ray_cluster
from tests.support.command import Ran, start_qareport
from tests.support.ray_cluster import LocalCluster
from tests.support.sounds import write_wav

RESULT = Path(__file__).parent / "results" / "ray.json"
RATE = 16_000
#: In seconds, of a stretch; a generated call has two.
STRETCH = 3
#: In seconds, while a process is at work: until the next kill.
LONGEST_WAIT = 5.0
HEAD = ("audio", "call_id", "order_id", "agent_id", "started_at", "channels", "customer_phone")


def main() -> None:
    """Run both, compare, and write the result down."""
    options = arguments()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        manifest = write_manifest(folder, options.calls, options.seed)
        store = f"sqlite:///{folder / 'there.db'}"
        if options.postgresql:
            store = stack.enter_context(postgres.own_database("ray"))
        load = os.getloadavg()[0]
        here = Run(folder / "here", manifest, f"sqlite:///{folder / 'here.db'}")
        cluster = stack.enter_context(ray_cluster.running(cpus=1))
        killer = Killer(cluster, options.kills, random.Random(options.seed))
        killer.start()
        there = Run(folder / "there", manifest, store, "--on", cluster.client)
        killer.stop()
        result = {
            "command": "python -m benchmarks.ray " + " ".join(sys.argv[1:]),
            "machine": describe() | {"ray": version("ray")},
            "load_before": round(load, 1),
            "store_there": store.partition(":")[0],
            "calls": len(manifest.read_text("utf-8").splitlines()) - 1,
            "generated": options.calls,
            "kills": dict(killer.killed),
            "parts_lost": there.lost,
            "seconds": {"here": here.seconds, "there": there.seconds},
            **compare(here, there),
        }
    print(json.dumps(result, ensure_ascii=False, indent=1))
    RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    sys.exit(bool(result["different"] or result["missing"] or result["twice"]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500, help="generated calls, beside the bundled ones")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--postgresql", action="store_true", help="start a PostgreSQL server for the run on the cluster"
    )
    return parser.parse_args()


# --- calls ------------------------------------------------------------------------------------------------------------


def write_manifest(folder: Path, calls: int, seed: int) -> Path:
    """Write the generated recordings and the rows of all calls."""
    bundled = bundled_calls()
    with (bundled / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row | {"audio": str(bundled / row["audio"])} for row in csv.DictReader(file)]
    sounds = [sound for row in rows if (sound := decoded(row["audio"])) is not None]
    dice = np.random.default_rng(seed)
    (folder / "calls").mkdir()
    for number in range(calls):
        path = folder / "calls" / f"g{number:05d}.wav"
        parts = [stretch(sounds[dice.integers(len(sounds))], dice) for _ in range(2)]
        write_wav(path, np.concatenate(parts, axis=1)[:, ::2], rate=RATE // 2)
        values = (str(path), f"G{number:05d}", f"2026112{number:07d}", f"A{number % 7:03d}",
                  f"2026-11-21T{9 + number % 11:02d}:{number % 60:02d}:00+08:00", "agent|customer", "")  # fmt: skip
        rows.append(dict(zip(HEAD, values, strict=True)))
    manifest = folder / "calls.csv"
    with manifest.open("w", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEAD)
        writer.writeheader()
        writer.writerows(rows)
    return manifest


def decoded(path: str) -> Any:
    """Return two channels of a bundled recording; None: it is the broken one, or has only one."""
    try:
        samples = decode(path, max_duration_ms=10**7).samples
    except AudioError:
        return None
    return samples if len(samples) == 2 else None


def stretch(sound: Any, dice: np.random.Generator) -> Any:
    begin = int(dice.integers(max(1, sound.shape[1] - STRETCH * RATE)))
    return sound[:, begin : begin + STRETCH * RATE]


# --- runs -------------------------------------------------------------------------------------------------------------


class Run:
    """A finished `qareport run`."""

    def __init__(self, folder: Path, manifest: Path, store: str, *more: str) -> None:
        folder.mkdir()
        self.store, self.reports = store, folder / "out" / "reports"
        began = time.monotonic()
        given = ["run", "--manifest", manifest, "--model", "demo", "--format", "json,html", "--store", store]
        self.ran: Ran = start_qareport([*given, "--log-format", "json", *more], cwd=folder)
        self.seconds = round(time.monotonic() - began, 1)
        if self.ran.status not in (0, 1):
            raise SystemExit(self.ran.stdout + self.ran.stderr)
        self.lost = self.ran.stderr.count('"outcome": "lost"')

    def failures(self) -> list[str]:
        """The lines of the failed calls."""
        return [line for line in self.ran.stdout.splitlines() if line.startswith("  ")]


@dataclass
class Killer:
    """Kills processes of a cluster while they are at work."""

    cluster: LocalCluster
    kills: int
    dice: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Add the second node, and begin to kill."""
        self._node = self.cluster.add_node()
        self._thread = threading.Thread(target=self._kill)
        self._thread.start()

    def stop(self) -> None:
        """Kill nothing more: the run has ended."""
        self._over.set()
        self._thread.join()

    def _kill(self) -> None:
        for number in range(self.kills):
            while not ray_cluster.at_work() and not self._over.wait(0.05):
                pass
            if self._over.wait(self.dice.uniform(0, LONGEST_WAIT)):
                return
            if number and number == self.kills - 1:
                self.cluster.kill_node(self._node)
                self.killed["node"] += 1
            else:
                with suppress(AssertionError):  # the run has just ended
                    ray_cluster.kill_at_work(within_s=2)
                    self.killed["process"] += 1


def compare(here: Run, there: Run) -> dict[str, Any]:
    """Compare the documents, the failures and the stores of two runs."""
    names = sorted({path.name for run in (here, there) for path in run.reports.iterdir()})
    missing = [name for name in names for run in (here, there) if not (run.reports / name).exists()]
    both = [name for name in names if name not in missing]
    different = [name for name in both if (here.reports / name).read_bytes() != (there.reports / name).read_bytes()]
    return {
        "documents": len(names),
        "equal": len(both) - len(different),
        "different": different,
        "missing": missing,
        "twice": twice(there.store),
        "failures": {"here": len(here.failures()), "equal": here.failures() == there.failures()},
        "calls_in_store": [count(run.store) for run in (here, there)],
    }


def count(store_url: str) -> int:
    with Store(store_url) as store:
        return len(store.calls.list_ids(CallFilter()))


def twice(store_url: str) -> list[str]:
    """Name the calls that the store lists more than once."""
    with Store(store_url) as store:
        listed = Counter(call_id for call_id, _ in store.calls.list_ids(CallFilter()))
    return sorted(call_id for call_id, times in listed.items() if times > 1)


if __name__ == "__main__":
    main()
