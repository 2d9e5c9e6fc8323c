"""Find personal data in text (addresses here, numbers in `numbers`), and mask it in segments and reports."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

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
from qareport.privacy.numbers import find_numbers, find_runs

_HAN = "\u4e00-\u9fff"
_NUMBER = "[0-9A-Za-z０-９零〇一二两三四五六七八九十百千幺#-]{1,8}"
_GAP = "[，,、 \t]{0,2}"
_REGION = (
    rf"(?:[{_HAN}]{{2,6}}?(?:省|自治区|特别行政区|市|县|旗|自治州|新区|[{_HAN}]区)"
    r"|北京|上海|天津|重庆|广州|深圳|杭州|南京|苏州|成都|武汉|西安|长沙|郑州|青岛|宁波|厦门|东莞|佛山|合肥|济南|福州|昆明|沈阳|大连)"
)
_STREET = (
    rf"(?:[{_HAN}0-9]{{1,8}}?(?:大道|大街|路|街道|街|巷|胡同|弄|里弄|小区|花园|公寓|大厦|社区|家园|新村|花苑|嘉园|佳苑|"
    r"镇|乡|村|公馆|广场|中心|学院|大学))"
)
_DETAIL = rf"(?:(?:[一二三四五六东西南北中]段)?第?{_NUMBER}{_GAP}(?:号楼|号院|号|弄|栋|幢|座|单元|室|楼|层|组|房|门))"
_ROOM = rf"(?:{_GAP}[0-9零〇一二三四五六七八九幺]{{3,4}}(?![0-9元块]))?"
_ADDRESS = re.compile(
    rf"(?:{_REGION}{_GAP}){{0,4}}(?:{_STREET}{_GAP}){{1,3}}{_DETAIL}(?:{_GAP}(?:{_STREET}|{_DETAIL}))*{_ROOM}"
    rf"|(?:{_REGION}{_GAP}){{2,4}}(?:{_STREET}{_GAP}){{1,3}}"
    rf"|{_NUMBER}(?:号楼|栋|幢|座){_GAP}(?:{_DETAIL}{_GAP})+{_ROOM}"
    rf"|{_NUMBER}(?:号楼|栋|幢|座){_GAP}[0-9零〇一二三四五六七八九幺]{{3,4}}室?"
)
#: Beside these words a town and a street are an address without a house number too.
_TOLD = re.compile(
    rf"(?:地址|住在|寄到|送到|住址|收货地)[^。！？!?\n]{{0,6}}?((?:{_REGION}{_GAP}){{1,4}}(?:{_STREET}{_GAP}){{1,3}}(?:{_DETAIL}{_GAP})*)"
)
_LEAD = re.compile(
    rf"^[{_HAN}0-9，,、 ]*?(?:地址是|地址|住址|住在|寄到|送到|发到|改到|派到|搬到|换到|"
    rf"改成|改为|换成|写成|写的|填的|就是|我是|家在|我在|这边是|是在|是|在|到|住)(?=[{_HAN}])"
)
#: A day of the month after a word that only sounds like a street.
_FALSE = re.compile(rf"^[{_HAN}]{{0,6}}(?:公里路|线路|道路|走路|半路|路上|网路|思路|公路|一路|退路|套路)")
_ENGLISH_ADDRESS = re.compile(
    r"\b\d{1,5}\s+(?:[a-z]+\s+){1,3}(?:road|street|avenue|lane|drive|boulevard|rd|st|ave)\b"
    r"(?:,?\s*(?:room|apartment|apt|unit|flat|building|suite)\s*\w+)*",
    re.IGNORECASE,
)

_DOT = r"\s*(?:[.．。]|点|dot)\s*"
_LETTER = "[a-z0-9零〇一二两三四五六七八九幺]"
_NAME = (
    rf"(?<![a-z0-9]){_LETTER}"
    rf"(?:(?:[._%+-]|\s?(?:下划线|杠|点|dot|underscore|dash)\s?| )?{_LETTER}){{0,40}}"
)
_EMAIL = re.compile(
    rf"{_NAME}\s*(?:[@＠]|艾特|圈a|小老鼠|\bat\b)\s*"
    rf"[a-z0-9零〇一二两三四五六七八九幺-]+(?:\s[0-9])*{_DOT}(?:com|cn|net|org|edu|康姆|抗姆|me|io)(?:{_DOT}(?:cn|hk))?(?![a-z])",
    re.IGNORECASE,
)
#: GA 36-2018: province, office, five places, six for new-energy vehicles; I and O are not used.
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领]\s?[A-HJ-NP-Z][\s·，,、.-]{0,2}"
    r"(?=(?:[\s，,、-]*[A-Z]){0,3}[\s，,、-]*[0-9零〇一二两三四五六七八九幺洞拐勾])"
    r"(?:[A-HJ-NP-Z0-9零〇一二两三四五六七八九幺洞拐勾][\s，,、-]{0,2}){4,5}[A-HJ-NP-Z0-9零〇一二两三四五六七八九幺洞拐勾挂学警港澳]?"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)


def find_places(text: str) -> Iterator[tuple[int, int, PersonalKind]]:
    """Find addresses of every sort and licence plates as `(start, end, kind)`."""
    for match in _EMAIL.finditer(text):
        yield match.start(), match.end(), PersonalKind.EMAIL
    for match in _PLATE.finditer(text):
        yield match.start(), match.start() + len(match.group().rstrip(" ，,、-")), PersonalKind.PLATE
    for match in _ADDRESS.finditer(text):
        start, end = _trim(match.group(), match.start())
        if not _FALSE.match(text[start:end]):
            yield start, end, PersonalKind.ADDRESS
    for match in _TOLD.finditer(text):
        start, end = _trim(match.group(1), match.start(1))
        yield start, end, PersonalKind.ADDRESS
    for match in _ENGLISH_ADDRESS.finditer(text):
        yield match.start(), match.end(), PersonalKind.ADDRESS


def _trim(words: str, start: int) -> tuple[int, int]:
    """Leave out the words that lead up to an address (我住在 …) and the pause after it."""
    end = start + len(words.rstrip(" ，,、\t"))
    while (lead := _LEAD.match(words)) and lead.end() < len(words) - 4:
        start += lead.end()
        words = words[lead.end() :]
    return start, end


ALL_KINDS = frozenset(PersonalKind) - {PersonalKind.ORDER}
#: What replaces the words.
LABELS: dict[PersonalKind, str] = {
    PersonalKind.PHONE: "[电话]",
    PersonalKind.ID_CARD: "[身份证号]",
    PersonalKind.BANK_CARD: "[银行卡号]",
    PersonalKind.EMAIL: "[邮箱]",
    PersonalKind.ADDRESS: "[地址]",
    PersonalKind.PLATE: "[车牌号]",
    PersonalKind.CODE: "[验证码]",
    PersonalKind.ORDER: "[订单号]",
}
#: Where two finds overlap the one that comes first here wins.
_RANK = {kind: rank for rank, kind in enumerate(LABELS)} | {PersonalKind.EMAIL: -2, PersonalKind.PLATE: -1}


class Find(NamedTuple):
    """Personal data at `text[start:end]`."""

    start: int
    end: int
    kind: PersonalKind


def find(text: str, *, context: str = "", kinds: Collection[PersonalKind] = ALL_KINDS) -> list[Find]:
    """Find personal data, in order and without overlaps.

    Args:
        text: as transcribed; line breaks count as pauses.
        context: what was said just before, so that the answer to "验证码是多少" is known for one.
        kinds: what to look for.
    """
    everything = [Find(*span) for span in (*find_numbers(text, context), *find_places(text))]
    taken: list[Find] = []
    for place in sorted(everything, key=lambda item: (_RANK[item.kind], item.start - item.end)):
        if not any(place.start < other.end and other.start < place.end for other in taken):
            taken.append(place)
    return sorted(place for place in taken if place.kind in kinds)


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


#: One speaker's segments this near each other may hold parts of one number.
JOIN_MS = 10_000
#: This many digits of a number, said again, identify it.
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

    A number may continue in the same speaker's next segment, whatever the other says in between; what the other asked
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
