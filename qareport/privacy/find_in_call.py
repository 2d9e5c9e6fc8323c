"""Find personal data in one text, and in the segments of a call as somebody who has heard all of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from qareport.model import PersonalKind, Role, Segment
from qareport.privacy.accounts import find_accounts, find_documents, find_mails, find_parcels, find_spelled
from qareport.privacy.digits import find_runs
from qareport.privacy.kind_words import Cue, asked_for, asks_for_tail, cues
from qareport.privacy.numbers import find_numbers
from qareport.privacy.people import find_birthdays, find_names
from qareport.privacy.places import find_addresses
from qareport.privacy.questions import Questions
from qareport.privacy.stretch import Found, Stretch, StretchLine

_K = PersonalKind
ALL_KINDS = frozenset(PersonalKind) - {_K.ORDER, _K.TRACKING}
#: Those that are told by their form alone, whatever text they stand in.
NUMBERS = frozenset({_K.PHONE, _K.ID_CARD, _K.BANK_CARD})
#: Where two finds overlap the one that comes first here wins.
_ORDER_OF_RANK = (
    _K.EMAIL, _K.PLATE, _K.PICKUP_CODE, _K.TRACKING, _K.PHONE, _K.ID_CARD, _K.BANK_CARD, _K.DOCUMENT, _K.BIRTHDAY,
    _K.ADDRESS, _K.ACCOUNT, _K.CODE, _K.NAME, _K.ORDER,
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(_ORDER_OF_RANK)}


class Find(NamedTuple):
    """Personal data at `text[start:end]`."""

    start: int
    end: int
    kind: PersonalKind


def find(text: str, *, context: str = "", kinds: Collection[PersonalKind] = ALL_KINDS) -> list[Find]:
    """Find personal data, in order and without overlaps.

    Args:
        text: as transcribed; line breaks count as pauses.
        context: what the other one said just before, so that the answer to "验证码是多少" is known for one.
        kinds: what to look for.
    """
    line = StretchLine(0, asked_for(context, cues(context)), tail=asks_for_tail(context))
    return find_in_stretch(Stretch(text, [line]), kinds)


def find_in_stretch(stretch: Stretch, kinds: Collection[PersonalKind]) -> list[Find]:
    """Find personal data in one stretch."""
    everything: list[Found] = [
        *find_numbers(stretch),
        *find_mails(stretch.text),
        *find_spelled(stretch),
        *find_documents(stretch),
        *find_addresses(stretch),
        *find_accounts(stretch),
        *find_birthdays(stretch),
    ]
    if _K.TRACKING in kinds:
        everything += find_parcels(stretch.text)
    if _K.NAME in kinds:
        everything += find_names(stretch, everything)
    return _without_overlaps(everything, kinds)


def _without_overlaps(everything: Collection[Found], kinds: Collection[PersonalKind]) -> list[Find]:
    taken: list[Find] = []
    occupied: set[int] = set()
    for start, end, kind in sorted(everything, key=lambda item: (_RANK[item[2]], item[0] - item[1])):
        if (kind is not _K.ORDER or kind in kinds) and occupied.isdisjoint(range(start, end)):
            taken.append(Find(start, end, kind))
            occupied.update(range(start, end))
    return sorted(place for place in taken if place.kind in kinds)


#: One speaker's segments this near each other may hold parts of one number.
JOIN_MS = 10_000
#: This many digits of a number, said again, identify it; fewer where nothing else is said.
ECHO_DIGITS = 6
_SHORT_ECHO = 3
#: Orders that one customer made one after the other have so many first places in common.
_ALIKE = 6
#: So many segments after a number its parts may be said back.
_ECHO_WITHIN = 6
_ECHOED = frozenset({_K.PHONE, _K.ID_CARD, _K.BANK_CARD, _K.CODE, _K.PICKUP_CODE, _K.DOCUMENT, _K.ACCOUNT})
#: Found again word by word.
_REPEATED = frozenset({_K.NAME, _K.ACCOUNT, _K.EMAIL, _K.PLATE, _K.PICKUP_CODE})
_LATIN = re.compile("[A-Za-z]{4}")
_BACK = re.compile("[^\\w]|对吗|对吧|对不对|对|是吧|是吗|是|嗯|哦|好的|好|没错|吧|吗|就|您|这个|那个|后面|前面|尾号")


def find_in_segments(segments: Sequence[Segment], kinds: Collection[PersonalKind] = ALL_KINDS) -> list[list[Find]]:
    """Find personal data in each segment of one call.

    A number may continue in the same speaker's next segment, whatever the other says in between; what the other asked,
    however long ago, tells what an answer is. What was found is found wherever it is said again.
    """
    finds: list[list[Find]] = [[] for _ in segments]
    questions = Questions(segments)
    for indexes in _stretches(segments):
        stretch = _stretch(segments, indexes, questions)
        _share_out(find_in_stretch(stretch, {*kinds, _K.ORDER}), indexes, segments, finds)
    finds = _without_orders(segments, finds, questions)
    finds = [[place for place in own if place.kind in kinds] for own in finds]
    _echo(segments, finds)
    return finds


def _without_orders(segments: Sequence[Segment], finds: Sequence[list[Find]], questions: Questions) -> list[list[Find]]:
    """Leave out what looks like a telephone's number but is called an order's, or begins like one that is.

    What it was called first counts: by a question or by a word beside it.
    """
    orders: set[str] = set()
    phones: set[str] = set()
    for index, own in enumerate(finds):
        named = _K.PHONE in questions.asked[index] or any(cue.kind is _K.PHONE for cue in questions.cues[index])
        for place in own:
            value = _value(segments[index], place)
            if place.kind is _K.ORDER and value not in phones:
                orders.add(value)
            elif place.kind is _K.PHONE and named and value not in orders:
                phones.add(value)
    if not orders:
        return [*finds]
    begun = {(len(value), value[:_ALIKE]) for value in orders}

    def is_order(index: int, place: Find) -> bool:
        value = _value(segments[index], place)
        return value in orders or (value not in phones and (len(value), value[:_ALIKE]) in begun)

    return [
        [place for place in own if place.kind is not _K.PHONE or not is_order(index, place)]
        for index, own in enumerate(finds)
    ]


def _value(segment: Segment, place: Find) -> str:
    return "".join(run.value for run in find_runs(segment.text[place.start : place.end]))


def _stretch(segments: Sequence[Segment], indexes: Sequence[int], questions: Questions) -> Stretch:
    lines: list[StretchLine] = []
    found: list[Cue] = []
    at = 0
    for index in indexes:
        found += (Cue(cue.start + at, cue.end + at, cue.kind) for cue in questions.cues[index])
        lines.append(questions.line(index, at))
        at += len(segments[index].text) + 1
    text = "\n".join(segments[index].text for index in indexes)
    return Stretch(text, lines, agent=segments[indexes[0]].role is Role.AGENT, found_cues=found)


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


def _echo(segments: Sequence[Segment], finds: list[list[Find]]) -> None:
    """Find what was found wherever else it is said."""
    numbers: dict[str, tuple[PersonalKind, int]] = {}
    words: dict[str, PersonalKind] = {}
    part = "", _K.ORDER, 0
    for index, own in enumerate(finds):
        for place in own:
            said = segments[index].text[place.start : place.end]
            if place.kind in _ECHOED and not (place.kind is _K.ACCOUNT and _LATIN.search(said)):
                value = _value(segments[index], place)
                numbers[value] = place.kind, index
                # The parts of one number, said one after the other.
                if place.kind is part[1] and index - part[2] <= _ECHO_WITHIN:
                    numbers[part[0] + value] = place.kind, index
                part = value, place.kind, index
            if place.kind in _REPEATED and len(said) >= 2:
                words[said] = place.kind
    if not numbers and not words:
        return
    for index, segment in enumerate(segments):
        again = [*_numbers_again(segment.text, index, numbers), *_words_again(segment.text, words)]
        finds[index] = _joined(finds[index], again)


def _joined(known: list[Find], again: list[Find]) -> list[Find]:
    if not again:
        return known
    free = [item for item in again if not any(item.start < other.end and other.start < item.end for other in known)]
    return sorted([*known, *(Find(*item) for item in dict.fromkeys(free))])


def _numbers_again(text: str, index: int, numbers: dict[str, tuple[PersonalKind, int]]) -> Iterator[Find]:
    if not numbers:
        return
    for run in find_runs(text):
        rest = _BACK.sub("", text[: run.start] + text[run.end :])
        for value, (kind, at) in numbers.items():
            short = not rest and abs(index - at) <= _ECHO_WITHIN and len(run.value) >= _SHORT_ECHO
            part = run.value in value and (len(run.value) >= ECHO_DIGITS or short)
            if part or (abs(index - at) <= _ECHO_WITHIN and _misheard(run.value, value, kind)):
                yield Find(run.start, run.end, kind)
                break


def _misheard(said: str, value: str, kind: PersonalKind) -> bool:
    """Tell whether a mobile number that is said back, perhaps of too many places, begins like the one or its part."""
    return kind is _K.PHONE and 7 <= len(said) <= 13 and len(value) >= _SHORT_ECHO and said.startswith(value[:7])


def _words_again(text: str, words: dict[str, PersonalKind]) -> Iterator[Find]:
    at: dict[int, Find] = {}
    for word, kind in sorted(words.items(), key=lambda item: -len(item[0])):
        start = text.find(word)
        while start >= 0:
            if not any(place.start < start + len(word) and start < place.end for place in at.values()):
                at[start] = Find(start, start + len(word), kind)
            start = text.find(word, start + len(word))
    yield from at.values()
