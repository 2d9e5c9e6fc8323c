"""Group questions that ask nearly the same, and the answers to them; name answers that contradict each other.

Questions are near duplicates when the Jaccard index of their character trigrams is 0.8 or more. Candidates are found by
MinHash with locality-sensitive hashing (Broder 1997; Indyk and Motwani 1998), and each is checked: of 100 pairs at 0.8
one in a thousand is missed, and none is wrong. Only numbers are kept of a question, some 250 bytes.
"""

from __future__ import annotations

import itertools
import re
import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qareport.text.spelling import in_digits
from qareport.text.wordlist import normalise

#: Questions as alike as this are one; answers may differ more in their words.
ALIKE: Final = 0.8
_SAME_ANSWER: Final = 0.5
#: A question at 0.8 is missed with 1 - (1 - (1 - 0.8 ** 3) ** 10), one in a thousand.
_BANDS, _ROWS = 10, 3
_GRAM: Final = 3
#: A question is compared with so many of those that share a band; answers with so many of a group.
_COMPARED, _MOST_ANSWERS = 8, 40
_DICE: Final = np.random.default_rng(20)
_FACTORS: Final = _DICE.integers(1, 2**32, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
_OFFSETS: Final = _DICE.integers(0, 2**32, _BANDS * _ROWS, dtype=np.uint64)
_SPREAD: Final = np.array([2654435761, 2246822519, 3266489917], dtype=np.uint64)
Hashes = npt.NDArray[np.uint64]


class Text(NamedTuple):
    """A pair as it is compared. Pairs of different kinds are never alike."""

    number: int
    kind: str
    question: str
    answer: str


class Place(NamedTuple):
    """The smallest number of the group, and of the pairs in it that answer alike; whether another answer differs."""

    group: int
    answer: int
    contradicted: bool


def find_places(read: Callable[[], Iterable[Text]]) -> Iterator[tuple[int, Place]]:
    """Put every pair into its group.

    Args:
        read: iterates over the pairs, from the first on each time it is called, in order of their numbers.
    """
    numbers, group_of = _group(read())
    sizes = np.bincount(group_of, minlength=len(numbers))
    places = {number: place for place, number in enumerate(numbers)}
    groups: defaultdict[int, _Answers] = defaultdict(_Answers)
    for text in read():
        place = places.get(text.number)
        if place is None:  # it came after the groups were made
            continue
        group = int(group_of[place])
        if sizes[group] == 1:
            yield text.number, Place(text.number, text.number, contradicted=False)
        else:
            groups[group].add(text.number, text.answer)
    for group, answers in groups.items():
        for number, answer, contradicted in answers.places():
            yield number, Place(numbers[group], answer, contradicted=contradicted)


def jaccard(first: str, second: str) -> float:
    """Return the Jaccard index |A∩B| / |A∪B|, 0 … 1, of the character trigrams of two texts."""
    return _jaccard(_grams(first), _grams(second))


def contradicts(first: str, second: str) -> bool:
    """Tell whether two answers to one question cannot both hold: yes and no, or other figures of the same unit."""
    says = _polarity(first), _polarity(second)
    if None not in says and says[0] != says[1]:
        return True
    here, there = _figures(first), _figures(second)
    return any(here[unit].isdisjoint(there[unit]) for unit in here.keys() & there.keys())


def _group(texts: Iterable[Text]) -> tuple[Sequence[int], npt.NDArray[np.int64]]:
    """Return the numbers of pairs, and for each the place of the first one of its group."""
    numbers, starts, grams, kinds = array("q"), array("q", [0]), array("Q"), array("q")
    bands: list[Hashes] = []
    for text in texts:
        own = _grams(text.question)
        numbers.append(text.number)
        grams.frombytes(own.tobytes())
        starts.append(len(grams))
        kinds.append(zlib.crc32(text.kind.encode()))
        bands.append(_signature(own, kinds[-1]))
    parents = np.arange(len(numbers), dtype=np.int64)
    if not bands:
        return numbers, parents
    all_grams = np.frombuffer(grams, dtype=np.uint64)
    table = np.vstack(bands)
    for band in range(_BANDS):
        order = np.argsort(table[:, band], kind="stable")
        keys = table[order, band]
        for first, last in _runs(keys):
            leaders: list[int] = []
            for place in map(int, order[first:last]):
                mine = all_grams[starts[place] : starts[place + 1]]
                for leader in leaders:
                    if _root(parents, leader) == _root(parents, place):
                        break
                    theirs = all_grams[starts[leader] : starts[leader + 1]]
                    if kinds[leader] == kinds[place] and _jaccard(mine, theirs) >= ALIKE:
                        _unite(parents, leader, place)
                        break
                else:
                    if len(leaders) < _COMPARED:
                        leaders.append(place)
    return numbers, np.array([_root(parents, place) for place in range(len(numbers))], dtype=np.int64)


def _runs(keys: Hashes) -> Iterator[tuple[int, int]]:
    """Yield where equal keys stand next to each other."""
    edges = np.flatnonzero(np.diff(keys)) + 1
    bounds = np.concatenate(([0], edges, [len(keys)]))
    for first, last in itertools.pairwise(map(int, bounds)):
        if last - first > 1:
            yield first, last


def _root(parents: npt.NDArray[np.int64], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = int(parents[place])
    return place


def _unite(parents: npt.NDArray[np.int64], first: int, second: int) -> None:
    least, other = sorted((_root(parents, first), _root(parents, second)))
    parents[other] = least


def _grams(text: str) -> Hashes:
    """Return the hashes of the trigrams of a text, each once, sorted."""
    letters = normalise(text) or text or " "
    codes = np.frombuffer(letters.ljust(_GRAM).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    rows = np.lib.stride_tricks.sliding_window_view(codes, _GRAM)
    hashes: Hashes = np.unique((rows * _SPREAD).sum(axis=1, dtype=np.uint64))
    return hashes


def _jaccard(first: Hashes, second: Hashes) -> float:
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)


def _signature(grams: Hashes, kind: int) -> Hashes:
    """Return a key for each band: texts that share one are perhaps alike."""
    mixed = (grams[:, None] * _FACTORS[None, :] + _OFFSETS[None, :]) >> np.uint64(16)
    least = mixed.min(axis=0).reshape(_BANDS, _ROWS)
    keys: Hashes = (least * _SPREAD[None, :]).sum(axis=1, dtype=np.uint64) ^ np.uint64(kind & (2**63 - 1))
    return keys


@dataclass(slots=True)
class _Answers:
    """The answers of one group: the first of each kind stands for those that say the same."""

    leaders: list[tuple[int, str]] = field(default_factory=list)
    members: list[tuple[int, int]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def add(self, number: int, answer: str) -> None:
        """Add an answer to those that say the same."""
        words = normalise(answer)
        if words not in self.known:
            same = (
                place
                for place, (_, leader) in enumerate(self.leaders)
                if not contradicts(leader, answer) and jaccard(leader, answer) >= _SAME_ANSWER
            )
            self.known[words] = next(same, min(len(self.leaders), _MOST_ANSWERS - 1))
            if self.known[words] == len(self.leaders):
                self.leaders.append((number, answer))
        self.members.append((number, self.known[words]))

    def places(self) -> Iterator[tuple[int, int, bool]]:
        """Yield each pair with the first one that answers alike, and whether another answer differs."""
        differs = [
            any(contradicts(answer, other) for _, other in self.leaders if other is not answer)
            for _, answer in self.leaders
        ]
        for number, place in self.members:
            yield number, self.leaders[place][0], differs[place]


_YES: Final = re.compile(r"^(可以|能|有|行|会|是的|支持|要|需要|对|yes\b)", re.IGNORECASE)
_NO: Final = re.compile(r"^(不|没|无法|no\b|can't|cannot)", re.IGNORECASE)
_FIGURE: Final = re.compile(
    r"(\d+(?:\.\d+)?)(?:个)?(工作日|小时|分钟|天|日|元|块|折|次|个月|年|瓦|升|公斤|斤|毫升|%|days?|hours?"
    r"|minutes?)"
)


def _polarity(answer: str) -> bool | None:
    words = normalise(answer)
    return True if _YES.match(words) else False if _NO.match(words) else None


def _figures(answer: str) -> Mapping[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for value, unit in _FIGURE.findall(in_digits(normalise(answer))):
        found[unit].add(value)
    return found
