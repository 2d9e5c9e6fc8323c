"""Evaluation of queries on sorted arrays of sentence numbers: apart from the index, as it imports numpy.

The database's full-text index gives the sentences of words and tags, `search_calls` those of whole calls.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import BigInteger, Text, cast, func, select, tuple_
from sqlalchemy.orm import Session

from qareport.model import Agents
from qareport.search import And, Between, Fact, Mark, Node, Not, Or, Words
from qareport.store.call_conditions import condition_of, visible_to
from qareport.store.search_schema import SearchCallRow
from qareport.store.word_index import MOST_SENTENCES, PAGE, SHIFT, Scope, read_numbers, word_index

if TYPE_CHECKING:
    from qareport.store.word_index import Numbers


class Evaluation:
    """One query, evaluated: arrays of the numbers of sentences, or of calls where the scope is the call."""

    def __init__(self, session: Session, scope: Scope, known: Mapping[Node, Numbers] | None = None) -> None:
        """Take what the evaluation is of.

        Args:
            session: of the database.
            scope: what the query must hold for.
            known: the sentences of parts that the full-text index answers, for those that are not to be looked up.
        """
        self._session = session
        self._scope = scope
        self._words = word_index(session)
        self._known = dict(known or {})
        self._joined = func.string_agg if session.get_bind().dialect.name == "postgresql" else func.group_concat

    def evaluate(self, node: Node) -> Numbers:
        """Return what a query holds for, sorted."""
        if self._scope == "sentence" and is_fulltext(node):
            return self._leaf(node)
        match node:
            case Words() | Mark():
                return distinct(self._leaf(node) >> SHIFT)
            case And(parts=parts):
                return self._all(parts)
            case Or(parts=parts):
                return _union([self.evaluate(part) for part in parts])
            case Not(part=part):
                return np.setdiff1d(self._everything(), self.evaluate(part), assume_unique=True)
            case Fact() | Between():
                return self._of_calls(self._calls(node))
        raise TypeError(node)

    def witnesses(self, node: Node, calls: Numbers) -> Numbers:
        """Return the sentences of calls that any word or tag of a query holds for; of a call without one the first."""
        sentences = _union([self._leaf(leaf) for leaf in leaves_of(node)])
        sentences = sentences[np.isin(sentences >> SHIFT, calls)]
        with_words = select(SearchCallRow.number).where(SearchCallRow.sentences > 0)
        if len(calls) <= PAGE:
            with_words = with_words.where(SearchCallRow.number.in_(calls.tolist()))
        spoken = np.intersect1d(calls, self._numbers(with_words), assume_unique=True)
        bare = np.setdiff1d(spoken, distinct(sentences >> SHIFT), assume_unique=True)
        return _union([sentences, bare << SHIFT])

    def witnesses_of(self, node: Node, calls: Sequence[int]) -> Numbers:
        """Return what `witnesses` does of the calls of a page."""
        return self.witnesses(node, np.sort(np.array(calls, dtype=np.int64)))

    def _leaf(self, node: Node) -> Numbers:
        if node not in self._known:
            self._known[node] = self._words.find(self._session, node)
        return self._known[node]

    def newest(self, lines: Numbers, calls: Numbers, limit: int) -> list[int]:
        """Return the first of some sentences in the order of results."""
        wanted: list[int] = []
        for number in self._newest_of(calls):
            first, last = np.searchsorted(lines, (number << SHIFT, (number + 1) << SHIFT))
            wanted += lines[first:last].tolist()
            if len(wanted) >= limit:
                break
        return wanted[:limit]

    def visible(self, calls: Numbers, agents: Agents) -> Numbers:
        """Return those of some calls that agents took."""
        if agents.only is None:
            return calls
        query = select(SearchCallRow.number).where(visible_to(agents))
        return np.intersect1d(calls, self._numbers(query), assume_unique=True)

    def lines_of(self, lines: Numbers, number: int) -> list[int]:
        """Return those of some sentences that belong to a call."""
        first, last = np.searchsorted(lines, (number << SHIFT, (number + 1) << SHIFT))
        found: list[int] = lines[first:last].tolist()
        return found

    def _newest_of(self, calls: Numbers) -> Iterator[int]:
        """Iterate over some calls, newest first: few are selected by number, of many the first ones come soon."""
        row = SearchCallRow
        query = select(row.number, row.started_utc).order_by(row.started_utc.desc(), row.number.desc())
        if len(calls) <= PAGE:
            yield from self._session.scalars(query.where(row.number.in_(calls.tolist())))
            return
        left = set(calls.tolist())
        after: tuple[str, int] | None = None
        for size in (PAGE << doubled for doubled in itertools.count()):  # those of an old day are many pages away
            if not left:
                return
            older = query if after is None else query.where(tuple_(row.started_utc, row.number) < after)
            page = [(number, started) for number, started in self._session.execute(older.limit(size))]
            yield from (number for number, _ in page if number in left)
            left.difference_update(number for number, _ in page)
            if not page:
                return  # the others were deleted meanwhile
            after = (page[-1][1], page[-1][0])

    def _all(self, parts: Sequence[Node]) -> Numbers:
        """Evaluate AND: what the full-text index answers goes to it at once, calls and NOT take away from the rest."""
        fulltext = [part for part in parts if is_fulltext(part)] if self._scope == "sentence" else []
        if fulltext:
            fulltext += [part for part in parts if isinstance(part, Not) and is_fulltext(part.part)]
        rest = [part for part in parts if part not in fulltext]
        numbers = self._leaf(And(parts=tuple(fulltext))) if fulltext else None
        for part in sorted(rest, key=lambda node: isinstance(node, Not)):
            if numbers is not None and not len(numbers):
                break
            if isinstance(part, Not) and numbers is not None:
                numbers = np.setdiff1d(numbers, self.evaluate(part.part), assume_unique=True)
            elif isinstance(part, Fact | Between) and numbers is not None and self._scope == "sentence":
                numbers = numbers[np.isin(numbers >> SHIFT, self._calls(part))]
            else:
                own = self.evaluate(part)
                numbers = own if numbers is None else np.intersect1d(numbers, own, assume_unique=True)
        return np.empty(0, dtype=np.int64) if numbers is None else numbers

    def _everything(self) -> Numbers:
        return self._of_calls(self._numbers(select(SearchCallRow.number)))

    def _of_calls(self, calls: Numbers) -> Numbers:
        """Return all sentences of some calls, or the calls themselves where the scope is the call."""
        calls = np.sort(calls)
        if self._scope == "call":
            return calls
        # Number and length in one, so that they cannot come apart.
        packed = cast(SearchCallRow.number, BigInteger) * (2 * MOST_SENTENCES) + SearchCallRow.sentences
        both = np.sort(self._numbers(select(packed)))
        every, lengths = both // (2 * MOST_SENTENCES), both % (2 * MOST_SENTENCES)
        chosen = np.isin(every, calls)
        every, lengths = every[chosen], lengths[chosen]
        starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.repeat(every << SHIFT, lengths) + np.arange(lengths.sum(), dtype=np.int64) - starts

    def _calls(self, node: Fact | Between) -> Numbers:
        return self._numbers(select(SearchCallRow.number).where(condition_of(node)))

    def _numbers(self, query: Any) -> Numbers:
        """Run a query for numbers; they are not sorted."""
        rows = query.subquery()
        return read_numbers(self._session.scalar(select(self._joined(cast(rows.c[0], Text), ","))))


def calls_of(found: Numbers, scope: Scope) -> Numbers:
    """Return the calls of what a query holds for: of sentences, unless the scope is the call."""
    return found if scope == "call" else distinct(found >> SHIFT)


def distinct(numbers: Numbers) -> Numbers:
    """Remove duplicates from sorted numbers. numpy's `unique` hashes them, which takes ten times as long."""
    return numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if len(numbers) else numbers


def _union(parts: Sequence[Numbers]) -> Numbers:
    """Merge sorted arrays; a stable sort is quick where the parts are in order."""
    return distinct(np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts]), kind="stable"))


def is_fulltext(node: Node) -> bool:
    """Tell whether the full-text index answers a query by itself: words and tags, with NOT beside others only."""
    if isinstance(node, And):
        sure = [part for part in node.parts if not isinstance(part, Not)]
        return bool(sure) and all(is_fulltext(part.part if isinstance(part, Not) else part) for part in node.parts)
    if isinstance(node, Or):
        return all(is_fulltext(part) for part in node.parts)
    return isinstance(node, Words | Mark)


def leaves_of(node: Node) -> Iterator[Node]:
    """Yield the words and tags of a query that may stand in what it finds."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from leaves_of(part)
    elif isinstance(node, Words | Mark):
        yield node
