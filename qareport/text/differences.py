"""What differs between texts, line by line: as a unified diff, and put together where two people changed the same one.

The three-way merge is that of RCS `merge` and diff3 (Khanna, Kunal and Pierce, A formal investigation of diff3, 2007):
stretches that all three texts share divide them, and between two of those a side that left its lines alone gives way.
Where all three have as many lines there, each line is looked at by itself: people change the words of a rule and the
advice below them at the same time.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedStretch:
    """Lines that follow from both texts, or, where both changed the same lines, what each made of them."""

    mine: tuple[str, ...]
    #: The same as `mine` where there is nothing to choose.
    theirs: tuple[str, ...]

    @property
    def is_conflict(self) -> bool:
        """Whether a person has to choose."""
        return self.mine != self.theirs


def merge_lines(base: str, mine: str, theirs: str) -> tuple[MergedStretch, ...]:
    """Put together what two people made of a text.

    Args:
        base: the text that both began with.
        mine: what one made of it.
        theirs: what the other made of it.

    Returns:
        The lines of the whole, without their ends, in stretches; a conflict is one of its own.
    """
    begun, own, other = (text.splitlines() for text in (base, mine, theirs))
    stretches: list[MergedStretch] = []
    at_base = at_mine = at_theirs = 0
    for start, my_start, their_start, length in _shared(begun, own, other):
        before, ours, others = begun[at_base:start], own[at_mine:my_start], other[at_theirs:their_start]
        one_by_one = len(before) == len(ours) == len(others)
        hunks = (
            [([was], [my], [their]) for was, my, their in zip(before, ours, others, strict=True)] if one_by_one else []
        )
        stretches += (_given_way(*hunk) for hunk in hunks or [(before, ours, others)])
        at_base, at_mine, at_theirs = start + length, my_start + length, their_start + length
        if length:
            kept = tuple(begun[start:at_base])
            stretches.append(MergedStretch(mine=kept, theirs=kept))
    return tuple(stretch for stretch in stretches if stretch.mine or stretch.theirs)


def _given_way(before: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> MergedStretch:
    """Take the lines of the side that changed them; of both where both did."""
    mine, theirs = (theirs if mine == before else mine), (mine if theirs == before else theirs)
    return MergedStretch(mine=tuple(mine), theirs=tuple(theirs))


def _shared(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield what all three have: where each stretch begins, and its length; last of all the end, of length 0."""
    ours, others = (
        difflib.SequenceMatcher(None, base, text, autojunk=False).get_matching_blocks() for text in (mine, theirs)
    )
    first = second = 0
    while first < len(ours) and second < len(others):
        own, other = ours[first], others[second]
        start, end = max(own.a, other.a), min(own.a + own.size, other.a + other.size)
        if start < end:
            yield start, own.b + start - own.a, other.b + start - other.a, end - start
        if own.a + own.size < other.a + other.size:
            first += 1
        else:
            second += 1
    yield len(base), len(mine), len(theirs), 0


def unified_diff(before: str, after: str, name: str) -> str:
    """Write what changed from one text to another; "" when nothing did."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", lineterm="", n=3)
    return "".join(f"{line}\n" for line in lines)
