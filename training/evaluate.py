"""Measure the bundled model on sentences and voices that training never saw: `python -m training.evaluate`."""

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from training.dataset import Utterance, line_sound, plan
from training.decode import transcribe
from training.loading import Loaded, describe_machine, load, sha256
from training.score import Truth, characters, summarise
from training.synth import Wave
from training.voices import HELD_OUT_VOICES

SETS = {
    "test_sentences": "exact texts and voices that training never saw",
    "test_templates": "whole sentence templates and voices that training never saw",
    "test_events": "laughter, coughs, music, line noise; texts and voices that training never saw",
}
#: This many utterances go through `AutoModel.generate` singly, to check that it gives the same as batches.
GENERATE_CHECK = 60


def _truth(utterance: Utterance) -> Truth:
    return Truth(text=utterance.text, language=utterance.language, emotion=utterance.emotion, event=utterance.event)


def same_as_generate(loaded: Loaded, waves: list[Wave]) -> int:
    """Count the waves for which `AutoModel.generate` gives the text and tags of the batched decoding."""
    batched = transcribe(loaded.model, loaded.vocabulary, [loaded.features(wave) for wave in waves])
    same = 0
    for wave, recognition in zip(waves, batched, strict=True):
        text = loaded.auto.generate(input=wave, language="auto", use_itn=False)[0]["text"]
        tags = [f"<|{name}|>" for name in (recognition.language, recognition.emotion, recognition.event)]
        bare = text.rpartition("|>")[2]
        same += all(tag in text for tag in tags) and characters(bare) == characters(recognition.text)
    return same


def evaluate(folder: Path) -> dict[str, object]:
    """Speak every test set, transcribe it, and return the figures."""
    loaded = load(folder)
    sets: dict[str, object] = {}
    planned = [u for u in plan() if u.split in SETS]
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        waves = list(pool.map(line_sound, planned, chunksize=32))
    for name, meaning in SETS.items():
        chosen = [i for i, u in enumerate(planned) if u.split == name]
        stacked = [loaded.features(waves[i]) for i in chosen]
        truths = [_truth(planned[i]) for i in chosen]
        seconds = sum(len(waves[i]) for i in chosen) / 16000
        begun = time.perf_counter()
        plain = transcribe(loaded.model, loaded.vocabulary, stacked, norm="woitn")
        took = time.perf_counter() - begun
        marked = transcribe(loaded.model, loaded.vocabulary, stacked, norm="withitn")
        sets[name] = {
            "what": meaning,
            "audio_seconds": round(seconds, 1),
            "audio_seconds_per_second": round(seconds / took, 1),
            "woitn": summarise(list(zip(truths, plain, strict=True))),
            "withitn": summarise(list(zip(truths, marked, strict=True))),
        }
    checked = min(GENERATE_CHECK, len(waves))
    return {
        "command": "python -m training.evaluate",
        "machine": describe_machine(),
        "model_sha256": sha256(folder / "model.pt"),
        "parameters": sum(p.numel() for p in loaded.model.parameters()),
        "held_out_voices": list(HELD_OUT_VOICES),
        "generate_agrees": {"of": checked, "same": same_as_generate(loaded, waves[:checked])},
        "sets": sets,
    }


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("qareport/bundled/model"))
    parser.add_argument("--out", type=Path, default=Path("training/results/evaluation.json"))
    options = parser.parse_args()
    result = evaluate(options.model)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
