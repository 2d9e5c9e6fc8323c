"""Lists of the calls that a search for words finds, a page at a time; apart from other lists, as it imports numpy.

Few calls are read by their numbers and put in order; of many, those of a page come soon in the order of all calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from qareport.model import Agents
from qareport.search import Node
from qareport.store.call_conditions import is_one_of, visible_to
from qareport.store.call_lists import MOST_COUNTED, Chosen, Order
from qareport.store.frequent_words import frequent_words
from qareport.store.search_evaluation import Evaluation, calls_of
from qareport.store.search_schema import SearchCallRow
from qareport.store.word_index import Scope

if TYPE_CHECKING:
    from qareport.store.word_index import Numbers

#: Calls that are read in the order of a list, step by step, to find a page of many.
_STEPS: Final = (500, 1_000)
#: Calls that are looked at one by one for a page of frequent words.
_LOOKED_AT: Final = 5_000


class WordList:
    """The calls of some agents that a search for words finds."""

    def __init__(self, session: Session, node: Node, scope: Scope, agents: Agents) -> None:
        self._session = session
        self._node = node
        self._scope: Final[Scope] = scope
        self._agents = agents
        self._evaluation = Evaluation(session, scope)
        self._frequent = frequent_words(session, node, scope)
        #: What the search holds for: sentences, or calls where the scope is the call; None: not all was looked up.
        self._found: Numbers | None = None

    def choose(self, order: Order, limit: int) -> Chosen:
        """Choose the calls of one page, and one more where there is one."""
        frequent = self._frequent
        if frequent is not None and frequent.is_worth_it(self._agents):
            page = self._look(frequent.holds_in, order, limit)  # what fails at once comes first
            if len(page) == limit and frequent.are_many(self._agents):
                return Chosen(numbers=page, total=MOST_COUNTED, exact=False)
        self._found = self._evaluation.evaluate(self._node)
        calls = self._evaluation.visible(calls_of(self._found, self._scope), self._agents)
        if len(calls) <= MOST_COUNTED:
            return Chosen(numbers=self._gather(calls, order, limit), total=len(calls), exact=True)
        return Chosen(numbers=self._walk(calls, order, limit), total=MOST_COUNTED, exact=False)

    def lines_of(self, calls: Sequence[int]) -> dict[int, list[int]]:
        """Return the sentences that the search found in each of the calls of a page."""
        evaluation, lines = self._evaluation, self._found
        if lines is None and self._frequent is not None:
            lines = self._frequent.lines_of(calls)
        elif lines is None or self._scope == "call":
            lines = evaluation.witnesses_of(self._node, calls)
        return {number: evaluation.lines_of(lines, number) for number in calls}

    def _look(self, holds_in: Callable[[Any], Any], order: Order, limit: int) -> Sequence[int]:
        """Look at calls one by one, in the order of the list, until they make a page; at some of them alone."""
        column, number = order.column(SearchCallRow), SearchCallRow.number
        every = self._every(order, column.label("place"), number)
        some = order.page(every, column, number, _LOOKED_AT).subquery().c
        found = select(some.number).where(holds_in(some.number))
        return self._session.scalars(replace(order, after=None).page(found, some.place, some.number, limit)).all()

    def _gather(self, calls: Numbers, order: Order, limit: int) -> list[int]:
        """Let the database put some calls in order: it would rather walk through an index, but for the offset."""
        row = SearchCallRow
        own = select(order.column(row).label("place"), row.number)
        some = own.where(is_one_of(self._session, row.number, calls.tolist())).offset(0).subquery().c
        dated = some.place.is_not(None) if order.by_score else true()
        page = order.page(select(some.number).where(dated), some.place, some.number, limit)
        return list(self._session.scalars(page))

    def _walk(self, calls: Numbers, order: Order, limit: int) -> list[int]:
        """Read along all calls until those of the list make a page; the database does it where they are far away."""
        column, number = order.column(SearchCallRow), SearchCallRow.number
        wanted, chosen = set(calls.tolist()), list[int]()
        for size in _STEPS:
            page = order.page(self._every(order, column, number), column, number, size)
            places = [(value, call) for value, call in self._session.execute(page)]
            chosen += [call for _, call in places if call in wanted]
            if len(chosen) >= limit or len(places) < size:
                return chosen[:limit]
            order = replace(order, after=places[-1])
        # Asked so, it is a condition on what an index has in order, not a way to look up each of them.
        others = self._every(order, number).where(is_one_of(self._session, number, calls.tolist()).is_(true()))
        return [*chosen, *self._session.scalars(order.page(others, column, number, limit - len(chosen)))]

    def _every(self, order: Order, *columns: Any) -> Any:
        """Select from all calls that may be seen and have a place in an order."""
        dated = order.column(SearchCallRow).is_not(None) if order.by_score else true()
        return select(*columns).where(dated, visible_to(self._agents))
