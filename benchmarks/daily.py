"""Measure a morning without new recordings: 3,000 stored calls to documents and mails, in stores of two sizes.

    python -m benchmarks.daily [--calls 3000] [--segments 1000000] [--agents 40]

writes benchmarks/results/daily.json and prints it. The calls are three minutes long, chained from the conversations of
the tests beside the starter rules; beyond 300 the same conversations come again under other ids, times, orders and
agents. Measured is the command `qareport daily --send` in a process of its own, with a mail server on loopback: the
team's edition (Word and PDF, two recipients), an edition for each agent (Word), and the reports of the ten orders to
call back first. First in a store of that day alone, then in a store with as many calls on each day before, up to the
number of segments. Wall time is reliable on an idle machine alone: processor time of the command and its children, and
the load before it, are given beside it. Bars: 60 s on two cores, and no more than twice as long in the large store.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.rules import make_calls
from qareport import periods, rules
from qareport.model import Call, CallReport
from qareport.settings import default_dir
from qareport.store import Store
from qareport.workflows.judge import RuleBook, judge_call
from qareport.workflows.workspace import Workspace
from tests.support import dailies
from tests.support.postbox import Postbox

RESULT = Path(__file__).parent / "results" / "daily.json"
DISTINCT = 300
#: From nine in the morning to nine in the evening.
OPEN_S = 12 * 3600


def fill(
    store: Store, rule_book: RuleBook, pool: Sequence[CallReport], *, calls: int, days_ago: int, agents: int
) -> int:
    """Store a day of judged calls. Returns how many segments they have."""
    began = datetime.combine(dailies.DAY, datetime.min.time(), dailies.CHINA) + timedelta(hours=9, days=-days_ago)
    segments = 0
    for number in range(calls):
        name = f"{days_ago:03d}-{number:05d}"
        # Every twentieth customer calls a second time, half of those on the day after.
        order = (
            f"o{days_ago:03d}-{number - (number % 20 == 0):05d}" if number % 40 else f"o{days_ago + 1:03d}-{number:05d}"
        )
        started_at = began + timedelta(seconds=OPEN_S * number / calls)
        call = Call(
            call_id=name, audio_path="", order_id=order, agent_id=f"a{number % agents:02d}", started_at=started_at
        )
        report = replace(
            pool[(number * 7 + days_ago) % len(pool)], call_id=name, agent_id=call.agent_id, started_at=started_at
        )
        store.results.put(
            f"key-{name}",
            call,
            report,
            rules_sha256=rule_book.ruleset.sha256,
            snapshot=rules.CallSnapshot.take(report, order).to_json(),
            summary=periods.summarise_call(report, order, rules_sha256=rule_book.ruleset.sha256),
        )
        segments += len(report.segments)
    return segments


def measure(folder: Path, store: str, agents: int) -> dict[str, object]:
    """Run the command on a fresh folder of documents, then again."""
    with Postbox() as postbox:
        addresses = {f"a{number:02d}": f"a{number:02d}@example.com" for number in range(agents)}
        dailies.make_config(folder / "config", port=postbox.port, agents=addresses)
        settings = json.loads((folder / "config" / "qareport.yaml").read_text("utf-8"))
        settings["daily"]["orders"] = 10
        (folder / "config" / "qareport.yaml").write_text(json.dumps(settings), "utf-8")
        command = [sys.executable, "-m", "qareport", "daily", "--send", "--date", dailies.DAY.isoformat()]
        command += ["--config", str(folder / "config"), "--store", store]
        seconds, processor, said = [], [], ""
        load = os.getloadavg()[0]
        for _ in range(2):
            started, used = time.monotonic(), _processor_s()
            ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            seconds.append(round(time.monotonic() - started, 1))
            processor.append(round(_processor_s() - used, 1))
            if ran.returncode:
                raise RuntimeError(ran.stdout + ran.stderr)
            said = said or ran.stdout.strip()
        sent = len(postbox.delivered)
    with Store(store) as opened:
        first = opened.runs.list()[1]
    return {
        "seconds": seconds[0],
        "seconds_again": seconds[1],
        "processor_seconds": processor[0],
        "processor_seconds_again": processor[1],
        "load_before": round(load, 1),
        "mails": sent,
        "said": said,
        "steps": {step.name: step.seconds for step in first.steps},
    }


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, print and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--agents", type=int, default=40)
    options = parser.parse_args()
    rule_book = Workspace.open(config=default_dir("config")).rule_book
    pool = [
        judge_call(Call(call_id=transcript.call_id, audio_path=""), transcript, rule_book)
        for transcript in make_calls(rule_book, min(DISTINCT, options.calls))
    ]
    result: dict[str, object] = {"machine": describe(), "calls": options.calls, "agents": options.agents}
    with tempfile.TemporaryDirectory() as place:
        segments = days = 0
        for name, wanted in (("one_day", 1), ("large_store", options.segments)):
            folder = Path(place) / name
            folder.mkdir()
            url = f"sqlite:///{Path(place) / 'store.db'}"
            with Store(url) as store:
                while segments < wanted:
                    segments += fill(store, rule_book, pool, calls=options.calls, days_ago=days, agents=options.agents)
                    days += 1
                size = store.maintenance.size_bytes()
            with Store(url) as store, store.database.write() as session:
                session.connection().exec_driver_sql("DELETE FROM outbox")
                session.connection().exec_driver_sql("DELETE FROM runs")
            result[name] = {"days": days, "segments": segments, "store_mb": size // 2**20} | measure(
                folder, url, options.agents
            )
            print(json.dumps(result[name], ensure_ascii=False), file=sys.stderr)
    text = json.dumps(result, ensure_ascii=False, indent=1)
    print(text)
    RESULT.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
