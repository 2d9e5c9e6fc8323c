"""Hold a full-size model to funasr on 500 generated segments: text, tags, token times, in any order and company.

    python -m benchmarks.segments --count 500

The model has the published shape and random weights; both sides run in fp32 on the CPU. Nothing here depends on how
busy the machine is.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import engine as bench
from benchmarks.fullsize import build
from benchmarks.machine import describe
from benchmarks.sounds import babble
from qareport.asr.engine import Engine
from qareport.asr.hearing import Heard, Piece

RESULT = Path(__file__).resolve().parent / "results" / "segments.json"
#: Every so many segments one is heard alone, too.
ALONE = 5


def main() -> None:
    """Compare and write the result down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        model = build(Path(folder) / "full")
        engine = bench.our_engine(model, "cpu")
        stock = bench.stock_model(model, argparse.Namespace(device="cpu", threads=options.threads))
        torch.set_num_threads(options.threads)
        found = compare(engine, stock, options.count)
    command = f"python -m benchmarks.segments --count {options.count}"
    written = {"command": command, "machine": describe(), **found}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(written, indent=1) + "\n")
    print(RESULT.read_text())


def compare(engine: Engine, stock: Any, count: int) -> dict[str, Any]:
    """Hear generated segments by both, and by ours also backwards and one by one."""
    generator = np.random.default_rng(1)
    sounds = [babble(float(generator.uniform(1.0, 3.0)), seed=seed) for seed in range(count)]
    pieces = [bench.piece_of(engine, samples) for samples in sounds]
    ours = hear(engine, pieces)
    backwards = hear(engine, pieces[::-1])[::-1]
    alone = [hear(engine, [piece])[0] for piece in pieces[::ALONE]]
    theirs = [hear_stock(stock, samples) for samples in sounds]
    off = [gap for one, other in zip(ours, theirs, strict=True) for gap in time_gaps(one, other)]
    return {
        "count": count,
        "audio_seconds": round(sum(samples.size for samples in sounds) / 16_000, 1),
        "equal": sum(one.raw == other["text"] for one, other in zip(ours, theirs, strict=True)),
        "different_texts": len({other["text"] for other in theirs}),
        "equal_backwards": sum(
            (one.raw, one.tokens) == (other.raw, other.tokens) for one, other in zip(ours, backwards, strict=True)
        ),
        "heard_alone": len(alone),
        "equal_alone": sum(
            (one.raw, one.tokens) == (other.raw, other.tokens) for one, other in zip(ours[::ALONE], alone, strict=True)
        ),
        "token_times_compared": len(off),
        "token_times_farthest_ms": max(off, default=None),
    }


def hear(engine: Engine, pieces: Sequence[Piece]) -> list[Heard]:
    results = list(engine.speech.hear(pieces))
    heard = [result for result in results if isinstance(result, Heard)]
    if len(heard) != len(pieces):
        raise RuntimeError(f"{len(pieces) - len(heard)} segments were not heard")
    return heard


def hear_stock(stock: Any, samples: bench.Samples) -> dict[str, Any]:
    result: dict[str, Any]
    (result,) = stock.inference(
        samples, model=stock.model, kwargs=stock.kwargs, output_timestamp=True, **bench.ASKED
    )
    return result


def time_gaps(ours: Heard, theirs: dict[str, Any]) -> list[int]:
    """Return how far the edges of tokens are apart, in ms; nothing where funasr joins pieces into words."""
    tokens = [token for token in ours.tokens if token.text.strip()]
    times = theirs.get("timestamp", [])
    if len(times) != len(tokens):
        return []
    return [
        gap
        for (start, end), token in zip(times, tokens, strict=True)
        for gap in (abs(token.start_ms - start), abs(token.end_ms - end))
    ]


if __name__ == "__main__":
    main()
