"""Damaged recordings: intact files of many formats, damaged in eight ways with a seeded generator, and transcribed."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from qareport.asr import load
from qareport.audio.decode import decode
from qareport.model import Call, Transcript
from qareport.settings import AsrSettings, AudioSettings
from tests.support.asr_fixtures import write_audio
from tests.support.sounds import burst_call

#: File endings that a damaged file may wrongly have.
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


def write_damaged(sources: list[Path], folder: Path, count: int, seed: int) -> list[tuple[Path, str]]:
    """Write damaged copies of intact recordings; return each with the kind of its damage."""
    generator = np.random.default_rng(seed)
    damaged = []
    for index in range(count):
        source, kind = sources[index % len(sources)], DAMAGES[index // len(sources) % len(DAMAGES)]
        ending = str(generator.choice(ENDINGS)) if kind == "wrong ending" else source.suffix
        path = folder / f"{index:05d}-{source.stem}{ending}"
        path.write_bytes(damage(source.read_bytes(), kind, generator))
        damaged.append((path, kind))
    return damaged


def transcribe_damaged(sources: list[Path], *, model: str, count: int, seed: int) -> dict[str, Any]:
    """Transcribe damaged copies; count the outcomes of each kind of damage and how long the slowest took."""
    engine = load(model, device="cpu", asr=AsrSettings(vad="silero"), audio=AudioSettings(max_duration_minutes=10))
    outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in DAMAGES}
    slowest, began = 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        damaged = write_damaged(sources, Path(folder), count, seed)
        calls = [Call(call_id=str(index), audio_path=str(path)) for index, (path, _) in enumerate(damaged)]
        last = time.perf_counter()
        for (_, kind), call, result in zip(damaged, calls, engine.transcribe(calls), strict=True):
            if result.call_id != call.call_id:
                raise RuntimeError(f"{call.call_id} was answered with {result.call_id}")
            outcome = "transcribed" if isinstance(result, Transcript) else f"refused at {result.step}"
            outcomes[kind][outcome] += 1
            slowest, last = max(slowest, time.perf_counter() - last), time.perf_counter()
    return {
        "inputs": count,
        "accounted_for": sum(sum(counter.values()) for counter in outcomes.values()),
        "outcomes": {kind: dict(sorted(counter.items())) for kind, counter in outcomes.items()},
        "seconds": round(time.perf_counter() - began, 1),
        "longest_wait_seconds": round(slowest, 1),
    }


def intact_files(folder: Path, *, seconds: int = 12) -> list[Path]:
    """Write a short call in each of several formats."""
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
