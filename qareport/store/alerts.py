"""The alerts of live calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.orm import Session

from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import Agents, Alert, AlertState, AuditEntry, Signal
from qareport.model.live import AlertPrecision
from qareport.store.audit import append
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.live_schema import AlertRow as Row
from qareport.store.live_schema import LiveCallRow

_OVER = tuple(state for state in AlertState if state.is_over)
_INSTANTS = ("raised_at", "routed_at", "acked_at", "snoozed_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertQuery:
    """Which alerts are listed, the newest first."""

    agents: Agents = field(default_factory=Agents)
    #: Empty: in whatever state.
    states: tuple[AlertState, ...] = ()
    #: A rule or a signal; "": any.
    subject: str = ""
    #: "": of any.
    agent_id: str = ""
    #: None: in whatever state of being known.
    borne_out: bool | None = None
    #: Number of the last alert that was seen; None: from the newest on.
    before: int | None = None
    limit: int = 50


class AlertRepository:
    """The alerts of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, alert: Alert) -> Alert:
        """Keep a new alert. Returns it with its number."""
        with self._database.write() as session:
            row = Row(**_columns(alert))
            session.add(row)
            session.flush()
            return _alert(row)

    def change(self, alert: Alert, entry: AuditEntry | None = None, *, only_from: Sequence[AlertState] = ()) -> bool:
        """Keep an alert as it is now, with a line of the audit log.

        Args:
            alert: as it is to be.
            entry: the line of the audit log; None: none, as for what the program does by itself.
            only_from: it must be in one of these states; empty: any.

        Returns:
            whether it was in one of them.
        """
        with self._database.write() as session:
            query = update(Row).where(Row.id == alert.alert_id)
            if only_from:
                query = query.where(Row.state.in_(only_from))
            done: Any = session.execute(query.values(_columns(alert)))
            if done.rowcount and entry is not None:
                append(session, entry)
            return bool(done.rowcount)

    def get(self, alert_id: int) -> Alert:
        """Return an alert.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._database.read() as session:
            return _alert(_row(session, alert_id))

    def list_of(self, live_ids: Sequence[str]) -> tuple[Alert, ...]:
        """Return the alerts of some live calls, the oldest first."""
        return self._list(select(Row).where(Row.live_id.in_(live_ids)).order_by(Row.id))

    def list_open(self, agents: Agents | None = None) -> tuple[Alert, ...]:
        """Return the alerts that are not over, the gravest and then the oldest first."""
        query = select(Row).where(Row.state.not_in(_OVER)).order_by(Row.level.desc(), Row.raised_at, Row.id)
        return self._list(_within(query, agents))

    def list_newest(self, query: AlertQuery) -> tuple[Alert, ...]:
        """Return the alerts that a query asks for."""
        wanted = _wanted(select(Row), query).order_by(Row.id.desc()).limit(query.limit)
        return self._list(wanted if query.before is None else wanted.where(Row.id < query.before))

    def count(self, query: AlertQuery, *, most: int) -> int:
        """Count the alerts that a query asks for, on all its pages, up to a number."""
        some = _wanted(select(Row.id), query).limit(most).subquery()
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(some)) or 0

    def list_of_call(self, call_id: str) -> tuple[Alert, ...]:
        """Return the alerts of the live calls whose result a call has, the oldest first."""
        own = select(LiveCallRow.id).where(LiveCallRow.merged_call_id == call_id)
        return self._list(select(Row).where(Row.live_id.in_(own)).order_by(Row.id))

    def precisions(self, agents: Agents | None = None) -> tuple[AlertPrecision, ...]:
        """Return how many alerts of each rule and signal were right, those with the most alerts first."""
        is_false = Row.state == AlertState.FALSE_ALARM
        counts = (
            func.count(),
            func.sum(case((~is_false & Row.borne_out.is_(True), 1), else_=0)),
            func.sum(case((is_false, 1), else_=0)),
            func.sum(case((~is_false & Row.borne_out.is_(False), 1), else_=0)),
        )
        query = _within(select(Row.rule_id, Row.signal, *counts), agents).group_by(Row.rule_id, Row.signal)
        with self._database.read() as session:
            found = [
                AlertPrecision(
                    rule_id=rule_id, signal=Signal(signal) if signal else None, raised=raised, right=right,
                    false_alarms=false_alarms, not_borne_out=not_borne_out,
                )
                for rule_id, signal, raised, right, false_alarms, not_borne_out in session.execute(query)
            ]  # fmt: skip
        return tuple(sorted(found, key=lambda item: (-item.raised, item.rule_id or "", item.signal or "")))

    def _list(self, query: Any) -> tuple[Alert, ...]:
        with self._database.read() as session:
            return tuple(map(_alert, session.scalars(query)))


def _wanted(wanted: Any, query: AlertQuery) -> Any:
    wanted = _within(wanted, query.agents)
    if query.states:
        wanted = wanted.where(Row.state.in_(query.states))
    if query.subject:
        wanted = wanted.where(or_(Row.rule_id == query.subject, Row.signal == query.subject))
    if query.agent_id:
        wanted = wanted.where(Row.agent_id == query.agent_id)
    return wanted if query.borne_out is None else wanted.where(Row.borne_out.is_(query.borne_out))


def _within(query: Any, agents: Agents | None) -> Any:
    if agents is None or agents.only is None:
        return query
    return query.where(Row.agent_id.in_(sorted(agents.only)))


def _row(session: Session, alert_id: int) -> Row:
    row = session.get(Row, alert_id)
    if row is None:
        raise NotFoundError(say("there is no alert {number}", number=alert_id))
    return row


def _columns(alert: Alert) -> dict[str, Any]:
    values = {field.name: getattr(alert, field.name) for field in fields(alert) if field.name != "alert_id"}
    return values | {name: in_utc(values[name]) if values[name] else None for name in _INSTANTS}


def _alert(row: Row) -> Alert:
    values = {field.name: getattr(row, field.name) for field in fields(Alert) if field.name != "alert_id"}
    values |= {name: datetime.fromisoformat(values[name]) if values[name] else None for name in _INSTANTS}
    values["state"] = AlertState(row.state)
    values["signal"] = Signal(row.signal) if row.signal else None
    return Alert(alert_id=row.id, **values)
