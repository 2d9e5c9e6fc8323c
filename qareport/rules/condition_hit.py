"""What a condition finds in a call (`ConditionHit`)."""

from __future__ import annotations

from dataclasses import dataclass

from qareport.model import Evidence, Role, Segment, SpokenAct

#: The quote of a pause, which has no words. What was measured, not said, is quoted in square brackets.
SILENCE_QUOTE = "[SILENCE]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionHit:
    """A place where a condition holds. Without evidence it means that something did not happen until `at_ms`."""

    at_ms: int
    evidence: tuple[Evidence, ...] = ()
    #: The keyword or the topic's word that was found.
    topic: str | None = None
    #: Length of the pause, emotion, interruption or moment that was found.
    span_ms: int | None = None
    #: What a reader heard there.
    act: SpokenAct | None = None
    #: It is a fact of the whole call (a weekday, a length) and no place in it: it is near everything.
    everywhere: bool = False
    #: Where what is missing at the beginning of the call should have been; None for everything else.
    opening_ms: int | None = None

    @property
    def place(self) -> object:
        """Return what is equal for hits on the same sentence or pause."""
        starts = next((evidence for evidence in self.evidence if evidence.at_ms == self.at_ms), None)
        return (self.at_ms, self.evidence if self.everywhere else starts and starts.role)

    @property
    def first_end_ms(self) -> int:
        """Return when the sentence or pause ends with which the hit starts."""
        starts = next((evidence for evidence in self.evidence if evidence.at_ms == self.at_ms), None)
        return self.at_ms if starts is None else starts.end_ms

    @property
    def end_ms(self) -> int:
        """Return when the last evidence ends."""
        if len(self.evidence) == 1:
            return self.evidence[0].end_ms
        return max((evidence.end_ms for evidence in self.evidence), default=self.at_ms)


def join(hits: list[ConditionHit]) -> ConditionHit:
    """Join hits that belong together into a single one: evidence by time, the first topic, the longest span."""
    parts = (evidence for hit in hits for evidence in hit.evidence)
    evidence = sorted(parts, key=lambda part: (part.at_ms, part.end_ms))
    return ConditionHit(
        at_ms=evidence[0].at_ms if evidence else max(hit.at_ms for hit in hits),
        everywhere=all(hit.everywhere for hit in hits),
        evidence=tuple(dict.fromkeys(evidence)),
        topic=next((hit.topic for hit in hits if hit.topic is not None), None),
        span_ms=max((hit.span_ms for hit in hits if hit.span_ms is not None), default=None),
    )


def uttered(
    segment: Segment, *, topic: str | None = None, fuzzy: bool = False, act: SpokenAct | None = None
) -> ConditionHit:
    """Make the hit of an utterance."""
    evidence = Evidence(
        at_ms=segment.start_ms, end_ms=segment.end_ms, role=segment.role, quote=segment.text, fuzzy=fuzzy
    )
    return ConditionHit(at_ms=segment.start_ms, evidence=(evidence,), topic=topic, act=act)


def measured(at_ms: int, what: str, role: Role | None = None) -> ConditionHit:
    """Make the hit of something measured over the whole call: it holds everywhere; its quote is in brackets.

    Args:
        at_ms: the end of what was looked at: only then it is certain.
        what: the value, in Chinese.
        role: whose value it is.
    """
    evidence = Evidence(at_ms=at_ms, end_ms=at_ms, role=role or Role.UNKNOWN, quote=f"[{what}]")
    return ConditionHit(at_ms=at_ms, evidence=(evidence,), span_ms=0, everywhere=True)
