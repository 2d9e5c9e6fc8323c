"""Long texts in the store: they come back as they went in, take little room, and those of before are read, too."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.store.packed_text import pack, unpack


@given(st.text(), st.booleans())
def test_what_goes_in_comes_out(text: str, seldom_read: bool) -> None:
    assert unpack(pack(text, seldom_read=seldom_read)) == text


@given(st.sampled_from(['{"call_id": "a"}', '["退货"]', "null", "", "1"]))
def test_texts_of_before_are_read_as_they_are(text: str) -> None:
    assert unpack(text) == unpack(text.encode()) == text


def test_words_take_a_fraction_of_their_room() -> None:
    sentence = '{"start_ms": 1000, "end_ms": 3500, "role": "customer", "text": "我昨天下的单", "emotion": "ANGRY"}'
    assert len(pack(sentence * 60)) * 5 < len(sentence.encode()) * 60


def test_what_is_seldom_read_takes_less_room() -> None:
    dice = random.Random(7)
    times = json.dumps([[chr(dice.randrange(0x4E00, 0x5200)), dice.randrange(10**6), 120] for _ in range(500)])
    assert len(pack(times, seldom_read=True)) < len(pack(times)) * 0.9


@pytest.mark.parametrize(
    "damaged",
    [b"x\x9c\x00", b"x", b"\xff\xfe", b"BZh9", pack("word" * 99)[:-5], pack("word" * 99, seldom_read=True)[:-5]],
)
def test_a_damaged_text_is_no_json_and_no_error(damaged: bytes) -> None:
    assert unpack(damaged).startswith("damaged: ")
