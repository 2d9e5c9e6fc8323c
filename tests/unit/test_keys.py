"""Content keys: equal parts give equal keys, anything else another."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from qareport.files import content_key

PARTS = st.lists(st.text(), max_size=4)


@given(PARTS, PARTS)
def test_two_keys_are_equal_where_all_parts_are(first: list[str], second: list[str]) -> None:
    assert (content_key(*first) == content_key(*second)) == (first == second)


def test_where_one_part_ends_and_the_next_begins_counts() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key("a") != content_key("a", "")


def test_a_name_that_is_no_utf8_has_a_key() -> None:
    assert re.fullmatch("[0-9a-f]{64}", content_key("\udce4.wav"))
