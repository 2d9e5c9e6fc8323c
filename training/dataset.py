"""Plan, speak and featurise the utterances of training and test."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training import sounds
from training.features import log_mel
from training.grammar import LANGUAGES, SHARES, TRAINING_SHARES, draw_text, load_sentences, strip_punctuation
from training.synth import RATE, Wave, amplitude, speak
from training.telephone import through_line
from training.voices import EMOTIONS, draw_prosody, draw_voice

#: Utterances per split. Training never sees the exact texts or the voices of the others.
SPLIT_SIZES = {"test_sentences": 700, "test_templates": 300, "test_events": 240, "dev": 160, "train": 16000}
EVENT_KINDS = ("Laughter", "Cough", "BGM")
#: Training features are computed this many times, each with its own noise, gain and codec.
TRAINING_COPIES = 2
#: A text is used at most this often in training; the fixed short ones, eight times as often.
TEXT_LIMIT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A planned utterance and its labels; `seed` makes its sound reproducible."""

    split: str
    text: str  #: with punctuation; empty when there is no speech
    language: str  #: zh, en, yue or nospeech
    emotion: str
    event: str
    voice: str  #: espeak-ng variant, or "" without speech
    seed: int


def _spoken_event(text: str, event: str) -> str:
    """Spoken laughter is always laughed as well."""
    return "Laughter" if "呵呵" in text or "哈哈" in text else event


def _without_speech(split: str, event: str, seed: int) -> Utterance:
    return Utterance(split=split, text="", language="nospeech", emotion="EMO_UNKNOWN", event=event, voice="", seed=seed)


def _plan_split(split: str, count: int, taken: set[str], rng: np.random.Generator) -> Iterator[Utterance]:
    """Plan a split; test texts are added to `taken`, training texts must not be in it."""
    training = split == "train"
    shorts = {strip_punctuation(text) for language in LANGUAGES for text in load_sentences(language).short}
    uses: dict[str, int] = {}
    made = 0
    while made < count:
        seed = int(rng.integers(1 << 31))
        draw = rng.random()
        if split == "test_events":
            event = (*EVENT_KINDS, *EVENT_KINDS, "Event_UNK")[made % 7]
            silent = made % 7 >= 3
        else:
            silent = training and draw < 0.055
            event = str(rng.choice([*EVENT_KINDS, "Event_UNK"])) if silent else "Speech"
            if training and 0.055 <= draw < 0.165:
                event = EVENT_KINDS[int((draw - 0.055) / 0.11 * 3)]
        if silent:
            made += 1
            yield _without_speech(split, event, seed)
            continue
        language = str(rng.choice(LANGUAGES, p=TRAINING_SHARES if training else SHARES))
        text = draw_text(language, rng, held_out=split == "test_templates", novel=not training)
        key = strip_punctuation(text)
        if not key:
            continue
        if training:
            limit = TEXT_LIMIT * (8 if key in shorts else 1)
            if key in taken or uses.get(key, 0) >= limit:
                continue
            uses[key] = uses.get(key, 0) + 1
        else:
            if key in shorts or (key in taken and split != "test_templates"):
                continue
            taken.add(key)
        made += 1
        yield Utterance(
            split=split,
            text=text,
            language=language,
            emotion=EMOTIONS[int(rng.integers(len(EMOTIONS)))],
            event=_spoken_event(text, event),
            voice=draw_voice(rng, held_out=not training),
            seed=seed,
        )


def plan(seed: int = 1, *, scale: float = 1.0) -> list[Utterance]:
    """Plan every split; `scale` shrinks training for a quick trial."""
    rng = np.random.default_rng(seed)
    taken: set[str] = set()
    planned: list[Utterance] = []
    for split, size in SPLIT_SIZES.items():
        planned += _plan_split(split, int(size * (scale if split == "train" else 1)), taken, rng)
    return planned


def _under(speech: Wave, bed: Wave, below_db: float) -> Wave:
    """Lay `bed` under `speech`, `below_db` below it."""
    loud = float(np.sqrt((speech**2).mean()) + 1e-9)
    return speech + bed[: len(speech)] * np.float32(loud * amplitude(-below_db) / (float(bed.std()) + 1e-9))


def _with_burst(speech: Wave, burst: Wave, rng: np.random.Generator) -> Wave:
    """Put `burst` before `speech`, or (a fifth of the time) after it."""
    gap = np.zeros(int(rng.uniform(0.04, 0.30) * RATE), dtype=np.float32)
    return np.concatenate([speech, gap, burst] if rng.random() < 0.2 else [burst, gap, speech])


def clean_sound(utterance: Utterance, rng: np.random.Generator) -> tuple[Wave, float]:
    """Make the 8 kHz sound before the line, and its level against neutral speech in dB."""
    if not utterance.text:
        match utterance.event:
            case "Laughter":
                return sounds.laughter(rng), 0.0
            case "Cough":
                return sounds.cough(rng), 0.0
            case "BGM":
                return sounds.music(rng, rng.uniform(1.0, 6.0)), -3.0
            case _:
                return np.zeros(int(rng.uniform(0.2, 3.0) * RATE), dtype=np.float32), 0.0
    prosody = draw_prosody(utterance.emotion, rng)
    shift = float(rng.uniform(0.94, 1.06)) if utterance.split == "train" and rng.random() < 0.7 else 1.0
    speech = speak(utterance.text, utterance.language, utterance.voice, prosody, shift=shift)
    match utterance.event:
        case "Laughter":
            spoken = "呵呵" in utterance.text or "哈哈" in utterance.text
            burst = sounds.laughter(rng)
            gap = np.zeros(int(rng.uniform(0.04, 0.25) * RATE), dtype=np.float32)
            speech = np.concatenate([burst, gap, speech]) if spoken else _with_burst(speech, burst, rng)
        case "Cough":
            speech = _with_burst(speech, sounds.cough(rng), rng)
        case "BGM":
            speech = _under(speech, sounds.music(rng, len(speech) / RATE + 0.1), rng.uniform(7, 16))
    return speech, prosody.level_db


def line_sound(utterance: Utterance, copy: int = 0) -> Wave:
    """Return the 16 kHz sound of `utterance` that the model gets."""
    clean, level = clean_sound(utterance, np.random.default_rng([utterance.seed, 0]))
    return through_line(clean, np.random.default_rng([utterance.seed, 1 + copy]), level_db=level)


def _featurise(utterance: Utterance) -> list[NDArray[np.float16]]:
    clean, level = clean_sound(utterance, np.random.default_rng([utterance.seed, 0]))
    copies = TRAINING_COPIES if utterance.split == "train" else 1
    waves = [
        through_line(clean, np.random.default_rng([utterance.seed, 1 + copy]), level_db=level) for copy in range(copies)
    ]
    return [np.clip(log_mel(wave), -30, 60).astype(np.float16) for wave in waves]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Utterances with their log-mel features, a list of copies per utterance."""

    utterances: list[Utterance]
    features: list[list[NDArray[np.float16]]]


def build_corpus(work: Path, *, seed: int = 1, scale: float = 1.0) -> Corpus:
    """Plan and featurise everything on all cores, or read the result of an earlier run from `work`."""
    planned = plan(seed, scale=scale)
    listing = json.dumps([asdict(u) for u in planned], ensure_ascii=False)
    plan_file, data_file, index_file = work / "plan.json", work / "features.npy", work / "index.npy"
    if not (index_file.exists() and plan_file.exists() and plan_file.read_text(encoding="utf-8") == listing):
        work.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
            computed = list(pool.map(_featurise, planned, chunksize=64))
        flat = [copy for copies in computed for copy in copies]
        np.save(data_file, np.concatenate(flat))
        np.save(index_file, np.cumsum([0, *(len(copy) for copy in flat)]))
        plan_file.write_text(listing, encoding="utf-8")
    data, bounds = np.load(data_file), np.load(index_file)
    features: list[list[NDArray[np.float16]]] = []
    position = 0
    for utterance in planned:
        copies = TRAINING_COPIES if utterance.split == "train" else 1
        features.append([data[bounds[position + k] : bounds[position + k + 1]] for k in range(copies)])
        position += copies
    return Corpus(utterances=planned, features=features)
