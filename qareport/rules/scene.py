"""What conditions look at: one analysed call, and what they find in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from qareport.model import Analysis, Evidence, Role, Segment, Transcript
from qareport.words import normalise

#: How a pause stands in evidence: it has no words.
SILENCE_QUOTE = "[SILENCE]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An analysed call. Only what starts in `from_ms` … `to_ms` is found; None sets no limit."""

    transcript: Transcript
    analysis: Analysis
    #: Segments with words, ordered by start, and their text as keywords are compared.
    spoken: tuple[Segment, ...]
    words: tuple[str, ...]
    #: Start of the first word and end of the last.
    first_word_ms: int
    last_word_ms: int
    from_ms: int | None = None
    to_ms: int | None = None

    @classmethod
    def of(cls, transcript: Transcript, analysis: Analysis) -> Scene:
        """Lay out a whole call."""
        spoken = tuple(sorted((s for s in transcript.segments if s.text.strip()), key=lambda s: s.start_ms))
        return cls(
            transcript=transcript,
            analysis=analysis,
            spoken=spoken,
            words=tuple(normalise(segment.text) for segment in spoken),
            first_word_ms=spoken[0].start_ms if spoken else 0,
            last_word_ms=max((segment.end_ms for segment in spoken), default=0),
        )

    def scoped(self, first_ms: int | None, last_ms: int | None) -> Scene:
        """Look at the part of the call that begins with its first word, or that ends with its last, only."""
        return dataclasses.replace(
            self,
            to_ms=None if first_ms is None else self.first_word_ms + first_ms,
            from_ms=None if last_ms is None else self.last_word_ms - last_ms,
        )

    def whole(self) -> Scene:
        """Look at the whole call again."""
        return dataclasses.replace(self, from_ms=None, to_ms=None)

    @property
    def end_ms(self) -> int:
        """Return where what is looked at ends."""
        return self.last_word_ms if self.to_ms is None else min(self.to_ms, self.last_word_ms)

    def covers(self, at_ms: int) -> bool:
        """Tell whether something that starts here is looked at."""
        return (self.from_ms is None or at_ms >= self.from_ms) and (self.to_ms is None or at_ms <= self.to_ms)

    def said_by(self, role: Role | None) -> Iterator[tuple[Segment, str]]:
        """Walk through what a role (None: anyone) says, with the normalised text."""
        for segment, words in zip(self.spoken, self.words, strict=True):
            if (role is None or segment.role is role) and self.covers(segment.start_ms):
                yield segment, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One place where a condition holds. Without evidence it says that something did not happen until `at_ms`."""

    at_ms: int
    evidence: tuple[Evidence, ...] = ()
    #: The keyword or the topic's word that was found.
    topic: str | None = None
    #: Length of the pause, emotion, interruption or moment that was found.
    span_ms: int | None = None

    @property
    def end_ms(self) -> int:
        """Return when the last evidence ends."""
        return max((one.end_ms for one in self.evidence), default=self.at_ms)


def join(hits: list[Hit]) -> Hit:
    """Make one hit of several that belong together: evidence in order of time, the first topic, the longest span."""
    evidence = sorted((one for hit in hits for one in hit.evidence), key=lambda one: (one.at_ms, one.end_ms))
    return Hit(
        at_ms=evidence[0].at_ms if evidence else max(hit.at_ms for hit in hits),
        evidence=tuple(dict.fromkeys(evidence)),
        topic=next((hit.topic for hit in hits if hit.topic is not None), None),
        span_ms=max((hit.span_ms for hit in hits if hit.span_ms is not None), default=None),
    )
