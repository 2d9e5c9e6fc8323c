"""What the store keeps of mails and daily runs: the outbox and the record of runs.

A mail's key is what makes it the same mail, so that planning it again changes nothing once a server may have it.
Intent is written before the text of a mail goes to the server, and the result after: whatever is killed in between
is found as SENDING by the next run and becomes UNKNOWN, which no program sends again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Index, Integer, LargeBinary, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, defer, mapped_column

from qareport import events
from qareport.codec import from_json, to_data
from qareport.errors import NotFoundError, StoreError
from qareport.model import Edition, Letter, MailRecord, MailState, Outcome, RunRecord, RunState, RunStep
from qareport.store.schema import Base

#: States in which no server can have the mail yet.
UNSENT = (MailState.PLANNED, MailState.RETRY)


class MailRow(Base):
    """One mail to one recipient."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_state", "state"), Index("ix_outbox_period", "period"))

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    edition: Mapped[str] = mapped_column(String(20))
    recipient: Mapped[str] = mapped_column(String(320))
    period: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(320))
    #: The whole message; dropped once the server has taken it.
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    #: ISO 8601, UTC.
    planned_at: Mapped[str] = mapped_column(String(40))
    changed_at: Mapped[str] = mapped_column(String(40))
    next_try_at: Mapped[str | None] = mapped_column(String(40))
    reply: Mapped[str] = mapped_column(Text, default="")


#: A mail holds megabytes of documents: who asks for its state does not read them.
_NO_TEXT = defer(MailRow.content, raiseload=True)


class RunRow(Base):
    """One run of `qareport daily`."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_period", "period"),)

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    period: Mapped[str] = mapped_column(String(60))
    mode: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[str | None] = mapped_column(String(40))
    #: JSON lists.
    steps: Mapped[str] = mapped_column(Text, default="[]")
    problems: Mapped[str] = mapped_column(Text, default="[]")
    summary: Mapped[str] = mapped_column(Text, default="")
    holder: Mapped[str] = mapped_column(String(200), default="")


class OutboxShelf(ABC):
    """The part of a store that the daily run uses; `Store` brings the transactions."""

    url: str

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]:
        """Open a transaction that writes."""

    # --- mails ----------------------------------------------------------------------------------------------------

    def plan_mails(self, letters: Sequence[Letter], *, now: datetime) -> tuple[MailRecord, ...]:
        """Put mails into the outbox, all or none; one that no server can have yet takes the newer text.

        A mail that was sent, may have been, was refused for good or forgotten stays as it is.
        """
        with self._write() as session:
            rows = [self._plan(session, letter, now) for letter in letters]
            session.flush()
            return tuple(_record(row) for row in rows)

    @staticmethod
    def _plan(session: Session, letter: Letter, now: datetime) -> MailRow:
        row = session.get(MailRow, letter.key)
        if row is None:
            row = MailRow(
                key=letter.key,
                edition=letter.edition,
                recipient=letter.recipient,
                period=letter.period,
                kind=letter.kind,
                state=MailState.PLANNED,
                tries=0,
                planned_at=now.isoformat(),
                changed_at=now.isoformat(),
                reply="",
            )
            session.add(row)
        elif row.state not in UNSENT:
            return row
        row.subject, row.message_id, row.content = letter.subject, letter.message_id, letter.content
        return row

    def due_mails(self, now: datetime) -> tuple[MailRecord, ...]:
        """Return the mails to send now, oldest first.

        A wait is over as well when the clock stands before the try that began it: then the clock was set back.
        """
        with self._read() as session:
            query = select(MailRow).options(_NO_TEXT).where(MailRow.state.in_(UNSENT)).order_by(MailRow.planned_at)
            rows = session.scalars(query)
            found = [_record(row) for row in rows]
        return tuple(
            mail for mail in found if mail.next_try_at is None or mail.next_try_at <= now or mail.changed_at > now
        )

    def mail_content(self, key: str) -> bytes:
        """Return the whole message of a mail.

        Raises:
            NotFoundError: no such mail, or its text was dropped because it was sent.
        """
        with self._read() as session:
            row = session.get(MailRow, key)
            if row is None or row.content is None:
                raise NotFoundError(f"no text of mail {key!r}", where=self.url)
            return row.content

    def begin_mail(self, key: str, *, now: datetime) -> bool:
        """Write that a mail's text goes to the server now. False: its state forbids that, so do not send it."""
        with self._write() as session:
            query = (
                update(MailRow)
                .where(MailRow.key == key, MailRow.state.in_(UNSENT))
                .values(state=MailState.SENDING, changed_at=now.isoformat(), next_try_at=None)
                .returning(MailRow.key)
            )
            return session.scalars(query).first() is not None

    def end_mail(self, key: str, outcome: Outcome, *, now: datetime, next_try_at: datetime | None = None) -> None:
        """Write what became of a try; a mail that was sent keeps its record and drops its text."""
        with self._write() as session:
            row = session.get_one(MailRow, key)
            row.state, row.reply = outcome.state, outcome.reply
            took = now - datetime.fromisoformat(row.changed_at)  # begin_mail wrote it
            row.changed_at = now.isoformat()
            row.next_try_at = next_try_at.isoformat() if next_try_at else None
            row.tries += 1
            if outcome.state is MailState.SENT:
                row.content = None
            told = {"mail": key[:12], "edition": row.edition, "period": row.period}
        duration_ms = max(0, round(took.total_seconds() * 1000))
        events.happened("send", outcome.state, duration_ms=duration_ms, reason=outcome.reply, **told)

    def settle_mails(self, *, now: datetime) -> tuple[MailRecord, ...]:
        """Turn the mails that a dead process was sending into UNKNOWN. Only for who holds the lock of daily runs."""
        with self._write() as session:
            rows = session.scalars(select(MailRow).where(MailRow.state == MailState.SENDING)).all()
            for row in rows:
                row.state = MailState.UNKNOWN
                row.reply = "the process that sent it ended before the server's answer was kept"
                row.changed_at = now.isoformat()
                row.tries += 1
            session.flush()
            return tuple(_record(row) for row in rows)

    def mails(self, *states: MailState, period: str | None = None) -> tuple[MailRecord, ...]:
        """Return mails in some states (all when none is named), newest first."""
        query = select(MailRow).options(_NO_TEXT).order_by(MailRow.planned_at.desc(), MailRow.key)
        if states:
            query = query.where(MailRow.state.in_(states))
        if period is not None:
            query = query.where(MailRow.period == period)
        with self._read() as session:
            return tuple(_record(row) for row in session.scalars(query))

    def find_mail(self, beginning: str) -> MailRecord:
        """Return the one mail whose key begins so.

        Raises:
            NotFoundError: none, or several.
        """
        with self._read() as session:
            query = select(MailRow).where(MailRow.key.startswith(beginning, autoescape=True)).limit(2)
            rows = session.scalars(query).all()
            if len(rows) != 1:
                what = f"no mail with key {beginning!r}" if not rows else f"several mails begin with {beginning!r}"
                raise NotFoundError(what, where=self.url, to_do="`qareport mail list` shows the keys")
            return _record(rows[0])

    def decide_mail(self, key: str, state: MailState, *, now: datetime) -> None:
        """Carry out a person's decision about a mail: PLANNED sends it again, FORGOTTEN never."""
        with self._write() as session:
            row = session.get_one(MailRow, key)
            row.state, row.changed_at, row.next_try_at = state, now.isoformat(), None
            row.reply = "decided by a person" if state is MailState.FORGOTTEN else row.reply
            if state is MailState.FORGOTTEN:
                row.content = None
            elif state is MailState.PLANNED:
                row.tries = 0
                row.planned_at = now.isoformat()

    def forget_mails(self, *, before: datetime, now: datetime, dry_run: bool = False) -> int:
        """Drop the texts of mails that were planned before an instant and never settled; returns how many they are."""
        with self._write() as session:
            rows = session.scalars(select(MailRow).where(MailRow.content.is_not(None)).options(_NO_TEXT)).all()
            old = [row for row in rows if datetime.fromisoformat(row.planned_at) < before]
            for row in () if dry_run else old:
                row.state, row.content, row.next_try_at = MailState.FORGOTTEN, None, None
                row.reply, row.changed_at = "older than the retention time", now.isoformat()
            return len(old)

    # --- runs -----------------------------------------------------------------------------------------------------

    def begin_run(self, period: str, *, mode: str, holder: str, now: datetime) -> int:
        """Record that a run began; those that were running and are not any more were killed. Only under the lock."""
        with self._write() as session:
            session.execute(update(RunRow).where(RunRow.state == RunState.RUNNING).values(state=RunState.KILLED))
            row = RunRow(
                period=period,
                mode=mode,
                state=RunState.RUNNING,
                started_at=now.isoformat(),
                holder=holder,
                steps="[]",
                problems="[]",
                summary="",
            )
            session.add(row)
            session.flush()
            return row.number

    def end_run(
        self,
        number: int,
        state: RunState,
        *,
        steps: Sequence[RunStep],
        summary: str,
        problems: Sequence[str],
        now: datetime,
    ) -> None:
        """Record how a run ended."""
        with self._write() as session:
            row = session.get_one(RunRow, number)
            row.state, row.summary, row.ended_at = state, summary, now.isoformat()
            row.steps = json.dumps([to_data(step) for step in steps])
            row.problems = json.dumps(list(problems), ensure_ascii=False)
            period, took = row.period, now - datetime.fromisoformat(row.started_at)
        for step in steps:
            events.happened(
                step.name, "done", duration_ms=round(step.seconds * 1000), run=number, period=period, count=step.count
            )
        duration_ms = max(0, round(took.total_seconds() * 1000))
        events.happened("run", state, duration_ms=duration_ms, run=number, period=period, problems=list(problems))

    def runs(self, *, period: str | None = None, limit: int = 100) -> tuple[RunRecord, ...]:
        """Return runs, newest first."""
        query = select(RunRow).order_by(RunRow.number.desc()).limit(limit)
        if period is not None:
            query = query.where(RunRow.period == period)
        with self._read() as session:
            return tuple(_run(row) for row in session.scalars(query))

    def run_states(self, mode: str) -> dict[str, RunState]:
        """Return how the newest run of a mode ended, for every period that was ever run in it; DONE once is DONE."""
        found: dict[str, RunState] = {}
        with self._read() as session:
            query = select(RunRow.period, RunRow.state).where(RunRow.mode == mode).order_by(RunRow.number)
            for period, state in session.execute(query):
                if found.get(period) is not RunState.DONE:
                    found[period] = RunState(state)
        return found


def _record(row: MailRow) -> MailRecord:
    return MailRecord(
        key=row.key,
        edition=Edition(row.edition),
        recipient=row.recipient,
        period=row.period,
        kind=row.kind,
        subject=row.subject,
        message_id=row.message_id,
        state=MailState(row.state),
        tries=row.tries,
        planned_at=datetime.fromisoformat(row.planned_at),
        changed_at=datetime.fromisoformat(row.changed_at),
        next_try_at=datetime.fromisoformat(row.next_try_at) if row.next_try_at else None,
        reply=row.reply,
    )


def _run(row: RunRow) -> RunRecord:
    steps = from_json(tuple[RunStep, ...], row.steps, where=f"run {row.number}", error=StoreError)
    return RunRecord(
        number=row.number,
        period=row.period,
        mode=row.mode,
        state=RunState(row.state),
        started_at=datetime.fromisoformat(row.started_at),
        ended_at=datetime.fromisoformat(row.ended_at) if row.ended_at else None,
        steps=steps,
        summary=row.summary,
        problems=tuple(json.loads(row.problems)),
        holder=row.holder,
    )
