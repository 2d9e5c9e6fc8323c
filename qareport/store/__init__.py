"""The store: calls, transcripts, judged calls and written documents. The only importer of the database library.

Each method is one transaction: after a kill the store holds either all of it or nothing of it. Safe for several
processes on one local disk (SQLite in WAL mode) or over the network (PostgreSQL); one `Store` belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from qareport.codec import from_json, to_json
from qareport.errors import NotFoundError, StoreError
from qareport.model import Call, CallReport, CallSummary, FailedCall, Transcript
from qareport.store.days import DaysShelf
from qareport.store.finding import Scope, SearchShelf, index, unindex
from qareport.store.keeping import in_utc, keep, keep_result
from qareport.store.listing import CallRecord, ListingShelf, Wanted
from qareport.store.lock import hold, holder
from qareport.store.opening import mapped, open_engine, shown
from qareport.store.outbox import OutboxShelf
from qareport.store.ruling import RulesShelf, StoredCall
from qareport.store.schema import CallReportRow, CallRow, DocumentRow, TranscriptRow
from qareport.store.upkeep import UpkeepShelf
from qareport.store.watching import CallCounts, SentMail, WatchShelf

__all__ = [
    "CallCounts", "CallRecord", "OrderRecord", "Scope", "SentMail", "Store", "StoredCall", "Wanted", "holder",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """What the store holds of one order: its judged calls by start time, and those that failed."""

    order_id: str | None
    reports: tuple[CallReport, ...]
    failures: tuple[FailedCall, ...]
    rules_sha256: str


class Store(RulesShelf, OutboxShelf, DaysShelf, ListingShelf, SearchShelf, UpkeepShelf, WatchShelf):
    """An open store. Use as a context manager, or call `close`."""

    def __init__(self, url: str, *, make: bool = True) -> None:
        """Open a store.

        Args:
            url: an SQLAlchemy URL, for example `sqlite:///qareport.db` or `postgresql://user:password@host/database`.
            make: make it when it is not there; for who only looks, a wrong name is an error and leaves nothing behind.

        Raises:
            StoreError: no such place, no permission, not a store, or a store of a newer version.
            NoStoreError: there is none, and none is to be made.
        """
        #: As it may be shown: without its password.
        self.url = shown(url)
        self._engine = open_engine(url, make=make)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def hold(self) -> AbstractContextManager[None]:
        """Hold the one lock of daily runs and mail inside a block; it ends with the process at the latest.

        Raises:
            BusyError: another process holds it; the error says which.
        """
        return hold(self._engine, self.url)

    def put_call(self, call: Call) -> None:
        """Keep what is known of a call; what was already found about it stays."""
        with self._write() as session:
            _call_row(session, call)

    def find_failure(self, call_id: str, key: str) -> FailedCall | None:
        """Return the failure of a call if it was put under this key, or None."""
        with self._read() as session:
            row = session.get(CallRow, call_id)
            if row is None or row.failure is None or row.failure_key != key:
                return None
            return from_json(FailedCall, row.failure, where=f"{self.url} call {call_id}", error=StoreError)

    def put_failure(self, call: Call, failure: FailedCall, *, key: str | None = None) -> None:
        """Keep that the newest attempt at a call failed; an older result of it is no longer shown.

        Args:
            call: the call.
            failure: at which step, and why.
            key: hash of everything that the failure follows from; None when another attempt may go well.
        """
        with self._write() as session:
            row = _call_row(session, call)
            row.failure = to_json(failure)
            row.failure_key = key
            row.report_key = None
            unindex(session, [call.call_id])

    def find_transcript(self, key: str) -> Transcript | None:
        """Return what was heard under a key, or None."""
        with self._read() as session:
            row = session.get(TranscriptRow, key)
            return (
                None
                if row is None
                else from_json(Transcript, row.transcript, where=f"{self.url} transcript {key}", error=StoreError)
            )

    def put_transcript(self, key: str, transcript: Transcript) -> None:
        """Keep what was heard under a key."""
        with self._write() as session:
            keep(
                session,
                TranscriptRow,
                key=key,
                transcript=to_json(transcript),
                call_id=transcript.call_id,
                audio_sha256=transcript.audio.sha256 if transcript.audio else None,
            )

    def find_report(self, key: str) -> CallReport | None:
        """Return what was judged under a key, or None."""
        with self._read() as session:
            row = session.get(CallReportRow, key)
            return (
                None
                if row is None
                else from_json(CallReport, row.report, where=f"{self.url} report {key}", error=StoreError)
            )

    def put_report(
        self,
        key: str,
        call: Call,
        report: CallReport,
        *,
        rules_sha256: str,
        scene: str | None = None,
        digest: CallSummary | None = None,
    ) -> None:
        """Keep what was judged of a call and make it the call's newest result.

        Args:
            key: hash of everything that decided it.
            call: whose result it is.
            report: the result.
            rules_sha256: of the rule set.
            scene: what rules look at, packed; kept for replays.
            digest: the little of it that days are added up from.
        """
        with self._write() as session:
            keep_result(session, key, report, rules_sha256=rules_sha256, scene=scene, digest=digest)
            row = _call_row(session, call)
            row.report_key = key
            row.audio_sha256 = report.audio.sha256 if report.audio else None
            row.failure = None
            row.failure_key = None
            index(session, key, report, call.order_id)

    def order(self, name: str) -> OrderRecord:
        """Return everything about one order; the id of a call stands for its order, or for the call that has none.

        Raises:
            NotFoundError: the store knows neither an order nor a call of that name; near names are suggested.
        """
        with self._read() as session:
            rows = session.scalars(select(CallRow).where(CallRow.order_id == name)).all()
            if not rows:
                rows = session.scalars(select(CallRow).where(CallRow.call_id == name)).all()
                if rows and rows[0].order_id is not None:
                    rows = session.scalars(select(CallRow).where(CallRow.order_id == rows[0].order_id)).all()
            if not rows:
                raise NotFoundError(
                    f"no order or call {name!r}",
                    where=self.url,
                    to_do=_suggest(session, name) or "run `qareport run` first",
                )
            rows = sorted(rows, key=lambda row: (row.started_utc or "", row.call_id))
            keys = [row.report_key for row in rows if row.report_key]
            found = {row.key: row for row in session.scalars(select(CallReportRow).where(CallReportRow.key.in_(keys)))}
            failures = [row.failure for row in rows if row.failure]
            return OrderRecord(
                order_id=rows[0].order_id,
                reports=tuple(
                    from_json(CallReport, found[key].report, where=f"{self.url} report {key}", error=StoreError)
                    for key in keys
                ),
                failures=tuple(
                    from_json(FailedCall, text, where=f"{self.url} order {name}", error=StoreError) for text in failures
                ),
                rules_sha256=found[keys[-1]].rules_sha256 if keys else "",
            )

    def document_key(self, path: Path) -> str | None:
        """Return the key of what a document was made from, or None if it was never written."""
        with self._read() as session:
            row = session.get(DocumentRow, str(path))
            return None if row is None else row.key

    def put_document(self, path: Path, key: str, *, name: str | None = None) -> None:
        """Keep that a document was written from what `key` stands for.

        Args:
            path: where it stands.
            key: hash of everything that it was made from.
            name: order or call that it is about, with which it is deleted.
        """
        with self._write() as session:
            keep(session, DocumentRow, path=str(path), key=key, name=name)

    @contextmanager
    def _write(self) -> Iterator[Session]:
        engine = self._engine.execution_options(writes=True)
        with mapped(self.url), Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with mapped(self.url), Session(self._engine) as session:
            yield session


def _call_row(session: Session, call: Call) -> CallRow:
    known = {
        "order_id": call.order_id,
        "agent_id": call.agent_id,
        "call": to_json(call),
        "started_at": call.started_at.isoformat() if call.started_at else None,
        "started_utc": in_utc(call.started_at) if call.started_at else None,
    }
    keep(session, CallRow, call_id=call.call_id, **known)
    return session.get_one(CallRow, call.call_id)


def _suggest(session: Session, name: str) -> str:
    orders = session.scalars(
        select(CallRow.order_id).where(CallRow.order_id.is_not(None)).distinct().order_by(CallRow.order_id).limit(5)
    ).all()
    return "orders in the store: " + ", ".join(str(order) for order in orders) + " …" if orders else ""
