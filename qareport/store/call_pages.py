"""Pages of calls for lists: filtered, searched, sorted, and read on from where the page before ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from qareport.model import Agents, HeatCounts, Risk
from qareport.search import FACETS, Hit, Node
from qareport.store.call_conditions import condition_of, is_about_calls, visible_to
from qareport.store.call_lists import MOST_COUNTED, Order, choose
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.day_rollups import Day, DayRollups, calls_state
from qareport.store.heat_counts import HeatDay, add_up_heat, count_heat, filed_under, split_facets
from qareport.store.search_index import read_hits
from qareport.store.search_schema import SearchCallRow
from qareport.store.word_index import SHIFT, Scope

#: Newest first, oldest first, lowest score first.
Sort = Literal["-started", "started", "score"]
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
                wanted = visible_to(agents) if node is None else and_(visible_to(agents), condition_of(node))
                return tuple(session.scalars(ordered.where(wanted)))
            from qareport.store.search_evaluation import Evaluation, distinct  # it imports numpy

            numbers = Evaluation(session, scope).evaluate(node)
            found = set((numbers if scope == "call" else distinct(numbers >> SHIFT)).tolist())
            every = session.execute(ordered.add_columns(row.number).where(visible_to(agents)))
            return tuple(call_id for call_id, number in every if number in found)

    def count_heat(
        self, period: Day, agents: Agents, *, day_of: Callable[[datetime], Day], stage: str | None = None
    ) -> Mapping[str | None, HeatCounts]:
        """Count the calls of a period by issue and emotion, as `count_heat` does.

        Args:
            period: from the beginning of its first day to the end of its last.
            agents: whose calls count.
            day_of: returns the day in which an instant falls.
            stage: only calls of this stage; None: all.
        """
        days = DayRollups(self._database).read(HeatDay, period, day_of=day_of, add_up=add_up_heat)
        return count_heat((day for _, day in days), agents, stage)

    def count_facets(self, agents: Agents) -> dict[str, tuple[tuple[str, int], ...]]:
        """Count the newest `MOST_COUNTED` calls of some agents by what they are filed under, most first.

        Returns:
            values and numbers of calls by kind, as `search.FACETS`.
        """
        row = SearchCallRow
        newest = select(row.number).where(visible_to(agents)).order_by(row.started_utc.desc(), row.number.desc())
        some = newest.limit(MOST_COUNTED).subquery()
        counted = Counter[tuple[str, str]]()
        with self._database.read() as session:
            query = select(filed_under(session, some.c.number, FACETS)).select_from(some)
            joined = Counter(session.scalars(query))
        for facets, calls in joined.items():
            for facet in split_facets(facets):
                counted[facet] += calls
        found = sorted(counted.items(), key=lambda item: (-item[1], item[0][1]))
        return {kind: tuple((value, count) for (own, value), count in found if own == kind) for kind in FACETS}

    def list_agents(self, agents: Agents) -> tuple[str, ...]:
        """Return the agents who have calls, of some."""
        row = SearchCallRow
        # From agent to agent in the index: not every call is looked at.
        step = select(func.min(row.agent_id).label("agent")).where(visible_to(agents)).cte(recursive=True)
        after = select(func.min(row.agent_id)).where(row.agent_id > step.c.agent, visible_to(agents)).scalar_subquery()
        step = step.union_all(select(after).where(step.c.agent.is_not(None)))
        with self._database.read() as session:
            return tuple(agent for agent in session.scalars(select(step.c.agent)) if agent)

    def find_state(self, first: datetime, last: datetime) -> str:
        """Return what changes with every call that began in [first, last) and is judged, judged anew or deleted."""
        with self._database.read() as session:
            return str(session.scalar(calls_state(in_utc(first), in_utc(last))))

    def count_starts(self, first: datetime, last: datetime, agents: Agents) -> tuple[tuple[datetime, int], ...]:
        """Count the calls that began in [first, last), in steps of ten minutes: in every time zone these make days."""
        step = func.substr(SearchCallRow.started_utc, 1, _TEN_MINUTES).label("step")
        query = select(step, func.count()).where(_began(first, last), visible_to(agents)).group_by(step)
        with self._database.read() as session:
            return tuple((datetime.fromisoformat(f"{step}0:00+00:00"), count) for step, count in session.execute(query))

    def find_starts_around(self, first: datetime, last: datetime, agents: Agents) -> tuple[datetime | None, ...]:
        """Return when the last call before a time began, and the first one after it; None where there is none."""
        column = SearchCallRow.started_utc
        before = select(func.max(column)).where(column != "", column < in_utc(first), visible_to(agents))
        after = select(func.min(column)).where(column >= in_utc(last), visible_to(agents))
        with self._database.read() as session:
            return tuple(
                datetime.fromisoformat(text) if text else None for text in map(session.scalar, (before, after))
            )

    def _listed(self, session: Session, query: CallPageQuery) -> CallPage:
        visible = None if query.agents.only is None else visible_to(query.agents)
        chosen = choose(session, query.node, visible, _order(query), query.limit)
        found = _rows_of(session, chosen.numbers[: query.limit])
        shown = tuple(_call(row, query.sort, ()) for row in found)
        return CallPage(calls=shown, more=len(chosen.numbers) > query.limit, total=chosen.total, exact=chosen.exact)

    def _searched(self, session: Session, query: CallPageQuery, node: Node) -> CallPage:
        from qareport.store.word_lists import SpokenList  # it imports numpy

        found = SpokenList(session, node, query.scope, query.agents)
        chosen = found.choose(_order(query), query.limit + 1)
        page = chosen.numbers[: query.limit]
        lines = found.lines_of(page)
        shown = tuple(
            _call(row, query.sort, read_hits(session, lines[row.number][: query.most_hits]))
            for row in _rows_of(session, page)
        )
        return CallPage(calls=shown, more=len(chosen.numbers) > query.limit, total=chosen.total, exact=chosen.exact)


def _rows_of(session: Session, numbers: Sequence[int]) -> list[SearchCallRow]:
    rows = session.scalars(select(SearchCallRow).where(SearchCallRow.number.in_(numbers)))
    by_number = {row.number: row for row in rows}
    return [by_number[number] for number in numbers if number in by_number]


def _order(query: CallPageQuery) -> Order:
    by_score = query.sort == "score"
    after = query.after
    if after is not None and by_score:
        return Order(by_score=True, downwards=False, after=(int(after[0]), after[1]))
    return Order(by_score=by_score, downwards=query.sort == "-started", after=after)


def _place(row: SearchCallRow, sort: Sort) -> tuple[str, int]:
    return (str(row.score) if sort == "score" else row.started_utc, row.number)


def _began(first: datetime, last: datetime) -> Any:
    column = SearchCallRow.started_utc
    return and_(column >= in_utc(first), column < in_utc(last))


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
