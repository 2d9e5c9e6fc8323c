"""Texts that two people changed are put together; what both changed is left for a person to choose."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qareport.text.differences import merge_lines

BASE = "a\nb\nc\nd\ne\n"
TEXTS = st.lists(st.sampled_from("abcd"), max_size=8).map("\n".join)


def merged(base: str, mine: str, theirs: str) -> list[str]:
    """Put texts together that have no conflict."""
    stretches = merge_lines(base, mine, theirs)
    assert not any(stretch.is_conflict for stretch in stretches)
    return [line for stretch in stretches for line in stretch.mine]


def test_changes_at_different_places_are_all_kept() -> None:
    assert merged(BASE, "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\nf\n") == ["A", "b", "c", "d", "E", "f"]


def test_lines_that_follow_each_other_are_different_places() -> None:
    assert merged(BASE, "a\nB\nc\nd\ne\n", "a\nb\nC\nd\ne\n") == ["a", "B", "C", "d", "e"]


def test_what_one_removed_and_the_other_left_alone_is_gone() -> None:
    assert merged(BASE, "a\nc\nd\ne\n", "a\nb\nc\nD\ne\n") == ["a", "c", "D", "e"]


def test_the_same_change_of_both_is_no_conflict() -> None:
    assert merged(BASE, "a\nB\nc\nd\ne\n", "a\nB\nc\nd\ne\n") == ["a", "B", "c", "d", "e"]


def test_a_line_that_both_changed_is_left_to_a_person() -> None:
    stretches = merge_lines(BASE, "a\nB1\nc\nd\ne\n", "a\nB2\nc\nD\ne\n")
    assert [(stretch.mine, stretch.theirs) for stretch in stretches if stretch.is_conflict] == [(("B1",), ("B2",))]
    assert [line for stretch in stretches for line in stretch.theirs] == ["a", "B2", "c", "D", "e"]


def test_what_one_removed_and_the_other_changed_is_a_conflict() -> None:
    stretches = merge_lines(BASE, "a\nd\ne\n", "a\nb\nC\nd\ne\n")
    assert [stretch.is_conflict for stretch in stretches] == [False, True, False]


@given(TEXTS, TEXTS)
def test_who_changed_nothing_gets_what_the_other_made(base: str, other: str) -> None:
    assert merged(base, base, other) == other.splitlines() == merged(base, other, base)


@given(TEXTS, TEXTS, TEXTS)
def test_either_side_of_all_conflicts_is_made_of_lines_that_were_there(base: str, mine: str, theirs: str) -> None:
    stretches = merge_lines(base, mine, theirs)
    known = set(base.splitlines()) | set(mine.splitlines()) | set(theirs.splitlines())
    assert {line for stretch in stretches for line in (*stretch.mine, *stretch.theirs)} <= known
    swapped = merge_lines(base, theirs, mine)
    assert [stretch.is_conflict for stretch in swapped] == [stretch.is_conflict for stretch in stretches]
