"""Compare a full-size model with funasr on 500 generated segments: text, tags, token times, in any order and batch.

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
from qareport.asr.engine import Engine
from qareport.asr.interfaces import Recognition, SpeechChunk
from qareport.asr.sensevoice import SenseVoice
from qareport.audio.resampling import Samples
from tests.support.sounds import varied_babble

RESULT = Path(__file__).resolve().parent / "results" / "segments.json"
#: Every so many segments, a segment is recognised alone, too.
ALONE = 5


def main() -> None:
    """Compare and write the result down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", type=Path, help="a model directory; a full-size random one is built unless given")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or build(Path(folder) / "full")
        engine = bench.our_engine(model, "cpu")
        stock = bench.stock_model(model, argparse.Namespace(device="cpu", threads=options.threads))
        torch.set_num_threads(options.threads)
        result = compare(engine, stock, options.count)
    command = f"python -m benchmarks.segments --count {options.count}"
    written = {"command": command, "machine": describe(), **result}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(written, indent=1) + "\n")
    print(RESULT.read_text())


def compare(engine: Engine, stock: Any, count: int) -> dict[str, Any]:
    """Recognise generated segments with both, and with ours also backwards and each alone."""
    generator = np.random.default_rng(1)
    sounds = [varied_babble(float(generator.uniform(1.0, 3.0)), seed=seed) for seed in range(count)]
    chunks = [bench.chunk_of(engine, samples) for samples in sounds]
    ours = recognise(engine, chunks)
    backwards = recognise(engine, chunks[::-1])[::-1]
    alone = [recognise(engine, [chunk])[0] for chunk in chunks[::ALONE]]
    greedy = Greedy(stock)
    theirs = [greedy.recognise(samples) for samples in sounds]
    off = [gap for our, their in zip(ours, theirs, strict=True) for gap in time_gaps(engine, our, their)]
    return {
        "count": count,
        "audio_seconds": round(sum(samples.size for samples in sounds) / 16_000, 1),
        "equal": sum(our.raw == their["text"] for our, their in zip(ours, theirs, strict=True)),
        "different_texts": len({their["text"] for their in theirs}),
        "equal_backwards": sum(
            (first.raw, first.tokens) == (second.raw, second.tokens)
            for first, second in zip(ours, backwards, strict=True)
        ),
        "heard_alone": len(alone),
        "equal_alone": sum(
            (first.raw, first.tokens) == (second.raw, second.tokens)
            for first, second in zip(ours[::ALONE], alone, strict=True)
        ),
        "token_times_compared": len(off),
        "token_times_farthest_ms": max(off, default=None),
    }


def recognise(engine: Engine, chunks: Sequence[SpeechChunk]) -> list[Recognition]:
    results = list(engine.speech.recognise(chunks))
    recognised = [result for result in results if isinstance(result, Recognition)]
    if len(recognised) != len(chunks):
        raise RuntimeError(f"{len(chunks) - len(recognised)} segments were not heard")
    return recognised


class Greedy:
    """Makes funasr align the tokens that it recognised.

    `output_timestamp` aligns the text cut into tokens anew, which for random text are other tokens, and joins letters
    into words. So the tokens of the arg-max are put in place of the new ones, and the joining is left out.
    """

    def __init__(self, stock: Any) -> None:
        """Put itself between funasr's model and its tokenizer."""
        self.stock = stock
        self._softmax = stock.model.ctc.log_softmax
        self._best = torch.zeros(0, dtype=torch.long)
        tokenizer = stock.kwargs["tokenizer"]
        stock.model.ctc.log_softmax = self._look
        stock.model.post = lambda timestamp: (timestamp, [])
        tokenizer.text2tokens = lambda _: [""] * 4 + [str(token) for token in self._tokens()]
        tokenizer.tokens2ids = lambda tokens: [[int(token)] for token in tokens]

    def _look(self, encoded: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._softmax(encoded)
        self._best = logits[0].argmax(dim=-1)
        return logits

    def _tokens(self) -> list[int]:
        runs = torch.unique_consecutive(self._best[4:])
        return [token for token in runs.tolist() if token != self.stock.model.blank_id]

    def recognise(self, samples: Samples) -> dict[str, Any]:
        """Return funasr's result for a segment, with the time of each token."""
        result: dict[str, Any]
        (result,) = self.stock.inference(
            samples, model=self.stock.model, kwargs=self.stock.kwargs, output_timestamp=True, **bench.ASKED
        )
        return result


def time_gaps(engine: Engine, ours: Recognition, theirs: dict[str, Any]) -> list[int]:
    """Return how far the edges of tokens are apart, in ms; tokens of the four query frames are left out."""
    if not isinstance(engine.speech, SenseVoice):
        raise TypeError("the benchmark reads the model's parts")
    texts = engine.speech._texts
    times = [(texts[int(token)], start, end) for token, start, end in theirs.get("timestamp", [])]
    times = [timed for timed in times if timed[0].strip()]
    tokens = [token for token in ours.tokens if token.text.strip()][-len(times) :] if times else []
    if [token.text.strip() for token in tokens] != [text.strip() for text, _, _ in times]:
        raise RuntimeError(f"other tokens: {[token.text for token in tokens]}, {[text for text, _, _ in times]}")
    return [
        gap
        for (_, start, end), token in zip(times, tokens, strict=True)
        for gap in (abs(token.start_ms - round(start * 1000)), abs(token.end_ms - round(end * 1000)))
    ]


if __name__ == "__main__":
    main()
