"""Transcribe the bundled calls with the bundled model and compare with the truth: `python -m training.check_calls`."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from silero_vad import get_speech_timestamps, load_silero_vad

from training.dataset import plan
from training.decode import Recognition, transcribe
from training.grammar import strip_punctuation
from training.loading import describe_machine, load, sha256
from training.recording import read_recording
from training.score import Truth, characters, edit_distance, percent
from training.script import Script, read_scripts
from training.synth import Wave
from training.telephone import MODEL_RATE, to_model_rate
from training.voices import HELD_OUT_VOICES

MIN_SILENCE_MS = 400
#: silero runs at 16 kHz and padded: at 8 kHz it starts 55 ms late (median) and loses some first syllables.
SPEECH_PAD_MS = 150
#: A segment belongs to a turn that it covers for at least this long.
MIN_OVERLAP_MS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span of time on a channel."""

    start_ms: int
    end_ms: int

    def overlap_ms(self, start_ms: int, end_ms: int) -> int:
        """Return how long this span and another overlap."""
        return min(self.end_ms, end_ms) - max(self.start_ms, start_ms)


def find_speech(vad: torch.nn.Module, channel: Wave) -> list[Span]:
    """Return the speech that silero finds on a 16 kHz channel."""
    timestamps = get_speech_timestamps(
        torch.from_numpy(channel),
        vad,
        sampling_rate=MODEL_RATE,
        min_silence_duration_ms=MIN_SILENCE_MS,
        speech_pad_ms=SPEECH_PAD_MS,
    )
    return [
        Span(start_ms=stamp["start"] * 1000 // MODEL_RATE, end_ms=stamp["end"] * 1000 // MODEL_RATE)
        for stamp in timestamps
    ]


def connect(turns: list[dict[str, object]], spans: list[Span]) -> Iterator[tuple[list[int], list[int]]]:
    """Group turns and segments that share time, as (turn indices, segment indices)."""
    group = {("t", i): i for i in range(len(turns))} | {("p", i): len(turns) + i for i in range(len(spans))}
    for i, turn in enumerate(turns):
        for j, span in enumerate(spans):
            if span.overlap_ms(int(str(turn["start_ms"])), int(str(turn["end_ms"]))) >= MIN_OVERLAP_MS:
                old, new = group[("p", j)], group[("t", i)]
                group = {key: new if value == old else value for key, value in group.items()}
    for number in sorted(set(group.values())):
        members = [key for key, value in group.items() if value == number]
        yield [i for kind, i in members if kind == "t"], [i for kind, i in members if kind == "p"]


def _closest(span: Span, turns: list[dict[str, object]]) -> dict[str, object] | None:
    best = max(turns, key=lambda t: span.overlap_ms(int(str(t["start_ms"])), int(str(t["end_ms"]))), default=None)
    if best is None or span.overlap_ms(int(str(best["start_ms"])), int(str(best["end_ms"]))) < MIN_OVERLAP_MS:
        return None
    return best


@dataclass(slots=True)
class Tally:
    """Counts of a call, or of all."""

    errors: int = 0
    characters: int = 0
    segments: int = 0
    language: int = 0
    emotion: int = 0
    event: int = 0
    turns: int = 0
    missed_turns: int = 0
    extra_segments: int = 0

    def add(self, other: "Tally") -> None:
        """Add the counts of `other`."""
        for name in Tally.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def figures(self) -> dict[str, object]:
        """Return the counts as percentages."""
        return {
            "turns": self.turns,
            "missed_turns": self.missed_turns,
            "segments": self.segments,
            "extra_segments": self.extra_segments,
            "characters": self.characters,
            "cer_percent": percent(self.errors, self.characters),
            "language_percent": percent(self.language, self.segments),
            "emotion_percent": percent(self.emotion, self.segments),
            "event_percent": percent(self.event, self.segments),
        }


def judge(
    turns: list[dict[str, object]], spans: list[Span], recognitions: list[Recognition], notes: list[str]
) -> Tally:
    """Compare the segments of a channel with its turns; differences are appended to `notes`."""
    tally = Tally(turns=len(turns))
    for turn_ids, span_ids in connect(turns, spans):
        truth_text = "".join(characters(str(turns[i]["text"])) for i in sorted(turn_ids))
        text = "".join(characters(recognitions[i].text) for i in sorted(span_ids))
        if not turn_ids:
            tally.extra_segments += len(span_ids)
            notes += [f"extra at {spans[i].start_ms}: {recognitions[i]}" for i in span_ids]
            tally.errors += len(text)
            continue
        tally.missed_turns += len(turn_ids) if not span_ids else 0
        errors = edit_distance(truth_text, text)
        tally.errors += errors
        tally.characters += len(truth_text)
        if errors:
            notes.append(f"{turns[turn_ids[0]]['start_ms']}: {truth_text} -> {text}")
    for span, recognition in zip(spans, recognitions, strict=True):
        turn = _closest(span, turns)
        if turn is None:
            continue
        truth = Truth(
            text="",
            language=str(turn["language"]),
            emotion=str(turn["emotion"]),
            event=str(turn["events"][-1]),  # type: ignore[index]
        )
        tally.segments += 1
        tally.language += truth.language == recognition.language
        tally.emotion += truth.emotion == recognition.emotion
        tally.event += truth.event == recognition.event
        if truth.emotion != recognition.emotion:
            notes.append(f"{span.start_ms}: {truth.emotion} -> {recognition.emotion}: {recognition.text}")
    return tally


def trained_share(scripts: list[Script]) -> dict[str, object]:
    """Say how much of the calls the training set contains: exact sentences, and voices."""
    seen = {strip_punctuation(u.text) for u in plan() if u.split == "train"}
    texts = [strip_punctuation(step.text) for script in scripts for step in script.steps if step.text]
    played = [script for script in scripts if not script.broken]
    held_out = [s for s in played if any(voice in HELD_OUT_VOICES for voice in s.voices.values())]
    return {
        "turns": len(texts),
        "turns_whose_exact_text_is_in_training_percent": percent(sum(t in seen for t in texts), len(texts)),
        "calls": len(played),
        "calls_with_a_held_out_voice": len(held_out),
    }


def check(model: Path, calls: Path) -> dict[str, object]:
    """Transcribe every call and return the figures, in total and by call."""
    torch.set_num_threads(1)
    loaded, vad = load(model), load_silero_vad()
    truths = {call["audio"]: call for call in json.loads((calls / "truth.json").read_text(encoding="utf-8"))["calls"]}
    scripts = read_scripts()
    total = Tally()
    by_call: dict[str, object] = {}
    for script in scripts:
        if script.broken:
            continue
        turns, tally = truths[script.audio]["turns"], Tally()
        notes: list[str] = []
        for role, narrow in zip(script.channels.split("|"), read_recording(calls / script.audio), strict=True):
            own = [t for t in turns if role in ("mixed", t["role"])]
            channel = to_model_rate(narrow)
            spans = find_speech(vad, channel)
            cut = [channel[p.start_ms * MODEL_RATE // 1000 : p.end_ms * MODEL_RATE // 1000] for p in spans]
            recognitions = transcribe(loaded.model, loaded.vocabulary, [loaded.features(x) for x in cut])
            tally.add(judge(own, spans, recognitions, notes))
        total.add(tally)
        by_call[script.audio] = tally.figures() | {"differences": notes}
    return {
        "command": "python -m training.check_calls",
        "machine": describe_machine(),
        "model_sha256": sha256(model / "model.pt"),
        "vad": f"silero-vad at 16 kHz, min_silence_duration_ms={MIN_SILENCE_MS}, speech_pad_ms={SPEECH_PAD_MS}",
        "all": total.figures(),
        "training": trained_share(scripts),
        "by_call": by_call,
    }


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("qareport/bundled/model"))
    parser.add_argument("--calls", type=Path, default=Path("qareport/bundled/calls"))
    parser.add_argument("--out", type=Path, default=Path("training/results/calls.json"))
    options = parser.parse_args()
    result = check(options.model, options.calls)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
