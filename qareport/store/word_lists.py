"""Lists of the calls that a search for words finds, a page at a time; apart from other lists, as it imports numpy.

Few calls are read by their numbers and put in order; of many, those of a page come soon in the order of all calls.

PostgreSQL takes long for the sentences of frequent words: its index of words has their places, and only the table has
their numbers. That a list has more calls than are counted, a share of them shows; a page shows by looking at calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.orm import Session

from qareport.model import Agents
from qareport.search import And, Node, Or
from qareport.store.call_conditions import is_one_of, visible_to
from qareport.store.call_lists import MOST_COUNTED, Chosen, Order
from qareport.store.search_evaluation import Evaluation, calls_of, is_fulltext, leaves_of
from qareport.store.search_schema import SearchCallRow
from qareport.store.word_index import Scope, Vectors, vectors

if TYPE_CHECKING:
    from qareport.store.word_index import Numbers

#: Calls that are read in the order of a list, step by step, to find a page of many.
_STEPS: Final = (500, 1_000)
#: Calls that are looked at one by one for a page of frequent words.
_LOOKED_AT: Final = 5_000
#: A share is made for so many times the calls that are counted: how many are in it is known only about.
_SURELY: Final = 1.3
#: A larger share saves too little for what is lost where the calls in it are too few.
_LARGEST: Final = 1 / 3


class SpokenList:
    """The calls of some agents that a search for words finds."""

    def __init__(self, session: Session, node: Node, scope: Scope, agents: Agents) -> None:
        self._session = session
        self._node = node
        self._scope: Final[Scope] = scope
        self._agents = agents
        self._evaluation = Evaluation(session, scope)
        self._frequent = _frequent_words(session, node, scope)
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


class FrequentWords:
    """A search of PostgreSQL's index for words and tags alone, none of which must be missing."""

    def __init__(self, session: Session, words: Vectors, node: Node, scope: Scope, parts: Sequence[Node]) -> None:
        """Take a search as `_frequent_words` makes it: `parts` are what the index is asked for."""
        self._session = session
        self._words = words
        self._node = node
        self._scope: Final[Scope] = scope
        self._parts: Final = parts

    def is_worth_it(self, agents: Agents) -> bool:
        """Tell whether a share of the sentences is likely to show more calls than are counted."""
        return self._share(agents) <= _LARGEST

    def are_many(self, agents: Agents) -> bool:
        """Tell whether a share of the sentences has more calls than are counted; False: there may be more for all."""
        share = self._share(agents)
        known = {
            part: self._words.find_some(self._session, part, math.ceil(share * count))
            for part, count in self._counts.items()
        }
        evaluation = Evaluation(self._session, self._scope, known)
        found = calls_of(evaluation.evaluate(self._node), self._scope)
        return len(evaluation.visible(found, agents)) > MOST_COUNTED

    def holds_in(self, call: Any) -> Any:
        """Return the condition that the search holds for the call of a number, which is then looked at."""
        return self._holds_in(self._node, call)

    def lines_of(self, calls: Sequence[int]) -> Numbers:
        """Return the sentences that the search finds in some calls that it holds for."""
        known = {part: self._words.find_among(self._session, part, calls) for part in self._parts}
        if self._scope == "sentence":
            return known[self._node]
        return Evaluation(self._session, self._scope, known).witnesses_of(self._node, calls)

    def _share(self, agents: Agents) -> float:
        """Return the share of the sentences in which as many calls as are counted are to be expected."""
        every = self._session.scalar(select(func.max(SearchCallRow.number)))
        if not every:
            return math.inf
        seen = every if agents.only is None else self._session.scalar(select(func.count()).where(visible_to(agents)))
        chances = {part: -math.expm1(-count / every) for part, count in self._counts.items()}
        expected = (seen or 0) * _chance(self._node, chances)
        return MOST_COUNTED * _SURELY / expected if expected else math.inf

    @cached_property
    def _counts(self) -> dict[Node, float]:
        return {part: self._words.estimate(self._session, part) for part in self._parts}

    def _holds_in(self, node: Node, call: Any) -> Any:
        if node in self._parts or not isinstance(node, And | Or):
            return self._words.holds_in(node, call)
        parts = [self._holds_in(part, call) for part in node.parts]
        return or_(*parts) if isinstance(node, Or) else and_(*parts)


def _frequent_words(session: Session, node: Node, scope: Scope) -> FrequentWords | None:
    """Return such a search, if this is one."""
    words = vectors(session)
    fits = is_fulltext(node) if scope == "sentence" else _is_of_words(node)
    if words is None or not fits:
        return None
    parts = (node,) if scope == "sentence" else tuple(dict.fromkeys(leaves_of(node)))
    return FrequentWords(session, words, node, scope, parts)


def _is_of_words(node: Node) -> bool:
    return all(map(_is_of_words, node.parts)) if isinstance(node, And | Or) else is_fulltext(node)


def _chance(node: Node, known: Mapping[Node, float]) -> float:
    """Return the share of calls that a query may hold for, from those of its parts."""
    if node in known or not isinstance(node, And | Or):
        return known.get(node, 0.0)
    chances = [_chance(part, known) for part in node.parts]
    return math.prod(chances) if isinstance(node, And) else 1 - math.prod(1 - chance for chance in chances)
