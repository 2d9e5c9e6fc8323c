"""What the store answers to whoever asks for calls by order, name, agent or day, and brings them one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qareport.codec import from_json
from qareport.errors import StoreError
from qareport.model import Call, CallReport, FailedCall, Transcript
from qareport.store.keeping import in_utc
from qareport.store.schema import CallReportRow, CallRow, TranscriptRow

#: Calls whose results are in memory at once.
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which calls are asked for; what is not given is not asked. Time is [since, until)."""

    orders: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    #: Only those that have a result or failed.
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """A call with its newest result or failure; neither: it waits."""

    call: Call
    report: CallReport | None
    failure: FailedCall | None
    rules_sha256: str | None


class ListingShelf(ABC):
    """The part of a store that lists calls; `Store` brings the transactions."""

    url: str

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads."""

    def list_calls(self, wanted: Wanted) -> tuple[tuple[str, str | None], ...]:
        """Return name and order of the calls that are asked for, oldest first, those of unknown time last."""
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
        with self._read() as session:
            return tuple((call_id, order_id) for call_id, order_id in session.execute(query))

    def records(self, call_ids: Sequence[str]) -> Iterator[CallRecord]:
        """Walk through calls in the order given, some in memory at a time; one that was deleted since is left out."""
        for first in range(0, len(call_ids), _BATCH):
            part = call_ids[first : first + _BATCH]
            query = (
                select(CallRow, CallReportRow)
                .outerjoin(CallReportRow, CallReportRow.key == CallRow.report_key)
                .where(CallRow.call_id.in_(part))
            )
            with self._read() as session:
                found = {row.call_id: self._record(row, result) for row, result in session.execute(query)}
            yield from (found[call_id] for call_id in part if call_id in found)

    def _record(self, row: CallRow, result: CallReportRow | None) -> CallRecord:
        where = f"{self.url} call {row.call_id}"
        return CallRecord(
            call=from_json(Call, row.call, where=where, error=StoreError),
            report=None if result is None else from_json(CallReport, result.report, where=where, error=StoreError),
            failure=None if row.failure is None else from_json(FailedCall, row.failure, where=where, error=StoreError),
            rules_sha256=None if result is None else result.rules_sha256,
        )

    def transcripts_of(self, call_id: str) -> tuple[tuple[str, Transcript], ...]:
        """Return all transcripts of a call, or of the recording that it shares with another call, with their keys."""
        audio = select(CallRow.audio_sha256).where(CallRow.call_id == call_id).scalar_subquery()
        query = (
            select(TranscriptRow)
            .where((TranscriptRow.call_id == call_id) | (TranscriptRow.audio_sha256 == audio))
            .order_by(TranscriptRow.key)
        )
        with self._read() as session:
            return tuple(
                (
                    row.key,
                    from_json(Transcript, row.transcript, where=f"{self.url} transcript {row.key}", error=StoreError),
                )
                for row in session.scalars(query)
            )

    def some_names(self, what: str, limit: int = 5) -> tuple[str, ...]:
        """Return some of the orders, calls or agents that the store knows, in the order of their names."""
        column = {"order": CallRow.order_id, "call": CallRow.call_id, "agent": CallRow.agent_id}[what]
        query = select(column).where(column.is_not(None)).distinct().order_by(column).limit(limit)
        with self._read() as session:
            return tuple(str(name) for name in session.scalars(query))

    def starts_around(self, first: datetime, last: datetime) -> tuple[datetime, ...]:
        """Return when the last call before a stretch of time and the first one after it began."""
        before = select(func.max(CallRow.started_utc)).where(CallRow.started_utc < in_utc(first))
        after = select(func.min(CallRow.started_utc)).where(CallRow.started_utc >= in_utc(last))
        with self._read() as session:
            found = (session.scalar(before), session.scalar(after))
        return tuple(datetime.fromisoformat(text) for text in found if text)
