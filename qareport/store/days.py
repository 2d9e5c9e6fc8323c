"""What the store keeps for reports of days, weeks and months: digests, and which calls belong to a stretch of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from qareport.codec import from_json, to_json
from qareport.errors import StoreError
from qareport.model import Call, CallReport, CallSummary, FailedCall, MeasuredCall
from qareport.store.keeping import in_utc, keep
from qareport.store.schema import CallReportRow, CallRow, DigestRow, TranscriptRow

_BATCH = 500


class DaysShelf(ABC):
    """The part of a store that periods are made from; `Store` brings the transactions.

    Every stretch of time is [first, last): `first` belongs to it, `last` does not.
    """

    url: str

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]:
        """Open a transaction that writes."""

    def digests_between(self, first: datetime, last: datetime) -> tuple[CallSummary, ...]:
        """Return the digests of the newest results of the calls that began in a stretch of time, oldest first."""
        query = _began_in(select(DigestRow.key, DigestRow.digest), first, last).join(
            DigestRow, DigestRow.key == CallRow.report_key
        )
        with self._read() as session:
            return tuple(
                from_json(CallSummary, text, where=f"{self.url} digest {key}", error=StoreError)
                for key, text in session.execute(query)
            )

    def measures_between(self, first: datetime, last: datetime) -> tuple[MeasuredCall, ...]:
        """Return what the digests of a stretch of time hold for norms; a third of the work of reading them whole."""
        query = _began_in(select(DigestRow.digest), first, last).join(DigestRow, DigestRow.key == CallRow.report_key)
        with self._read() as session:
            return tuple(
                from_json(MeasuredCall, text, where=self.url, error=StoreError) for text in session.scalars(query)
            )

    def failures_between(self, first: datetime, last: datetime) -> tuple[FailedCall, ...]:
        """Return the calls of a stretch of time whose newest attempt failed, oldest first."""
        query = _began_in(select(CallRow.failure), first, last).where(CallRow.failure.is_not(None))
        with self._read() as session:
            return tuple(
                from_json(FailedCall, text, where=self.url, error=StoreError) for text in session.scalars(query) if text
            )

    def undated_failures(self) -> tuple[FailedCall, ...]:
        """Return the failed calls whose time nobody knows: they belong to no day and must not be lost for it."""
        query = select(CallRow.failure).where(CallRow.failure.is_not(None), CallRow.started_utc.is_(None))
        with self._read() as session:
            return tuple(
                from_json(FailedCall, text, where=self.url, error=StoreError) for text in session.scalars(query) if text
            )

    def calls_between(self, first: datetime, last: datetime) -> tuple[Call, ...]:
        """Return all calls that began in a stretch of time, judged or not, oldest first."""
        query = _began_in(select(CallRow.call), first, last)
        with self._read() as session:
            return tuple(from_json(Call, text, where=self.url, error=StoreError) for text in session.scalars(query))

    def open_calls(self, call_ids: Collection[str]) -> set[str]:
        """Return those of some calls that have neither a result nor a failure that would come again."""
        known = CallRow.report_key.is_not(None) | CallRow.failure_key.is_not(None)
        wanted = sorted(call_ids)
        done: set[str] = set()
        with self._read() as session:
            for first in range(0, len(wanted), _BATCH):
                query = select(CallRow.call_id).where(CallRow.call_id.in_(wanted[first : first + _BATCH]), known)
                done.update(session.scalars(query))
        return set(wanted) - done

    def recordings(self, call_ids: Collection[str]) -> dict[str, tuple[Call, str | None]]:
        """Return those of some calls that are known, with the hash of the recording that their result is of."""
        wanted = sorted(call_ids)
        found: dict[str, tuple[Call, str | None]] = {}
        with self._read() as session:
            for first in range(0, len(wanted), _BATCH):
                query = select(CallRow.call_id, CallRow.call, CallRow.audio_sha256)
                query = query.where(CallRow.call_id.in_(wanted[first : first + _BATCH]))
                for name, call, sha256 in session.execute(query):
                    found[name] = (from_json(Call, call, where=f"{self.url} call {name}", error=StoreError), sha256)
        return found

    def has_result(self, call_id: str) -> bool:
        """Tell whether a call has a result."""
        with self._read() as session:
            row = session.get(CallRow, call_id)
            return row is not None and row.report_key is not None

    def find_by_audio(self, sha256: str, call: Call) -> Call | None:
        """Return the call that a recording has its result as; None when that is this call itself, or none."""
        first = select(TranscriptRow.call_id).where(TranscriptRow.audio_sha256 == sha256)
        query = select(CallRow).where(CallRow.call_id.in_(first), CallRow.audio_sha256 == sha256)
        with self._read() as session:
            own = session.get(CallRow, call.call_id)
            if own is not None and own.report_key is not None:
                return None
            row = session.scalars(query.where(CallRow.report_key.is_not(None)).order_by(CallRow.call_id)).first()
            return (
                None
                if row is None
                else from_json(Call, row.call, where=f"{self.url} call {row.call_id}", error=StoreError)
            )

    def drop_call(self, call_id: str) -> None:
        """Forget a call that has no result: it turned out to be none."""
        with self._write() as session:
            session.execute(delete(CallRow).where(CallRow.call_id == call_id, CallRow.report_key.is_(None)))

    def undigested(self) -> Iterator[tuple[str, str | None, str, CallReport]]:
        """Walk through the newest results that have no digest yet: key, order, hash of the rule set, result."""
        query = (
            select(CallReportRow.key, CallRow.order_id, CallReportRow.rules_sha256, CallReportRow.report)
            .join(CallRow, CallRow.report_key == CallReportRow.key)
            .outerjoin(DigestRow, DigestRow.key == CallReportRow.key)
            .where(DigestRow.key.is_(None))
        )
        with self._read() as session:
            for key, order_id, rules_sha256, text in session.execute(query.execution_options(yield_per=_BATCH)):
                yield (
                    key,
                    order_id,
                    rules_sha256,
                    from_json(CallReport, text, where=f"{self.url} report {key}", error=StoreError),
                )

    def put_digests(self, digests: Sequence[tuple[str, CallSummary]]) -> None:
        """Keep the digests of some results."""
        with self._write() as session:
            for key, digest in digests:
                keep(session, DigestRow, key=key, digest=to_json(digest))


def _began_in(query: Any, first: datetime, last: datetime) -> Any:
    return (
        query.select_from(CallRow)
        .where(CallRow.started_utc >= in_utc(first), CallRow.started_utc < in_utc(last))
        .order_by(CallRow.started_utc, CallRow.call_id)
    )
