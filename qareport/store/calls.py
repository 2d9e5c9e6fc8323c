"""Repositories of calls (failed ones included), of orders, and of the documents that were written of them."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qareport.codec import to_json
from qareport.errors import DamagedError, NotFoundError, redact
from qareport.messages import Message, say
from qareport.model import Call, CallReport, EventType, FailedCall
from qareport.store.connection import batches, began_in, call_of, damaged, failure_of, in_utc, select_in, upsert
from qareport.store.corrections import correct
from qareport.store.database import Database, report_from_stored
from qareport.store.schema import CallReportRow, CallRow, DocumentRow, TranscriptRow, compared_number
from qareport.store.search_index import unindex_calls
from qareport.store.webhook_events import append_call_event


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls are asked for; what is not given does not restrict. Time is [since, until)."""

    orders: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    #: Only those that have a result or failed.
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCounts:
    """How many calls have a result, failed, or wait for one."""

    judged: int
    failed: int
    waiting: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.judged + self.failed + self.waiting


class CallRepository:
    """The calls of a store. Periods of time are [first, last): `first` belongs to them, `last` does not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, call: Call) -> None:
        """Put what is known of a call; its result or failure stays."""
        with self._database.write() as session:
            put_call_row(session, call)

    def put_failure(self, call: Call, failure: FailedCall, *, key: str | None = None) -> None:
        """Put the failure of the newest attempt at a call; an older result of it is no longer shown.

        Args:
            call: the call.
            failure: at which step, and why.
            key: hash of everything that the failure follows from; None when another attempt may succeed.
        """
        with self._database.write() as session:
            row = put_call_row(session, call)
            told = replace(failure, order_id=row.order_id, agent_id=row.agent_id)
            if row.failure != (written := to_json(told)):
                append_call_event(session, EventType.CALL_FAILED, row, step=failure.step, reason=failure.reason)
            row.failure = written
            row.failure_key = key
            row.report_key = None
            unindex_calls(session, [call.call_id])

    def find_failure(self, call_id: str, key: str) -> FailedCall | None:
        """Return the failure of a call if it was put under this key, or None."""
        with self._database.read() as session:
            row = session.get(CallRow, call_id)
            if row is None or row.failure_key != key:
                return None
            return failure_of(row, self._database.url)

    def list_failures(
        self, first: datetime | None = None, last: datetime | None = None, *, newest_first: bool = False
    ) -> tuple[FailedCall, ...]:
        """Return the calls whose newest attempt failed: those that began in a period, or all.

        Oldest first, those of unknown time last; or newest first, those of unknown time before them.
        """
        start = CallRow.started_utc
        order = start.desc().nulls_first() if newest_first else start.nulls_last()
        query = select(CallRow).where(CallRow.failure.is_not(None))
        if first is not None:
            query = query.where(start >= in_utc(first))
        if last is not None:
            query = query.where(start < in_utc(last))
        with self._database.read() as session:
            rows = session.scalars(query.order_by(order, CallRow.call_id))
            return tuple(failure for row in rows if (failure := failure_of(row, self._database.url)) is not None)

    def list(self, first: datetime, last: datetime) -> tuple[Call, ...]:
        """Return all calls that began in a period, judged or not, oldest first."""
        query = began_in(select(CallRow), first, last)
        with self._database.read() as session:
            return tuple(call_of(row, self._database.url) for row in session.scalars(query))

    def list_ids(self, wanted: CallFilter) -> tuple[tuple[str, str | None], ...]:
        """Return id and order of the calls that are asked for, oldest first, those of unknown time last."""
        query = select(CallRow.call_id, CallRow.order_id).order_by(CallRow.started_utc.nulls_last(), CallRow.call_id)
        for column, names in (
            (CallRow.order_id, wanted.orders),
            (CallRow.call_id, wanted.calls),
            (CallRow.agent_id, wanted.agents),
        ):
            if names:
                query = query.where(column.in_(names))
        if wanted.since is not None:
            query = query.where(CallRow.started_utc >= in_utc(wanted.since))
        if wanted.until is not None:
            query = query.where(CallRow.started_utc < in_utc(wanted.until))
        if wanted.settled:
            query = query.where(CallRow.report_key.is_not(None) | CallRow.failure.is_not(None))
        with self._database.read() as session:
            return tuple((call_id, order_id) for call_id, order_id in session.execute(query))

    def list_names(self, kind: str, limit: int = 5) -> tuple[str, ...]:
        """Return some names of a kind (order, call or agent) that the store knows, sorted."""
        column = {"order": CallRow.order_id, "call": CallRow.call_id, "agent": CallRow.agent_id}[kind]
        query = select(column).where(column.is_not(None)).distinct().order_by(column).limit(limit)
        with self._database.read() as session:
            return tuple(str(name) for name in session.scalars(query))

    def list_unfinished(self, call_ids: Collection[str]) -> set[str]:
        """Return those of some calls that have neither a result nor a failure that would come again."""
        finished = CallRow.report_key.is_not(None) | CallRow.failure_key.is_not(None)
        known: set[str] = set()
        with self._database.read() as session:
            for batch in batches(sorted(call_ids)):
                known.update(session.scalars(select(CallRow.call_id).where(CallRow.call_id.in_(batch), finished)))
        return set(call_ids) - known

    def list_recordings(self, call_ids: Collection[str]) -> dict[str, tuple[Call, str | None]]:
        """Return those of some calls that are known, with the SHA-256 of the recording that their result is about."""
        recordings: dict[str, tuple[Call, str | None]] = {}
        with self._database.read() as session:
            for batch in batches(sorted(call_ids)):
                for row in session.scalars(select(CallRow).where(CallRow.call_id.in_(batch))):
                    recordings[row.call_id] = (call_of(row, self._database.url), row.audio_sha256)
        return recordings

    def find_by_audio(self, sha256: str, call: Call) -> Call | None:
        """Return the call that a recording has its result as; None when that is this call itself, or none."""
        first = select(TranscriptRow.call_id).where(TranscriptRow.audio_sha256 == sha256)
        query = select(CallRow).where(CallRow.call_id.in_(first), CallRow.audio_sha256 == sha256)
        with self._database.read() as session:
            own = session.get(CallRow, call.call_id)
            if own is not None and own.report_key is not None:
                return None
            row = session.scalars(query.where(CallRow.report_key.is_not(None)).order_by(CallRow.call_id)).first()
            return None if row is None else call_of(row, self._database.url)

    def list_by_audio(self, sha256: str) -> tuple[Call, ...]:
        """Return the judged calls of a recording."""
        query = select(CallRow).where(CallRow.audio_sha256 == sha256, CallRow.report_key.is_not(None))
        with self._database.read() as session:
            return tuple(call_of(row, self._database.url) for row in session.scalars(query.order_by(CallRow.call_id)))

    def find_order_id(self, call_id: str) -> str | None:
        """Return the order that a call belongs to, if one is known."""
        with self._database.read() as session:
            return session.scalars(select(CallRow.order_id).where(CallRow.call_id == call_id)).first()

    def has(self, call_id: str) -> bool:
        """Tell whether there is a call of this id, judged or not."""
        with self._database.read() as session:
            return session.get(CallRow, call_id) is not None

    def find_external_ref(self, call_id: str) -> str | None:
        """Return the number of the ticket elsewhere that a call belongs to, if one is known."""
        with self._database.read() as session:
            return session.scalars(select(CallRow.external_ref).where(CallRow.call_id == call_id)).first()

    def find_source(self, call_id: str) -> str | None:
        """Return by which way a call came in (a `CallSource`), if that is known."""
        with self._database.read() as session:
            return session.scalars(select(CallRow.source).where(CallRow.call_id == call_id)).first()

    def has_result(self, call_id: str) -> bool:
        """Tell whether a call has a result."""
        with self._database.read() as session:
            row = session.get(CallRow, call_id)
            return row is not None and row.report_key is not None

    def delete_unjudged(self, call_id: str) -> None:
        """Delete a call that turned out to be a duplicate; one that has a result stays."""
        with self._database.write() as session:
            row = session.get(CallRow, call_id)
            if row is not None and row.report_key is None:
                append_call_event(session, EventType.CALL_DELETED, row)
                session.delete(row)

    def count(self, first: datetime | None = None, last: datetime | None = None) -> CallCounts:
        """Count the calls that began in a period, or all."""
        query = select(func.count(), func.count(CallRow.report_key), func.count(CallRow.failure)).select_from(CallRow)
        if first is not None:
            query = query.where(CallRow.started_utc >= in_utc(first))
        if last is not None:
            query = query.where(CallRow.started_utc < in_utc(last))
        with self._database.read() as session:
            total, judged, failed = session.execute(query).one()
        return CallCounts(judged=judged, failed=failed, waiting=total - judged - failed)

    def count_undated(self) -> int:
        """Count the calls of which nobody knows when they began: they belong to no day."""
        query = select(func.count()).select_from(CallRow).where(CallRow.started_utc.is_(None))
        with self._database.read() as session:
            return session.execute(query).scalar_one()

    # --- when calls began ---------------------------------------------------------------------------------------------

    def list_starts_around(self, first: datetime, last: datetime) -> tuple[datetime, ...]:
        """Return when the last call before a period and the first one after it began."""
        before = select(func.max(CallRow.started_utc)).where(CallRow.started_utc < in_utc(first))
        after = select(func.min(CallRow.started_utc)).where(CallRow.started_utc >= in_utc(last))
        with self._database.read() as session:
            starts = (session.scalar(before), session.scalar(after))
        return tuple(datetime.fromisoformat(start) for start in starts if start)

    def list_earlier_starts(self, call: Call) -> tuple[datetime, ...] | None:
        """Return when the earlier calls of a call's order began; None when its order or its time is not known."""
        if call.order_id is None or call.started_at is None:
            return None
        query = select(CallRow.started_at).where(
            CallRow.order_id == call.order_id, CallRow.call_id != call.call_id, CallRow.started_at.is_not(None)
        )
        with self._database.read() as session:
            starts = [datetime.fromisoformat(start) for start in session.scalars(query) if start]
        return tuple(sorted(start for start in starts if start < call.started_at))

    def list_starts_by_order(self, orders: Sequence[str]) -> dict[str, builtins.list[str]]:
        """Return when the calls of some orders began, as written: few of them are ever needed as instants."""
        starts: dict[str, builtins.list[str]] = {}
        query = select(CallRow.order_id, CallRow.started_at).where(CallRow.started_at.is_not(None))
        with self._database.read() as session:
            for some in batches(orders):
                for order_id, start in session.execute(query.where(CallRow.order_id.in_(some))):
                    starts.setdefault(order_id or "", []).append(start or "")
        return starts


def written_call(call: Call) -> str:
    """Write what is known of a call as the store keeps it: without the password of a URL."""
    return to_json(replace(call, audio_path=redact(call.audio_path)))


def put_call_row(session: Session, call: Call) -> CallRow:
    """Write what is known of a call, as people corrected it.

    Returns its row, which this transaction holds from now on.
    """
    call = correct(session, call)
    row = session.get(CallRow, call.call_id, with_for_update=True)
    started = None if call.started_at is None else call.started_at.isoformat()
    values: dict[str, Any] = {
        "order_id": call.order_id,
        "agent_id": call.agent_id,
        "external_ref": call.external_ref,
        "call": written_call(call),
        "customer": compared_number(call.customer_phone),
        "started_at": started,
        "started_utc": in_utc(call.started_at) if call.started_at else None,
    }
    if call.source is not None:  # else it stays as it was
        values["source"] = call.source
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return row
    is_new = row is None
    upsert(session, CallRow, call_id=call.call_id, **values)
    row = session.get_one(CallRow, call.call_id, populate_existing=True)
    if is_new:
        append_call_event(session, EventType.CALL_RECEIVED, row, started_at=started)
    return row


class DocumentRepository:
    """The documents that a store knows of; the files themselves are elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_key(self, path: Path) -> str | None:
        """Return the key of what a document was made from, or None if it was never written."""
        with self._database.read() as session:
            row = session.get(DocumentRow, str(path))
            return None if row is None else row.key

    def list_paths(self, keys: Sequence[str]) -> dict[str, Path]:
        """Return where the documents of these keys are, by key; keys of none are missing."""
        with self._database.read() as session:
            return {row.key: Path(row.path) for row in select_in(session, select(DocumentRow), DocumentRow.key, keys)}

    def put(self, path: Path, key: str, *, name: str | None = None) -> None:
        """Record that a document was written.

        Args:
            path: the file.
            key: hash of everything that it was made from.
            name: order or call that it is about, with which it is deleted; None for a document of many.
        """
        with self._database.write() as session:
            upsert(session, DocumentRow, path=str(path), key=key, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """What the store holds of one order: its judged calls by start time, and those that failed."""

    order_id: str | None
    reports: tuple[CallReport, ...]
    failures: tuple[FailedCall, ...]
    #: Of the rule set that judged the latest call; "" when none was judged.
    rules_sha256: str


class OrderRepository:
    """The orders of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> OrderRecord:
        """Return everything about one order; a call's id means its order, or the call itself if it has none.

        Raises:
            NotFoundError: the store knows neither an order nor a call of that name; the error names some orders.
        """
        return self.list(name)[0]

    def list(self, name: str) -> tuple[OrderRecord, ...]:
        """Return the order of a name, then the call of that id if it has no order: those are two.

        Raises:
            NotFoundError: as `get`.
        """
        with self._database.read() as session:
            call = session.get(CallRow, name)
            order = name if call is None or call.order_id is None or _has_order(session, name) else call.order_id
            of_order = session.scalars(select(CallRow).where(CallRow.order_id == order)).all()
            alone = [call] if call is not None and call.order_id is None else []
            if not (of_order or alone):
                raise NotFoundError(
                    say("no order or call {name!r}", name=name),
                    where=self._database.url,
                    to_do=_suggest(session) or say("run `qareport run` first"),
                )
            return tuple(self._record(session, rows) for rows in (of_order, alone) if rows)

    def _record(self, session: Session, rows: Sequence[CallRow]) -> OrderRecord:
        """Read the calls of an order by start time, those of unknown time first; one that is damaged has failed."""
        url = self._database.url
        rows = sorted(rows, key=lambda row: (row.started_utc or "", row.call_id))
        query = select(CallReportRow).where(CallReportRow.key.in_([row.report_key for row in rows if row.report_key]))
        results = {row.key: row for row in session.scalars(query)}
        reports, failures, rules_sha256 = [], [], ""
        for row in rows:
            result = results.get(row.report_key or "")
            if result is not None:
                try:
                    reports.append(report_from_stored(result.report, where=f"{url} report {result.key}"))
                    rules_sha256 = result.rules_sha256
                except DamagedError as error:
                    failures.append(damaged(row, url, error))
            if (failure := failure_of(row, url)) is not None:
                failures.append(failure)
        return OrderRecord(
            order_id=rows[0].order_id, reports=tuple(reports), failures=tuple(failures), rules_sha256=rules_sha256
        )


def _has_order(session: Session, name: str) -> bool:
    return session.scalars(select(CallRow.call_id).where(CallRow.order_id == name).limit(1)).first() is not None


def _suggest(session: Session) -> Message | None:
    orders = session.scalars(
        select(CallRow.order_id).where(CallRow.order_id.is_not(None)).distinct().order_by(CallRow.order_id).limit(5)
    ).all()
    return say("orders in the store: {names} …", names=", ".join(map(str, orders))) if orders else None
