"""Kill daily runs at random moments beside a mail server that misbehaves, and count what was lost or sent twice.

    python -m benchmarks.faults --kills 200 [--postgresql] [--recordings 2] [--seed 1]

With recordings, new calls are among those of the day: they are found, transcribed by the bundled model and judged in
the runs that are killed. What happens in a round, and what must hold after it, is in tests/support/fault_injection.py.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import describe
from tests.support import postgres
from tests.support.fault_injection import FaultInjection

RESULTS = Path(__file__).parent / "results" / "faults.json"


def show(_: str, kills: int, wanted: int) -> None:
    """Show a person how far it is."""
    if sys.stderr.isatty():
        print(f"{kills} of {wanted} kills", file=sys.stderr)


def main() -> None:
    """Run it, print the counts, keep them beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", help="a store of its own: its outbox is emptied")
    parser.add_argument("--postgresql", action="store_true", help="start a PostgreSQL server for it")
    parser.add_argument("--formats", default="docx,pdf")
    parser.add_argument("--recordings", type=int, default=0, help="new calls of each round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        store = stack.enter_context(postgres.own_database("faults")) if arguments.postgresql else arguments.store
        formats = tuple(arguments.formats.split(","))
        bench = FaultInjection(
            Path(folder), store, seed=arguments.seed, attach=formats, recordings=arguments.recordings
        )
        tally = bench.run(arguments.kills, on_progress=show)
    result = {
        "machine": describe(),
        "store": bench.url.partition(":")[0],
        "documents": formats,
        "seed": arguments.seed,
        "new_recordings_a_round": arguments.recordings,
        "kills": tally.kills,
        "rounds": tally.rounds,
        "runs": tally.runs,
        "mails": dict(tally.mails),
        "delivered": tally.delivered,
        "unknown_that_had_arrived": tally.unknown_arrived,
        "unknown_that_had_not": tally.unknown_lost,
        "faults": tally.faults,
    }
    print(json.dumps(result, ensure_ascii=False, indent=1))
    name = RESULTS if bench.url.startswith("sqlite") else RESULTS.with_stem("faults_postgresql")
    name = name.with_stem(f"{name.stem}_recordings") if arguments.recordings else name
    name.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    sys.exit(bool(tally.faults))


if __name__ == "__main__":
    main()
