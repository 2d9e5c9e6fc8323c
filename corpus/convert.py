"""Turn calls in the writers' compact form (`writing.md`) into labelled calls with times.

`python -m corpus.convert BATCH.txt BATCH.jsonl`; exit status 1 if a line is not understood. Times follow from the
length of the words and are the same for the same text: the random numbers are seeded by the id of the call.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.check import ACT_OF, EMOTIONS, EVENTS

_MOMENT = {act: kind for kind, act in ACT_OF.items()} | {"evade": "no_answer"}
_SPOKEN = re.compile(r"([ca]) ([^:：]+)[:：]\s*(.+)$")
_PAUSE = re.compile(r"-- (silence\??|pause) ([\d.]+)$")
_LABEL = re.compile(r"([tpmkfs]) (.*)$")
_ROLES = {"c": "customer", "a": "agent"}
#: Characters a second, from and to, by role; a Latin word counts as so many characters.
_PACE = {"c": (4.2, 5.4), "a": (4.4, 5.6)}
_LATIN_WORD = 1.9


@dataclass(slots=True)
class Draft:
    """A call as it is written: its spoken lines and pauses, and the lines of labels by their letter."""

    name: str
    note: str
    rows: list[re.Match[str]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


def read(lines: Sequence[str]) -> Iterator[Draft | str]:
    """Read drafts; a line that is not understood comes as text that says so."""
    draft: Draft | None = None
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line.startswith("## "):
            if draft is not None:
                yield draft
            name, _, note = line[3:].partition(" ")
            draft = Draft(name, note.strip())
        elif line and draft is not None and (match := _PAUSE.match(line) or _SPOKEN.match(line)):
            draft.rows.append(match)
        elif line and draft is not None and (match := _LABEL.match(line)):
            draft.labels[match[1]] = "; ".join(filter(None, (draft.labels.get(match[1]), match[2])))
        elif line:
            yield f"line {number} is not understood: {line[:60]}"
    if draft is not None:
        yield draft


def convert(draft: Draft) -> dict[str, Any]:
    """Give a draft its times, and its moments from the acts.

    Raises:
        ValueError: the draft has no `s` line, or a fault names a line that does not exist.
    """
    if "s" not in draft.labels:
        raise ValueError(f"{draft.name}: no `s` line")
    segments, moments, optional = _say(draft)
    topics, promises = _sorted_by_mark(draft.labels.get("t", "")), _sorted_by_mark(draft.labels.get("p", ""))
    faults = [fault.partition(" ") for fault in _split(draft.labels.get("f", ""))]
    if any(not 1 <= int(line) <= len(segments) for line, _, _ in faults):
        raise ValueError(f"{draft.name}: a fault at a line that does not exist")
    satisfaction, _, risk = draft.labels["s"].partition(" ")
    return {
        "id": draft.name,
        "note": draft.note,
        "segments": segments,
        "truth": {
            "topics": topics[0],
            "topics_optional": topics[1],
            "moments": sorted(moments, key=lambda moment: moment[1]),
            "optional": sorted(optional, key=lambda moment: moment[1]),
            "promises": [_pair(text) for text in promises[0]],
            "promises_optional": [_pair(text) for text in promises[1]],
            "masked": _split(draft.labels.get("m", "")),
            "kept": _split(draft.labels.get("k", "")),
            "agent_ok": not faults,
            "faults": [[segments[int(line) - 1][0], name.strip()] for line, _, name in faults],
            "satisfaction": int(satisfaction),
            "risk": re.split(r"[,，]\s*", risk.strip()),
        },
    }


def _say(draft: Draft) -> tuple[list[list[Any]], list[list[Any]], list[list[Any]]]:
    dice = random.Random(draft.name)
    at_s = round(dice.uniform(0, 0.6), 1)
    pace = {who: dice.uniform(*between) for who, between in _PACE.items()}
    segments: list[list[Any]] = []
    moments: list[list[Any]] = []
    optional: list[list[Any]] = []
    pause: tuple[str, float] | None = None
    for row in draft.rows:
        if row.re is _PAUSE:
            pause = (row[1], float(row[2]))
            continue
        acts, emotion, events, gap_s = _words(row[2])
        if pause is not None:
            if pause[0] != "pause" and segments:
                (optional if pause[0].endswith("?") else moments).append(["silence", segments[-1][1]])
            gap_s = max(pause[1], 0.3 if pause[0] == "pause" else 2.0)
            pause = None
        elif gap_s is None:
            gap_s = dice.choice([0.2, 0.3, 0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1])
        if segments:
            at_s = round(max(segments[-1][1] + gap_s, segments[-1][0] + 0.2), 1)
        length_s = round(max(0.4, _characters(row[3]) / pace[row[1]] / dice.uniform(0.92, 1.08) + 0.15), 1)
        for act in acts:
            name = act.rstrip("?~")
            if name in _MOMENT and (row[1] == "a") == (name == "evade") and not act.endswith("~"):
                (optional if act.endswith("?") else moments).append([_MOMENT[name], at_s])
        names = [act.rstrip("?~") for act in acts]
        text = row[3].strip()
        segments.append([at_s, round(at_s + length_s, 1), _ROLES[row[1]], text, emotion, ["Speech", *events], names])
    return segments, moments, optional


def _words(text: str) -> tuple[list[str], str, list[str], float | None]:
    """Read what stands before the colon: acts, emotion, events and the pause before, in any order."""
    acts: list[str] = []
    events: list[str] = []
    emotion, gap_s = "NEUTRAL", None
    for word in text.split():
        if word in EMOTIONS:
            emotion = word
        elif word in EVENTS:
            events.append(word)
        elif re.fullmatch(r"-?[\d.]+", word):
            gap_s = float(word)
        else:
            acts.append(word)
    return acts, emotion, events, gap_s


def _characters(text: str) -> float:
    return len(re.findall(r"[\u3400-\u9fff0-9]", text)) + len(re.findall(r"[A-Za-z']+", text)) * _LATIN_WORD


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split("[;；]", text) if part.strip()]


def _sorted_by_mark(text: str) -> tuple[list[str], list[str]]:
    parts = _split(text)
    required = [part for part in parts if not part.startswith("?")]
    return required, [part.lstrip("?") for part in parts if part.startswith("?")]


def _pair(text: str) -> list[str]:
    action, _, by = text.partition("|")
    return [action.strip(), by.strip()]


def main(arguments: Sequence[str]) -> int:
    """Convert a file of drafts, and say what is not understood."""
    source, target = map(Path, arguments)
    calls, faults = [], []
    for draft in read(source.read_text("utf-8").splitlines()):
        try:
            if isinstance(draft, str):
                raise ValueError(draft)
            calls.append(convert(draft))
        except ValueError as error:
            faults.append(f"{source}: {error}")
    target.write_text("".join(json.dumps(call, ensure_ascii=False) + "\n" for call in calls), "utf-8")
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    sys.stdout.write(f"{len(calls)} calls\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
