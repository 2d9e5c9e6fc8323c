"""Personal data masked in segments and whole reports."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from qareport.model import (
    CallReport,
    Classification,
    Evidence,
    Finding,
    MaskedSpan,
    Note,
    OrderReport,
    PersonalKind,
    Role,
    Segment,
    Token,
)
from qareport.privacy.find import ALL_KINDS, LABELS, Find, find, mask, replace_finds
from qareport.privacy.numbers import find_runs

#: One speaker's segments this near each other may hold parts of one number.
JOIN_MS = 10_000
#: So much of a number said again is enough to know it for the same.
ECHO_DIGITS = 6
_TAGS = re.compile(r"(?:<\|[^|]*\|>)*")
_ECHOED = frozenset({PersonalKind.PHONE, PersonalKind.ID_CARD, PersonalKind.BANK_CARD, PersonalKind.CODE})


@dataclass(frozen=True, slots=True)
class MaskedSegments:
    """Segments without personal data, and where in the recording it is said."""

    segments: tuple[Segment, ...]
    spans: tuple[MaskedSpan, ...]


def find_in_segments(segments: Sequence[Segment], kinds: Collection[PersonalKind] = ALL_KINDS) -> list[list[Find]]:
    """Find personal data in each segment of one call.

    A number may go on in the same speaker's next segment, whatever the other says in between; what the other asked
    just before tells what an answer is. Six or more digits of a number that was found are found wherever they are
    said again.
    """
    finds: list[list[Find]] = [[] for _ in segments]
    numbers: dict[str, PersonalKind] = {}
    for indexes in _stretches(segments):
        text = "\n".join(segments[index].text for index in indexes)
        in_stretch = find(text, context=_asked(segments, indexes[0]), kinds=kinds)
        for place in in_stretch:
            if place.kind in _ECHOED:
                numbers["".join(run.value for run in find_runs(text[place.start : place.end]))] = place.kind
        _share_out(in_stretch, indexes, segments, finds)
    for index, segment in enumerate(segments):
        finds[index] = sorted([*finds[index], *_echoes(segment.text, numbers, finds[index])])
    return finds


def mask_segments(segments: Sequence[Segment], kinds: Collection[PersonalKind] = ALL_KINDS) -> MaskedSegments:
    """Mask text, raw output and tokens of the segments of one call wherever `find_in_segments` finds something."""
    finds = find_in_segments(segments, kinds)
    masked = [_mask_segment(segment, own) for segment, own in zip(segments, finds, strict=True)]
    spans = [span for segment, own in zip(segments, finds, strict=True) for span in _spans(segment, own)]
    return MaskedSegments(tuple(masked), tuple(sorted(spans, key=lambda span: (span.start_ms, span.end_ms))))


def _stretches(segments: Sequence[Segment]) -> Iterator[list[int]]:
    """Group the indexes of each speaker's segments that are near each other in time."""
    open_: dict[tuple[Role, int | None], list[int]] = {}
    for index, segment in enumerate(segments):
        speaker = (segment.role, segment.channel if segment.role is Role.UNKNOWN else None)
        stretch = open_.get(speaker)
        if stretch is not None and segment.start_ms - segments[stretch[-1]].end_ms > JOIN_MS:
            yield open_.pop(speaker)
            stretch = None
        if stretch is None:
            open_[speaker] = [index]
        else:
            stretch.append(index)
    yield from open_.values()


def _asked(segments: Sequence[Segment], index: int) -> str:
    return segments[index - 1].text if index and segments[index - 1].role is not segments[index].role else ""


def _share_out(
    in_stretch: Sequence[Find], indexes: Sequence[int], segments: Sequence[Segment], finds: Sequence[list[Find]]
) -> None:
    """Give each segment of a stretch its part of what was found in all of them together."""
    at = 0
    for index in indexes:
        end = at + len(segments[index].text)
        for place in in_stretch:
            start, stop = max(place.start, at), min(place.end, end)
            if start < stop:
                finds[index].append(Find(start - at, stop - at, place.kind))
        at = end + 1


def _echoes(text: str, numbers: dict[str, PersonalKind], known: Sequence[Find]) -> Iterator[Find]:
    if not numbers:
        return
    for run in find_runs(text):
        kind = next((kind for number, kind in numbers.items() if run.value in number), None)
        free = not any(run.start < place.end and place.start < run.end for place in known)
        if kind is not None and len(run.value) >= ECHO_DIGITS and free:
            yield Find(run.start, run.end, kind)


def _mask_segment(segment: Segment, finds: Sequence[Find]) -> Segment:
    if not finds:
        return segment
    text = replace_finds(segment.text, finds)
    tags = _TAGS.match(segment.raw) if segment.raw is not None else None
    return dataclasses.replace(
        segment,
        text=text,
        raw=tags.group() + text if tags else None,
        tokens=tuple(_mask_tokens(segment, finds)),
    )


def _mask_tokens(segment: Segment, finds: Sequence[Find]) -> Iterator[Token]:
    """Put one token with the label in the place of those that spell out a find; none at all if they do not spell it."""
    places = _token_places(segment)
    if places is None:
        return
    labels: dict[int, Token] = {}
    order: list[Token | int] = []
    for token, (start, end) in zip(segment.tokens, places, strict=True):
        hit = next((number for number, place in enumerate(finds) if start < place.end and place.start < end), None)
        if hit is None:
            order.append(token)
        elif hit in labels:
            labels[hit] = labels[hit]._replace(end_ms=token.end_ms)
        else:
            labels[hit] = Token(LABELS[finds[hit].kind], token.start_ms, token.end_ms)
            order.append(hit)
    yield from (labels[item] if isinstance(item, int) else item for item in order)


def _token_places(segment: Segment) -> list[tuple[int, int]] | None:
    """Find each token in the segment's text; None when they do not follow each other there."""
    text, at = segment.text.casefold(), 0
    places = []
    for token in segment.tokens:
        piece = token.text.strip(" ▁").casefold()
        start = text.find(piece, at)
        if start < 0:
            return None
        at = start + len(piece)
        places.append((start, at))
    return places


def _spans(segment: Segment, finds: Sequence[Find]) -> Iterator[MaskedSpan]:
    places = _token_places(segment) if segment.tokens else None
    length_ms = segment.duration_ms
    for place in finds:
        tokens = [
            token
            for token, (start, end) in zip(segment.tokens, places or (), strict=False)
            if start < place.end and place.start < end
        ]
        if tokens:
            start_ms, end_ms = tokens[0].start_ms, max(token.end_ms for token in tokens)
        else:
            start_ms = segment.start_ms + length_ms * place.start // len(segment.text)
            end_ms = segment.start_ms - (-length_ms * place.end // len(segment.text))
        yield MaskedSpan(start_ms=start_ms, end_ms=end_ms, kind=place.kind, role=segment.role, exact=bool(tokens))


def mask_order(report: OrderReport, kinds: Collection[PersonalKind] = ALL_KINDS) -> OrderReport:
    """Mask all calls of an order's report."""
    return replace(report, calls=tuple(mask_report(call, kinds) for call in report.calls))


def mask_report(report: CallReport, kinds: Collection[PersonalKind] = ALL_KINDS) -> CallReport:
    """Mask personal data in everything of a call's report that quotes speech; `masked` says where it is said.

    Segments (text, raw output, tokens), quotes of moments, evidence and advice of findings, the last words before a
    silence, values of notes. What names the recording (call id, path) stays: it must still be found by them.
    """
    done = mask_segments(report.segments, kinds)
    clean = _cleaner(report.segments, done.segments, kinds)
    return replace(
        report,
        segments=tuple(_clean_raw(segment, kinds) for segment in done.segments),
        silences=tuple(replace(silence, last_said=clean(silence.last_said)) for silence in report.silences),
        moments=tuple(
            replace(moment, quote=clean(moment.quote), topic=moment.topic and clean(moment.topic))
            for moment in report.moments
        ),
        promises=tuple(replace(promise, quote=clean(promise.quote)) for promise in report.promises),
        issues=tuple(_clean_class(issue, clean) for issue in report.issues),
        stages=tuple(_clean_class(stage, clean) for stage in report.stages),
        findings=tuple(_clean_finding(finding, clean) for finding in report.findings),
        notes=tuple(_clean_note(note, clean) for note in report.notes),
        masked=done.spans,
    )


def _cleaner(
    before: Sequence[Segment], after: Sequence[Segment], kinds: Collection[PersonalKind]
) -> Callable[[str], str]:
    """Make a function that masks a quote the way its segment was masked, and whatever else it holds."""
    changed = {old.text: new.text for old, new in zip(before, after, strict=True) if old.text and old.text != new.text}

    def clean(text: str) -> str:
        if text in changed:
            return changed[text]
        for old in sorted(changed, key=len, reverse=True):
            text = text.replace(old, changed[old])
        return mask(text, kinds=kinds)[0]

    return clean


def _clean_raw(segment: Segment, kinds: Collection[PersonalKind]) -> Segment:
    # Raw output is masked with its text; where the text holds nothing the raw form may still spell a number out.
    if segment.raw is None:
        return segment
    return replace(segment, raw=mask(segment.raw, kinds=kinds)[0])


def _clean_finding(finding: Finding, clean: Callable[[str], str]) -> Finding:
    return replace(finding, evidence=_clean_evidence(finding.evidence, clean), advice=clean(finding.advice))


def _clean_evidence(evidence: Sequence[Evidence], clean: Callable[[str], str]) -> tuple[Evidence, ...]:
    return tuple(replace(shown, quote=clean(shown.quote)) for shown in evidence)


def _clean_class(classification: Classification, clean: Callable[[str], str]) -> Classification:
    return replace(classification, evidence=_clean_evidence(classification.evidence, clean))


def _clean_note(note: Note, clean: Callable[[str], str]) -> Note:
    return replace(note, values={name: clean(value) for name, value in note.values.items()})
