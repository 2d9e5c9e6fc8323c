"""Host memory while many calls are queued: it must not grow with their number.

    python -m benchmarks.memory --calls 3000 --seconds 180

Every call is --seconds of stereo; twenty recordings are used under many names. 3,000 calls of three minutes take an
hour of an otherwise idle core. The model is a tiny random one unless another is named: the queue is to be measured,
not the weights.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.machine import describe
from qareport.asr import load
from qareport.model import Call, Transcript
from qareport.settings import AsrSettings, AudioSettings
from tests.support.asr_fixtures import make_model
from tests.support.sounds import burst_call

RESULT = Path(__file__).resolve().parent / "results" / "memory.json"
STEPS = 10


def resident_mib() -> int:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 // 2**20


def peak_mib() -> int:
    """Return the most memory that this process has held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024


def main() -> None:
    """Transcribe, read the memory ten times on the way, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--seconds", type=int, default=180, help="length of a call")
    parser.add_argument("--model", help="a model directory, or `demo`")
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or str(make_model(Path(folder) / "model"))
        engine = load(model, device="cpu", asr=AsrSettings(vad="silero"), audio=AudioSettings())
        loaded = resident_mib()
        paths = [burst_call(Path(folder) / f"{seed}.wav", seconds=options.seconds, seed=seed) for seed in range(20)]
        calls = [Call(call_id=str(index), audio_path=str(paths[index % 20])) for index in range(options.calls)]
        seen, transcribed, began = [], 0, time.perf_counter()
        for done, result in enumerate(engine.transcribe(calls), start=1):
            transcribed += isinstance(result, Transcript)
            if done % max(1, options.calls // STEPS) == 0:
                seen.append({"calls": done, "resident_mib": resident_mib(), "peak_mib": peak_mib()})
    result = {
        "command": f"python -m benchmarks.memory --calls {options.calls} --seconds {options.seconds}",
        "model": options.model or "tiny, random",
        "machine": describe(),
        "transcribed": transcribed,
        "seconds": round(time.perf_counter() - began, 1),
        "loaded_mib": loaded,
        "on_the_way": seen,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
