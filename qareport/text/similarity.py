"""How alike two sentences are."""

from __future__ import annotations


def pairs(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters of normalised text; a single letter is its own pair."""
    return frozenset(text[index : index + 2] for index in range(len(text) - 1)) or frozenset((text,))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Dice coefficient 2·|A∩B| / (|A|+|B|), 0 … 1."""
    return 2 * len(one & other) / (len(one) + len(other))
