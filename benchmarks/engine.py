"""Our engine beside funasr's own `AutoModel.generate`: same weights, same detector settings, same audio, same output.

    python -m benchmarks.engine                       # two CPU threads, a full-size model with random weights
    python -m benchmarks.engine --device cuda --calls 3000
    python -m benchmarks.engine --ratios --seconds 150 --runs 7     # stock, ours and ours in bf16 in turn
    python -m benchmarks.engine --stub                # the ceiling of a process (benchmarks/ceiling.py)

Both are given the same 16 kHz files and give tagged text with token times; texts must be equal. Runs alternate;
medians count. Also measured: 500 generated segments through both models, decoding, detection and the model by
themselves, and the share of the processor's own matrix multiplication.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.fullsize import ASSETS, PARAMETERS, build
from benchmarks.machine import describe
from benchmarks.memory import peak_mib
from qareport.asr import load
from qareport.asr.engine import Engine
from qareport.asr.interfaces import Recognition, SpeechChunk
from qareport.asr.sensevoice import SenseVoice
from qareport.audio.decode import decode
from qareport.audio.resampling import Samples
from qareport.model import Call, Transcript
from qareport.settings import AsrSettings, AudioSettings
from tests.support.sounds import burst_call, varied_babble, write_wav

RESULTS = Path(__file__).resolve().parent / "results"
VAD = ASSETS / "fsmn-vad"
SILENCE_MS = 500
#: funasr's own limit, so that neither side cuts what the other does not.
LONGEST_MS = 60_000
ASKED = {"language": "auto", "use_itn": True}


def main() -> None:
    """Measure, compare, and write the result down."""
    options = arguments()
    if options.stub:
        from benchmarks.ceiling import measure

        calls = options.calls or 60
        command = f"python -m benchmarks.engine --stub --calls {calls} --formats {' '.join(options.formats)}"
        write("engine_stub", {"command": command, **measure(options.formats, calls)})
        return
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or build(Path(folder) / "full")
        files = real_files(Path(folder), options.seconds)
        if options.ratios:
            ratio = {"command": command_line(options), "machine": describe(), **ratios(model, files, options)}
            write("engine_ratios", ratio)
            return
        engine = our_engine(model, options.device, bf16=options.bf16)
        stock = stock_model(model, options)
        torch.set_num_threads(options.threads)
        result: dict[str, Any] = {
            "command": command_line(options),
            "machine": describe(),
            "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu",
            "threads": options.threads,
            "parameters": sum(value.numel() for value in stock.model.parameters()),
            "published_parameters": PARAMETERS,
            "end_to_end": end_to_end(engine, stock, files, options.runs),
            "parts": parts(engine, stock, files, options.runs),
            "memory_mib": memory_mib(options.device),
        }
        if options.segments:
            result["segments"] = segments(engine, stock, options.segments)
        if options.calls:
            result["calls"] = many_calls(engine, Path(folder), options.calls)
    write(options.name, result)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a model directory; a full-size random one is built unless given")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=300, help="how much of the real recordings is used")
    parser.add_argument("--segments", type=int, default=500, help="generated segments for both models")
    parser.add_argument("--calls", type=int, default=0, help="generated three-minute calls, ours alone")
    parser.add_argument("--bf16", action="store_true", help="ours with asr.cpu_bf16; how many characters differ")
    parser.add_argument("--ratios", action="store_true", help="only how much faster ours is, in fp32 and in bf16")
    parser.add_argument("--stub", action="store_true", help="CPU time of everything but the model, by step")
    parser.add_argument("--formats", nargs="+", default=["wav", "mp3", "opus"], help="of the recordings with --stub")
    parser.add_argument("--name", default="engine", help="of the file in benchmarks/results")
    return parser.parse_args()


def command_line(options: argparse.Namespace) -> str:
    """Write the command line anew, without the path of the model."""
    given = {key: value for key, value in vars(options).items() if value and key not in ("model", "formats")}
    return "python -m benchmarks.engine " + " ".join(
        f"--{key}" if value is True else f"--{key} {value}" for key, value in given.items()
    )


# --- the two sides ----------------------------------------------------------------------------------------------------


def our_engine(model: Path, device: str, *, bf16: bool = False) -> Engine:
    """Load ours, to give utterances as the detector finds them, as stock does."""
    settings = AsrSettings(
        vad="fsmn", fsmn_vad=str(VAD), max_end_silence_ms=SILENCE_MS, max_segment_ms=LONGEST_MS,
        merge=False, sentence_emotion=False, batch_seconds=2000 if device == "cuda" else 30, cpu_bf16=bf16,
    )  # fmt: skip
    engine = load(str(model), device=device, asr=settings, audio=AudioSettings())
    if not isinstance(engine, Engine):
        raise TypeError("the benchmark reads the engine's parts")
    return engine


def stock_model(model: Path, options: argparse.Namespace) -> Any:
    """Load funasr as its users do, with a fixed end silence and without dither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from funasr import AutoModel

        stock = AutoModel(
            model=str(model), vad_model=str(VAD), device=options.device, disable_update=True, disable_pbar=True,
            ncpu=options.threads, frontend_conf={"dither": 0.0},
            vad_kwargs={"max_end_silence_time": SILENCE_MS, "max_single_segment_time": LONGEST_MS},
        )  # fmt: skip
    logging.getLogger().setLevel(logging.ERROR)
    return stock


def run_ours(engine: Engine, files: Sequence[Path]) -> list[str]:
    results = engine.transcribe([Call(call_id=path.stem, audio_path=str(path)) for path in files])
    return [
        " ".join(segment.raw or "" for segment in result.segments) if isinstance(result, Transcript) else repr(result)
        for result in results
    ]


def run_stock(stock: Any, files: Sequence[Path]) -> list[str]:
    texts = []
    for path in files:
        results = stock.generate(input=str(path), output_timestamp=True, batch_size_s=300, **ASKED)
        texts.append(results[0]["text"] if results else "")
    return texts


# --- what is measured -------------------------------------------------------------------------------------------------


def end_to_end(engine: Engine, stock: Any, files: Sequence[Path], runs: int) -> dict[str, Any]:
    """Files to tagged, timed text: ours and stock in turn."""
    seconds = sum(decode(path, max_duration_ms=10**9).info.duration_ms for path in files) / 1000
    ours, theirs = run_ours(engine, files[-1:]), run_stock(stock, files[-1:])  # both warm
    took: dict[str, list[float]] = {"ours": [], "stock": []}
    for _ in range(runs):
        ours = timed(took["ours"], lambda: run_ours(engine, files))
        theirs = timed(took["stock"], lambda: run_stock(stock, files))
    same = sum(left == right for left, right in zip(ours, theirs, strict=True))
    ratio = statistics.median(took["stock"]) / statistics.median(took["ours"])
    return {
        "audio_seconds": round(seconds, 1),
        "files": len(files),
        "files_with_equal_text": same,
        "characters": sum(map(len, theirs)),
        "characters_different": sum(map(distance, ours, theirs)),
        "times_stock": round(ratio, 2),
        **{name: rates(seconds, values) for name, values in took.items()},
    }


def ratios(model: Path, files: Sequence[Path], options: argparse.Namespace) -> dict[str, Any]:
    """Files to tagged, timed text by stock, ours and ours in bf16 in turn: seconds, and how much faster ours is."""
    stock = stock_model(model, options)
    engines = {"ours": our_engine(model, options.device), "ours_bf16": our_engine(model, options.device, bf16=True)}
    torch.set_num_threads(options.threads)
    sides: dict[str, Callable[[Sequence[Path]], Any]] = {"stock": lambda chosen: run_stock(stock, chosen)}
    sides |= {name: lambda chosen, engine=engine: run_ours(engine, chosen) for name, engine in engines.items()}
    took: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(options.runs + 1):
        for name, work in sides.items():
            timed(took[name] if run else [], lambda work=work, run=run: work(files if run else files[-1:]))
    spent = {name: {"min": min(values), "median": statistics.median(values)} for name, values in took.items()}
    return {
        "seconds": {name: {kind: round(value, 2) for kind, value in values.items()} for name, values in spent.items()},
        "times_stock": {
            name: {kind: round(spent["stock"][kind] / value, 2) for kind, value in spent[name].items()}
            for name in engines
        },
        "runs": {name: [round(value, 2) for value in values] for name, values in took.items()},
        "load": [round(value, 1) for value in os.getloadavg()],
    }


def parts(engine: Engine, stock: Any, files: Sequence[Path], runs: int) -> dict[str, Any]:
    """Decoding, detection and recognition by themselves, in audio seconds a second."""
    took: dict[str, list[float]] = {name: [] for name in ("decode", "vad", "stock_vad", "model", "stock_model")}
    sounds = [decode(path, max_duration_ms=10**9).samples[0] for path in files]
    spans = [engine.vad.find(sound[None])[0] for sound in sounds]
    speech = [
        sound[start * 16 : end * 16]
        for sound, utterances in zip(sounds, spans, strict=True)
        for start, end in utterances
    ]
    chunks = [chunk_of(engine, samples) for samples in speech]
    vad_spans: list[Any] = []
    for _ in range(runs):
        timed(took["decode"], lambda: [decode(path, max_duration_ms=10**9) for path in files])
        timed(took["vad"], lambda: [engine.vad.find(sound[None]) for sound in sounds])
        vad_spans = timed(took["stock_vad"], lambda: [stock_spans(stock, sound) for sound in sounds])
        timed(took["model"], lambda: engine.speech.recognise(chunks))
        timed(took["stock_model"], lambda: [recognise_stock(stock, samples, timestamps=True) for samples in speech])
    speech_seconds = sum(samples.size for samples in speech) / 16_000
    audio_seconds = sum(sound.size for sound in sounds) / 16_000
    flop = sum(model_flop(engine, len(chunk.features)) for chunk in chunks)
    peak = matmul_peak(engine)
    return {
        "speech_seconds": round(speech_seconds, 1),
        "vad_segments_equal": vad_spans == [[list(span) for span in utterances] for utterances in spans],
        **{name: rates(speech_seconds if "model" in name else audio_seconds, values) for name, values in took.items()},
        "gflop_per_speech_second": round(flop / speech_seconds / 1e9, 2),
        "matmul_peak_gflops": round(peak / 1e9, 1),
        "model_share_of_peak": round(flop / statistics.median(took["model"]) / peak, 3),
        "stock_model_share_of_peak": round(flop / statistics.median(took["stock_model"]) / peak, 3),
    }


def segments(engine: Engine, stock: Any, count: int) -> dict[str, Any]:
    """Generated segments through both models: how many have the same text and tags."""
    generator = np.random.default_rng(1)
    sounds = [varied_babble(float(generator.uniform(0.4, 3.5)), seed=seed) for seed in range(count)]
    results = engine.speech.recognise([chunk_of(engine, samples) for samples in sounds])
    ours = [result.raw if isinstance(result, Recognition) else repr(result) for result in results]
    theirs = [recognise_stock(stock, samples, timestamps=False) for samples in sounds]
    return {
        "count": count,
        "audio_seconds": round(sum(samples.size for samples in sounds) / 16_000, 1),
        "equal": sum(left == right for left, right in zip(ours, theirs, strict=True)),
        "different_texts": len(set(theirs)),
    }


def many_calls(engine: Engine, folder: Path, count: int) -> dict[str, Any]:
    """Three-minute stereo calls, files to transcripts: twenty sounds under many names."""
    paths = [burst_call(folder / f"call{seed}.wav", seconds=180, seed=seed) for seed in range(min(20, count))]
    calls = [Call(call_id=str(index), audio_path=str(paths[index % len(paths)])) for index in range(count)]
    began = time.perf_counter()
    done = sum(isinstance(result, Transcript) for result in engine.transcribe(calls))
    took = time.perf_counter() - began
    return {
        "calls": count,
        "transcribed": done,
        "seconds": round(took, 1),
        "audio_seconds_a_second": 180 * count / took,
    }


# --- how --------------------------------------------------------------------------------------------------------------


def real_files(folder: Path, seconds: int) -> list[Path]:
    """Write channels of real recordings as 16 kHz files, Mandarin first, then short ones, until there is enough."""
    paths = (ASSETS / "audio").rglob("*.wav")
    ordered = sorted(paths, key=lambda path: (path.parent.name != "mandarin", path.stat().st_size))
    files, left = [], seconds * 16_000
    for path in ordered:
        for index, channel in enumerate(decode(path, max_duration_ms=10**9).samples):
            part = channel[:left]
            left -= part.size
            if part.size:
                files.append(write_wav(folder / f"{path.parent.name}-{path.stem}-{index}.wav", part[None], rate=16_000))
    return files


def chunk_of(engine: Engine, samples: Samples) -> SpeechChunk:
    features = engine.speech.features(engine.speech.log_mel(samples[None])[0])
    return SpeechChunk(
        channel=0, start_ms=0, end_ms=samples.size // 16, loudness_dbfs=-20.0, features=features,
        powers=np.zeros(len(features), np.float32),
    )  # fmt: skip


def recognise_stock(stock: Any, samples: Samples, *, timestamps: bool) -> str:
    (result,) = stock.inference(samples, model=stock.model, kwargs=stock.kwargs, output_timestamp=timestamps, **ASKED)
    text: str = result["text"]
    return text


def stock_spans(stock: Any, samples: Samples) -> list[list[int]]:
    (result,) = stock.inference(samples, model=stock.vad_model, kwargs=stock.vad_kwargs)
    spans: list[list[int]] = result["value"]
    return spans


def model_flop(engine: Engine, frames: int) -> float:
    """Count the multiplications and additions of linear layers, attention and convolutions for a segment."""
    if not isinstance(engine.speech, SenseVoice):
        return 0.0
    model, total, length = engine.speech._model, 0, frames + 4
    for module in model.encoder.modules():
        if hasattr(module, "in_features"):
            total += 2 * length * module.in_features * module.out_features
        elif isinstance(module, torch.nn.Conv1d):
            total += 2 * length * module.out_channels * module.kernel_size[0]
        elif hasattr(module, "linear_q_k_v"):
            total += 4 * length * length * module.h * module.d_k
    return total + 2 * length * model.ctc.ctc_lo.in_features * model.ctc.ctc_lo.out_features


def matmul_peak(engine: Engine) -> float:
    """Measure the best rate of a matrix multiplication in the type that the model runs in, in FLOP a second."""
    cuda = isinstance(engine.speech, SenseVoice) and engine.speech._device.type == "cuda"
    from qareport.asr.sensevoice import pack

    size = 8192 if cuda else 2048
    layer = torch.nn.Sequential(torch.nn.Linear(size, size)).eval()
    values = torch.randn(size, size)
    best = 0.0
    with torch.inference_mode():
        if cuda:
            layer, values = layer.to("cuda", torch.bfloat16), values.to("cuda", torch.bfloat16)
        else:
            pack(layer)
        for _ in range(12):
            began = time.perf_counter()
            layer(values)
            if cuda:
                torch.cuda.synchronize()
            best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def memory_mib(device: str) -> dict[str, int]:
    """Return the most memory that was held so far, by the process and on a GPU."""
    found = {"process": peak_mib()}
    if device == "cuda":
        found |= {
            "gpu_allocated": torch.cuda.max_memory_allocated() >> 20,
            "gpu_reserved": torch.cuda.max_memory_reserved() >> 20,
        }
    return found


def timed(into: list[float], work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    result = work()
    into.append(time.perf_counter() - began)
    return result


def distance(first: str, second: str) -> int:
    """Count the characters to change, put in or take out to make one text of another."""
    row = list(range(len(second) + 1))
    for place, character in enumerate(first, start=1):
        before, row[0] = row[0], place
        for index, other in enumerate(second, start=1):
            before, row[index] = row[index], min(before + (character != other), row[index] + 1, row[index - 1] + 1)
    return row[-1]


def rates(seconds: float, took: Sequence[float]) -> dict[str, float | list[float]]:
    median = statistics.median(took)
    return {
        "audio_seconds_a_second": round(seconds / median, 2),
        "seconds": round(median, 2),
        "runs": [round(value, 2) for value in took],
    }


def write(name: str, result: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
