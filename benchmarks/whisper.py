"""Our engine with SenseVoiceSmall beside Whisper (faster-whisper, CTranslate2): speed, memory, what each tells.

    python -m benchmarks.whisper [--weights base=FOLDER …] [--only SYSTEM …] [--threads 2] [--seconds 120] [--runs 2]

needs the extra `dev` and the recordings of `benchmarks.fullsize.ASSETS`. Each system hears the same 16 kHz files in
a process of its own, with as many threads:

- SenseVoiceSmall by our engine, of the published shape with random weights (`benchmarks.fullsize`), and with
  `asr.cpu_bf16`;
- Whisper base, small and large-v3-turbo in int8, of the published shapes with random weights where no `--weights`
  names a folder in CTranslate2's form (model.bin, tokenizer.json; such as Systran/faster-whisper-base).

Random weights never end a sentence, so Whisper writes `TOKENS_A_WINDOW` tokens for each window of 30 s, greedily, in
batches of eight windows, which flatters it. Real weights take the way that users take (`WhisperModel.transcribe`, beam
of 5, and greedily), and are also asked what is said on clips whose words are published, and on clips without words.
SenseVoice's answers on these clips are those that were published with it: its weights are not at hand, and nothing of
its recognition is measured here.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.fullsize import ASSETS
from benchmarks.machine import describe
from benchmarks.memory import peak_mib

RESULT: Final = Path(__file__).parent / "results" / "whisper.json"
#: With random weights. Whisper base with real ones writes more for 30 s (`tokens_a_window`), so this flatters Whisper.
TOKENS_A_WINDOW: Final = 80
WINDOW_S: Final = 30
#: The prompt (<|startoftranscript|>, <|zh|>, <|transcribe|>, <|notimestamps|>), and the end, which is suppressed.
PROMPT, END = (50258, 50260, 50359, 50363), 50257
#: Tokens that CTranslate2 knows by name.
NAMES: Final = {END: "<|endoftext|>", 50258: "<|startoftranscript|>", 50362: "<|nospeech|>", 50363: "<|notimestamps|>"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A published size: layers of encoder and decoder, width, heads, mel bands, tokens."""

    encoder: int
    decoder: int
    width: int
    heads: int
    mels: int = 80
    vocabulary: int = 51_865


#: openai/whisper, `model.dims` of each checkpoint.
SHAPES: Final = {
    "base": Shape(6, 6, 512, 8),
    "small": Shape(12, 12, 768, 12),
    "large-v3-turbo": Shape(32, 4, 1280, 20, mels=128, vocabulary=51_866),
}
SYSTEMS: Final = ("sensevoice", "sensevoice-bf16", *SHAPES)
#: Clips whose words are published with SenseVoice: part of the name, the words.
CLIPS: Final = {
    "emotion/zh_": "英国的哲学家曾经说过",
    "emotion/en_": "i did go and made many prisoners",
    "mandarin/asr_example": "欢迎大家来体验达摩院推出的语音识别模型",
    "mandarin/zh_prompt": "对所以说你现在的话这个账单的话你既然说能处理那你就想办法处理掉",
}  # fmt: skip


def main() -> None:
    """Measure each system in a process of its own, and write the result down."""
    options = arguments()
    if options.system:
        print(json.dumps(measure(options)))
        return
    result: dict[str, Any] = json.loads(RESULT.read_text("utf-8")) if RESULT.is_file() else {"systems": {}}
    result |= {"command": "python -m benchmarks.whisper", "machine": describe()}
    for system in options.only or SYSTEMS:
        print(system, file=sys.stderr)
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.whisper", *sys.argv[1:], "--system", system],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        result["systems"][system] = json.loads(ran.stdout.splitlines()[-1])
        RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(RESULT.read_text("utf-8"))


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FOLDER", help="real weights of a size")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=120, help="how much of the recordings is heard")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, help="measure these anew, keep the others' figures")
    parser.add_argument("--system", choices=SYSTEMS, help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    for weights in options.weights:
        name, _, folder = weights.partition("=")
        if name not in SHAPES or not (Path(folder) / "model.bin").is_file():
            parser.error(
                f"--weights {weights}: expected one of {', '.join(SHAPES)}, =, and a folder that holds model.bin"
            )
    if not ASSETS.is_dir():
        parser.error(f"no recordings at {ASSETS}: they are not part of this repository")
    return options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Hear the files with one system."""
    from benchmarks.engine import real_files
    from qareport.audio.decode import decode

    with tempfile.TemporaryDirectory() as folder:
        files = real_files(Path(folder), options.seconds)
        seconds = sum(decode(path, max_duration_ms=10**9).info.duration_ms for path in files) / 1000
        weights = dict(given.split("=", 1) for given in options.weights)
        if options.system.startswith("sensevoice"):
            figures = hear_with_ours(files, Path(folder), options)
        elif options.system in weights:
            figures = hear_with_whisper(files, Path(weights[options.system]), options)
        else:
            # Made in a process of its own, so that the memory that this takes is not counted.
            made = Path(folder) / "whisper"
            code = "import sys; from pathlib import Path; from benchmarks import whisper as w; "
            code += "w.build_random(w.SHAPES[sys.argv[1]], Path(sys.argv[2]))"
            subprocess.run([sys.executable, "-c", code, options.system, str(made)], check=True)
            figures = hear_with_random(files, SHAPES[options.system], made, options)
    for way in figures.values():
        if isinstance(way, dict) and "seconds" in way:
            way["real_time_factor"] = round(way["seconds"] / seconds, 4)
            way["audio_seconds_a_second"] = round(seconds / way["seconds"], 1)
    return {"audio_seconds": round(seconds, 1), "threads": options.threads, **figures, "peak_mib": peak_mib()}


def timed(work: Callable[[], Any], runs: int) -> dict[str, float]:
    """Do the work once to be warm, then so many times: the median of seconds and of CPU seconds."""
    work()
    walls, cpus = [], []
    for _ in range(runs):
        wall, before = time.perf_counter(), _cpu_s()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(_cpu_s() - before)
    return {"seconds": round(statistics.median(walls), 2), "cpu_seconds": round(statistics.median(cpus), 2)}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def hear_with_ours(files: Sequence[Path], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """SenseVoiceSmall by our engine."""
    import torch

    from benchmarks.engine import our_engine, run_ours
    from benchmarks.fullsize import PARAMETERS, build

    torch.set_num_threads(options.threads)
    engine = our_engine(build(folder / "model"), "cpu", bf16=options.system.endswith("bf16"))
    return {
        "weights": "random", "parameters": PARAMETERS, "greedy": timed(lambda: run_ours(engine, files), options.runs),
    }  # fmt: skip


# --- Whisper ----------------------------------------------------------------------------------------------------------


def parameters(shape: Shape) -> int:
    """Count the parameters of a Whisper of this shape without making it."""
    from torch import device

    with device("meta"):
        return sum(value.numel() for value in _network(shape).parameters())


def _network(shape: Shape) -> Any:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    network: Any = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=shape.vocabulary, num_mel_bins=shape.mels, d_model=shape.width,
            encoder_layers=shape.encoder, encoder_attention_heads=shape.heads, encoder_ffn_dim=4 * shape.width,
            decoder_layers=shape.decoder, decoder_attention_heads=shape.heads, decoder_ffn_dim=4 * shape.width,
        )
    )  # fmt: skip
    return network.eval()


def build_random(shape: Shape, folder: Path) -> int:
    """Write a Whisper of this shape with random weights in CTranslate2's form; return its parameters."""
    import torch
    from ctranslate2.converters.transformers import WhisperLoader

    torch.manual_seed(7)
    model = _network(shape)
    spec = WhisperLoader().get_model_spec(model)
    spec.register_vocabulary([NAMES.get(number, f"<{number}>") for number in range(shape.vocabulary)])
    spec.config.lang_ids = list(range(50_259, 50_358))
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [END], [END]
    spec.config.alignment_heads = [(shape.decoder - 1, 0)]
    spec.validate()
    spec.optimize(quantization="float16")
    folder.mkdir()
    spec.save(str(folder))
    return sum(value.numel() for value in model.parameters())


def open_random(folder: Path, *, threads: int) -> Any:
    """Load what `build_random` wrote."""
    from ctranslate2.models import Whisper

    return Whisper(str(folder), device="cpu", compute_type="int8", intra_threads=threads)


def windows(files: Sequence[Path], *, mels: int) -> list[Any]:
    """Return log-mel features of each window of 30 s, the last one padded: (mels, 3000) each."""
    import numpy as np
    from faster_whisper.audio import decode_audio
    from faster_whisper.feature_extractor import FeatureExtractor

    extract, length, found = FeatureExtractor(feature_size=mels), WINDOW_S * 16_000, []
    for path in files:
        samples = decode_audio(str(path))
        for begin in range(0, len(samples), length):
            part = samples[begin : begin + length]
            found.append(extract(np.pad(part, (0, length - len(part))))[:, : WINDOW_S * 100])
    return found


def write_tokens(model: Any, heard: Sequence[Any]) -> list[int]:
    """Decode windows in batches of eight, greedily; return how many tokens were written for each.

    As in Whisper itself, half of `max_length` may be written: the other half is for what was said before.
    """
    import numpy as np
    from ctranslate2 import StorageView

    written = []
    for first in range(0, len(heard), 8):
        batch = np.ascontiguousarray(np.stack(heard[first : first + 8]), dtype=np.float32)
        prompts = [list(PROMPT)] * len(batch)
        answers = model.generate(StorageView.from_array(batch), prompts, beam_size=1, max_length=2 * TOKENS_A_WINDOW)
        written += [len(answer.sequences_ids[0]) for answer in answers]
    return written


def hear_with_random(files: Sequence[Path], shape: Shape, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Whisper of a published shape: log-mel, encoder, and so many tokens a window."""
    model = open_random(folder, threads=options.threads)

    def hear() -> None:
        written = write_tokens(model, windows(files, mels=shape.mels))
        if set(written) != {TOKENS_A_WINDOW}:
            raise RuntimeError(f"tokens a window: {written}, expected {TOKENS_A_WINDOW} each")

    return {"weights": "random", "parameters": parameters(shape), "greedy": timed(hear, options.runs)}


def hear_with_whisper(files: Sequence[Path], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Whisper with real weights, as its users run it, and what it makes of clips whose words are known."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=options.threads)
    written: list[int] = []

    def hear(beam: int) -> None:
        written.clear()
        for path in files:
            segments, _ = model.transcribe(str(path), beam_size=beam, language="zh")
            written.append(sum(len(segment.tokens) for segment in segments))

    figures: dict[str, Any] = {"weights": "real", "greedy": timed(lambda: hear(1), options.runs)}
    figures["tokens_a_window"] = round(sum(written) / (options.seconds / WINDOW_S))
    figures["beam_of_5"] = timed(lambda: hear(5), options.runs)
    return {**figures, **tells(model)}


def tells(model: Any) -> dict[str, Any]:
    """What Whisper writes for clips with known words, in which language, and for clips without any."""
    errors = length = languages = 0
    clips = []
    for start, words in CLIPS.items():
        language = "en" if words.isascii() else "zh"
        for path in sorted((ASSETS / "audio").glob(f"{start}*.wav")):
            segments, info = model.transcribe(str(path))
            wrong = character_errors(words, "".join(segment.text for segment in segments))
            languages += info.language == language
            errors, length = errors + wrong, length + len(words)
            clips.append({"clip": path.stem, "characters": len(words), "errors": wrong, "language": info.language})
    silent = {
        path.stem: "".join(segment.text for segment in model.transcribe(str(path))[0]).strip()
        for path in sorted((ASSETS / "audio" / "events").glob("*.wav"))
    }
    return {
        "clips": clips,
        "character_error_rate": round(errors / length, 3),
        "languages_right": f"{languages} of {len(clips)}",
        "written_for_clips_without_words": silent,
    }


def character_errors(words: str, heard: str) -> int:
    """Count insertions, deletions and replacements of letters and characters, traditional ones as simplified."""
    from benchmarks.engine import distance
    from qareport.text.spelling import simplify

    def plain(text: str) -> str:
        return "".join(char for char in simplify(text).lower() if char.isalnum())

    return distance(plain(words), plain(heard))


if __name__ == "__main__":
    main()
