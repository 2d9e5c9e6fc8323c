"""Perform a script: place every turn in time, on its channel, and note the truth."""

import hashlib
import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training import sounds
from training.script import ROLES, Script, Step
from training.synth import RATE, Wave, amplitude, speak
from training.voices import draw_prosody

LEAD_MS, TAIL_MS = 900, 1200
#: Time in which nobody speaks is a pause above this, and has a `silence` moment above the second.
PAUSE_MS, SILENCE_MOMENT_MS = 1200, 2000
INTERRUPTION_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn as it sounds."""

    start_ms: int
    end_ms: int
    role: str
    text: str
    emotion: str
    language: str
    events: tuple[str, ...]
    moments: tuple[str, ...]


@dataclass(slots=True)
class Performance:
    """The sound of a call, a row per role in `ROLES`, and its truth."""

    audio: NDArray[np.float32]
    turns: list[Turn] = field(default_factory=list)
    music: list[tuple[int, int]] = field(default_factory=list)

    @property
    def spoken(self) -> list[tuple[int, int]]:
        """Stretches in which somebody speaks, merged, ms."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted((t.start_ms, t.end_ms) for t in self.turns):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    @property
    def pauses(self) -> list[tuple[int, int]]:
        """Stretches above 1.2 s between two turns in which neither speaks, ms."""
        spoken = self.spoken
        gaps = [(left[1], right[0]) for left, right in itertools.pairwise(spoken)]
        return [gap for gap in gaps if gap[1] - gap[0] > PAUSE_MS]

    @property
    def overlaps(self) -> list[tuple[int, int]]:
        """Stretches in which both speak, ms."""
        ordered = sorted(self.turns, key=lambda t: t.start_ms)
        pairs = itertools.pairwise(ordered)
        return [(b.start_ms, min(a.end_ms, b.end_ms)) for a, b in pairs if b.start_ms < a.end_ms and a.role != b.role]

    @property
    def moments(self) -> list[tuple[int, str]]:
        """Return (ms, kind): the scripted ones, and silence, emotion, interruption and event by rule."""
        found = [(turn.start_ms, kind) for turn in self.turns for kind in turn.moments]
        found += [(start, "silence") for start, end in self.pauses if end - start > SILENCE_MOMENT_MS]
        found += [(start, "interruption") for start, end in self.overlaps if end - start > INTERRUPTION_MS]
        found += [(start, "event") for start, _ in self.music]
        before = "NEUTRAL"
        for turn in self.turns:
            if any(event != "Speech" for event in turn.events) and "irony" not in turn.moments:
                found.append((turn.start_ms, "event"))
            if turn.role == "customer":
                if turn.emotion in ("ANGRY", "SAD") and turn.emotion != before:
                    found.append((turn.start_ms, "emotion"))
                before = turn.emotion
        return sorted(found)


def _seed(*parts: object) -> int:
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _turn_sound(script: Script, step: Step, index: int) -> Wave:
    rng = np.random.default_rng(_seed(script.call_id, index))
    speech = speak(step.text, step.language, script.voices[step.role], draw_prosody(step.emotion, rng))
    if step.event in ("Laughter", "Cough"):
        burst = sounds.laughter(rng) if step.event == "Laughter" else sounds.cough(rng)
        speech = np.concatenate([burst, np.zeros(RATE // 10, dtype=np.float32), speech])
    return speech


def perform(script: Script) -> Performance:
    """Speak every turn of `script` and lay it on the time line, 8 kHz, with line noise on each channel."""
    rng = np.random.default_rng(_seed(script.call_id))
    pieces: list[tuple[int, int, Wave]] = []
    performance = Performance(audio=np.zeros((len(ROLES), 0), dtype=np.float32))
    now = LEAD_MS * RATE // 1000
    gap = 0
    for index, step in enumerate(script.steps):
        if step.silence_ms:
            gap = step.silence_ms * RATE // 1000
            continue
        if step.music_ms:
            start = now + RATE // 2
            sound = sounds.music(rng, step.music_ms / 1000)
            pieces.append((ROLES.index("agent"), start, sound))
            performance.music.append((start * 1000 // RATE, (start + len(sound)) * 1000 // RATE))
            gap = len(sound) + RATE
            continue
        sound = _turn_sound(script, step, index)
        start = now + gap - step.overlap_ms * RATE // 1000
        pieces.append((ROLES.index(step.role), start, sound))
        performance.turns.append(
            Turn(
                start_ms=round(start * 1000 / RATE),
                end_ms=round((start + len(sound)) * 1000 / RATE),
                role=step.role,
                text=step.text,
                emotion=step.emotion,
                language=step.language,
                events=("Speech",) if step.event == "Speech" else ("Speech", step.event),
                moments=step.moments,
            )
        )
        now = max(now, start + len(sound))
        following = script.steps[index + 1] if index + 1 < len(script.steps) else None
        gap = 0 if following is not None and following.overlap_ms else int(rng.uniform(*script.gaps_ms) * RATE / 1000)
    total = now + TAIL_MS * RATE // 1000
    audio = np.zeros((len(ROLES), total), dtype=np.float32)
    for row, start, sound in pieces:
        audio[row, start : start + len(sound)] += sound
    for row in range(len(ROLES)):
        gain = np.float32(amplitude(rng.uniform(-1.5, 1.5)))
        audio[row] = audio[row] * gain + sounds.line_noise(rng, total, rng.uniform(-60, -50))
    performance.audio = np.clip(audio, -1, 1)
    return performance
