"""Conditions on whole calls as SQL: parts of queries that need no look at what was said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Integer, and_, cast, column, func, literal, not_, or_, select, true
from sqlalchemy.orm import Session

from qareport.model import Agents
from qareport.search import FACETS, And, Between, Fact, Node, Not, Or
from qareport.store.connection import in_utc
from qareport.store.desk_schema import TeamAgentRow, TeamRow
from qareport.store.search_schema import SearchCallRow, SearchFacetRow


def is_about_calls(node: Node) -> bool:
    """Tell whether a query asks for whole calls alone, not for words or tags of sentences."""
    match node:
        case Fact() | Between():
            return True
        case And(parts=parts) | Or(parts=parts):
            return all(is_about_calls(part) for part in parts)
        case Not(part=part):
            return is_about_calls(part)
    return False


def condition_of(node: Node) -> Any:
    """Return a query about calls as a condition on `search_calls`."""
    match node:
        case And(parts=parts):
            return and_(true(), *(condition_of(part) for part in parts))
        case Or(parts=parts):
            return or_(*(condition_of(part) for part in parts))
        case Not(part=part):
            # What is not known (no agent, no order) is not what was asked for: NULL counts as false.
            return not_(func.coalesce(condition_of(part), False))
        case Between():
            return between_of(SearchCallRow.score if node.name == "score" else SearchCallRow.started_utc, node)
        case Fact():
            return _fact(node)
    raise TypeError(node)


def visible_to(agents: Agents) -> Any:
    """Return the condition that a call is one of some agents'."""
    return true() if agents.only is None else SearchCallRow.agent_id.in_(sorted(agents.only))


def is_one_of(session: Session, number: Any, numbers: Iterable[int]) -> Any:
    """Return the condition that a number is one of some: however many, they are one value to the database."""
    joined = ",".join(map(str, numbers))
    if session.get_bind().dialect.name == "postgresql":
        return number.in_(select(func.unnest(cast(literal(f"{{{joined}}}"), ARRAY(Integer)))))
    return number.in_(select(column("value")).select_from(func.json_each(f"[{joined}]")))


def between_of(column: Any, node: Between) -> Any:
    """Return the condition that a score, or a start in UTC ("": not known), is in a range."""
    low, high = (in_utc(bound) if isinstance(bound, datetime) else bound for bound in (node.low, node.high))
    condition = (column != "") if node.name == "date" else column.is_not(None)
    if low is not None:
        condition &= column >= low
    return condition if high is None else condition & (column < high)


def _fact(node: Fact) -> Any:
    row = SearchCallRow
    if node.name in FACETS:
        facet = SearchFacetRow
        chosen = select(facet.number).where(facet.kind == node.name, _is(facet.value, node))
        return row.number.in_(chosen)
    if node.name == "team":
        return row.agent_id.in_(agents_of(node))
    named: dict[str, Any] = {"agent": row.agent_id, "order": row.order_id, "call": row.call_id, "risk": row.risk}
    return _is(named[node.name], node)


def agents_of(team: Fact) -> Any:
    """Return the query for the agents of a team, by its id or its name."""
    member = select(TeamAgentRow.agent_id).join(TeamRow, TeamRow.id == TeamAgentRow.team_id)
    return member.where(or_(_is(TeamRow.id, team), _is(TeamRow.name, team)))


def _is(column: Any, node: Fact) -> Any:
    return func.substr(column, 1, len(node.value)) == node.value if node.prefix else column == node.value
