"""The queue of jobs: rows with leases, so that a killed worker's job goes to the next one and none is done twice.

A well-kept queue library was weighed (DBOS, procrastinate): the first brings a service of its own into each process,
the second needs PostgreSQL; a lease on a row takes one statement in both databases.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from qareport.errors import NotFoundError
from qareport.messages import recall, say
from qareport.model import Job, JobKind, JobState
from qareport.store.connection import delete_in, in_utc
from qareport.store.database import Database
from qareport.store.desk_schema import JobRow

#: A job is held this long, and renewed well before.
LEASE = timedelta(seconds=30)
#: A job that killed its worker so often is given up.
MOST_ATTEMPTS = 3


class JobRepository:
    """The jobs of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, kind: JobKind, payload: Mapping[str, Any], *, at: datetime, user_id: int | None = None,
        state: JobState = JobState.QUEUED,
    ) -> Job:  # fmt: skip
        """Add a job; one whose file still arrives begins as RECEIVING."""
        row = new_job(kind, payload, at=at, user_id=user_id, state=state)
        with self._database.write() as session:
            session.add(row)
            session.flush()
            return _job(row)

    def take(self, kinds: Sequence[JobKind], owner: str, *, at: datetime) -> Job | None:
        """Take the oldest job that waits, or whose worker is gone, under a lease; None if there is none.

        A job that was taken `MOST_ATTEMPTS` times and never ended fails with the code `attempts`.
        """
        row = JobRow
        waits = or_(row.state == JobState.QUEUED, and_(row.state == JobState.RUNNING, row.lease_until < in_utc(at)))
        query = select(row).where(row.kind.in_(list(kinds)), waits).order_by(row.id).limit(1)
        with self._database.write() as session:
            while (found := session.scalars(query.with_for_update(skip_locked=True)).first()) is not None:
                if found.attempts >= MOST_ATTEMPTS:
                    found.state, found.error_code, found.done_at = JobState.FAILED, "attempts", in_utc(at)
                    session.flush()
                    continue
                found.state, found.attempts = JobState.RUNNING, found.attempts + 1
                found.lease_owner, found.lease_until = owner, in_utc(at + LEASE)
                session.flush()
                return _job(found)
            return None

    def renew(self, job_id: int, owner: str, *, at: datetime, progress: Mapping[str, Any] | None = None) -> bool:
        """Hold a job for longer, and note how far it is. Returns False when it is held no more: stop working on it."""
        values: dict[str, Any] = {"lease_until": in_utc(at + LEASE)}
        if progress is not None:
            values["progress"] = _write(progress)
        return self._change(job_id, owner, values)

    def finish(
        self,
        job_id: int,
        owner: str,
        state: JobState,
        *,
        at: datetime,
        progress: Mapping[str, Any] | None = None,
        error_code: str = "",
        error: str = "",
    ) -> bool:
        """End a job. Returns False when it was held no more: its outcome does not count."""
        values: dict[str, Any] = {
            "state": state, "done_at": in_utc(at), "lease_owner": None, "lease_until": None, "error_code": error_code,
            "error": error,
        }  # fmt: skip
        if progress is not None:
            values["progress"] = _write(progress)
        return self._change(job_id, owner, values)

    def give_back(self, owner: str) -> int:
        """Let others take what a worker holds that is about to end. Returns how many jobs."""
        values = {"state": JobState.QUEUED, "lease_owner": None, "lease_until": None, "attempts": JobRow.attempts - 1}
        with self._database.write() as session:
            held = (JobRow.lease_owner == owner) & (JobRow.state == JobState.RUNNING)
            done: Any = session.execute(update(JobRow).where(held).values(values))
            return int(done.rowcount)

    def release(self, job_id: int, payload: Mapping[str, Any]) -> None:
        """Let workers take a job whose file has arrived."""
        with self._database.write() as session:
            statement = update(JobRow).where(JobRow.id == job_id, JobRow.state == JobState.RECEIVING)
            session.execute(statement.values(state=JobState.QUEUED, payload=_write(payload)))

    def settle(self, job_id: int, payload: Mapping[str, Any], progress: Mapping[str, Any], *, at: datetime) -> None:
        """End a job whose file has arrived, and about which nothing is left to do."""
        values = {
            "state": JobState.DONE, "done_at": in_utc(at), "payload": _write(payload), "progress": _write(progress)
        }  # fmt: skip
        with self._database.write() as session:
            statement = update(JobRow).where(JobRow.id == job_id, JobRow.state == JobState.RECEIVING)
            session.execute(statement.values(values))

    def refuse(self, job_id: int, *, at: datetime, error_code: str, error: str) -> None:
        """End a job whose file could not be taken in."""
        values = {"state": JobState.FAILED, "done_at": in_utc(at), "error_code": error_code, "error": error}
        with self._database.write() as session:
            statement = update(JobRow).where(JobRow.id == job_id, JobRow.state == JobState.RECEIVING)
            session.execute(statement.values(values))

    def cancel(self, job_id: int, *, at: datetime) -> bool:
        """Cancel a job that is not over; what works on it stops at its next step. Returns whether it was."""
        over = [state for state in JobState if state.is_over]
        with self._database.write() as session:
            statement = update(JobRow).where(JobRow.id == job_id, JobRow.state.not_in(over))
            values = {"state": JobState.CANCELLED, "done_at": in_utc(at), "lease_owner": None, "lease_until": None}
            done: Any = session.execute(statement.values(values))
            return bool(done.rowcount)

    def get(self, job_id: int) -> Job:
        """Return a job.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._database.read() as session:
            row = session.get(JobRow, job_id)
            if row is None:
                raise NotFoundError(say("there is no job {number}", number=job_id))
            return _job(row)

    def list(self, kind: JobKind, *, user_id: int | None = None, limit: int = 50) -> tuple[Job, ...]:
        """Return the newest jobs of a kind, of one user or of all."""
        query = select(JobRow).where(JobRow.kind == kind).order_by(JobRow.id.desc()).limit(limit)
        if user_id is not None:
            query = query.where(JobRow.user_id == user_id)
        with self._database.read() as session:
            return tuple(_job(row) for row in session.scalars(query))

    def count_waiting(self, kind: JobKind) -> int:
        """Count the jobs of a kind that are not over."""
        over = [state for state in JobState if state.is_over]
        query = select(func.count()).select_from(JobRow).where(JobRow.kind == kind, JobRow.state.not_in(over))
        with self._database.read() as session:
            return session.scalar(query) or 0

    def is_awaited(self, call_id: str, *, besides: int | None = None) -> bool:
        """Tell whether an upload that is not over, `besides` this job, will become the call of this id."""
        over = [state for state in JobState if state.is_over]
        query = select(JobRow.payload).where(JobRow.kind == JobKind.UPLOAD, JobRow.state.not_in(over))
        if besides is not None:
            query = query.where(JobRow.id != besides)
        with self._database.read() as session:
            return any(json.loads(payload).get("call_id") == call_id for payload in session.scalars(query))

    def find_oldest_waiting(self, kind: JobKind) -> datetime | None:
        """Return since when the oldest job of a kind waits that no worker has taken; None: none waits."""
        query = select(func.min(JobRow.created_at)).where(JobRow.kind == kind, JobRow.state == JobState.QUEUED)
        with self._database.read() as session:
            oldest = session.scalar(query)
        return datetime.fromisoformat(oldest) if oldest else None

    def _change(self, job_id: int, owner: str, values: Mapping[str, Any]) -> bool:
        held = (JobRow.id == job_id) & (JobRow.lease_owner == owner) & (JobRow.state == JobState.RUNNING)
        with self._database.write() as session:
            done: Any = session.execute(update(JobRow).where(held).values(dict(values)))
            return bool(done.rowcount)


def new_job(
    kind: JobKind, payload: Mapping[str, Any], *, at: datetime, user_id: int | None = None,
    state: JobState = JobState.QUEUED,
) -> JobRow:  # fmt: skip
    """Make the row of a job, to add it beside what it is about. See `JobRepository.add`."""
    return JobRow(
        kind=kind, state=state, payload=_write(payload), progress="{}", attempts=0, user_id=user_id, error_code="",
        error="", created_at=in_utc(at),
    )  # fmt: skip


def delete_jobs(session: Session, call_ids: Collection[str]) -> None:
    """Delete the jobs about some calls: they tell what was said, and who called."""
    wanted, found = set(call_ids), []
    for number, payload, progress in session.execute(select(JobRow.id, JobRow.payload, JobRow.progress)):
        if not wanted.isdisjoint((json.loads(payload).get("call_id"), json.loads(progress).get("call_id"))):
            found.append(number)
    delete_in(session, JobRow.id, found)


def _write(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _job(row: JobRow) -> Job:
    return Job(
        job_id=row.id,
        kind=JobKind(row.kind),
        state=JobState(row.state),
        payload=json.loads(row.payload),
        progress=json.loads(row.progress),
        attempts=row.attempts,
        user_id=row.user_id,
        error_code=row.error_code,
        error=recall(row.error),
        created_at=datetime.fromisoformat(row.created_at),
        done_at=datetime.fromisoformat(row.done_at) if row.done_at else None,
    )
