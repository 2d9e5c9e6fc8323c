"""Where in its sentence an act shows: the stretch of letters that weighs most for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qareport.understanding.features import LONGEST_GRAM, Integers
from qareport.understanding.reader_model import Weights

#: A letter is in the stretch that is shown when it weighs about this share of what the strongest letter does.
_SHOWN = 0.25
_LONGEST = 24
_SIZES = np.arange(1, LONGEST_GRAM + 1, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class GramPlaces:
    """Which n-grams begin at each letter of the sentences of a call, marked with `^` and `$`."""

    #: Numbers of the n-grams by their length, −1 where none is known, of the shape (letters, lengths).
    grams: npt.NDArray[np.int32]
    #: Where each sentence begins, and how many letters it has.
    starts: Integers
    sizes: Integers

    @classmethod
    def of(
        cls, texts: Sequence[str], grams: npt.NDArray[np.int32], owners: Integers, sizes: Integers, offsets: Integers
    ) -> GramPlaces:
        """Put n-grams at their places; they are given as `features.grams_of` lists them."""
        lengths = np.array([len(text) + 2 for text in texts], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        table = np.full((int(lengths.sum()), LONGEST_GRAM), -1, dtype=np.int32)
        table[starts[owners] + offsets, sizes - 1] = grams
        return cls(table, starts, lengths)

    def letters(self, weights: Weights, firsts: Integers, owners: Integers, columns: Integers) -> list[list[float]]:
        """Share the weights of n-grams out over the letters of their sentences.

        Args:
            weights: of n-grams by acts; the last row is of zeros.
            firsts: for each claim, the row of `weights` at which the n-grams of its role begin.
            owners: for each claim, its sentence.
            columns: for each claim, its act.

        Returns:
            for each claim, the weight of each letter of its sentence.
        """
        sizes = self.sizes[owners]
        ends = np.cumsum(sizes)
        claim = np.repeat(np.arange(len(owners)), sizes)
        places = np.arange(len(claim)) + (self.starts[owners] - ends + sizes)[claim]
        grams = self.grams[places]
        rows = np.where(grams >= 0, grams + firsts[claim, None], -1)
        shares = weights.at(rows, columns[claim, None]) / _SIZES
        letters = shares[:, 0].copy()
        for size in range(2, LONGEST_GRAM + 1):
            for shift in range(size):
                # No n-gram reaches over the end of its sentence.
                letters[shift:] += shares[: len(letters) - shift, size - 1]
        values = letters.tolist()
        return [values[end - size + 1 : end - 1] for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)]


def evidence(text: str, normal: str, letters: Sequence[float]) -> tuple[str, ...]:
    """Return the stretch of a sentence whose letters weigh most for an act, as it stands in the text.

    Args:
        text: as it was said.
        normal: its normal form.
        letters: the weight of each letter of the normal form.
    """
    found = _strongest(letters)
    if found is None:
        return ()
    words = normal[found[0] : found[1]].strip()
    return (words,) if words and words in text.lower() else ()


def _strongest(letters: Sequence[float]) -> tuple[int, int] | None:
    """Return the stretch with the largest sum above a share of the highest letter (Kadane's algorithm)."""
    highest = max(letters, default=0.0)
    if highest <= 0:
        return None
    level = _SHOWN * highest
    best, best_sum, start, running = (0, 0), 0.0, 0, 0.0
    for place, value in enumerate(letters):
        running += value - level
        if running <= 0:
            start, running = place + 1, 0.0
        elif running > best_sum and place + 1 - start <= _LONGEST:
            best, best_sum = (start, place + 1), running
    return best if best_sum > 0 else None
