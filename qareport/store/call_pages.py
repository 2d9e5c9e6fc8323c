"""Pages of calls for lists: filtered, searched, sorted, and read on from where the page before ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, func, select, true, tuple_
from sqlalchemy.orm import Session

from qareport.model import Agents, Risk
from qareport.search import Fact, Hit, Node
from qareport.store.call_conditions import condition_of, facets_in, is_about_calls
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.schema import PAGE, SHIFT, Scope
from qareport.store.search_index import read_hits
from qareport.store.search_schema import SearchCallRow, SearchFacetRow

#: Newest first, oldest first, lowest score first.
Sort = Literal["-started", "started", "score"]
#: Calls are counted up to this number; more are "at least" so many.
MOST_COUNTED = 10_000
#: Characters of an instant up to the tens of its minutes: 2026-11-21T01:1.
_TEN_MINUTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPageQuery:
    """Which calls a page lists, and from where on."""

    #: A search as `qareport.search.parse` returns it; None: all calls.
    node: Node | None = None
    scope: Scope = "sentence"
    agents: Agents = field(default_factory=Agents)
    sort: Sort = "-started"
    #: Where the page before ended: its last call's place (`ListedCall.place`).
    after: tuple[str, int] | None = None
    limit: int = 50
    #: Sentences shown of each call that a search found.
    most_hits: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCall:
    """A call as lists show it."""

    call_id: str
    order_id: str | None
    agent_id: str | None
    started_at: datetime | None
    score: int | None
    risk: Risk
    #: What comes after it in the list's order.
    place: tuple[str, int]
    #: Sentences that the search found, masked.
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage:
    """A page of calls."""

    calls: tuple[ListedCall, ...]
    #: Whether more follow.
    more: bool
    #: How many calls there are; at most `MOST_COUNTED`, then `exact` is False.
    total: int
    exact: bool


class CallPages:
    """Lists of the judged calls of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, query: CallPageQuery) -> CallPage:
        """Return one page of calls."""
        with self._database.read() as session:
            if query.node is None or is_about_calls(query.node):
                return self._listed(session, query)
            return self._searched(session, query, query.node)

    def list_ids(self, node: Node | None, scope: Scope, agents: Agents) -> tuple[str, ...]:
        """Return all calls that a query finds, as far as they are of some agents; oldest first.

        Args:
            node: a search as `qareport.search.parse` returns it; None: all calls.
            scope: whether it must hold for a sentence or for the call.
            agents: whose calls may be found.
        """
        row = SearchCallRow
        ordered = select(row.call_id).order_by(row.started_utc, row.number)
        with self._database.read() as session:
            if node is None or is_about_calls(node):
                wanted = _visible(agents) if node is None else and_(_visible(agents), condition_of(node))
                return tuple(session.scalars(ordered.where(wanted)))
            from qareport.store.search_evaluation import Evaluation, distinct  # it imports numpy

            numbers = Evaluation(session, scope).evaluate(node)
            found = set((numbers if scope == "call" else distinct(numbers >> SHIFT)).tolist())
            every = session.execute(ordered.add_columns(row.number).where(_visible(agents)))
            return tuple(call_id for call_id, number in every if number in found)

    def count_facets(self, kind: str, agents: Agents) -> tuple[tuple[str, int], ...]:
        """Count the calls of some agents by what they are filed under, most first; `kind` as `search.FACETS`."""
        facet, row = SearchFacetRow, SearchCallRow
        query = select(facet.value, func.count()).where(facet.kind == kind).group_by(facet.value)
        if agents.only is not None:
            query = query.join(row, row.number == facet.number).where(_visible(agents))
        with self._database.read() as session:
            found = [(value, count) for value, count in session.execute(query)]
        return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0])))

    def list_agents(self, agents: Agents) -> tuple[str, ...]:
        """Return the agents who have calls, of some."""
        column = SearchCallRow.agent_id
        query = select(column).where(column.is_not(None), _visible(agents)).distinct().order_by(column)
        with self._database.read() as session:
            return tuple(agent for agent in session.scalars(query) if agent)

    def count_starts(self, first: datetime, last: datetime, agents: Agents) -> tuple[tuple[datetime, int], ...]:
        """Count the calls that began in [first, last), in steps of ten minutes: in every time zone these make days."""
        step = func.substr(SearchCallRow.started_utc, 1, _TEN_MINUTES).label("step")
        query = select(step, func.count()).where(_began(first, last), _visible(agents)).group_by(step)
        with self._database.read() as session:
            return tuple((datetime.fromisoformat(f"{step}0:00+00:00"), count) for step, count in session.execute(query))

    def find_starts_around(self, first: datetime, last: datetime, agents: Agents) -> tuple[datetime | None, ...]:
        """Return when the last call before a time began, and the first one after it; None where there is none."""
        column = SearchCallRow.started_utc
        before = select(func.max(column)).where(column != "", column < in_utc(first), _visible(agents))
        after = select(func.min(column)).where(column >= in_utc(last), _visible(agents))
        with self._database.read() as session:
            return tuple(
                datetime.fromisoformat(text) if text else None for text in map(session.scalar, (before, after))
            )

    def _listed(self, session: Session, query: CallPageQuery) -> CallPage:
        along = _rarest(session, query)
        wanted = _visible(query.agents)
        if query.node is not None and query.node != along:
            wanted &= condition_of(query.node, known=along)
        rows = session.scalars(_page(query, wanted, along)).all()
        shown = tuple(_call(row, query.sort, ()) for row in rows[: query.limit])
        numbers = _along(select(SearchCallRow.number).where(wanted), along)
        counted = numbers.limit(MOST_COUNTED + 1).subquery()
        total = session.scalar(select(func.count()).select_from(counted)) or 0
        return CallPage(
            calls=shown, more=len(rows) > query.limit, total=min(total, MOST_COUNTED), exact=total <= MOST_COUNTED
        )

    def _searched(self, session: Session, query: CallPageQuery, node: Node) -> CallPage:
        from qareport.store.search_evaluation import Evaluation, distinct  # it imports numpy

        evaluation = Evaluation(session, query.scope)
        numbers = evaluation.evaluate(node)
        calls = numbers if query.scope == "call" else distinct(numbers >> SHIFT)
        calls = evaluation.visible(calls, query.agents)
        rows = _choose(session, calls.tolist(), query)
        lines = evaluation.witnesses(node, calls) if query.scope == "call" else numbers
        shown = []
        for row in rows[: query.limit]:
            hits = read_hits(session, evaluation.lines_of(lines, row.number)[: query.most_hits])
            shown.append(_call(row, query.sort, hits))
        return CallPage(calls=tuple(shown), more=len(rows) > query.limit, total=len(calls), exact=True)


def _choose(session: Session, numbers: Sequence[int], query: CallPageQuery) -> list[SearchCallRow]:
    """Return the rows of one page of the calls that a search found, and one more where there is one.

    Few are selected by their numbers; of many, enough come soon in the order of all calls.
    """
    row = SearchCallRow
    if len(numbers) <= PAGE:
        return list(session.scalars(_page(query, row.number.in_(numbers))))
    wanted, chosen, after = set(numbers), list[SearchCallRow](), query.after
    while len(chosen) <= query.limit:
        rows = session.scalars(_page(replace(query, after=after, limit=2 * PAGE), _visible(query.agents))).all()
        chosen += [found for found in rows if found.number in wanted]
        if not rows:
            break
        after = _place(rows[-1], query.sort)
    return chosen[: query.limit + 1]


def _place(row: SearchCallRow, sort: Sort) -> tuple[str, int]:
    return (str(row.score) if sort == "score" else row.started_utc, row.number)


def _visible(agents: Agents) -> Any:
    return true() if agents.only is None else SearchCallRow.agent_id.in_(sorted(agents.only))


def _began(first: datetime, last: datetime) -> Any:
    column = SearchCallRow.started_utc
    return and_(column >= in_utc(first), column < in_utc(last))


def _rarest(session: Session, query: CallPageQuery) -> Fact | None:
    """Choose the facet along which a list is read: the rarest of those that all its calls have."""
    facets = list(facets_in(query.node)) if query.node is not None else []
    if len(facets) < 2:
        return facets[0] if facets else None

    def calls_of(fact: Fact) -> int:
        row = SearchFacetRow
        some = select(row.number).where(row.kind == fact.name, row.value == fact.value).limit(MOST_COUNTED)
        return session.scalar(select(func.count()).select_from(some.subquery())) or 0

    return min(facets, key=calls_of)


def _along(statement: Any, along: Fact | None) -> Any:
    """Read calls by way of a facet's own index."""
    if along is None:
        return statement
    facet = SearchFacetRow
    return statement.join(facet, facet.number == SearchCallRow.number).where(
        facet.kind == along.name, facet.value == along.value
    )


def _page(query: CallPageQuery, wanted: Any, along: Fact | None = None) -> Any:
    row = SearchCallRow
    by_score = query.sort == "score"
    timed: Any = row if along is None else SearchFacetRow
    column: Any = row.score if by_score else timed.started_utc
    number: Any = row.number if by_score else timed.number
    downwards = query.sort == "-started"
    order = (column.desc(), number.desc()) if downwards else (column, number)
    statement = _along(select(row).where(wanted), along)
    if by_score:
        statement = statement.where(row.score.is_not(None))
    if query.after is not None:
        place = tuple_(column, number)
        last = tuple_(int(query.after[0]) if by_score else query.after[0], query.after[1])
        statement = statement.where(place < last if downwards else place > last)
    return statement.order_by(*order).limit(query.limit + 1)


def _call(row: SearchCallRow, sort: Sort, hits: Iterable[Hit]) -> ListedCall:
    return ListedCall(
        call_id=row.call_id,
        order_id=row.order_id,
        agent_id=row.agent_id,
        started_at=datetime.fromisoformat(row.started_at) if row.started_at else None,
        score=row.score,
        risk=Risk(row.risk),
        place=_place(row, sort),
        hits=tuple(hits),
    )
