"""How alike two texts are, by the pairs of neighbouring letters that they share (character bigrams)."""

from __future__ import annotations


def bigrams(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters of a text; a single letter is its own pair.

    Texts are compared in one form: pass them through `normalise` first, or through `sound` as well.
    """
    return frozenset(text[index : index + 2] for index in range(len(text) - 1)) or frozenset((text,))


def dice(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the Dice coefficient 2·|A∩B| / (|A|+|B|), 0 … 1: how alike two texts are as wholes."""
    return 2 * len(first & second) / (len(first) + len(second))


def containment(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the overlap coefficient |A∩B| / min(|A|, |B|), 0 … 1: how much of the shorter is in the longer."""
    return len(first & second) / min(len(first), len(second))
