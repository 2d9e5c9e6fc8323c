"""How well an analysis matches a script: precision, recall and F1 of each kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qareport.model import Analysis, MomentKind, Segment
from qareport.privacy.find_in_call import find_in_segments
from tests.corpus.script import Conversation

#: A moment counts when it starts this near the truth; a pause or overlap when both its ends do.
MOMENT_MS, EDGE_MS = 1000, 100
#: Kinds that rest on no understanding of words; the others are measured on the labelled calls of `corpus/`.
KINDS = (MomentKind.EMOTION, MomentKind.INTERRUPTION)


@dataclass(slots=True)
class Count:
    """Hits, false alarms and misses, with examples of what went wrong."""

    hits: int = 0
    extra: int = 0
    missed: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Return hits of all that was found."""
        return self.hits / (self.hits + self.extra) if self.hits + self.extra else 1.0

    @property
    def recall(self) -> float:
        """Return hits of all that is true."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def add(
        self, found: Iterable[Any], true: Iterable[Any], same: Callable[[Any, Any], bool], tell: Callable[[Any], str]
    ) -> None:
        """Match what was found with what is true, each once."""
        left = list(true)
        for item in found:
            match = next((other for other in left if same(item, other)), None)
            if match is None:
                self.extra += 1
                self.examples.append("extra " + tell(item))
            else:
                left.remove(match)
                self.hits += 1
        self.missed += len(left)
        self.examples += ["missed " + tell(item) for item in left]


def score(conversations: Sequence[Conversation], analyse: Callable[[Conversation], Analysis]) -> dict[str, Count]:
    """Score moments of emotion and sound, interruptions, pauses, overlaps and personal data."""
    counts: dict[str, Count] = defaultdict(Count)
    for conversation in conversations:
        _score_call(counts, conversation, analyse(conversation))
        _score_personal(counts, conversation)
    return dict(counts)


def _score_call(counts: dict[str, Count], conversation: Conversation, result: Analysis) -> None:
    truth, tell = conversation.truth, _teller(conversation.transcript.call_id, conversation.transcript.segments)
    for kind in KINDS:
        counts[kind.value].add(
            [(moment.at_ms, moment.role) for moment in result.moments if moment.kind is kind],
            [(at_ms, role) for other, role, at_ms in truth.moments if other is kind],
            lambda a, b: a[1] is b[1] and abs(a[0] - b[0]) <= MOMENT_MS,
            tell,
        )
    pauses = [(gap.start_ms, gap.end_ms) for gap in result.silences]
    counts["pauses"].add(pauses, truth.silences, _near_edges, tell)
    overlaps = [(over.start_ms, over.end_ms) for over in result.interruptions]
    counts["overlaps"].add(overlaps, truth.overlaps, _near_edges, tell)


def _near_edges(found: tuple[int, int], true: tuple[int, int]) -> bool:
    return abs(found[0] - true[0]) <= EDGE_MS and abs(found[1] - true[1]) <= EDGE_MS


def _score_personal(counts: dict[str, Count], conversation: Conversation) -> None:
    """Count a value as found when every digit and letter of it is masked and its kind is right."""
    segments = conversation.transcript.segments
    everything = find_in_segments(segments)
    for index, (segment, finds) in enumerate(zip(segments, everything, strict=True)):
        true = [
            (item.kind, segment.text.index(item.value), segment.text.index(item.value) + len(item.value))
            for item in conversation.truth.personal
            if item.segment == index
        ]
        for kind in {*(item[0] for item in true), *(item.kind.value for item in finds)}:
            for name in ("personal", f"personal.{kind}"):
                counts[name].add(
                    [(item.start, item.end) for item in finds if item.kind.value == kind],
                    [(start, end) for other, start, end in true if other == kind],
                    lambda a, b: a[0] <= b[0] and a[1] >= b[1],
                    lambda it, kind=kind, text=segment.text: f"{kind}: {text[it[0] : it[1]]} in {text}",  # type: ignore[misc]
                )


def _teller(call_id: str, segments: Sequence[Segment]) -> Callable[[Any], str]:
    def tell(it: Any) -> str:
        said = [segment.text for segment in segments if segment.start_ms <= it[0] <= segment.end_ms]
        return f"{call_id} {it} {' | '.join(said)}"

    return tell
