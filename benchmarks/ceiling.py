"""How much one process can hear: everything but the model, in CPU seconds for an hour of two-channel audio.

    python -m benchmarks.engine --stub                      # WAV, MP3 and Opus
    python -m benchmarks.engine --stub --calls 60 --formats wav

What a GPU would do (log-mel, detection, the network) is answered from a cache that the bundled model filled; decoding,
cutting, words, judging and storing are the product's own, into a store in SQLite. Launches are what the host does for
a forward in bf16: a network as deep as the published one, eight values wide. Times are CPU times of threads, so a
busy machine inflates them little. Where py-spy is installed, it samples who holds the interpreter's lock.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch

from benchmarks.fullsize import narrow_network
from benchmarks.machine import describe
from benchmarks.memory import resident_mib
from qareport.asr import frontend, load
from qareport.asr.engine import ROUND_BATCHES, Engine
from qareport.asr.interfaces import SpeechChunk
from qareport.asr.sensevoice import SenseVoice
from qareport.audio.containers import sha256_of
from qareport.audio.decode import decode
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.cli.main import COLLECT
from qareport.files import content_key
from qareport.model import Call
from qareport.settings import AsrSettings, AudioSettings, bundled_calls
from qareport.store import Store
from qareport.store.calls import CallRepository
from qareport.store.results import ResultRepository, TranscriptRepository
from qareport.workflows import judge, transcribe
from qareport.workflows.judging_thread import JudgingThread
from qareport.workflows.workspace import Workspace

#: Length of a call, and how many different ones there are; more are copies of them, each a file of its own.
SECONDS, DIFFERENT = 180, 3
FORMATS = {
    "wav": (".wav", "WAV", "PCM_16"), "alaw": (".wav", "WAV", "ALAW"), "flac": (".flac", "FLAC", "PCM_16"),
    "mp3": (".mp3", "MP3", None), "opus": (".ogg", "OGG", "OPUS"),
}  # fmt: skip
STEPS = ("decode", "cut", "launch", "read", "look up", "judge", "store")
BATCH_SECONDS = 1000
RATE = 8000
#: Of the network that is launched: as deep as the published one.
WIDTH = 8
SAMPLES_A_SECOND = 200
BEGIN = datetime.fromisoformat("2026-11-01T08:00:00+08:00")


class Clock:
    """CPU time of threads by step; what a step does inside another counts for the inner one alone."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._inside = threading.local()
        self._lock = threading.Lock()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the block for a step."""
        outer = getattr(self._inside, "inner", 0)
        self._inside.inner, began = 0, time.thread_time_ns()
        try:
            yield
        finally:
            took = time.thread_time_ns() - began
            with self._lock:
                self.spent[name] += took - self._inside.inner
            self._inside.inner = outer + took

    def of(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same function, counted for a step."""

        @wraps(work)
        def counted(*args: Any, **kwargs: Any) -> Any:
            with self.step(name):
                return work(*args, **kwargs)

        return counted


def measure(formats: Sequence[str], count: int) -> dict[str, Any]:
    """Measure each format: CPU seconds an hour by step, share under the lock, memory on the way."""
    torch.set_num_threads(1)
    gc.set_threshold(*COLLECT)  # as a command does
    clock = Clock()
    count_steps(clock)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sounds = three_minute_calls()
        engine = stubbed(clock)
        results = {}
        for kind in formats:
            calls = write_calls(folder / kind, sounds, kind, count)
            list(engine.transcribe(calls[:DIFFERENT]))  # fills the cache
            results[kind] = run(engine, calls, folder / kind, clock)
    return {"machine": describe(), "load": [round(value, 1) for value in os.getloadavg()], "formats": results}


def count_steps(clock: Clock) -> None:
    """Put the clock around the product's own functions."""
    frontend.decode = clock.of("decode", frontend.decode)  # type: ignore[attr-defined]
    transcribe.sha256_of = digest_of  # type: ignore[attr-defined]
    judge.judge_into = clock.of("judge", judge.judge_into)
    work: Any = transcribe._Work
    work.look_up = clock.of("look up", work.look_up)
    for repository in (CallRepository, ResultRepository, TranscriptRepository):
        for name, function in list(vars(repository).items()):
            if callable(function) and not name.startswith("_"):
                setattr(repository, name, clock.of("store", function))


def run(engine: Engine, calls: Sequence[Call], folder: Path, clock: Clock) -> dict[str, Any]:
    """Hear, judge and store calls as `qareport run` does, without documents."""
    with Workspace.open(store=f"sqlite:///{folder / 'stub.db'}", model="demo", make_store=True) as workspace:
        store, rule_book = workspace.store, workspace.rule_book_for_run
        clock.spent.clear()
        memory = [resident_mib()]
        with lock_samples(folder) as lock:
            began, wall = time.process_time(), time.perf_counter()
            judged = hear_and_judge(engine, calls, store, rule_book, memory)
            spent, took = time.process_time() - began, time.perf_counter() - wall
    hours = SECONDS * len(calls) / 3600
    by_step = {name: clock.spent[name] / 1e9 for name in STEPS}
    cached = clock.spent["cache"] / 1e9
    by_step["the rest"] = spent - cached - sum(by_step.values())
    total = spent - cached
    share = lock.get("share")
    return {
        "calls": len(calls),
        "judged": judged,
        "cpu_s_an_hour": {name: round(value / hours, 3) for name, value in (("all", total), *by_step.items())},
        "share_under_lock": None if share is None else round(share, 3),
        "cpu_s_an_hour_under_lock": None if share is None else round(share * total / hours, 3),
        "wall_s": round(took, 1),
        "times_real_time_by_wall": round(SECONDS * len(calls) / took),
        "resident_mib": memory,
    }


def hear_and_judge(engine: Engine, calls: Sequence[Call], store: Store, rule_book: Any, memory: list[int]) -> int:
    """Do what a run does with its calls; note the memory at ten points. Returns how many were judged."""

    def watch(step: str, done: int, total: int) -> None:
        if step == "transcribe" and done % max(1, total // 10) == 0:
            memory.append(resident_mib())

    with JudgingThread(store, rule_book, total=len(calls), on_progress=watch) as judging:
        outcome = transcribe.transcribe_calls(
            calls,
            store,
            engine_key="stub",
            load_transcriber=lambda: transcribe.EngineTranscriber(engine),
            on_progress=watch,
            on_transcribed=judging.add,
        )
        done, failures = judging.finish()
    if failures or outcome.failures:
        raise RuntimeError(f"not heard: {[*outcome.failures, *failures][:3]}")
    return len(done)


# --- calls ------------------------------------------------------------------------------------------------------------


def three_minute_calls() -> list[Samples]:
    """Make different calls of three minutes out of the bundled ones, float32 [2, samples] at 8 kHz."""
    paths = [path for path in sorted(bundled_calls().glob("c*.ogg")) if "broken" not in path.name]
    stereo: list[Samples] = []
    while sum(sound.shape[1] for sound in stereo) < DIFFERENT * SECONDS * SAMPLE_RATE:
        stereo.append(decode(paths[len(stereo)], max_duration_ms=10**7).samples)
    low = soxr.resample(np.concatenate(stereo, axis=1).T, SAMPLE_RATE, RATE).T
    step = SECONDS * RATE
    return [low[:, first * step : (first + 1) * step] for first in range(DIFFERENT)]


def write_calls(folder: Path, sounds: Sequence[Samples], kind: str, count: int) -> list[Call]:
    """Write the different calls, and link the others to them."""
    folder.mkdir()
    suffix, form, subtype = FORMATS[kind]
    paths = [folder / f"{number:05d}{suffix}" for number in range(count)]
    for number, path in enumerate(paths):
        if number < len(sounds):
            soundfile.write(path, sounds[number].T, RATE, format=form, subtype=subtype)
        else:
            path.hardlink_to(paths[number % len(sounds)])
    return [
        Call(
            call_id=f"{kind}{number:05d}",
            audio_path=str(path),
            order_id=f"{number * 2 // 3:06d}",
            agent_id=f"A{number % 40:03d}",
            started_at=BEGIN + timedelta(minutes=number),
        )
        for number, path in enumerate(paths)
    ]


def digest_of(path: str | Path) -> str:
    """Return the digest of a recording, which is another for each name: links are calls of their own."""
    return content_key(sha256_of(path), str(path))


# --- what is answered from a cache ------------------------------------------------------------------------------------


def stubbed(clock: Clock) -> Engine:
    """Load the bundled model, and let it answer from a cache as a GPU would: without CPU time of its own."""
    settings = AsrSettings(vad="silero", batch_seconds=BATCH_SECONDS)
    engine = load("demo", device="cpu", asr=settings, audio=AudioSettings())
    if not isinstance(engine, Engine) or not isinstance(engine.speech, SenseVoice):
        raise TypeError("the benchmark reads the engine's parts")
    speech: Any = engine.speech
    speech._budget = BATCH_SECONDS * 1000 // 60
    speech._forward = clock.of("launch", Network(speech, clock))
    speech._read_batch = clock.of("read", speech._read_batch)
    speech.log_mel = clock.of("cache", Cached(speech.log_mel))
    prepare = clock.of("cut", Engine._prepare_alone)
    Engine._prepare_alone = prepare  # type: ignore[method-assign]
    vad: Any = CachedVad(engine.vad, clock)
    return replace(engine, vad=vad, round_seconds=ROUND_BATCHES * BATCH_SECONDS)


def key_of(samples: Samples) -> bytes:
    """Name a recording by some of its samples."""
    return samples[:, ::4999].tobytes()


class Cached:
    """A function of samples that is computed once for each sound."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self._known: dict[bytes, Any] = {}

    def __call__(self, samples: Samples, *rest: Any) -> Any:
        key = key_of(samples)
        if key not in self._known:
            self._known[key] = self._work(samples, *rest)
        return self._known[key]


class CachedVad:
    """A detector that is asked once for each sound."""

    def __init__(self, vad: Any, clock: Clock) -> None:
        self.find = clock.of("cache", Cached(vad.find))


class Network:
    """The network's forward: launched on a narrow network, answered from what the bundled model said."""

    def __init__(self, speech: Any, clock: Clock) -> None:
        self._forward = speech._forward
        self._clock = clock
        self._scores = len(speech._emotions) + len(speech._events)
        self._known: dict[tuple[int, bytes], Any] = {}
        self._network = narrow_network(WIDTH)

    def __call__(self, chunks: Sequence[SpeechChunk]) -> Any:
        self._launch()
        with self._clock.step("cache"):
            keys = [name_of(chunk.features) for chunk in chunks]
            if any(key not in self._known for key in keys):
                rows = self._forward(chunks).rows()
                for key, row in zip(keys, rows, strict=True):
                    self._known[key] = row[: key[0] + 4], row[-self._scores :]
            longest = max(length for length, _ in keys) + 4
            answer = np.zeros((len(keys), longest + self._scores), np.int32)
            for place, key in enumerate(keys):
                ids, scores = self._known[key]
                answer[place, : len(ids)], answer[place, longest:] = ids, scores
        return Answer(answer)

    @torch.inference_mode()
    def _launch(self) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            encoded, _ = self._network.encoder(torch.zeros((1, 5, WIDTH)), torch.tensor([5]))
        logits = self._network.ctc.ctc_lo(encoded.float())
        logits[:, 1].softmax(dim=-1), logits[:, 2].softmax(dim=-1), logits.argmax(dim=-1).to(torch.int32)


def name_of(features: torch.Tensor) -> tuple[int, bytes]:
    """Name a chunk by its length and some of its values."""
    return len(features), features[:: max(1, len(features) // 4), ::97].numpy().tobytes()


class Answer:
    """What a batch gave."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def rows(self) -> Any:
        """Return the rows as a batch's output has them."""
        return self._rows


# --- the interpreter's lock -------------------------------------------------------------------------------------------


@contextmanager
def lock_samples(folder: Path) -> Iterator[dict[str, float]]:
    """Sample threads inside a block; afterwards "share" is how much of their work was done under the lock."""
    found: dict[str, float] = {}
    program = Path(sys.executable).with_name("py-spy")
    if not program.exists():
        yield found
        return
    samplers = []
    for name, flags in (("held", ["--gil"]), ("active", [])):
        target = folder / f"{name}.txt"
        command = [
            program, "record", *flags, "--pid", str(os.getpid()), "--nonblocking", "--rate", str(SAMPLES_A_SECOND),
            "--format", "raw", "--output", target,
        ]  # fmt: skip
        sampler = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        samplers.append((target, sampler))
    for _, sampler in samplers:
        while (line := sampler.stdout.readline() if sampler.stdout else "") and "Sampling" not in line:
            pass
    yield found
    counts = []
    for target, sampler in samplers:
        sampler.send_signal(signal.SIGINT)
        sampler.communicate(timeout=60)
        lines = target.read_text(encoding="utf-8").splitlines() if target.exists() else []
        counts.append(sum(int(line.rsplit(" ", 1)[1]) for line in lines))
    held, active = counts
    if active:
        found["share"] = held / active
