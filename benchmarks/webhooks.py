"""Kill senders of webhooks at random moments before receivers that misbehave, and count what was lost or repeated.

    python -m benchmarks.webhooks --kills 200 [--postgresql] [--seed 1]

Two senders work on one store, and what raises the events is killed, too. What must hold at the end is in
tests/support/webhook_faults.py.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.machine import describe
from tests.support import postgres
from tests.support.webhook_faults import WebhookFaults

RESULTS = Path(__file__).parent / "results" / "webhooks.json"


def main() -> None:
    """Run it, print the counts, keep them beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true", help="start a PostgreSQL server for it")
    arguments = parser.parse_args()

    def show(kills: int) -> None:
        if sys.stderr.isatty():
            print(f"{kills} of {arguments.kills} kills", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres.own_database("webhooks")) if arguments.postgresql else None
        bench = WebhookFaults(Path(folder), url, seed=arguments.seed)
        tally = bench.run(arguments.kills, on_progress=show)
    result = {
        "machine": describe(), "store": bench.url.partition(":")[0], "seed": arguments.seed, **asdict(tally)
    }  # fmt: skip
    print(json.dumps(result, ensure_ascii=False, indent=1))
    name = RESULTS.with_stem("webhooks_postgresql") if arguments.postgresql else RESULTS
    name.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    sys.exit(bool(tally.faults))


if __name__ == "__main__":
    main()
