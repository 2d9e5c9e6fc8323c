"""What the bundled reader looks at: characters of a sentence and of the turns around it, and a few numbers.

A sentence is the set of its 1- to 4-grams of characters (`^` and `$` mark its ends), known by 64-bit hashes, so that a
whole call is encoded with a handful of array operations. Training and reading share this module; a change of anything
here raises `FORM`, and a model of another form is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import add
from string import ascii_letters, digits
from typing import Final

import numpy as np
import numpy.typing as npt

from qareport.model import AudioEvent, Emotion, Role, Segment
from qareport.text.spelling import simplify

#: Of the features: models of another form cannot be used.
FORM: Final = 5
LONGEST_GRAM: Final = 4
#: What stands around a sentence: the same speaker's sentences of this turn, the other's turn before, the own turn
#: before that, and the other’s next turn; with how many sentences of it are looked at.
CONTEXTS: Final = ("turn", "before", "own_before", "next")
REACH: Final = {"turn": 3, "before": 3, "own_before": 3, "next": 2}
#: Sentences are compared with this many earlier ones, which keeps long calls linear.
COMPARED: Final = 14
#: The other has just said what is in one of this many sentences.
_JUST: Final = 4
_NUMBER = re.compile(r"[0-9]+(?:[.,:][0-9]+)*")
#: What chats hold and speech does not: mentions of the service that is spoken to, the sign of other mentions (whoever
#: calls in 工信部 says something by it), links, placeholders and pictures in brackets.
_OF_CHATS = re.compile(r"@[\w·:-]*客服[\w·:-]*|@|https?://\S+|www\.\S+|\[[^\]]{1,8}\]")
_MARKS_OF_CHATS: Final = ("@", "[", "://", "www.")
_NO_LETTER = re.compile(r"[\W_]+")
#: Marks between clauses are one and the same to a pattern; full-width letters and digits are half-width.
_CLAUSES: Final = str.maketrans(dict.fromkeys("，、。；;！!…~～—\n\r\t \u3000", ",") | {"？": "?", "：": ":"})
_WIDTHS: Final = str.maketrans({chr(code + 0xFEE0): chr(code) for code in map(ord, "@" + digits + ascii_letters)})
_EMOTIONS: Final = (
    Emotion.NEUTRAL, Emotion.ANGRY, Emotion.SAD, Emotion.HAPPY, Emotion.DISGUSTED, Emotion.FEARFUL, Emotion.SURPRISED,
)  # fmt: skip
_NO_EMOTION: Final = (0.0,) * len(_EMOTIONS)
_ONE_HOT: Final = {
    emotion: (*_NO_EMOTION[:place], 1.0, *_NO_EMOTION[place + 1 :]) for place, emotion in enumerate(_EMOTIONS)
}
#: Judged, the emotions, laughter and the pauses.
_NOT_HEARD: Final = (0.0,) * (len(_EMOTIONS) + 4)
#: Names of the numbers beside the n-grams, in order.
NUMBERS: Final = (
    "length", "question", "place", "first", "last", "from_start", "from_end", "judged",
    *(f"is_{emotion.lower()}" for emotion in _EMOTIONS), "laughter", "pause_before", "pause_after",
    "said_before", "like_before", "says_back", "goes_on", "continues", "sentences",
)  # fmt: skip

Keys = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence as the reader sees it. Training builds some that no recording has."""

    text: str
    is_customer: bool
    start_s: float
    end_s: float
    #: None: neither emotion nor times are known.
    emotion: Emotion | None = None
    laughs: bool = False
    #: The words in plain form, in which patterns are searched.
    said: str = ""

    @classmethod
    def of(cls, segment: Segment) -> Utterance:
        """Take what the reader looks at from a segment whose speaker is known."""
        return cls(
            text=normal_form(segment.text),
            is_customer=segment.role is Role.CUSTOMER,
            start_s=segment.start_ms / 1000,
            end_s=segment.end_ms / 1000,
            emotion=None if segment.emotion is Emotion.EMO_UNKNOWN else segment.emotion,
            laughs=AudioEvent.LAUGHTER in segment.events,
            said=plain_form(segment.text),
        )


def normal_form(text: str) -> str:
    """Return the text as n-grams are taken from it: NFKC, lower case, each number as 0, single spaces, speech alone."""
    spoken = unicodedata.normalize("NFKC", text).lower()
    if any(mark in spoken for mark in _MARKS_OF_CHATS):
        spoken = _OF_CHATS.sub(" ", spoken)
    return " ".join(_NUMBER.sub("0", spoken).split())


def plain_form(text: str) -> str:
    """Return the form in which patterns are searched, letter for letter: simplified, half-width, lower case.

    Every mark between clauses, spaces among them, is a comma; question marks stay.
    """
    plain = simplify(text).translate(_CLAUSES).translate(_WIDTHS)
    lower = plain.lower()
    return lower if len(lower) == len(plain) else plain


def grams_of(texts: Sequence[str]) -> tuple[Keys, Integers, Integers, Integers]:
    """Hash the n-grams of sentences.

    Returns:
        hashes, the index of the sentence of each, its length and its place in the sentence with `^` before it, all of
        the same shape; a gram that a sentence holds twice is listed twice.
    """
    lengths = np.array([len(text) + 2 for text in texts], dtype=np.int64)
    ends = np.cumsum(lengths)
    marked = "".join(f"^{text}$" for text in texts) + "\0" * (LONGEST_GRAM - 1)
    letters = np.frombuffer(marked.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    letters = (letters + np.uint64(1)) * np.uint64(0xC2B2AE3D27D4EB4F)
    count = len(letters) - LONGEST_GRAM + 1
    keys = np.empty((LONGEST_GRAM, count), dtype=np.uint64)
    rolling = np.zeros(count, dtype=np.uint64)
    for size in range(LONGEST_GRAM):
        rolling = (rolling * np.uint64(0x9E3779B97F4A7C15)) ^ letters[size : size + count]
        rolling ^= rolling >> np.uint64(29)
        keys[size] = rolling
    owner = np.repeat(np.arange(len(texts)), lengths)
    places = np.arange(count)
    inside = (ends[owner] - places) > np.arange(LONGEST_GRAM)[:, None]
    sizes, at = np.nonzero(inside)
    return keys[inside], owner[at], sizes + 1, (places - (ends - lengths)[owner])[at]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The n-grams that a model knows; those that it also looks for around a sentence have the lowest numbers."""

    #: Sorted hashes.
    keys: Keys
    #: The number of each.
    ranks: npt.NDArray[np.int32]
    #: Where the hashes with the same highest bits begin, and how many bits are lower: hashes are spread
    #: evenly, so that each is found after a step or two.
    _firsts: npt.NDArray[np.int32] = field(init=False, repr=False, compare=False)
    _lower_bits: np.uint64 = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Divide the hashes by their highest bits."""
        bits = len(self.keys).bit_length() + 1
        lower_bits = np.uint64(64 - bits)
        sizes = np.bincount((self.keys >> lower_bits).astype(np.int64), minlength=1 << bits)
        object.__setattr__(self, "_firsts", (np.cumsum(sizes) - sizes).astype(np.int32))
        object.__setattr__(self, "_lower_bits", lower_bits)

    def find(self, keys: Keys) -> npt.NDArray[np.int32]:
        """Return the numbers of n-grams, −1 for those that are not known."""
        last = len(self.keys) - 1
        places = np.minimum(self._firsts[(keys >> self._lower_bits).astype(np.int64)], last)
        behind = np.flatnonzero(self.keys[places] < keys)
        while len(behind):
            behind = behind[places[behind] < last]
            places[behind] += 1
            behind = behind[self.keys[places[behind]] < keys[behind]]
        return np.where(self.keys[places] == keys, self.ranks[places], np.int32(-1))

    def encode(self, texts: Sequence[str]) -> tuple[Integers, Integers]:
        """Find the known n-grams of sentences, each once a sentence.

        Returns:
            indexes of sentences, ascending, and the numbers of their n-grams, ascending within a sentence.
        """
        keys, owners, _, _ = grams_of(texts)
        return distinct(owners, self.find(keys))


def distinct(owners: Integers, grams: npt.NDArray[np.int32]) -> tuple[Integers, Integers]:
    """Sort pairs of a sentence and the number of an n-gram; each is kept once, and those that are not known not."""
    pairs = ((owners << 32) | grams)[grams >= 0]
    pairs.sort()
    new = np.ones(len(pairs), dtype=np.bool_)
    np.not_equal(pairs[1:], pairs[:-1], out=new[1:])
    pairs = pairs[new]
    return pairs >> 32, pairs & 0xFFFFFFFF


def neighbours(customers: npt.NDArray[np.bool_]) -> dict[str, tuple[Integers, Integers]]:
    """Find the context of each sentence.

    Args:
        customers: of each sentence, whether the customer says it.

    Returns:
        for each kind of context: the first sentence of it, and the one after its last, both of the shape of
        `customers`; they are the same where there is no context.
    """
    places = np.arange(len(customers))
    starts = turn_starts(customers)
    # Two empty turns before the first and one after the last.
    edges = np.concatenate(([0, 0], starts, [len(customers)] * 2))
    turn = np.searchsorted(starts, places, side="right") + 1
    start, end = edges[turn], edges[turn + 1]
    before, own_before = edges[turn - 1], edges[turn - 2]
    return {
        "turn": (np.maximum(start, places - REACH["turn"]), places),
        "before": (np.maximum(before, start - REACH["before"]), start),
        "own_before": (np.maximum(own_before, before - REACH["own_before"]), before),
        "next": (end, np.minimum(edges[turn + 2], end + REACH["next"])),
    }


def turn_starts(customers: npt.NDArray[np.bool_]) -> Integers:
    """Return where each turn starts: sentences of one speaker without the other between them."""
    first = np.ones(len(customers), dtype=np.bool_)
    np.not_equal(customers[1:], customers[:-1], out=first[1:])
    return np.flatnonzero(first)


def numbers_of(sentences: Sequence[Utterance]) -> Floats:
    """Measure sentences: `NUMBERS`, each about −1 … 2, of the shape (sentences, numbers)."""
    count = len(sentences)
    places = np.arange(count)
    customers = np.array([sentence.is_customer for sentence in sentences], dtype=np.bool_)
    same = customers[1:] == customers[:-1]
    rows = np.zeros((count, len(NUMBERS)), dtype=np.float32)
    columns = dict(zip(NUMBERS, rows.T, strict=True))
    columns["length"][:] = [min(len(sentence.text), 60) / 30 for sentence in sentences]
    columns["question"][:] = ["?" in sentence.text for sentence in sentences]
    columns["place"][:] = places / max(1, count - 1)
    columns["first"][:1] = 1
    columns["last"][-1:] = 1
    columns["from_start"][:] = np.minimum(places, 5) / 5
    columns["from_end"][:] = columns["from_start"][::-1]
    heard, likeness = NUMBERS.index("judged"), NUMBERS.index("said_before")
    rows[:, heard : heard + len(_NOT_HEARD)] = _heard(sentences)
    rows[:, likeness : likeness + 3] = _likeness(sentences)
    columns["goes_on"][1:] = same
    columns["continues"][:-1] = same
    columns["sentences"][:] = min(count, 60) / 60
    return rows


def _heard(sentences: Sequence[Utterance]) -> list[Sequence[float]]:
    """Return judged or not, the emotion, laughter and the pauses around; zeros where nothing was heard."""
    pauses = [
        max(-1.0, min(following.start_s - sentence.end_s, 8.0)) / 4 for sentence, following in pairwise(sentences)
    ]
    return [
        _NOT_HEARD
        if sentence.emotion is None
        else (1.0, *_ONE_HOT.get(sentence.emotion, _NO_EMOTION), float(sentence.laughs), before, after)
        for sentence, before, after in zip(sentences, [0.0, *pauses], [*pauses, 0.0], strict=True)
    ]


def _letter_pairs(text: str) -> frozenset[str]:
    letters = _NO_LETTER.sub("", text)
    return frozenset(map(add, letters, letters[1:]))


def _likeness(sentences: Sequence[Utterance]) -> list[tuple[float, float, float]]:
    """Return how much of each its speaker said before (containment, Dice), and how much the other just said."""
    found: list[tuple[float, float, float]] = []
    earlier: deque[tuple[bool, frozenset[str], int]] = deque(maxlen=COMPARED)
    for sentence in sentences:
        own, speaker = _letter_pairs(sentence.text), sentence.is_customer
        size, contained, alike, back = len(own), 0.0, 0.0, 0.0
        for distance, (other_speaker, pairs, other_size) in enumerate(earlier, start=1):
            is_own = other_speaker is speaker
            if (distance > _JUST and not is_own) or own.isdisjoint(pairs):
                continue
            common = len(own & pairs)
            share = common / min(size, other_size)
            if is_own:
                contained = max(contained, share)
                alike = max(alike, 2 * common / (size + other_size))
            else:
                back = max(back, share)
        found.append((contained, alike, back))
        earlier.appendleft((speaker, own, size))
    return found


#: A long sentence weighs more than a short one, but less than its n-grams added up: by this power of their number.
OWN_POWER: Final = 0.25
#: The number of n-grams at which the scale of a sentence does not depend on the power.
_TYPICAL: Final = 35
#: How much each context counts beside the sentence itself.
_CONTEXT_WEIGHTS: Final = {"turn": 0.5, "before": 0.6, "own_before": 0.4, "next": 0.5}


def own_scale(counts: Floats) -> Floats:
    """Scale the sum over a sentence's n-grams, by their number."""
    scale: Floats = (np.maximum(counts, 1.0) ** -OWN_POWER * _TYPICAL ** (OWN_POWER - 0.5)).astype(np.float32)
    return scale


def context_scale(name: str, counts: Floats) -> Floats:
    """Scale the sum over the n-grams of a context, by their number."""
    scale: Floats = (_CONTEXT_WEIGHTS[name] * np.maximum(counts, 1.0) ** -0.5).astype(np.float32)
    return scale


#: What topics are known from: all that the customer says, the first sentences of it, what the agent says.
TOPIC_PARTS: Final = {"customer": 1.0, "opening": 1.0, "agent": 0.5}
_OPENING: Final = 3


def topic_parts(customers: npt.NDArray[np.bool_]) -> dict[str, npt.NDArray[np.bool_]]:
    """Tell which sentences belong to each part, as masks of the shape of `customers`."""
    opening = customers & (np.cumsum(customers) <= _OPENING)
    return {"customer": customers, "opening": opening, "agent": ~customers}


def topic_scale(name: str, count: int) -> float:
    """Scale the sum over the n-grams of a part, by their number."""
    return float(TOPIC_PARTS[name] * max(count, 1) ** -0.5)
