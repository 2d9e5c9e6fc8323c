"""Long texts in the store: they come back as they went in, take little room, and those of before are read, too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.store.packed_text import pack, unpack


@given(st.text())
def test_what_goes_in_comes_out(text: str) -> None:
    assert unpack(pack(text)) == text


@given(st.sampled_from(['{"call_id": "a"}', '["退货"]', "null", "", "1"]))
def test_texts_of_before_are_read_as_they_are(text: str) -> None:
    assert unpack(text) == unpack(text.encode()) == text


def test_words_take_a_fraction_of_their_room() -> None:
    sentence = '{"start_ms": 1000, "end_ms": 3500, "role": "customer", "text": "我昨天下的单", "emotion": "ANGRY"}'
    assert len(pack(sentence * 60)) * 5 < len(sentence.encode()) * 60


@pytest.mark.parametrize("damaged", [b"x\x9c\x00", b"x", b"\xff\xfe", pack("word" * 99)[:-5]])
def test_a_damaged_text_is_no_json_and_no_error(damaged: bytes) -> None:
    assert unpack(damaged).startswith("damaged: ")
