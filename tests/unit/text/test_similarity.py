"""How alike texts are: bigrams, the Dice and the overlap coefficient."""

from __future__ import annotations

import pytest

from qareport.text.wordlist import bigrams, containment, dice


def test_bigrams_are_pairs_of_neighbouring_letters_and_a_single_letter_is_its_own() -> None:
    assert bigrams("什么时候") == {"什么", "么时", "时候"}
    assert bigrams("嗯") == {"嗯"}


def test_dice_compares_wholes_and_containment_the_shorter_with_the_longer() -> None:
    short, long = bigrams("发货"), bigrams("什么时候发货")
    assert containment(short, long) == containment(long, short) == 1.0
    assert dice(short, long) == dice(long, short) == pytest.approx(2 / 6)
    assert dice(short, short) == 1.0
    assert dice(short, bigrams("退款")) == containment(short, bigrams("退款")) == 0.0
