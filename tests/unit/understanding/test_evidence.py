"""Evidence: the letters of a sentence share the weights of its n-grams, and the heaviest stretch is shown."""

from __future__ import annotations

import numpy as np
import pytest

from qareport.understanding.evidence import GramPlaces, evidence
from qareport.understanding.features import Vocabulary, grams_of
from qareport.understanding.reader_model import Weights


def test_letters_share_the_weights_of_the_n_grams_over_them() -> None:
    texts = ["不要", "要退款"]
    keys, owners, sizes, offsets = grams_of(texts)
    known = np.unique(keys)
    grams = Vocabulary(known, np.arange(len(known), dtype=np.int32)).find(keys)
    # Row by row: the n-grams of a role that is not asked about, of one that is, and none.
    numbers = np.random.default_rng(1).integers(-127, 128, size=(2 * len(known) + 1, 3), dtype=np.int8)
    numbers[-1] = 0
    weights = Weights(numbers, np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], dtype=np.float32))
    expected = {0: np.zeros(4), 1: np.zeros(5)}
    for gram, owner, size, offset in zip(grams, owners, sizes, offsets, strict=True):
        expected[int(owner)][offset : offset + size] += numbers[len(known) + gram, 2] * 0.6 / size
    claims = np.array([1, 0, 1])
    places = GramPlaces.of(texts, grams, owners, sizes, offsets)
    letters = places.letters(weights, np.full(3, len(known)), claims, np.full(3, 2))
    for owner, found in zip(claims.tolist(), letters, strict=True):
        np.testing.assert_allclose(found, expected[owner][1:-1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "letters", "shown"),
    [
        ("我要退款谢谢", [0, 0, 1, 2, 0, 0], ("退款",)),
        ("退款了，谢谢", [2, 0, 0, 1.5, 4, 2], ("，谢谢",)),
        ("我要退款谢谢", [-1.0] * 6, ()),
        ("", [], ()),
    ],
)
def test_the_heaviest_stretch_is_shown(text: str, letters: list[float], shown: tuple[str, ...]) -> None:
    assert evidence(text, text, letters) == shown


def test_what_stands_otherwise_in_the_text_is_not_shown() -> None:
    assert evidence("退 款", "退款", [1, 1]) == ()
