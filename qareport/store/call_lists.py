"""Lists of calls by what is known of whole calls: which index is read along, and how far.

A list has 50 calls of a million, so what counts is what is looked at besides them. Everything that all calls of a list
have in common is counted first, up to a bound. Where anything is rare, its calls are gathered and put in order; where
nothing is, the list is read along an index in its own order, and what else is asked for is looked up call by call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, exists, func, select, true
from sqlalchemy.orm import Session, aliased

from qareport.search import FACETS, And, Between, Fact, Node
from qareport.store.call_conditions import agents_of, between_of, condition_of
from qareport.store.search_schema import SearchCallRow, SearchFacetRow

#: Calls are counted up to this number; more are "at least" so many.
MOST_COUNTED: Final = 10_000
#: Calls with the rarest facet that are looked at to count a list; and how many of them make a list worth walking.
_LOOKED_AT: Final = 20_000
_FREQUENT: Final = 200
#: Up to this number facets are counted, to find the rarest.
_RAREST: Final = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order of a list, and the place from which it goes on."""

    by_score: bool
    downwards: bool
    #: Score or start, and number, of the last call of the page before.
    after: tuple[Any, int] | None

    def follows(self, place: Any) -> bool:
        """Tell whether a place comes after the page before."""
        return self.after is None or bool(place < self.after if self.downwards else place > self.after)

    def column(self, table: Any) -> Any:
        """Return what a table is put in order by."""
        return table.score if self.by_score else table.started_utc

    def page(self, statement: Any, column: Any, number: Any, limit: int) -> Any:
        """Put a statement in order, from the place on."""
        if self.after is not None:
            value, last = self.after
            if self.downwards:
                statement = statement.where((column < value) | ((column == value) & (number < last)))
                statement = statement.where(column <= value)  # lets an index begin there
            else:
                statement = statement.where((column > value) | ((column == value) & (number > last)))
                statement = statement.where(column >= value)
        ordered = (column.desc(), number.desc()) if self.downwards else (column, number)
        return statement.order_by(*ordered).limit(limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The calls of a page, in order, and how many the list has."""

    numbers: Sequence[int]
    total: int
    exact: bool


def choose(session: Session, node: Node | None, visible: Any, order: Order, limit: int) -> Chosen:
    """Choose the calls of one page of a list, and one more where there is one.

    Args:
        session: of the database.
        node: a query about whole calls; None: all of them.
        visible: a condition on `search_calls`: whose calls may be seen; None: everyone's.
        order: of the list.
        limit: calls of a page.
    """
    return _List(session, node, visible, order).choose(limit + 1)


class _List:
    """One list: the facets that all its calls have, and what else is asked of them."""

    def __init__(self, session: Session, node: Node | None, visible: Any, order: Order) -> None:
        self._session = session
        self._order = order
        parts = list(node.parts) if isinstance(node, And) else [node] if node is not None else []
        facets = [part for part in parts if isinstance(part, Fact) and part.name in FACETS and not part.prefix]
        self._dates = [part for part in parts if isinstance(part, Between) and part.name == "date"]
        others = (part for part in parts if part not in facets and part not in self._dates)
        self._others = [_condition_of(session, part) for part in others] + ([] if visible is None else [visible])
        extents = {fact: self._extent_of(fact) for fact in facets}
        #: The rarest first: of those that are frequent, the one of which so many calls took longest.
        latest_first = sorted(facets, key=lambda fact: extents[fact][1], reverse=True)
        self._facets = sorted(latest_first, key=lambda fact: extents[fact][0])
        self._rarest = extents[self._facets[0]][0] if facets else None

    def choose(self, limit: int) -> Chosen:
        """Choose the calls of a page."""
        asked = self._asked()
        if self._rarest is not None and self._rarest <= MOST_COUNTED:
            return self._gather(self._along_facet, limit)
        if asked and self._count(self._along_calls(), MOST_COUNTED + 1) <= MOST_COUNTED:
            return self._gather(self._with_facets, limit)
        if not self._facets:
            total = self._count(self._along_calls(), MOST_COUNTED + 1) if not asked else MOST_COUNTED + 1
            return self._walk(limit, total, exact=total <= MOST_COUNTED)
        looked_at, found = self._look()
        exact = looked_at < _LOOKED_AT and found <= MOST_COUNTED
        if self._order.by_score and found < _FREQUENT:
            return self._gather(self._along_facet, limit, total=None if exact else found)
        return self._walk(limit, found, exact=exact)

    # --- ways ---------------------------------------------------------------------------------------------------------

    def _gather(self, of: Callable[[], Any], limit: int, total: int | None = None) -> Chosen:
        """Read all calls, and put them in order here: the database would rather walk through an index."""
        order = self._order
        rows = [(value, number) for value, number in self._session.execute(of()) if value is not None]
        page = sorted((place for place in rows if order.follows(place)), reverse=order.downwards)[:limit]
        count = len(rows) if total is None else total
        return Chosen(
            numbers=[number for _, number in page],
            total=min(count, MOST_COUNTED),
            exact=total is None and count <= MOST_COUNTED,
        )

    def _walk(self, limit: int, total: int, *, exact: bool) -> Chosen:
        """Read along an index in its own order, by score or by time: that of the rarest facet, or of all calls."""
        if self._facets:
            row: Any = SearchFacetRow
            statement = self._along_facet()
        else:
            row = aliased(SearchCallRow)  # what is asked of each call is looked up: no other index is to be chosen
            statement = select(self._order.column(row), row.number).where(self._others_of(row, ()))
        column = self._order.column(row)
        if self._order.by_score:
            statement = statement.where(column.is_not(None))
        found = self._session.execute(self._order.page(statement, column, row.number, limit))
        return Chosen(numbers=[number for _, number in found], total=min(total, MOST_COUNTED), exact=exact)

    def _extent_of(self, fact: Fact) -> tuple[int, str]:
        """Return how many calls have a facet, up to `_RAREST` of them, and when the last of these began."""
        some = self._oldest_of(fact, _RAREST)
        count, last = self._session.execute(select(func.count(), func.max(some.started_utc))).one()
        return count, last or ""

    def _look(self) -> tuple[int, int]:
        """Count how many of the first calls with the rarest facet belong to the list: calls looked at, and found."""
        looked_at = min(self._rarest or 0, _LOOKED_AT)
        some = self._oldest_of(self._facets[0], _LOOKED_AT)
        found = self._count(select(some.number).where(self._others_of(some, self._facets[1:])), MOST_COUNTED + 1)
        return looked_at, found

    # --- statements ---------------------------------------------------------------------------------------------------

    def _along_facet(self) -> Any:
        """Return the list as read along its rarest facet: what it is in order of, and number."""
        row = SearchFacetRow
        facet = self._facets[0]
        condition = and_(row.kind == facet.name, row.value == facet.value, self._others_of(row, self._facets[1:]))
        return select(self._order.column(row), row.number).where(condition)

    def _along_calls(self) -> Any:
        """Return the calls that fulfil what is asked besides facets: what they are in order of, and number."""
        row = SearchCallRow
        return select(self._order.column(row), row.number).where(self._asked_of_calls(), *self._dates_of(row))

    def _with_facets(self) -> Any:
        return self._along_calls().where(*(_has(SearchCallRow, fact) for fact in self._facets))

    def _oldest_of(self, fact: Fact, most: int) -> Any:
        """Return the columns of the first calls with a facet: in that order, as an index has them."""
        row = SearchFacetRow
        own = select(row.started_utc, row.number).where(
            row.kind == fact.name, row.value == fact.value, *self._dates_of(row)
        )
        return own.order_by(row.started_utc, row.number).limit(most).subquery().c

    def _others_of(self, row: Any, facets: Sequence[Fact]) -> Any:
        """Return what is asked of a call of a facet besides that facet."""
        conditions = [*self._dates_of(row), *(_has(row, fact) for fact in facets)]
        if self._others:
            call = SearchCallRow
            conditions.append(_looked_up(select(call.number).where(call.number == row.number, self._asked_of_calls())))
        return and_(true(), *conditions)

    def _dates_of(self, row: Any) -> list[Any]:
        return [between_of(row.started_utc, part) for part in self._dates]

    def _asked_of_calls(self) -> Any:
        return and_(true(), *self._others)

    def _asked(self) -> bool:
        return bool(self._others or self._dates)

    def _count(self, statement: Any, most: int) -> int:
        number = statement.selected_columns["number"]  # alone, so that an index holds all that is read
        some = statement.with_only_columns(number).limit(most).subquery()
        return self._session.scalar(select(func.count()).select_from(some)) or 0


def _condition_of(session: Session, part: Node) -> Any:
    """Return what a part asks of calls; of a team its agents, which would be looked up for each call."""
    if isinstance(part, Fact) and part.name == "team":
        return SearchCallRow.agent_id.in_(session.scalars(agents_of(part)).all())
    return condition_of(part)


def _has(row: Any, fact: Fact) -> Any:
    """Return the condition that a call has a facet too: one place of its index."""
    facet = aliased(SearchFacetRow)
    own = select(facet.number).where(
        facet.kind == fact.name, facet.value == fact.value, facet.started_utc == row.started_utc,
        facet.number == row.number,
    )  # fmt: skip
    return _looked_up(own)


def _looked_up(statement: Any) -> Any:
    """Return the condition that a statement finds something, asked call by call.

    PostgreSQL makes a join of an EXISTS, takes that for one of a few rows, as it knows nothing of how facets go
    together, and reads all calls to put these few in order. One with an offset it leaves as it is.
    """
    return exists(statement.offset(0))
