"""The exports that people ordered, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, true, update

from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import Agents, AuditEntry, Export, JobKind, JobState
from qareport.store.audit import append
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.desk_schema import ExportRow, JobRow
from qareport.store.jobs import new_job


class ExportRepository:
    """The exports of a store. Their files are elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, export: Export, entry: AuditEntry) -> Export:
        """Order an export: a worker makes it. Returns it with its number.

        Args:
            export: what is wanted.
            entry: the line of the audit log; its object becomes `export:NUMBER`.
        """
        with self._database.write() as session:
            row = ExportRow(
                kind=export.kind, format=export.format, query=export.query, scope=export.scope,
                agents=None if export.agents.only is None else json.dumps(sorted(export.agents.only)),
                user_id=export.user_id, created_at=in_utc(export.created_at), expires_at=in_utc(export.expires_at),
                calls=0, rows=0, size=0, sha256="", file="",
            )  # fmt: skip
            session.add(row)
            session.flush()
            job = new_job(JobKind.EXPORT, {"export_id": row.id}, at=export.created_at, user_id=export.user_id)
            session.add(job)
            session.flush()
            row.job_id = job.id
            append(session, replace(entry, object=f"export:{row.id}"))
            session.flush()
            return _export(row, job)

    def get(self, export_id: int) -> Export:
        """Return an export.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._database.read() as session:
            found = session.execute(_query().where(ExportRow.id == export_id)).first()
            if found is None:
                raise NotFoundError(say("there is no export {number}", number=export_id))
            return _export(*found)

    def list(self, *, user_id: int | None = None, before: int | None = None, limit: int = 50) -> tuple[Export, ...]:
        """Return exports, the newest first: of one user, or of all; `before`: only those of smaller numbers."""
        query = _query().order_by(ExportRow.id.desc()).limit(limit)
        if user_id is not None:
            query = query.where(ExportRow.user_id == user_id)
        if before is not None:
            query = query.where(ExportRow.id < before)
        with self._database.read() as session:
            return tuple(_export(row, job) for row, job in session.execute(query))

    def count(self, *, user_id: int | None = None, most: int) -> int:
        """Count exports, of one user or of all, up to a number."""
        query = select(ExportRow.id).where(true() if user_id is None else ExportRow.user_id == user_id)
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0

    def list_files(self, *, until: datetime | None = None) -> tuple[Export, ...]:
        """Return the exports that have a file: all, or those whose time is over at an instant."""
        query = _query().where(ExportRow.file != "")
        if until is not None:
            query = query.where(ExportRow.expires_at <= in_utc(until))
        with self._database.read() as session:
            return tuple(_export(row, job) for row, job in session.execute(query))

    def settle(self, made: Export) -> None:
        """Keep what an export holds, once its file is made."""
        names = ("calls", "rows", "size", "sha256", "file")
        self._change([made.export_id], {name: getattr(made, name) for name in names})

    def forget_files(self, export_ids: Collection[int], now: datetime) -> None:
        """Keep that the files of some exports are deleted."""
        self._change(export_ids, {"file": ""})
        with self._database.write() as session:
            later = ExportRow.id.in_(list(export_ids)) & (ExportRow.expires_at > in_utc(now))
            session.execute(update(ExportRow).where(later).values(expires_at=in_utc(now)))

    def _change(self, export_ids: Collection[int], values: dict[str, Any]) -> None:
        with self._database.write() as session:
            session.execute(update(ExportRow).where(ExportRow.id.in_(list(export_ids))).values(values))


def _query() -> Any:
    return select(ExportRow, JobRow).outerjoin(JobRow, JobRow.id == ExportRow.job_id)


def _export(row: ExportRow, job: JobRow | None) -> Export:
    return Export(
        export_id=row.id, job_id=row.job_id, kind=row.kind, format=row.format, query=row.query, scope=row.scope,
        agents=Agents(only=None if row.agents is None else frozenset(json.loads(row.agents))), user_id=row.user_id,
        created_at=datetime.fromisoformat(row.created_at), expires_at=datetime.fromisoformat(row.expires_at),
        state=JobState(job.state) if job else JobState.DONE, error=job.error if job else "", calls=row.calls,
        rows=row.rows, size=row.size, sha256=row.sha256, file=row.file,
    )  # fmt: skip
