"""Every word of the rule language has a Chinese one, and no Chinese word means two things in one place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qareport import messages
from qareport.rules.aliases import KEYS, KEYS_IN, UNITS, VALUES, Choices, words_of
from qareport.rules.schema_types import UNIT_MS
from qareport.rules.slots import Slot
from qareport.rules.translation import slot_of

KINDS = ("rules", "tests", "synonyms")


def slots(slot: Slot, seen: set[int] | None = None) -> Iterator[Slot]:
    seen = set() if seen is None else seen
    if id(slot) not in seen:
        seen.add(id(slot))
        yield slot
        for child in (*slot.keys.values(), slot.rest, slot.items):
            if child is not None:
                yield from slots(child, seen)


ALL = [slot for kind in KINDS for slot in slots(slot_of(kind))]


def test_every_key_of_the_language_has_a_chinese_word_and_no_other_has() -> None:
    keys = {key for slot in ALL for key in slot.keys}
    assert keys - KEYS.keys() == set()
    assert KEYS.keys() - keys == set()


def test_every_value_of_a_fixed_set_has_a_chinese_word_and_no_other_has() -> None:
    assert {value for slot in ALL for value in slot.values} == VALUES.keys()


def test_every_unit_has_a_chinese_word() -> None:
    assert set(UNITS) == {*UNIT_MS, "turns", "sentences"}


@pytest.mark.parametrize("kind", KINDS)
def test_in_one_mapping_no_chinese_word_means_two_keys(kind: str) -> None:
    for slot in slots(slot_of(kind)):  # type: ignore[arg-type]
        words = [word for key in slot.keys for word in words_of(key)]
        assert len(words) == len(set(words)), sorted(word for word in words if words.count(word) > 1)


def test_in_one_place_no_chinese_word_means_two_values() -> None:
    for slot in ALL:
        words = [word for value in slot.values for word in (value, *VALUES[value])]
        assert len(words) == len(set(words)), sorted(word for word in words if words.count(word) > 1)


def test_words_for_a_mapping_belong_to_keys_of_it() -> None:
    by_title = {slot.title: slot for slot in ALL}
    for (title, key), word in KEYS_IN.items():
        assert key in by_title[title].keys
        assert word in KEYS[key]


def test_choices_are_said_with_their_chinese_words_to_those_who_read_chinese() -> None:
    choices = Choices.of_values(["minor", "major"])
    assert str(choices) == "minor, major"
    with messages.speaking("zh"):
        assert str(choices) == "minor（一般）、major（主要）"
