"""Pages of calls for lists: filtered, searched, sorted, and read on from where the page before ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.orm import Session

from qareport.model import Agents, Risk
from qareport.search import Hit, Node
from qareport.store.database import Database
from qareport.store.schema import PAGE, SHIFT, Scope, SearchCallRow
from qareport.store.search_index import read_hits

#: Newest first, oldest first, lowest score first.
Sort = Literal["-started", "started", "score"]
#: Calls are counted up to this number; more are "at least" so many.
MOST_COUNTED = 10_000


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
            if query.node is None:
                return self._listed(session, query)
            return self._searched(session, query, query.node)

    def _listed(self, session: Session, query: CallPageQuery) -> CallPage:
        rows = session.scalars(_page(query, _visible(query.agents))).all()
        shown = tuple(_call(row, query.sort, ()) for row in rows[: query.limit])
        counted = select(SearchCallRow.number).where(_visible(query.agents)).limit(MOST_COUNTED + 1).subquery()
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


def _page(query: CallPageQuery, visible: Any) -> Any:
    row = SearchCallRow
    column: Any = row.score if query.sort == "score" else row.started_utc
    downwards = query.sort == "-started"
    order = (column.desc(), row.number.desc()) if downwards else (column, row.number)
    statement = select(row).where(visible)
    if query.sort == "score":
        statement = statement.where(row.score.is_not(None))
    if query.after is not None:
        value: Any = int(query.after[0]) if query.sort == "score" else query.after[0]
        number = query.after[1]
        if downwards:
            statement = statement.where(or_(column < value, and_(column == value, row.number < number)))
        else:
            statement = statement.where(or_(column > value, and_(column == value, row.number > number)))
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
