"""What a search looks at: the sentences of a judged call, each with its tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qareport.model import STATE_NOT_JUDGED, STATE_SILENCE, AudioEvent, CallReport, MomentKind, Role, Segment
from qareport.searching.terms import mark_of, terms_of_text

_IRONY = "IRONY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence: a segment of a call."""

    start_ms: int
    end_ms: int
    role: Role
    text: str
    #: As readers know them: ANGRY, SILENCE, LAUGHTER, IRONY …
    tags: tuple[str, ...] = ()
    #: Kinds of the key moments in it.
    moments: tuple[str, ...] = ()

    @property
    def terms(self) -> list[str]:
        """All terms under which it is found: its words in order, then its marks."""
        marks = [mark_of(tag) for tag in self.tags]
        marks += [mark_of("role", self.role), *(mark_of("moment", kind) for kind in self.moments)]
        return [*(term.text for term in terms_of_text(self.text)), *marks]


def lines_of(report: CallReport) -> tuple[Line, ...]:
    """Return the sentences of a call with their tags.

    A tag is the sentence's emotion or an audio event in it (ordinary speech is none); SILENCE stands at the sentence
    that a silence follows, IRONY where the moment says so.
    """
    segments = report.segments
    extra: list[list[str]] = [[] for _ in segments]
    moments: list[list[str]] = [[] for _ in segments]
    for silence in report.silences:
        if segments:
            extra[_before(segments, silence.start_ms)].append(STATE_SILENCE)
    for moment in report.moments:
        place = _at(segments, moment.at_ms, moment.role)
        if place is not None:
            moments[place].append(moment.kind)
            if moment.kind is MomentKind.IRONY:
                extra[place].append(_IRONY)
    return tuple(
        Line(
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
            role=segment.role,
            text=segment.text,
            tags=tuple(dict.fromkeys([*_own_tags(segment), *extra[index]])),
            moments=tuple(dict.fromkeys(moments[index])),
        )
        for index, segment in enumerate(segments)
    )


def _own_tags(segment: Segment) -> list[str]:
    emotion = segment.emotion.value if segment.emotion is not None else STATE_NOT_JUDGED
    return [emotion, *(event.upper() for event in segment.events if event is not AudioEvent.SPEECH)]


def _before(segments: Sequence[Segment], at_ms: int) -> int:
    """Return the sentence that ends last among those that begin before an instant; at the start of a call the first."""
    begun = [index for index, segment in enumerate(segments) if segment.start_ms < at_ms]
    return max(begun, key=lambda index: segments[index].end_ms) if begun else 0


def _at(segments: Sequence[Segment], at_ms: int, role: Role) -> int | None:
    """Return the sentence that is being said at an instant, of that role if there is one."""
    said = [index for index, segment in enumerate(segments) if segment.start_ms <= at_ms <= segment.end_ms]
    own = [index for index in said if segments[index].role is role]
    return next(iter(own or said), None)
