"""Text as it is measured: whether its speed is counted in words, similarity of sentences."""

from __future__ import annotations

import re

from qareport.model import Language, Segment

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_NOT_A_LETTER = re.compile(r"[\W_]+")


def is_english(segment: Segment) -> bool:
    """Tell whether a segment's speed is counted in words: by its language, else by having Latin letters alone."""
    if segment.language is not None:
        return segment.language is Language.EN
    return _CJK.search(segment.text) is None and re.search("[A-Za-z]", segment.text) is not None


def bigrams(normalised: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters of normalised text, punctuation left out."""
    letters = _NOT_A_LETTER.sub("", normalised)
    return frozenset(letters[index : index + 2] for index in range(len(letters) - 1))


def dice(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Dice coefficient 2·|A∩B| / (|A|+|B|), 0 … 1."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def containment(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the overlap coefficient |A∩B| / min(|A|, |B|), 0 … 1: how much of the shorter stands in the longer."""
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0
