"""Put damaged recordings through the whole engine: no crash, no hang, every recording accounted for.

    python -m benchmarks.damaged --count 2000

Every input is an intact recording in some format, then damaged in one of eight ways with a seeded generator.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import torch

from benchmarks.machine import describe
from tests.support.damaged_recordings import intact_files, transcribe_damaged

RESULT = Path(__file__).resolve().parent / "results" / "damaged.json"


def main() -> None:
    """Damage, transcribe, and write the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--seconds", type=int, default=9, help="length of the recordings that are damaged")
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        files = intact_files(Path(folder), seconds=options.seconds)
        result = transcribe_damaged(files, model=options.model, count=options.count, seed=options.seed)
    command = f"python -m benchmarks.damaged --count {options.count} --seed {options.seed} --seconds {options.seconds}"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"command": command, "machine": describe(), **result}, indent=1) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
