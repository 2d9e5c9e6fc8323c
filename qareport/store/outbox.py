"""Daily runs and the outbox of their deliveries.

A delivery's key is its identity, so that planning it again changes nothing once a server may have it. The intent is
written before the content goes to the server, and the outcome after: whatever is killed in between is found as SENDING
by the next process, and becomes what its channel guarantees: UNKNOWN (at most once), which no program sends again, or
RETRY (at least once), which is sent again under the same key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session, defer

from qareport import events
from qareport.codec import to_data
from qareport.errors import NotFoundError
from qareport.messages import keep, recall, say
from qareport.model import (
    MAIL,
    ChannelKind,
    Delivery,
    DeliveryRecord,
    DeliveryState,
    Edition,
    EventType,
    Guarantee,
    Outcome,
    RunRecord,
    RunState,
    RunStep,
)
from qareport.store.connection import from_stored, select_in
from qareport.store.database import Database
from qareport.store.day_rollups import Day, DayRollups, calls_state
from qareport.store.review_schema import VerdictRow
from qareport.store.schema import CallRow, DeliveryRow, RunRow
from qareport.store.webhook_events import append_event


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedPeriod:
    """What a run without any trouble made of a period, so that the next one need not make it to know that."""

    calls: int
    failed_calls: int
    #: Keys of its documents (`Store.documents`), the team's first.
    documents: tuple[str, ...]
    #: Keys of its mails and headlines.
    deliveries: tuple[str, ...]


class RunRepository:
    """The runs of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, period: str, *, mode: str, holder: str, now: datetime) -> int:
        """Record that a run began, and return its number. Call it only while holding the lock.

        Runs that are still recorded as running were killed, and are recorded so.
        """
        with self._database.write() as session:
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

    def end(
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
        with self._database.write() as session:
            row = session.get_one(RunRow, number)
            row.state, row.summary, row.ended_at = state, summary, now.isoformat()
            row.steps = json.dumps([to_data(step) for step in steps])
            row.problems = json.dumps(list(problems), ensure_ascii=False)
            period, took = row.period, now - datetime.fromisoformat(row.started_at)
            if state in (RunState.DONE, RunState.PARTIAL) and row.mode != "plan":
                digest = {"period": period, "complete": state is RunState.DONE}
                append_event(session, EventType.DIGEST_READY, digest, object=f"period:{period}", at=now)
        for step in steps:
            events.happened(
                step.name, "done", duration_ms=round(step.seconds * 1000), run=number, period=period, count=step.count
            )
        duration_ms = max(0, round(took.total_seconds() * 1000))
        events.happened("run", state, duration_ms=duration_ms, run=number, period=period, problems=list(problems))

    def list(self, *, period: str | None = None, limit: int = 100) -> tuple[RunRecord, ...]:
        """Return runs, newest first."""
        query = select(RunRow).order_by(RunRow.number.desc()).limit(limit)
        if period is not None:
            query = query.where(RunRow.period == period)
        with self._database.read() as session:
            return tuple(_run_record(row) for row in session.scalars(query))

    def list_states(self, mode: str) -> dict[str, RunState]:
        """Return how the newest run of a mode ended, for each period that was ever run in it; DONE once is DONE."""
        states: dict[str, RunState] = {}
        query = select(RunRow.period, RunRow.state).where(RunRow.mode == mode).order_by(RunRow.number)
        with self._database.read() as session:
            for period, state in session.execute(query):
                if states.get(period) is not RunState.DONE:
                    states[period] = RunState(state)
        return states

    # --- what is finished ---------------------------------------------------------------------------------------------

    def find_state(self) -> str:
        """Return what changes with every call that comes, is judged, judged anew or deleted, and every verdict."""
        verdict = VerdictRow
        stale = func.sum(case((verdict.stale, 1), else_=0))
        with self._database.read() as session:
            judged = session.scalar(calls_state("", "~"))  # instants and "" sort between these
            calls = session.scalar(select(func.count()).select_from(CallRow))
            verdicts = session.execute(select(func.count(), func.max(verdict.id), stale).select_from(verdict)).one()
        return f"{judged} {calls} {tuple(verdicts)}"

    def find_finished(self, period: Day, state: str) -> FinishedPeriod | None:
        """Return what a run made of a period in this state; None: no run finished it since the state changed."""
        return DayRollups(self._database).find(FinishedPeriod, period, state)

    def put_finished(self, period: Day, state: str, finished: FinishedPeriod) -> None:
        """Keep what a run made of a period; it is deleted with the first call of the period that is."""
        DayRollups(self._database).keep(period, state, finished)


def _run_record(row: RunRow) -> RunRecord:
    return RunRecord(
        number=row.number,
        period=row.period,
        mode=row.mode,
        state=RunState(row.state),
        started_at=datetime.fromisoformat(row.started_at),
        ended_at=datetime.fromisoformat(row.ended_at) if row.ended_at else None,
        steps=from_stored(tuple[RunStep, ...], row.steps, where=f"run {row.number}"),
        summary=row.summary,
        problems=tuple(json.loads(row.problems)),
        holder=row.holder,
    )


#: States in which no server can have the delivery, or in which a second copy does no harm.
UNSENT = (DeliveryState.PLANNED, DeliveryState.RETRY)
#: A delivery holds megabytes of documents: who asks for its state does not read them.
_NO_CONTENT = defer(DeliveryRow.content, raiseload=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """The last mail that went out, without its recipient."""

    edition: Edition
    period: str
    sent_at: datetime


class OutboxRepository:
    """The deliveries of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- one delivery, from plan to outcome ---------------------------------------------------------------------------

    def put(self, deliveries: Sequence[Delivery], *, now: datetime) -> tuple[DeliveryRecord, ...]:
        """Put deliveries into the outbox, all or none; one that no server can have yet takes the newer content.

        A delivery that was sent, may have been sent, was refused permanently or forgotten stays as it is.
        """
        with self._database.write() as session:
            rows = [_put_row(session, delivery, now) for delivery in deliveries]
            session.flush()
            return tuple(_record(row) for row in rows)

    def list_settled(self, keys: Sequence[str]) -> set[str]:
        """Return the keys of those deliveries that `put` would leave as they are."""
        query = select(DeliveryRow.key).where(DeliveryRow.state.not_in(UNSENT))
        with self._database.read() as session:
            return set(select_in(session, query, DeliveryRow.key, keys))

    def due(self, now: datetime, *, channel: ChannelKind) -> tuple[DeliveryRecord, ...]:
        """Return the deliveries to send now over a channel, oldest first.

        A wait is over as well when the clock is before the attempt that began it: then the clock was set back.
        """
        query = select(DeliveryRow).options(_NO_CONTENT).order_by(DeliveryRow.planned_at)
        query = query.where(DeliveryRow.state.in_(UNSENT), DeliveryRow.channel == channel.name)
        with self._database.read() as session:
            records = [_record(row) for row in session.scalars(query)]
        return tuple(
            record
            for record in records
            if record.next_try_at is None or record.next_try_at <= now or record.changed_at > now
        )

    def get_content(self, key: str) -> bytes:
        """Return the content of a delivery.

        Raises:
            NotFoundError: no such delivery, or its content was dropped because it was sent.
        """
        with self._database.read() as session:
            row = session.get(DeliveryRow, key)
            if row is None or row.content is None:
                raise NotFoundError(say("no content of delivery {key!r}", key=key), where=self._database.url)
            return row.content

    def begin(self, key: str, *, now: datetime) -> bool:
        """Record that the content goes to the server now. False: its state forbids that, so do not send it."""
        query = (
            update(DeliveryRow)
            .where(DeliveryRow.key == key, DeliveryRow.state.in_(UNSENT))
            .values(state=DeliveryState.SENDING, changed_at=now.isoformat(), next_try_at=None)
            .returning(DeliveryRow.key)
        )
        with self._database.write() as session:
            return session.scalars(query).first() is not None

    def end(self, key: str, outcome: Outcome, *, now: datetime, next_try_at: datetime | None = None) -> None:
        """Record the outcome of an attempt; a delivery that was sent keeps its record and drops its content."""
        with self._database.write() as session:
            row = session.get_one(DeliveryRow, key)
            row.state, row.reply = outcome.state, outcome.reply
            took = now - datetime.fromisoformat(row.changed_at)  # `begin` wrote it
            row.changed_at = now.isoformat()
            row.next_try_at = next_try_at.isoformat() if next_try_at else None
            row.tries += 1
            if outcome.state is DeliveryState.SENT:
                row.content = None
            named = {row.channel: key[:12], "edition": row.edition or None, "period": row.period}
        duration_ms = max(0, round(took.total_seconds() * 1000))
        events.happened("send", outcome.state, duration_ms=duration_ms, reason=recall(outcome.reply), **named)

    def settle(self, *, now: datetime) -> tuple[DeliveryRecord, ...]:
        """Settle the deliveries that a dead process was sending. Call it only while holding the lock.

        At most once: the delivery is UNKNOWN. At least once: it is RETRY, and due at once.
        """
        with self._database.write() as session:
            rows = session.scalars(select(DeliveryRow).where(DeliveryRow.state == DeliveryState.SENDING)).all()
            for row in rows:
                once = row.guarantee == Guarantee.AT_MOST_ONCE
                row.state = DeliveryState.UNKNOWN if once else DeliveryState.RETRY
                row.reply = keep(say("the process that sent it ended before the server's answer was kept"))
                row.changed_at = now.isoformat()
                row.tries += 1
            session.flush()
            return tuple(_record(row) for row in rows)

    # --- decisions ----------------------------------------------------------------------------------------------------

    def decide(self, key: str, state: DeliveryState, *, now: datetime) -> None:
        """Carry out a person's decision about a delivery: PLANNED sends it again, FORGOTTEN never."""
        with self._database.write() as session:
            row = session.get_one(DeliveryRow, key)
            row.state, row.changed_at, row.next_try_at = state, now.isoformat(), None
            row.reply = keep(say("decided by a person")) if state is DeliveryState.FORGOTTEN else row.reply
            if state is DeliveryState.FORGOTTEN:
                row.content = None
            elif state is DeliveryState.PLANNED:
                row.tries = 0
                row.planned_at = now.isoformat()

    def forget(self, *, before: datetime, now: datetime, dry_run: bool = False) -> int:
        """Drop the content of deliveries planned before an instant and never settled. Returns how many they are."""
        with self._database.write() as session:
            rows = session.scalars(select(DeliveryRow).where(DeliveryRow.content.is_not(None)).options(_NO_CONTENT))
            old = [row for row in rows if datetime.fromisoformat(row.planned_at) < before]
            for row in () if dry_run else old:
                row.state, row.content, row.next_try_at = DeliveryState.FORGOTTEN, None, None
                row.reply, row.changed_at = keep(say("older than the retention time")), now.isoformat()
            return len(old)

    # --- questions ----------------------------------------------------------------------------------------------------

    def list(self, *states: DeliveryState, period: str | None = None) -> tuple[DeliveryRecord, ...]:
        """Return deliveries in some states (all when none is named), newest first."""
        query = select(DeliveryRow).options(_NO_CONTENT).order_by(DeliveryRow.planned_at.desc(), DeliveryRow.key)
        if states:
            query = query.where(DeliveryRow.state.in_(states))
        if period is not None:
            query = query.where(DeliveryRow.period == period)
        with self._database.read() as session:
            return tuple(_record(row) for row in session.scalars(query))

    def get(self, beginning: str) -> DeliveryRecord:
        """Return the delivery whose key begins so.

        Raises:
            NotFoundError: none, or several.
        """
        with self._database.read() as session:
            query = select(DeliveryRow).where(DeliveryRow.key.startswith(beginning, autoescape=True)).limit(2)
            rows = session.scalars(query.options(_NO_CONTENT)).all()
            if len(rows) != 1:
                what = (
                    say("several mails begin with {key!r}", key=beginning)
                    if rows
                    else say("no mail with key {key!r}", key=beginning)
                )
                raise NotFoundError(what, where=self._database.url, to_do=say("`qareport mail list` shows the keys"))
            return _record(rows[0])

    def count(self) -> dict[DeliveryState, int]:
        """Count the deliveries by their state."""
        query = select(DeliveryRow.state, func.count()).group_by(DeliveryRow.state)
        with self._database.read() as session:
            return {DeliveryState(state): count for state, count in session.execute(query)}

    def find_last_sent(self) -> SentMail | None:
        """Return the mail that a server took last."""
        sent = (DeliveryRow.state == DeliveryState.SENT) & (DeliveryRow.channel == MAIL.name)
        query = select(DeliveryRow).where(sent).order_by(DeliveryRow.changed_at.desc()).limit(1)
        with self._database.read() as session:
            row = session.scalars(query).first()
            if row is None:
                return None
            sent_at = datetime.fromisoformat(row.changed_at)
            return SentMail(edition=Edition(row.edition), period=row.period, sent_at=sent_at)


def _put_row(session: Session, delivery: Delivery, now: datetime) -> DeliveryRow:
    row = session.get(DeliveryRow, delivery.key)
    if row is None:
        row = DeliveryRow(
            key=delivery.key,
            channel=delivery.channel.name,
            guarantee=delivery.channel.guarantee,
            edition=delivery.edition or "",
            recipient=delivery.recipient,
            period=delivery.period,
            kind=delivery.kind,
            state=DeliveryState.PLANNED,
            tries=0,
            planned_at=now.isoformat(),
            changed_at=now.isoformat(),
            reply="",
        )
        session.add(row)
    elif row.state not in UNSENT:
        return row
    elif row.tries and row.guarantee == Guarantee.AT_LEAST_ONCE:
        return row  # the receiver may have it, and knows this content by its key
    row.subject, row.message_id, row.content = delivery.subject, delivery.message_id, delivery.content
    return row


def _record(row: DeliveryRow) -> DeliveryRecord:
    return DeliveryRecord(
        key=row.key,
        channel=ChannelKind(name=row.channel, guarantee=Guarantee(row.guarantee)),
        edition=Edition(row.edition) if row.edition else None,
        recipient=row.recipient,
        period=row.period,
        kind=row.kind,
        subject=row.subject,
        message_id=row.message_id,
        state=DeliveryState(row.state),
        tries=row.tries,
        planned_at=datetime.fromisoformat(row.planned_at),
        changed_at=datetime.fromisoformat(row.changed_at),
        next_try_at=datetime.fromisoformat(row.next_try_at) if row.next_try_at else None,
        reply=recall(row.reply),
    )
