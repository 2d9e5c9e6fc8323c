"""Measure analysis: three-minute transcripts on a single core, and whether twice as many take twice as long.

    python -m benchmarks.analysis [--calls 3000]

Writes results/analysis.json. `analyse` and, separately, masking are measured; reading files and rules is not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from benchmarks.machine import describe
from qareport import analysis, settings
from qareport.model import Segment, Token, Transcript
from qareport.privacy import mask_segments
from tests.corpus.script import write_split

RESULT = Path(__file__).parent / "results" / "analysis.json"
CALL_MS = 180_000
#: Times are the best of this many runs: other work on the machine only ever adds.
RUNS = 2


def three_minutes(number: int, pool: Sequence[Transcript]) -> Transcript:
    """Chain scripted conversations until three minutes are full."""
    random = Random(number)
    segments: list[Segment] = []
    while not segments or segments[-1].end_ms < CALL_MS:
        by_ms = segments[-1].end_ms + 500 if segments else 0
        for segment in random.choice(pool).segments:
            segments.append(_shift(segment, by_ms))
    kept = tuple(segment for segment in segments if segment.start_ms < CALL_MS)
    return Transcript(call_id=f"{number}", segments=kept)


def _shift(segment: Segment, by_ms: int) -> Segment:
    tokens = tuple(Token(token.text, token.start_ms + by_ms, token.end_ms + by_ms) for token in segment.tokens)
    return dataclasses.replace(segment, start_ms=segment.start_ms + by_ms, end_ms=segment.end_ms + by_ms, tokens=tokens)


def _seconds(work: Callable[[Transcript], object], transcripts: Sequence[Transcript]) -> float:
    started = time.process_time()
    for transcript in transcripts:
        work(transcript)
    return time.process_time() - started


def _best(work: Callable[[Transcript], object], transcripts: Sequence[Transcript]) -> float:
    return round(min(_seconds(work, transcripts) for _ in range(RUNS)), 2)


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000)
    count = parser.parse_args().calls
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    config = settings.default_dir("config")
    limits, topics = settings.load(config).analysis, analysis.load_topics(config / "topics.yaml")
    pool = [conversation.transcript for held_out in (False, True) for conversation in write_split(held_out=held_out)]
    transcripts = [three_minutes(number, pool) for number in range(count)]
    steps: dict[str, Callable[[Transcript], object]] = {
        "analyse": lambda transcript: analysis.analyse(transcript, limits, topics),
        "mask": lambda transcript: mask_segments(transcript.segments),
    }
    result: dict[str, object] = {
        "machine": describe(),
        "transcripts": count,
        "segments": sum(len(transcript.segments) for transcript in transcripts),
        "cores_used": 1,
        "clock": "CPU seconds of this process, best of 2 runs",
    }
    for name, work in steps.items():
        work(transcripts[0])
        seconds = {str(part): _best(work, transcripts[:part]) for part in (count // 2, count)}
        result[f"{name}_seconds_by_transcripts"] = seconds
        print(name, seconds)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
