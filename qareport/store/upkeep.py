"""Keeping a store small, legal and whole: deletion with proof, backup, and a check of everything in it."""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from qareport import events
from qareport.codec import from_json, to_json
from qareport.errors import NotFoundError, QareportError, StoreError
from qareport.model import Call, CallReport, CallSummary, Deletion, FailedCall, Transcript
from qareport.search import Line
from qareport.store.finding import unindex
from qareport.store.keeping import in_utc
from qareport.store.opening import mapped
from qareport.store.schema import (
    CallReportRow,
    CallRow,
    DeletionRow,
    DigestRow,
    DocumentRow,
    ReplayRow,
    SceneRow,
    SearchLinesRow,
    TranscriptRow,
)
from qareport.store.wording import word_index

#: Rows that are looked at, and keys that stand in one statement, at once.
_BATCH = 500
_SALT_BYTES = 16


class UpkeepShelf(ABC):
    """The part of a store that its keepers use; `Store` brings the transactions."""

    url: str
    _engine: sqlalchemy.Engine

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]:
        """Open a transaction that writes."""

    # --- deletion -------------------------------------------------------------------------------------------------

    def calls_of(
        self, *, order: str | None = None, customer: str | None = None, before: datetime | None = None
    ) -> tuple[Call, ...]:
        """Return the calls of an order, of a customer's number, or that began before an instant: exactly one is given.

        A call whose start nobody knows is before nothing.
        """
        query = select(CallRow.call).order_by(CallRow.started_utc.nulls_last(), CallRow.call_id)
        if order is not None:
            query = query.where(CallRow.order_id == order)
        elif before is not None:
            query = query.where(CallRow.started_utc < in_utc(before))
        with self._read() as session:
            calls = [from_json(Call, one, where=self.url, error=StoreError) for one in session.scalars(query)]
        return tuple(call for call in calls if customer is None or _same_number(call.customer_phone, customer))

    def delete_calls(self, calls: Sequence[Call], *, by: str, selector: str, now: datetime) -> Deletion:
        """Delete calls with everything that was made of them, documents on disk first, and keep proof of it.

        A transcript stays while another call has the same recording. Killed on the way, the same command finishes.

        Args:
            calls: what `calls_of` returned.
            by: order, customer, before or retention.
            selector: what was asked for; only its hash is kept.
            now: the instant that the proof names.

        Raises:
            NotFoundError: there is nothing to delete.
        """
        if not calls:
            raise NotFoundError(f"no call for {by} {selector!r}", where=self.url)
        ids = [call.call_id for call in calls]
        removed, left = self._delete_documents({call.order_id or call.call_id for call in calls} | set(ids))
        with self._write() as session:
            audio = set(_in_batches(session, select(CallRow.audio_sha256), CallRow.call_id, ids)) - {None}
            results = list(_in_batches(session, select(CallReportRow.key), CallReportRow.call_id, ids))
            unindex(session, ids)
            word_index(session).tidy(session)
            _delete_where(session, CallRow.call_id, ids)
            for column in (SceneRow.key, DigestRow.key, ReplayRow.key, CallReportRow.key):
                _delete_where(session, column, results)
            shared = set(_in_batches(session, select(CallRow.audio_sha256), CallRow.audio_sha256, sorted(audio)))
            transcripts = _delete_transcripts(session, ids, audio - shared, shared)
            deletion = Deletion(
                deleted_at=now,
                by=by,
                selector_hash=_hash(by, selector, os.urandom(_SALT_BYTES)),
                calls=len(ids),
                results=len(results),
                transcripts=transcripts,
                documents=removed,
                audio_sha256=tuple(sorted(audio)),
                files_left=left,
            )
            session.add(DeletionRow(deleted_at=now.isoformat(), record=to_json(deletion)))
        if self._engine.dialect.name == "sqlite":
            with mapped(self.url), self._engine.connect() as connection:
                # What was deleted stands in the write-ahead log until it is emptied.
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
        counts = {"calls": deletion.calls, "transcripts": deletion.transcripts, "documents": deletion.documents}
        events.happened("delete", "failed" if left else "done", by=by, **counts)
        return deletion

    def deletions(self, *, by: str | None = None, selector: str = "") -> tuple[Deletion, ...]:
        """Return the proofs of deletions, newest first: all, or those of what was asked for by order, customer …"""
        with self._read() as session:
            rows = session.scalars(select(DeletionRow).order_by(DeletionRow.number.desc()))
            found = [
                from_json(Deletion, row.record, where=f"{self.url} deletion {row.number}", error=StoreError)
                for row in rows
            ]
        return tuple(one for one in found if by is None or (one.by == by and _is_of(one, selector)))

    def _delete_documents(self, names: Iterable[str]) -> tuple[int, tuple[str, ...]]:
        """Remove documents of orders and calls from the disk. Returns how many, and the paths that resisted."""
        with self._read() as session:
            paths = list(_in_batches(session, select(DocumentRow.path), DocumentRow.name, sorted(names)))
        left = []
        for path in paths:
            try:
                Path(path).unlink(missing_ok=True)
            except OSError as error:
                left.append(f"{path}: {error.strerror}")
        gone = [path for path in paths if not any(one.startswith(f"{path}: ") for one in left)]
        with self._write() as session:
            _delete_where(session, DocumentRow.path, gone)
        return len(gone), tuple(left)

    # --- backup and check -----------------------------------------------------------------------------------------

    def backup(self, target: Path) -> None:
        """Copy a SQLite store, whole, while others go on writing.

        Raises:
            StoreError: the target is there already or cannot be written, or the store is a PostgreSQL database.
        """
        if self._engine.dialect.name != "sqlite":
            raise StoreError(
                "is no file that can be copied", where=self.url, to_do="pg_dump --format=custom --file=FILE DATABASE"
            )
        if target.exists():
            raise StoreError("is there already", where=str(target), to_do="name a new file")
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            with mapped(self.url), self._engine.connect() as connection:
                source: Any = connection.connection.driver_connection
                copy = sqlite3.connect(unfinished)
                try:
                    source.backup(copy)
                finally:
                    copy.close()
            os.replace(unfinished, target)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot be written: {error}", where=str(target), to_do="check folder and disk") from error
        finally:
            unfinished.unlink(missing_ok=True)

    def check(self) -> Iterator[str]:
        """Look at everything in the store; yield one line for each thing that is wrong.

        Raises:
            StoreError: the database cannot be read any further.
        """
        if self._engine.dialect.name == "sqlite":
            with mapped(self.url), self._engine.connect() as connection:
                for (line,) in connection.exec_driver_sql("PRAGMA integrity_check"):
                    if line != "ok":
                        yield f"database: {line}"
                for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
                    yield f"{table} row {row}: points to a row of {parent} that is not there"
        yield from self._unreadable(CallRow.call_id, CallRow.call, Call, "call")
        yield from self._unreadable(CallRow.call_id, CallRow.failure, FailedCall, "failure of call")
        yield from self._unreadable(TranscriptRow.key, TranscriptRow.transcript, Transcript, "transcript")
        yield from self._unreadable(CallReportRow.key, CallReportRow.report, CallReport, "result")
        yield from self._unreadable(DigestRow.key, DigestRow.digest, CallSummary, "digest")
        for line in self._unreadable(SearchLinesRow.number, SearchLinesRow.lines, tuple[Line, ...], "search lines"):
            yield f"{line}; qareport store upgrade --reindex makes the search index anew"
        with self._write() as session:
            if fault := word_index(session).faults(session):
                yield f"search index: {fault}; qareport store upgrade --reindex makes it anew"

    def _unreadable(self, key: Any, column: Any, type_: Any, what: str) -> Iterator[str]:
        with self._read() as session:
            query = select(key, column).where(column.is_not(None)).execution_options(yield_per=_BATCH)
            for name, value in session.execute(query):
                try:
                    from_json(type_, value, where=f"{what} {name}", error=StoreError)
                except QareportError as error:
                    yield str(error)

    def size_bytes(self) -> int:
        """Return how much room the store takes."""
        if self._engine.dialect.name == "postgresql":
            with self._read() as session:
                return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)
        database = self._engine.url.database or ""
        return sum(path.stat().st_size for path in map(Path, (database, f"{database}-wal")) if path.is_file())


def _delete_transcripts(session: Session, ids: Sequence[str], audio: set[Any], shared: set[Any]) -> int:
    """Delete what was heard for these calls or in these recordings, but for recordings that others share."""
    keys = set(_in_batches(session, select(TranscriptRow.key), TranscriptRow.audio_sha256, sorted(audio)))
    own = select(TranscriptRow.key).where(
        TranscriptRow.audio_sha256.is_(None) | TranscriptRow.audio_sha256.not_in(sorted(shared))
    )
    keys |= set(_in_batches(session, own, TranscriptRow.call_id, ids))
    _delete_where(session, TranscriptRow.key, sorted(keys))
    return len(keys)


def _in_batches(session: Session, query: Any, column: Any, values: Sequence[str]) -> Iterator[Any]:
    """Run a query for the rows whose column is one of many values, some at a time."""
    for first in range(0, len(values), _BATCH):
        yield from session.scalars(query.where(column.in_(values[first : first + _BATCH])))


def _delete_where(session: Session, column: Any, values: Sequence[str]) -> None:
    for first in range(0, len(values), _BATCH):
        session.execute(
            delete(column.class_)
            .where(column.in_(values[first : first + _BATCH]))
            .execution_options(synchronize_session=False)
        )


def _same_number(one: str | None, other: str) -> bool:
    return bool(_digits(one or "")) and _digits(one or "") == _digits(other)


def _digits(number: str) -> str:
    """Return a telephone number as it is compared: its digits, without the country code of China."""
    return "".join(c for c in number if c.isdecimal()).removeprefix("86")


def _hash(by: str, selector: str, salt: bytes) -> str:
    """Hash slowly (scrypt, some 50 ms and 16 MiB): to try every telephone number takes a core years, not seconds."""
    plain = (_digits(selector) if by == "customer" else selector).encode()
    return f"scrypt:{salt.hex()}:{hashlib.scrypt(plain, salt=salt, n=2**14, r=8, p=1).hex()}"


def _is_of(deletion: Deletion, selector: str) -> bool:
    kind, salt, known = deletion.selector_hash.split(":")
    if kind == "sha256":  # a proof of an older version: of what was typed, or of its digits
        return known in {hashlib.sha256(one.encode()).hexdigest() for one in (selector, _digits(selector))}
    return hmac.compare_digest(_hash(deletion.by, selector, bytes.fromhex(salt)), deletion.selector_hash)
