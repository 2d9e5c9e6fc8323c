"""Labelled calls as a recogniser and a chat would have them: spoiled words, joined sentences, no emotions.

What is done to the words is what training does to its copies (`training.reader.examples.spoil`); here the labels keep
their times.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from training.reader.examples import HELD_OUT, load_calls, sound_alikes

SEED: Final = 20261129
_MARKS = re.compile(r"[,.?!;:，。？！、；：…~]+")
_FILLERS: Final = ("嗯", "那个", "就是说", "呃", "啊", "然后")
#: Shares of calls without emotions, without punctuation and with misheard characters.
_DEAF, _PLAIN, _MISHEARD = 0.5, 0.35, 0.3
#: Shares of sentences with a filler and joined to the one before, and of characters that are misheard.
_FILLED, _JOINED, _WRONG = 0.08, 0.35, 0.06
#: In seconds: sentences with a longer pause between them stay apart.
_PAUSE_S: Final = 1.5


def alike_characters() -> dict[str, str]:
    """Return, for common characters, others that sound the same; from calls that are not held out."""
    return sound_alikes([call for call in load_calls() if call.batch not in HELD_OUT])


def spoil_calls(cases: Sequence[Mapping[str, Any]], alike: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Copy calls, spoiled; strings to be masked, to be kept and of promises are left out, for they may be misheard."""
    for case in cases:
        dice = random.Random(f"{SEED} {case['id']}")
        segments, moved = _spoil_segments(case["segments"], alike, dice)
        truth = dict(case["truth"], masked=[], kept=[], promises=[], promises_optional=[])
        for name in ("moments", "optional"):
            truth[name] = [[kind, moved.get(at_s, at_s)] for kind, at_s in truth.get(name, ())]
        yield dict(case, segments=segments, truth=truth)


def _spoil_segments(
    rows: Sequence[Sequence[Any]], alike: Mapping[str, str], dice: random.Random
) -> tuple[list[list[Any]], dict[float, float]]:
    """Return the spoiled segments, and for each start in seconds that is no longer one, the start of its sentence."""
    deaf, plain, misheard = (dice.random() < share for share in (_DEAF, _PLAIN, _MISHEARD))
    segments: list[list[Any]] = []
    moved: dict[float, float] = {}
    for row in sorted(rows, key=lambda row: float(row[0])):
        start_s, end_s, role, text, emotion, events = [*row, "NEUTRAL", ["Speech"]][:6] if len(row) < 6 else row[:6]
        text = _MARKS.sub("", text) if plain else text
        if dice.random() < _FILLED:
            text = dice.choice(_FILLERS) + text
        if misheard:
            text = "".join(dice.choice(alike[c]) if c in alike and dice.random() < _WRONG else c for c in text)
        last = segments[-1] if segments else None
        joins = last is not None and last[2] == role and 0 <= start_s - last[1] < _PAUSE_S
        if last is not None and joins and dice.random() < _JOINED:
            moved[start_s] = last[0]
            last[1], last[3] = end_s, f"{last[3]} {text}"
        else:
            segments.append([start_s, end_s, role, text, "EMO_UNKNOWN" if deaf else emotion, events])
    return segments, moved
