"""Find personal data in one text, and in the segments of a call as somebody who has heard all of it."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from qareport.model import PersonalKind, Role, Segment
from qareport.privacy.accounts import find_accounts, find_documents, find_mails, find_parcels, find_spelled
from qareport.privacy.digits import Run, find_runs
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


#: What stands in the address of a page is no code and no number of a telephone.
_LINK = re.compile(r"(?:https?://|www\.)[A-Za-z0-9./?=&%_#~:+-]+", re.IGNORECASE)
_IN_LINKS = frozenset({_K.PHONE, _K.BANK_CARD, _K.CODE, _K.PICKUP_CODE, _K.ACCOUNT})
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
#: 加QQ客服800010000: an agent tells where the shop is reached.
_OFFICIAL = re.compile("客服|公众|官方|企业|关注")
_OFFICIAL_WITHIN = 12


def _is_public(stretch: Stretch, place: Found, links: Sequence[tuple[int, int]]) -> bool:
    """Tell whether something stands in the address of a page, or is the account of a shop, told by its agent."""
    start, end, kind = place
    before = bisect.bisect_right(links, (start, len(stretch.text))) - 1
    if kind in _IN_LINKS and before >= 0 and end <= links[before][1]:
        # …/u/3005540121 is somebody's page.
        return not (
            _MOBILE.search(stretch.text, start, end) or (kind is _K.ACCOUNT and stretch.text[start:end].isdigit())
        )
    official = kind is _K.ACCOUNT and stretch.agent
    return official and _OFFICIAL.search(stretch.text, max(0, start - _OFFICIAL_WITHIN), start) is not None


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
    links = [match.span() for match in _LINK.finditer(stretch.text)] if stretch.letters else []
    everything = [place for place in everything if not _is_public(stretch, place, links)]
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
#: 13270什么来着，哦，13270…: so many places that a mobile number begins with.
_BEGUN_ECHO = 5
#: Orders that one customer made one after the other have so many first places in common.
_ALIKE = 6
#: So many segments after a number its parts may be said back.
_ECHO_WITHIN = 6
_ECHOED = frozenset({_K.PHONE, _K.ID_CARD, _K.BANK_CARD, _K.CODE, _K.PICKUP_CODE, _K.DOCUMENT, _K.ACCOUNT})
#: Found again word by word.
_REPEATED = frozenset({_K.NAME, _K.ACCOUNT, _K.EMAIL, _K.PLATE, _K.PICKUP_CODE})
#: A number that misses its end, and what is said to mend it.
_MOBILE_PLACES = 11
_DIGIT = "[0-9零一二三四五六七八九幺]"
_ADDED = re.compile(
    f"(?:[^\\w]|哦|对|啊|不对|漏了)*(?:后面|最后|末尾)?(?:再|还)(?:要)?(?:加|有|补|添)(?:上)?(?:一|两)?个?{_DIGIT}+"
    f"(?:[，, ]*(?:末尾|最后|后面|尾巴|结尾)(?:是|就是)?(?:一个)?{_DIGIT}+)?[^\\w]*"
)
_LATIN = re.compile("[A-Za-z]{4}")
_BACK = re.compile("[^\\w]|对吗|对吧|对不对|对|是吧|是吗|是|嗯|哦|好的|好|没错|吧|吗|就|您|这个|那个|后面|前面")


#: What was found last: a call that is stored is masked for its summary, then for the search index.
_last: tuple[Sequence[Segment], frozenset[PersonalKind], list[list[Find]]] | None = None


def find_in_segments(segments: Sequence[Segment], kinds: Collection[PersonalKind] = ALL_KINDS) -> list[list[Find]]:
    """Find personal data in each segment of one call.

    A number may continue in the same speaker's next segment, whatever the other says in between; what the other asked,
    however long ago, tells what an answer is. What was found is found wherever it is said again.
    """
    global _last
    last = _last
    if last is not None and last[0] is segments and last[1] == {*kinds}:
        return last[2]
    finds = _find_in_segments(segments, kinds)
    if isinstance(segments, tuple):  # others may change
        _last = segments, frozenset(kinds), finds
    return finds


def _find_in_segments(segments: Sequence[Segment], kinds: Collection[PersonalKind]) -> list[list[Find]]:
    finds: list[list[Find]] = [[] for _ in segments]
    questions = Questions(segments)
    for indexes in _stretches(segments):
        stretch = _stretch(segments, indexes, questions)
        _share_out(find_in_stretch(stretch, {*kinds, _K.ORDER}), indexes, segments, finds)
    finds = _without_orders(segments, finds, questions)
    finds = [[place for place in own if place.kind in kinds] for own in finds]
    _complete(segments, finds)
    _echo(segments, finds)
    return finds


def _complete(segments: Sequence[Segment], finds: Sequence[list[Find]]) -> None:
    """Find what a speaker adds in words to a number that lacked its last places: 再加一个四，末尾四."""
    last: dict[Role, tuple[int, int]] = {}
    for index, segment in enumerate(segments):
        phones = [place for place in finds[index] if place.kind is _K.PHONE]
        at, places = last.get(segment.role, (index, 0))
        near = index - at <= _ECHO_WITHIN and _SHORT_ECHO < places < _MOBILE_PLACES
        if near and _ADDED.fullmatch(segment.text):
            finds[index][:] = [Find(0, len(segment.text), _K.PHONE)]
        elif phones:
            last[segment.role] = index, len(_value(segment, phones[-1]))


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
    at, first = 0, 0
    for index in indexes:
        end = at + len(segments[index].text)
        while first < len(in_stretch) and in_stretch[first].end <= at:
            first += 1
        for place in itertools.islice(in_stretch, first, None):
            if place.start >= end:
                break
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
    known_numbers, known_words = _KnownNumbers(numbers), _KnownWords(words)
    for index, segment in enumerate(segments):
        again = [*known_numbers.find(segment.text, index), *known_words.find(segment.text)]
        finds[index] = _joined(finds[index], again)


def _joined(known: list[Find], again: list[Find]) -> list[Find]:
    if not again:
        return known
    occupied = {at for place in known for at in range(place.start, place.end)}
    free = [item for item in again if occupied.isdisjoint(range(item.start, item.end))]
    return sorted([*known, *dict.fromkeys(free)])


class _KnownNumbers:
    """The numbers that were found in a call, by what of them may be said again: looked up, however many they are."""

    def __init__(self, numbers: dict[str, tuple[PersonalKind, int]]) -> None:
        """Take each number with its kind and the segment that it was said in last."""
        #: Every part of enough digits, with the kind of the number that was found first.
        self._parts: dict[str, PersonalKind] = {}
        #: By segment.
        self._said_at: dict[int, list[tuple[str, PersonalKind]]] = {}
        for value, (kind, at) in numbers.items():
            self._said_at.setdefault(at, []).append((value, kind))
            for start in range(len(value) - ECHO_DIGITS + 1):
                for end in range(start + ECHO_DIGITS, len(value) + 1):
                    self._parts.setdefault(value[start:end], kind)

    def find(self, text: str, index: int) -> Iterator[Find]:
        """Find what is said again of them in a segment."""
        runs = find_runs(text) if self._said_at else []
        for run in runs:
            kind = self._kind(run.value, index, alone=len(runs) == 1 and not _BACK.sub("", _around(text, run)))
            if kind is not None:
                yield Find(run.start, run.end, kind)

    def _kind(self, said: str, index: int, *, alone: bool) -> PersonalKind | None:
        if (kind := self._parts.get(said)) is not None:
            return kind
        near = range(index - _ECHO_WITHIN, index + _ECHO_WITHIN + 1)
        for value, kind in itertools.chain.from_iterable(self._said_at.get(at, ()) for at in near):
            begun = (
                len(said) >= _BEGUN_ECHO
                and kind is _K.PHONE
                and value.startswith(said)
                and len(value) >= _MOBILE_PLACES
            )
            if begun or (alone and len(said) >= _SHORT_ECHO and said in value) or _misheard(said, value, kind):
                return kind
        return None


def _around(text: str, run: Run) -> str:
    return text[: run.start] + text[run.end :]


def _misheard(said: str, value: str, kind: PersonalKind) -> bool:
    """Tell whether a mobile number that is said back, perhaps of too many places, begins like the one or its part."""
    return kind is _K.PHONE and 7 <= len(said) <= 13 and len(value) >= _SHORT_ECHO and said.startswith(value[:7])


class _KnownWords:
    """The words that were found in a call, by their first two characters."""

    def __init__(self, words: dict[str, PersonalKind]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for word in words:
            self._by_start.setdefault(word[:2], []).append(word)
        self._kinds = words

    def find(self, text: str) -> Iterator[Find]:
        """Find where they are said again, the longest first, without overlaps."""
        if not self._by_start:
            return
        places = [
            (at, word)
            for at in range(len(text) - 1)
            for word in self._by_start.get(text[at : at + 2], ())
            if text.startswith(word, at)
        ]
        occupied: set[int] = set()
        for at, word in sorted(places, key=lambda place: (-len(place[1]), place[0])):
            if occupied.isdisjoint(range(at, at + len(word))):
                occupied.update(range(at, at + len(word)))
                yield Find(at, at + len(word), self._kinds[word])
