"""What the bundled reader looks at: characters of a sentence and of the turns around it, and a few numbers.

A sentence is the set of its 1- to 4-grams of characters (`^` and `$` mark its ends), known by 64-bit hashes, so that a
whole call is encoded with a handful of array operations. Training and reading share this module; a change of anything
here raises `FORM`, and a model of another form is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from qareport.model import AudioEvent, Emotion, Role, Segment

#: Of the features: models of another form cannot be used.
FORM: Final = 2
LONGEST_GRAM: Final = 4
#: What stands around a sentence: the same speaker's sentences of this turn, the other's turn before, the own turn
#: before that, and the other’s next turn; with how many sentences of it are looked at.
CONTEXTS: Final = ("turn", "before", "own_before", "next")
REACH: Final = {"turn": 3, "before": 3, "own_before": 3, "next": 2}
#: Sentences are compared with this many earlier ones, which keeps long calls linear.
COMPARED: Final = 14
_NUMBER = re.compile(r"[0-9]+(?:[.,:][0-9]+)*")
#: What chats hold and speech does not: mentions, links, placeholders and pictures in brackets.
_OF_CHATS = re.compile(r"@[\w·:-]+|https?://\S+|www\.\S+|\[[^\]]{1,8}\]")
_SPACES = re.compile(r"\s+")
_NO_LETTER = re.compile(r"[\W_]+")
_EMOTIONS: Final = (
    Emotion.NEUTRAL, Emotion.ANGRY, Emotion.SAD, Emotion.HAPPY, Emotion.DISGUSTED, Emotion.FEARFUL, Emotion.SURPRISED,
)  # fmt: skip
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
        )


def normal_form(text: str) -> str:
    """Return the text as n-grams are taken from it: NFKC, lower case, each number as 0, single spaces, speech alone."""
    spoken = _OF_CHATS.sub(" ", unicodedata.normalize("NFKC", text).lower())
    return _SPACES.sub(" ", _NUMBER.sub("0", spoken)).strip()


def grams_of(texts: Sequence[str]) -> tuple[Keys, Integers, Integers, Integers]:
    """Hash the n-grams of sentences.

    Returns:
        hashes, the index of the sentence of each, its length and its place in the sentence with `^` before it, all of
        the same shape; a gram that a sentence holds twice is listed twice.
    """
    marked = [f"^{text}$" for text in texts]
    letters = np.frombuffer("".join(marked).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in marked], dtype=np.int64)
    owner = np.repeat(np.arange(len(marked)), lengths)
    ends = np.repeat(np.cumsum(lengths), lengths)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.arange(len(letters))
    keys, owners, sizes, offsets = [], [], [], []
    rolling = np.zeros(len(letters), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for size in range(1, LONGEST_GRAM + 1):
            count = max(0, len(letters) - size + 1)
            rolling = (rolling[:count] * np.uint64(0x9E3779B97F4A7C15)) ^ (
                (letters[size - 1 :] + np.uint64(1)) * np.uint64(0xC2B2AE3D27D4EB4F)
            )
            rolling ^= rolling >> np.uint64(29)
            inside = places[:count] + size <= ends[:count]
            keys.append(rolling[inside])
            owners.append(owner[:count][inside])
            sizes.append(np.full(int(inside.sum()), size, dtype=np.int64))
            offsets.append((places - starts)[:count][inside])
    return np.concatenate(keys), np.concatenate(owners), np.concatenate(sizes), np.concatenate(offsets)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The n-grams that a model knows; those that it also looks for around a sentence have the lowest numbers."""

    #: Sorted hashes.
    keys: Keys
    #: The number of each.
    ranks: npt.NDArray[np.int32]

    def encode(self, texts: Sequence[str]) -> tuple[Integers, Integers]:
        """Find the known n-grams of sentences, each once a sentence.

        Returns:
            indexes of sentences, ascending, and the numbers of their n-grams.
        """
        keys, owners, _, _ = grams_of(texts)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[places] == keys
        pairs = np.unique(owners[known] * len(self.keys) + self.ranks[places[known]])
        return np.divmod(pairs, len(self.keys))


def neighbours(customers: Sequence[bool]) -> dict[str, tuple[list[int], list[int]]]:
    """Find which sentences are the context of which.

    Args:
        customers: of each sentence, whether the customer says it.

    Returns:
        for each kind of context: indexes of sentences, and of those that are their context.
    """
    found: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in REACH}
    spans = turns(customers)
    for number, (start, end) in enumerate(spans):
        around = {}
        if number > 0:
            around["before"] = _last(spans[number - 1], REACH["before"])
        if number > 1:
            around["own_before"] = _last(spans[number - 2], REACH["own_before"])
        if number + 1 < len(spans):
            following = spans[number + 1]
            around["next"] = range(following[0], min(following[1], following[0] + REACH["next"]))
        for index in range(start, end):
            _add(found["turn"], index, _last((start, index), REACH["turn"]))
            for name, others in around.items():
                _add(found[name], index, others)
    return found


def _last(turn: tuple[int, int], reach: int) -> range:
    return range(max(turn[0], turn[1] - reach), turn[1])


def _add(pairs: tuple[list[int], list[int]], index: int, others: range) -> None:
    pairs[0].extend([index] * len(others))
    pairs[1].extend(others)


def turns(customers: Sequence[bool]) -> list[tuple[int, int]]:
    """Return where each turn starts and ends: sentences of one speaker without the other between them."""
    changes = [place for place, (before, after) in enumerate(pairwise(customers), start=1) if before != after]
    return list(pairwise([0, *changes, len(customers)])) if customers else []


def numbers_of(sentences: Sequence[Utterance]) -> Floats:
    """Measure sentences: `NUMBERS`, each about −1 … 2, of the shape (sentences, numbers)."""
    count = len(sentences)
    pairs = [_letter_pairs(sentence.text) for sentence in sentences]
    rows = np.zeros((count, len(NUMBERS)), dtype=np.float32)
    for index, sentence in enumerate(sentences):
        row = [
            min(len(sentence.text), 60) / 30,
            "?" in sentence.text,
            index / max(1, count - 1),
            index == 0,
            index == count - 1,
            min(index, 5) / 5,
            min(count - 1 - index, 5) / 5,
            *_heard(sentences, index),
            *_likeness(sentences, pairs, index),
            index > 0 and sentences[index - 1].is_customer == sentence.is_customer,
            index + 1 < count and sentences[index + 1].is_customer == sentence.is_customer,
            min(count, 60) / 60,
        ]
        rows[index] = row
    return rows


def _heard(sentences: Sequence[Utterance], index: int) -> list[float]:
    """Return judged or not, the emotion, laughter and the pauses around; zeros where nothing was heard."""
    sentence = sentences[index]
    if sentence.emotion is None:
        return [0.0] * (len(_EMOTIONS) + 4)
    before = sentence.start_s - sentences[index - 1].end_s if index else 0.0
    after = sentences[index + 1].start_s - sentence.end_s if index + 1 < len(sentences) else 0.0
    return [
        1.0,
        *(float(sentence.emotion is emotion) for emotion in _EMOTIONS),
        float(sentence.laughs),
        max(-1.0, min(before, 8.0)) / 4,
        max(-1.0, min(after, 8.0)) / 4,
    ]


def _letter_pairs(text: str) -> frozenset[str]:
    letters = _NO_LETTER.sub("", text)
    return frozenset(first + second for first, second in pairwise(letters))


def _likeness(sentences: Sequence[Utterance], pairs: Sequence[frozenset[str]], index: int) -> list[float]:
    """Return how much of it the speaker said before (containment, Dice), and how much the other just said."""
    own, contained, alike, back = pairs[index], 0.0, 0.0, 0.0
    if not own:
        return [0.0, 0.0, 0.0]
    speaker = sentences[index].is_customer
    for other in range(max(0, index - COMPARED), index):
        common = len(own & pairs[other])
        if not common:
            continue
        share = common / min(len(own), len(pairs[other]))
        if sentences[other].is_customer == speaker:
            contained = max(contained, share)
            alike = max(alike, 2 * common / (len(own) + len(pairs[other])))
        elif index - other <= 4:
            back = max(back, share)
    return [contained, alike, back]


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
