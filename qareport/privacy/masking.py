"""Mask personal data in text, in segments with their tokens and spans, and in reports."""

from __future__ import annotations

import dataclasses
import functools
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
    Segment,
    SpokenAct,
    Token,
)
from qareport.privacy.find_in_call import ALL_KINDS, Find, find, find_in_segments

#: What replaces the words.
LABELS: dict[PersonalKind, str] = {
    PersonalKind.PHONE: "[电话]",
    PersonalKind.ID_CARD: "[身份证号]",
    PersonalKind.BANK_CARD: "[银行卡号]",
    PersonalKind.EMAIL: "[邮箱]",
    PersonalKind.ADDRESS: "[地址]",
    PersonalKind.PLATE: "[车牌号]",
    PersonalKind.CODE: "[验证码]",
    PersonalKind.NAME: "[姓名]",
    PersonalKind.ACCOUNT: "[账号]",
    PersonalKind.DOCUMENT: "[证件号]",
    PersonalKind.BIRTHDAY: "[生日]",
    PersonalKind.PICKUP_CODE: "[取件码]",
    PersonalKind.ORDER: "[订单号]",
    PersonalKind.TRACKING: "[运单号]",
}


def mask(text: str, *, context: str = "", kinds: Collection[PersonalKind] = ALL_KINDS) -> tuple[str, tuple[Find, ...]]:
    """Replace personal data by what it is, `[电话]`; return the text and where in the original each was."""
    finds = find(text, context=context, kinds=kinds)
    return replace_finds(text, finds), tuple(finds)


def replace_finds(text: str, finds: Collection[Find]) -> str:
    """Replace the finds of a text by their labels."""
    parts, at = [], 0
    for place in finds:
        parts += [text[at : place.start], LABELS[place.kind]]
        at = place.end
    return "".join([*parts, text[at:]])


#: Numbers of persons that stand in names of files: recorders write who called.
_IN_NAMES = frozenset({PersonalKind.PHONE, PersonalKind.ID_CARD, PersonalKind.BANK_CARD})

#: A 0 before a mobile number: dialled to leave the house.
_TRUNK = re.compile(r"(?<!\d)0(?=1[3-9]\d{9}(?!\d))")


def shorten_numbers(name: str) -> str:
    """Leave only the last four digits of persons' numbers in a name: `call-13812345678` is `call-x5678`."""
    name = _TRUNK.sub("", name)
    parts, at = [], 0
    for place in find(name, kinds=_IN_NAMES):
        parts += [name[at : place.start], "x", name[place.end - 4 : place.end]]
        at = place.end
    return "".join([*parts, name[at:]])


def shorten_paths(report: OrderReport) -> OrderReport:
    """Shorten persons' numbers in the paths of recordings, in what leaves the store and plays nothing."""
    calls = (
        call if call.audio is None else replace(call, audio=replace(call.audio, path=shorten_numbers(call.audio.path)))
        for call in report.calls
    )
    failed = (replace(call, audio_path=shorten_numbers(call.audio_path)) for call in report.failed_calls)
    return replace(report, calls=tuple(calls), failed_calls=tuple(failed))


_TAGS = re.compile(r"(?:<\|[^|]*\|>)*")


@dataclass(frozen=True, slots=True)
class MaskedSegments:
    """Segments without personal data, and where in the recording it is said."""

    segments: tuple[Segment, ...]
    spans: tuple[MaskedSpan, ...]


def mask_segments(segments: Sequence[Segment], kinds: Collection[PersonalKind] = ALL_KINDS) -> MaskedSegments:
    """Mask text, raw output, tokens and words of acts of the segments of one call wherever something is found."""
    return _masked(segments, find_in_segments(segments, kinds), kinds)


def _masked(
    segments: Sequence[Segment], finds: Sequence[Sequence[Find]], kinds: Collection[PersonalKind]
) -> MaskedSegments:
    masked = [_mask_segment(segment, own, kinds) for segment, own in zip(segments, finds, strict=True)]
    spans = [span for segment, own in zip(segments, finds, strict=True) if own for span in _spans(segment, own)]
    return MaskedSegments(tuple(masked), tuple(sorted(spans, key=lambda span: (span.start_ms, span.end_ms))))


def quote_masker(segments: Sequence[Segment], kinds: Collection[PersonalKind] = ALL_KINDS) -> Callable[[str], str]:
    """Make a function that masks what is quoted from a call as that call's segments are masked.

    A quote may be a segment, a part of one, or a text with such quotes in it. Something that was found in the call is
    masked wherever a text names it.
    """
    return _quote_masker(segments, find_in_segments(segments, kinds), kinds)


def _quote_masker(
    segments: Sequence[Segment], finds: Sequence[Sequence[Find]], kinds: Collection[PersonalKind]
) -> Callable[[str], str]:
    if not kinds:
        return str
    personal = [(segment.text, own) for segment, own in zip(segments, finds, strict=True) if own]
    personal.sort(key=lambda item: -len(item[0]))
    said = {text[place.start : place.end]: LABELS[place.kind] for text, own in personal for place in own}
    named = sorted((item for item in said.items() if len(item[0]) >= _NAMED_AGAIN), key=lambda item: -len(item[0]))
    spoken = "\n".join(segment.text for segment in segments)

    @functools.cache  # the same words are evidence of several findings
    def clean(text: str) -> str:
        quote = text.strip(_QUOTED)
        if quote and quote in spoken:
            return text.replace(quote, _clipped(quote, personal))
        for whole, own in personal:
            if whole in text:
                text = text.replace(whole, replace_finds(whole, own))
        for words, label in named:
            text = text.replace(words, label)
        return mask(text, kinds=kinds)[0]

    return clean


#: Marks around quotes that were cut short.
_QUOTED = "…“”\"' \n"
#: What is shorter stands in other words too.
_NAMED_AGAIN = 3


def _clipped(quote: str, personal: Sequence[tuple[str, Sequence[Find]]]) -> str:
    """Mask a part of a segment: of everything found there what falls into it."""
    for text, own in personal:
        at = text.find(quote)
        if at >= 0:
            inside = (Find(max(place.start - at, 0), min(place.end - at, len(quote)), place.kind) for place in own)
            return replace_finds(quote, [place for place in inside if place.start < place.end])
    return quote


def _mask_segment(segment: Segment, finds: Sequence[Find], kinds: Collection[PersonalKind]) -> Segment:
    if not finds:
        return segment
    here = [(segment.text, finds)]
    text = replace_finds(segment.text, finds)
    tags = _TAGS.match(segment.raw) if segment.raw is not None else None
    return dataclasses.replace(
        segment,
        text=text,
        raw=tags.group() + text if tags else None,
        tokens=tuple(_mask_tokens(segment, finds)),
        acts=tuple(_mask_act(spoken, here, kinds) for spoken in segment.acts),
    )


def _mask_act(
    spoken: SpokenAct, here: Sequence[tuple[str, Sequence[Find]]], kinds: Collection[PersonalKind]
) -> SpokenAct:
    words = (_clipped(words, here) if words in here[0][0] else mask(words, kinds=kinds)[0] for words in spoken.words)
    return replace(spoken, words=tuple(words))


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

    Segments (text, raw output, tokens, words of acts), quotes of moments, evidence and advice of findings, the last
    words before a silence, values of notes. What names the recording (call id, path) stays: it must still be found
    by them.
    """
    finds = find_in_segments(report.segments, kinds)
    done = _masked(report.segments, finds, kinds)
    clean = _quote_masker(report.segments, finds, kinds)
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


def _clean_raw(segment: Segment, kinds: Collection[PersonalKind]) -> Segment:
    # Raw output is masked with its text; where it is another text it may still spell a number out.
    tags = _TAGS.match(segment.raw) if segment.raw is not None else None
    if segment.raw is None or tags is None or segment.raw[tags.end() :] == segment.text:
        return segment
    return replace(segment, raw=mask(segment.raw, kinds=kinds)[0])


def _clean_finding(finding: Finding, clean: Callable[[str], str]) -> Finding:
    evidence = _clean_evidence(finding.evidence, clean)
    return replace(finding, evidence=evidence, advice=clean(finding.advice), praise=clean(finding.praise))


def _clean_evidence(evidence: Sequence[Evidence], clean: Callable[[str], str]) -> tuple[Evidence, ...]:
    return tuple(replace(shown, quote=clean(shown.quote)) for shown in evidence)


def _clean_class(classification: Classification, clean: Callable[[str], str]) -> Classification:
    return replace(classification, evidence=_clean_evidence(classification.evidence, clean))


def _clean_note(note: Note, clean: Callable[[str], str]) -> Note:
    return replace(note, values={name: clean(value) for name, value in note.values.items()})


def mask_phone(number: str | None) -> str | None:
    """Hide the middle of a number to call back: 13812345678 -> 138****5678; a short one is hidden completely."""
    if number is None:
        return None
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 10 else "****"
