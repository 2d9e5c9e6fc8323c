"""Lists of the API: items, where the next page begins, and how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from qareport.store import MOST_COUNTED
from qareport.web.cursors import LONGEST, read_cursor, write_cursor
from qareport.web.desk import Desk

T = TypeVar("T")
S = TypeVar("S")


class Listed(BaseModel, Generic[T]):
    """A list."""

    items: list[T]
    next: Annotated[str | None, Field(description="Value of `after` for the next page; null at the end.")] = None
    total: int
    total_is: Literal["exact", "at_least"] = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which page of a list is asked for."""

    limit: int
    #: `next` of the page before; "": the first.
    after: str


def _paging(
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=LONGEST, description="`next` of the page before.")] = "",
) -> Paging:
    return Paging(limit=limit, after=after)


#: What routes take that list something.
AnyPage = Annotated[Paging, Depends(_paging)]


def whole(items: Sequence[T]) -> Listed[T]:
    """Make a list of all there is."""
    return Listed(items=list(items), total=len(items))


def part_of(
    desk: Desk, name: str, items: Sequence[S], paging: Paging, *, word: Callable[[S], T], key: Callable[[S], str | int]
) -> Listed[T]:
    """Make a page of a short list, all of which is at hand.

    Args:
        desk: whose key signs where the page ends.
        name: of the list, for its cursors.
        items: all of them, in order.
        paging: which page.
        word: describes one.
        key: names an item; where it is gone by the next page, its place counts.
    """
    first, place = 0, read_cursor(desk, name, paging.after)
    if place is not None:
        known, at = place
        first = next((number for number, item in enumerate(items, start=1) if key(item) == known), at)
    last = first + paging.limit
    return Listed(
        items=[word(item) for item in items[first:last]],
        next=write_cursor(desk, name, key(items[last - 1]), last - 1) if last < len(items) else None,
        total=len(items),
    )


def page_of(
    desk: Desk, name: str, found: Sequence[S], limit: int, *, after: str, word: Callable[[S], T],
    place: Callable[[S], int], count: Callable[[], int],
) -> Listed[T]:  # fmt: skip
    """Make a page of a list.

    Args:
        desk: whose key signs where the page ends.
        name: of the list, for its cursors.
        found: one more than the page holds, where there is more.
        limit: of the page.
        after: what was asked for.
        word: describes one.
        place: what the list goes on from.
        count: counts all pages, to one more than `MOST_COUNTED`; asked where there is more than this page.
    """
    shown, more = found[:limit], len(found) > limit
    total = count() if more or after else len(found)
    return Listed(
        items=[word(item) for item in shown],
        next=write_cursor(desk, name, place(shown[-1])) if more else None,
        total=min(total, MOST_COUNTED),
        total_is="exact" if total <= MOST_COUNTED else "at_least",
    )
