"""Searches for words that are frequent, answered without all of their sentences.

PostgreSQL takes long for these: its index of words has their places, and only the table has their numbers. That a list
has more calls than are counted, a share of the sentences shows; what a page shows, its calls show one by one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from qareport.model import Agents
from qareport.search import And, Node, Or
from qareport.store.call_conditions import visible_to
from qareport.store.call_lists import MOST_COUNTED
from qareport.store.search_evaluation import Evaluation, calls_of, is_fulltext, leaves_of
from qareport.store.search_schema import SearchCallRow
from qareport.store.word_index import Scope, Vectors, vectors

if TYPE_CHECKING:
    from qareport.store.word_index import Numbers

#: A share is made for so many times the calls that are counted: how many are in it is known only about.
_SURELY: Final = 1.3
#: A larger share saves too little for what is lost where the calls in it are too few.
_LARGEST: Final = 1 / 3


class FrequentWords:
    """A search of PostgreSQL's index for words and tags alone, none of which must be missing."""

    def __init__(self, session: Session, words: Vectors, node: Node, scope: Scope, parts: Sequence[Node]) -> None:
        """Take a search as `frequent_words` makes it: `parts` are what the index is asked for."""
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


def frequent_words(session: Session, node: Node, scope: Scope) -> FrequentWords | None:
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
