"""The alerts of live calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import Agents, Alert, AlertState, AuditEntry, Signal
from qareport.store.audit import append
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.live_schema import AlertRow as Row

_OVER = tuple(state for state in AlertState if state.is_over)
_INSTANTS = ("raised_at", "routed_at", "acked_at", "snoozed_until")


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

    def list_newest(self, agents: Agents | None = None, *, limit: int = 50) -> tuple[Alert, ...]:
        """Return alerts in whatever state, the newest first."""
        return self._list(_within(select(Row), agents).order_by(Row.id.desc()).limit(limit))

    def _list(self, query: Any) -> tuple[Alert, ...]:
        with self._database.read() as session:
            return tuple(map(_alert, session.scalars(query)))


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
