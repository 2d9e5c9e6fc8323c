"""Marks of question-answer pairs (`pairs.md`): read them, and check that they follow the guide.

`python -m corpus.pairs` checks all of `pairs/*.txt`; exit status 1 if something is wrong.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
#: Whether a call is one to learn from; MAYBE counts neither way.
YES, NO, MAYBE = "yes", "no", "maybe"
_PAIR = re.compile(r"(?P<question>\d+(?: \d+)*)>(?P<answer>\d+\??(?: \d+\??)*)")


@dataclass(frozen=True, slots=True)
class MarkedPair:
    """The sentences of a question and of its answer, by their numbers, from 1."""

    question: frozenset[int]
    answer: frozenset[int]
    #: Of the answer too: they may be found and need not.
    optional: frozenset[int]


@dataclass(frozen=True, slots=True)
class MarkedCall:
    """What is marked of one call."""

    call_id: str
    #: YES, NO or MAYBE.
    solved: str
    pairs: tuple[MarkedPair, ...] = ()

    @property
    def answers(self) -> frozenset[int]:
        """The sentences that belong to an answer and must be found."""
        return frozenset().union(*(pair.answer for pair in self.pairs))

    @property
    def optional(self) -> frozenset[int]:
        """The sentences that may be found as part of an answer."""
        return frozenset().union(*(pair.optional for pair in self.pairs)) - self.answers


def read_marks(path: Path) -> list[MarkedCall]:
    """Read the marks of a batch.

    Raises:
        ValueError: a line has not the form of the guide; the error says which.
    """
    return [_marked(line, f"{path}:{number}") for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)]


def _marked(line: str, where: str) -> MarkedCall:
    call_id, _, rest = line.partition(" ")
    solved, _, written = rest.partition(" ")
    if solved not in (YES, NO, MAYBE):
        raise ValueError(f"{where}: {solved!r}, expected {YES}, {NO} or {MAYBE}")
    return MarkedCall(call_id, solved, tuple(_pair(text, where) for text in written.split("; ") if text))


def _pair(text: str, where: str) -> MarkedPair:
    match = _PAIR.fullmatch(text)
    if match is None:
        raise ValueError(f"{where}: {text!r} is no pair, expected for example 4 10>16 17?")
    answer = match["answer"].split()
    return MarkedPair(
        question=frozenset(map(int, match["question"].split())),
        answer=frozenset(int(number) for number in answer if not number.endswith("?")),
        optional=frozenset(int(number[:-1]) for number in answer if number.endswith("?")),
    )


def problems(marked: MarkedCall, call: Mapping[str, Any]) -> Iterator[str]:
    """Name everything in which the marks of a call do not follow the guide."""
    segments: Sequence[Sequence[Any]] = call["segments"]
    if marked.solved == NO and marked.pairs:
        yield "not solved, and yet it has pairs"
    for pair in marked.pairs:
        for numbers, role in ((pair.question, "customer"), (pair.answer | pair.optional, "agent")):
            for number in sorted(numbers):
                if not 1 <= number <= len(segments):
                    yield f"there is no sentence {number}"
                elif segments[number - 1][2] != role:
                    yield f"sentence {number} is not the {role}'s"
        if marked.solved == MAYBE and pair.answer:
            yield "what is in a call that may be solved is optional"


def marked_batches() -> list[str]:
    """Name the batches of which pairs are marked."""
    return sorted(path.stem for path in (HERE / "pairs").glob("*.txt"))


def check(batch: str) -> list[str]:
    """Return what is wrong in the marks of a batch."""
    lines = (HERE / "calls" / f"{batch}.jsonl").read_text("utf-8").splitlines()
    calls = {call["id"]: call for call in map(json.loads, lines)}
    try:
        marks = read_marks(HERE / "pairs" / f"{batch}.txt")
    except ValueError as error:
        return [str(error)]
    found = [f"{marked.call_id} is no call of {batch}" for marked in marks if marked.call_id not in calls]
    ids = [marked.call_id for marked in marks]
    found += [
        f"{call_id} is marked twice" for call_id in sorted({call_id for call_id in ids if ids.count(call_id) > 1})
    ]
    for marked in marks:
        if marked.call_id in calls:
            found += [f"{marked.call_id}: {problem}" for problem in problems(marked, calls[marked.call_id])]
    return found


def main() -> int:
    """Check all marks and print what is wrong."""
    found = [problem for batch in marked_batches() for problem in check(batch)]
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
