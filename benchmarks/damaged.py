"""Put damaged recordings through the whole engine: no crash, no hang, each one accounted for.

    python -m benchmarks.damaged --count 2000

Every input is a whole recording in some format, then damaged in one of eight ways with a seeded generator.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import describe
from benchmarks.sounds import burst_call
from qareport.asr import load
from qareport.model import Call, Transcript
from qareport.settings import AsrSettings, AudioSettings

RESULT = Path(__file__).resolve().parent / "results" / "damaged.json"
#: File endings that a damaged file may wrongly bear.
ENDINGS = (".wav", ".mp3", ".ogg", ".flac", ".m4a", ".amr", ".txt", "")
DAMAGES = ("flip bits", "cut the end", "cut the start", "cut the middle", "zeros", "wrong ending", "noise", "double")


def damage(data: bytes, kind: str, generator: np.random.Generator) -> bytes:
    """Return a file's bytes, damaged."""
    size, at = len(data), int(generator.integers(0, len(data)))
    length = int(generator.integers(1, max(2, size // 4)))
    if kind == "flip bits":
        content = bytearray(data)
        for place in generator.integers(0, size, int(generator.integers(1, 200))):
            content[place] ^= 1 << int(generator.integers(0, 8))
        return bytes(content)
    if kind == "zeros":
        return data[:at] + bytes(min(length, size - at)) + data[at + length :]
    if kind == "noise":
        return data[:at] + generator.bytes(length) + data[at + length :]
    return {
        "cut the end": data[:at],
        "cut the start": data[at:],
        "cut the middle": data[:at] + data[at + length :],
        "double": data + data,
        "wrong ending": data,
    }[kind]


def make(sources: list[Path], folder: Path, count: int, seed: int) -> list[tuple[Path, str]]:
    """Write damaged copies of whole recordings; returns each with what was done to it."""
    generator = np.random.default_rng(seed)
    made = []
    for index in range(count):
        source, kind = sources[index % len(sources)], DAMAGES[index // len(sources) % len(DAMAGES)]
        ending = str(generator.choice(ENDINGS)) if kind == "wrong ending" else source.suffix
        path = folder / f"{index:05d}-{source.stem}{ending}"
        path.write_bytes(damage(source.read_bytes(), kind, generator))
        made.append((path, kind))
    return made


def run(sources: list[Path], *, model: str, count: int, seed: int) -> dict[str, Any]:
    """Transcribe damaged files; count what became of each kind and how long the slowest took."""
    engine = load(model, device="cpu", asr=AsrSettings(vad="silero"), audio=AudioSettings(max_duration_minutes=10))
    outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in DAMAGES}
    slowest, began = 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made = make(sources, Path(folder), count, seed)
        calls = [Call(call_id=str(index), audio_path=str(path)) for index, (path, _) in enumerate(made)]
        last = time.perf_counter()
        for (_, kind), call, result in zip(made, calls, engine.transcribe(calls), strict=True):
            if result.call_id != call.call_id:
                raise RuntimeError(f"{call.call_id} was answered with {result.call_id}")
            what = "transcribed" if isinstance(result, Transcript) else f"refused at {result.step}"
            outcomes[kind][what] += 1
            slowest, last = max(slowest, time.perf_counter() - last), time.perf_counter()
    return {
        "inputs": count,
        "accounted_for": sum(sum(counter.values()) for counter in outcomes.values()),
        "outcomes": {kind: dict(sorted(counter.items())) for kind, counter in outcomes.items()},
        "seconds": round(time.perf_counter() - began, 1),
        "longest_wait_seconds": round(slowest, 1),
    }


def main() -> None:
    """Damage, transcribe, and write down what became of everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--seconds", type=int, default=9, help="length of the recordings that are damaged")
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        files = whole_files(Path(folder), seconds=options.seconds)
        result = run(files, model=options.model, count=options.count, seed=options.seed)
    command = f"python -m benchmarks.damaged --count {options.count} --seed {options.seed} --seconds {options.seconds}"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"command": command, "machine": describe(), **result}, indent=1) + "\n")
    print(RESULT.read_text())


def whole_files(folder: Path, *, seconds: int = 12) -> list[Path]:
    """Write one short call in each of several formats."""
    from qareport.audio.decode import decode
    from tests.support.asr_fixtures import write_audio

    samples = decode(burst_call(folder / "call.wav", seconds=seconds, seed=1), max_duration_ms=60_000).samples
    codecs = [
        ("u8.wav", "pcm_u8", 8000), ("s16.wav", "pcm_s16le", 16_000), ("s24.wav", "pcm_s24le", 16_000),
        ("f32.wav", "pcm_f32le", 16_000), ("mulaw.wav", "pcm_mulaw", 8000), ("alaw.wav", "pcm_alaw", 8000),
        ("lame.mp3", "libmp3lame", 16_000), ("aac.m4a", "aac", 16_000), ("plain.aac", "aac", 16_000),
        ("opus.ogg", "libopus", 48_000), ("flac.flac", "flac", 16_000), ("windows.wma", "wmav2", 16_000),
        ("phone.amr", "libopencore_amrnb", 8000), ("opus.webm", "libopus", 48_000),
    ]  # fmt: skip
    paths = []
    for name, codec, rate in codecs:
        at = np.arange(int(samples.shape[1] / 16_000 * rate)) * 16_000 // rate
        channels = samples[:1, at] if codec == "libopencore_amrnb" else samples[:, at]
        paths.append(write_audio(folder / name, channels, rate=rate, codec=codec))
    return paths


if __name__ == "__main__":
    main()
