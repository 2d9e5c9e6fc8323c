"""How far two labellers of the same calls agree: `python -m corpus.agreement BATCH…`.

The first labels are `calls/BATCH.jsonl`, the second ones `second/BATCH.txt`, made from the words alone by somebody who
had not seen the first (where differences were settled, the first labels are the settled ones). For acts: Cohen's kappa
over all segments of a role. For moments: F1 of the marks of one against those of the other, by line; a mark that one of
the two made optional counts neither way, in `f1_strict` as a difference.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.check import ACT_OF, ACTS

HERE = Path(__file__).parent
_MOMENT = {act: kind for kind, act in ACT_OF.items()} | {"evade": "no_answer"}
#: A mark: its kind and the number of its line.
Mark = tuple[str, int]


@dataclass(slots=True)
class Labels:
    """What one person marked in one call."""

    acts: dict[int, set[str]] = field(default_factory=dict)
    required: set[Mark] = field(default_factory=set)
    optional: set[Mark] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)
    agent_ok: bool = True
    topics: set[str] = field(default_factory=set)
    risk: set[str] = field(default_factory=set)

    def add_act(self, line: int, act: str, *, agent: bool) -> None:
        """Add an act with its mark, and the moment that it stands for."""
        name = act.rstrip("?~")
        self.acts.setdefault(line, set()).add(name)
        if name in _MOMENT and agent == (name == "evade") and not act.endswith("~"):
            (self.optional if act.endswith("?") else self.required).add((_MOMENT[name], line))


def first_labels(call: Mapping[str, Any]) -> Labels:
    """Read the labels of a call of the corpus."""
    segments, truth = call["segments"], call["truth"]
    labels = Labels(agent_ok=bool(truth["agent_ok"]), topics=set(truth["topics"]), risk=set(truth["risk"]))
    labels.acts = {number: set(segment[6]) for number, segment in enumerate(segments, start=1)}
    labels.faults = {name for _at, name in truth["faults"]}
    for marks, moments in ((labels.required, truth["moments"]), (labels.optional, truth.get("optional", ()))):
        for kind, at_s in moments:
            edge = 1 if kind == "silence" else 0
            line = min(range(len(segments)), key=lambda index, at=at_s, edge=edge: abs(segments[index][edge] - at))
            marks.add((kind, line + 1))
    return labels


def second_labels(lines: Sequence[str], roles: Mapping[str, Sequence[str]]) -> dict[str, Labels]:
    """Read second labels: `N act…`, `silence N`, and the lines t, f and s of the compact form."""
    calls: dict[str, Labels] = {}
    labels, name = Labels(), ""
    for line in map(str.strip, lines):
        if line.startswith("## "):
            name = line[3:].split()[0]
            labels = calls[name] = Labels()
        elif match := re.match(r"silence(\?)? (\d+)", line):
            (labels.optional if match[1] else labels.required).add(("silence", int(match[2])))
        elif match := re.match(r"(\d+) (.+)", line):
            number = int(match[1])
            for act in match[2].split("#")[0].split():
                labels.add_act(number, act, agent=roles[name][number - 1] == "agent")
        elif line.startswith("t "):
            labels.topics = {
                part.strip() for part in re.split("[;；]", line[2:]) if not part.strip().startswith("?")
            } - {""}
        elif line.startswith("f "):
            labels.faults = {part.split(maxsplit=1)[-1].strip() for part in re.split("[;；]", line[2:]) if part.strip()}
            labels.agent_ok = not labels.faults
        elif line.startswith("s "):
            labels.risk = set(re.split(r"[,，\s]+", line.split(maxsplit=2)[-1].strip()))
    return calls


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float:
    """Return Cohen's kappa of two judges' yes and no: (observed - expected) / (1 - expected) agreement."""
    count = len(pairs)
    observed = sum(left == right for left, right in pairs) / count
    left_yes, right_yes = (sum(pair[side] for pair in pairs) / count for side in (0, 1))
    expected = left_yes * right_yes + (1 - left_yes) * (1 - right_yes)
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


def compare(pairs: Sequence[tuple[Labels, Labels]], roles: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Compare two people's labels of some calls."""
    marks: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for left, right in pairs:
        for kind, line in left.required | right.required:
            both = (kind, line) in left.required and (kind, line) in right.required
            hedged = (kind, line) in left.optional | right.optional
            marks[kind]["both" if both else "hedged" if hedged else "one"] += 1
    return {
        "calls": len(pairs),
        "acts_kappa": {f"{role}.{act}": round(value, 2) for role, act, value in _acts(pairs, roles)},
        "moments_f1": {
            kind: {
                "f1": _f1(n["both"], n["one"]),
                "f1_strict": _f1(n["both"], n["one"] + n["hedged"]),
                "both": n["both"],
                "one_alone": n["one"],
                "one_optional": n["hedged"],
            }
            for kind, n in sorted(marks.items())
        },
        "agent_ok_kappa": round(kappa([(left.agent_ok, right.agent_ok) for left, right in pairs]), 2),
        "main_topics_agree": round(
            sum(bool(x.topics & y.topics) or x.topics == y.topics for x, y in pairs) / len(pairs), 2
        ),
        "risk_overlaps": round(sum(bool(left.risk & right.risk) for left, right in pairs) / len(pairs), 2),
    }


def _f1(both: int, one: int) -> float:
    return round(2 * both / (2 * both + one), 2) if both + one else 1.0


def _acts(pairs: Sequence[tuple[Labels, Labels]], roles: Sequence[Sequence[str]]) -> Iterator[tuple[str, str, float]]:
    for role, acts in ACTS.items():
        for act in sorted(acts):
            judged = [
                (act in left.acts.get(line, ()), act in right.acts.get(line, ()))
                for (left, right), said_by in zip(pairs, roles, strict=True)
                for line, who in enumerate(said_by, start=1)
                if who == role
            ]
            if any(any(pair) for pair in judged):
                yield role, act, kappa(judged)


def main(batches: Sequence[str]) -> int:
    """Print the agreement over some batches, or over all that were labelled twice."""
    pairs, roles = [], []
    for batch in batches or sorted(path.stem for path in (HERE / "second").glob("*.txt")):
        calls = [json.loads(line) for line in (HERE / "calls" / f"{batch}.jsonl").read_text("utf-8").splitlines()]
        said_by = {call["id"]: [segment[2] for segment in call["segments"]] for call in calls}
        second = second_labels((HERE / "second" / f"{batch}.txt").read_text("utf-8").splitlines(), said_by)
        for call in calls:
            if call["id"] in second:
                pairs.append((first_labels(call), second[call["id"]]))
                roles.append(said_by[call["id"]])
    sys.stdout.write(json.dumps(compare(pairs, roles), ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
