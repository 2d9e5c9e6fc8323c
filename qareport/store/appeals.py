"""Appeals against findings: each step is kept with its line of the audit log, and only from the state it begins in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from qareport.codec import to_json
from qareport.errors import BusyError, NotFoundError
from qareport.messages import say
from qareport.model import Agents, Appeal, AppealState, AuditEntry, Finding, Verdict
from qareport.store.audit import append
from qareport.store.connection import from_stored, in_utc
from qareport.store.database import Database
from qareport.store.review_schema import AppealRow
from qareport.store.reviews import add_verdict
from qareport.store.schema import CallRow


class AppealRepository:
    """The appeals of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, appeal: Appeal, entry: AuditEntry) -> Appeal:
        """Open an appeal. Returns it with its number.

        Raises:
            NotFoundError: the call is gone.
        """
        with self._database.write() as session:
            append(session, entry)
            if session.get(CallRow, appeal.call_id) is None:
                raise NotFoundError(say("there is no call {call_id!r}", call_id=appeal.call_id))
            row = AppealRow(
                call_id=appeal.call_id, rule_id=appeal.rule_id, at_ms=appeal.at_ms, verdict_id=appeal.verdict_id,
                user_id=appeal.user_id, opened_at=in_utc(appeal.opened_at), finding=to_json(appeal.finding),
            )  # fmt: skip
            _write(row, appeal)
            session.add(row)
            session.flush()
            return _appeal(row)

    def step(self, before: Appeal, after: Appeal, entry: AuditEntry, *, verdict: Verdict | None = None) -> Appeal:
        """Take an appeal a step further, with the verdict that follows from it.

        Raises:
            BusyError: it is not as it was any more: somebody else was first.
        """
        with self._database.write() as session:
            append(session, entry)
            row = session.scalars(select(AppealRow).where(AppealRow.id == before.appeal_id).with_for_update()).first()
            if row is None or _appeal(row) != before:
                raise BusyError(say("somebody else has just changed this appeal"), to_do=say("look at it again"))
            _write(row, after)
            if verdict is not None:
                add_verdict(session, verdict)
            session.flush()
            return _appeal(row)

    def get(self, appeal_id: int) -> Appeal:
        """Return an appeal.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._database.read() as session:
            row = session.get(AppealRow, appeal_id)
            if row is None:
                raise NotFoundError(say("there is no appeal {number}", number=appeal_id))
            return _appeal(row)

    def agent_of(self, appeal: Appeal) -> str | None:
        """Return the agent of the call that an appeal is about."""
        with self._database.read() as session:
            return session.scalar(select(CallRow.agent_id).where(CallRow.call_id == appeal.call_id))

    def list(
        self, agents: Agents | None = None, *, call_id: str | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[Appeal, ...]:
        """Return appeals: open ones first, the one due soonest at the top; then the others, the newest first.

        Args:
            agents: only of calls of these; None: of all.
            call_id: only those of this call.
            before: only the closed ones with a smaller number; None: from the beginning.
            limit: how many closed ones at most.
        """
        closed = AppealRow.state != AppealState.OPEN
        own = _restrict(select(AppealRow), agents, call_id)
        with self._database.read() as session:
            later = own.where(closed if before is None else closed & (AppealRow.id < before))
            rows = [*session.scalars(later.order_by(AppealRow.id.desc()).limit(limit))]
            if before is None:
                rows = [*session.scalars(own.where(~closed).order_by(AppealRow.due_at, AppealRow.id)), *rows]
            return tuple(_appeal(row) for row in rows)

    def count(self, agents: Agents, *, most: int) -> int:
        """Count the appeals of calls of some agents, up to a number."""
        some = _restrict(select(AppealRow.id), agents, None).limit(most).subquery()
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(some)) or 0

    def count_open(self, agents: Agents) -> int:
        """Count the open appeals of calls of some agents."""
        query = _restrict(select(func.count()).select_from(AppealRow), agents, None)
        with self._database.read() as session:
            return session.scalar(query.where(AppealRow.state == AppealState.OPEN)) or 0

    def list_overdue(self, now: datetime) -> tuple[Appeal, ...]:
        """Return the open appeals whose time is over."""
        overdue = (AppealRow.state == AppealState.OPEN) & (AppealRow.due_at <= in_utc(now))
        with self._database.read() as session:
            return tuple(_appeal(row) for row in session.scalars(select(AppealRow).where(overdue)))

    def expire(self, now: datetime) -> int:
        """Close the appeals that nobody decided in time, each with a line of the audit log. Returns how many."""
        expired = 0
        for appeal in self.list_overdue(now):
            entry = AuditEntry(
                at=now, actor="system", actor_kind="system", action="appeal.expire",
                object=f"call:{appeal.call_id}", details={"appeal": str(appeal.appeal_id)},
            )  # fmt: skip
            try:
                self.step(appeal, replace(appeal, state=AppealState.EXPIRED), entry)
            except BusyError:
                continue  # another request closed it
            expired += 1
        return expired


def _restrict(query: Any, agents: Agents | None, call_id: str | None) -> Any:
    if agents is not None and agents.only is not None:
        query = query.join(CallRow, CallRow.call_id == AppealRow.call_id)
        query = query.where(CallRow.agent_id.in_(sorted(agents.only)))
    return query if call_id is None else query.where(AppealRow.call_id == call_id)


def _write(row: AppealRow, appeal: Appeal) -> None:
    """Write what steps change."""
    row.state, row.level, row.comment = appeal.state, appeal.level, appeal.comment
    row.due_at = in_utc(appeal.due_at)
    row.decided_by, row.decision_comment = appeal.decided_by, appeal.decision_comment
    row.decided_at = in_utc(appeal.decided_at) if appeal.decided_at else None


def _appeal(row: AppealRow) -> Appeal:
    return Appeal(
        appeal_id=row.id, call_id=row.call_id, rule_id=row.rule_id, at_ms=row.at_ms, verdict_id=row.verdict_id,
        user_id=row.user_id, comment=row.comment, state=AppealState(row.state),
        opened_at=datetime.fromisoformat(row.opened_at), due_at=datetime.fromisoformat(row.due_at), level=row.level,
        decided_by=row.decided_by, decided_at=datetime.fromisoformat(row.decided_at) if row.decided_at else None,
        decision_comment=row.decision_comment, finding=from_stored(Finding, row.finding, where=f"appeal {row.id}"),
    )  # fmt: skip
