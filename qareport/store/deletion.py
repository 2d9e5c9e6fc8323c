"""Maintenance of a store (verification, backup, sizes), and deletion with proofs."""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from qareport import events
from qareport.codec import to_json
from qareport.errors import NotFoundError, QareportError, StoreError, os_reason
from qareport.files import atomic_path, remove_unfinished
from qareport.messages import say
from qareport.model import (
    AuditEntry,
    Call,
    CallCorrection,
    CallReport,
    CallSummary,
    Deletion,
    EventType,
    FailedCall,
    Finding,
    LiveCall,
    LiveLine,
    Transcript,
)
from qareport.search import Line
from qareport.store.audit import append
from qareport.store.connection import BATCH, call_of, delete_in, from_stored, in_utc, select_in, upsert
from qareport.store.corrections import CorrectionRepository
from qareport.store.database import Database
from qareport.store.day_rollups import forget_days
from qareport.store.desk_schema import AnswerRow, AuditRow, CallCorrectionRow, JobRow
from qareport.store.jobs import delete_jobs
from qareport.store.live_calls import of_calls
from qareport.store.live_schema import LiveCallRow
from qareport.store.review_schema import AppealRow, VerdictRow
from qareport.store.schema import (
    CallReportRow,
    CallRow,
    CallSnapshotRow,
    CallSummaryRow,
    DeletionRow,
    DocumentRow,
    ReplayRow,
    StoreFactRow,
    TranscriptRow,
    compared_number,
)
from qareport.store.search_index import unindex_calls
from qareport.store.search_schema import SearchLinesRow
from qareport.store.webhook_events import append_call_event
from qareport.store.webhook_queue import forget_calls
from qareport.store.webhook_schema import WebhookDeliveryRow
from qareport.store.word_index import word_index

#: What to do about a damaged search index.
_REINDEX = "qareport store upgrade --reindex rebuilds {}"


class Maintenance:
    """Verification, backup and sizes of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def verify(self) -> Iterator[str]:
        """Read every page and every row; yield one line for each thing that is wrong.

        Raises:
            StoreError: the database cannot be read any further.
            InUseError: another process writes, so that the search index was not checked; it comes last.
        """
        yield from self.verify_pages()
        yield from self.verify_rows()

    def verify_pages(self) -> Iterator[str]:
        """Check the database itself, and remove what killed backups left beside it."""
        if self._database.is_sqlite:
            remove_unfinished(Path(self._database.engine.url.database or "").parent)
            with self._database.connect() as connection:
                for (line,) in connection.exec_driver_sql("PRAGMA integrity_check"):
                    if line != "ok":
                        yield f"database: {line}"
                for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
                    yield f"{table} row {row}: points to a row of {parent} that does not exist"

    def verify_rows(self) -> Iterator[str]:
        """Read every row and the search index: what is damaged there does not keep the rest from being used."""
        yield from self._unreadable(CallRow.call_id, CallRow.call, Call, "call")
        yield from self._unreadable(CallRow.call_id, CallRow.failure, FailedCall, "failure of call")
        yield from self._unreadable(TranscriptRow.key, TranscriptRow.transcript, Transcript, "transcript")
        yield from self._unreadable(CallReportRow.key, CallReportRow.report, CallReport, "result")
        yield from self._unreadable(CallSummaryRow.key, CallSummaryRow.summary, CallSummary, "call summary")
        yield from self._unreadable(
            CallCorrectionRow.call_id, CallCorrectionRow.correction, CallCorrection, "correction of call"
        )
        yield from self._unreadable(
            WebhookDeliveryRow.id, WebhookDeliveryRow.data, dict[str, Any], "delivery to a webhook"
        )
        yield from self._unreadable(LiveCallRow.id, LiveCallRow.facts, LiveCall, "live call")
        yield from self._unreadable(LiveCallRow.id, LiveCallRow.lines, tuple[LiveLine, ...], "lines of live call")
        for key, column, what in (
            (VerdictRow.id, VerdictRow.finding, "verdict"), (AppealRow.id, AppealRow.finding, "appeal"),
        ):  # fmt: skip
            yield from self._unreadable(key, column, Finding, what)
        for key, column, what in (
            (JobRow.id, JobRow.payload, "job"), (JobRow.id, JobRow.progress, "progress of job"),
            (AuditRow.number, AuditRow.details, "line of the audit log"),
        ):  # fmt: skip
            yield from self._unreadable(key, column, dict[str, Any], what)
        for line in self._unreadable(SearchLinesRow.number, SearchLinesRow.lines, tuple[Line, ...], "search lines"):
            yield f"{line}; {_REINDEX.format('the search index')}"
        with self._database.write() as session:
            if fault := word_index(session).faults(session):
                yield f"search index: {fault}; {_REINDEX.format('it')}"

    def _unreadable(self, key: Any, column: Any, type_: Any, what: str) -> Iterator[str]:
        with self._database.read() as session:
            query = select(key, column).where(column.is_not(None)).execution_options(yield_per=BATCH)
            for name, value in session.execute(query):
                try:
                    from_stored(type_, value, where=f"{what} {name}")
                except QareportError as error:
                    yield str(error)

    def backup(self, target: Path) -> None:
        """Copy an SQLite store consistently, while others continue to write.

        Raises:
            StoreError: the target exists or cannot be written, or the store is a PostgreSQL database.
        """
        if not self._database.is_sqlite:
            raise StoreError(
                say("is no file that can be copied"),
                where=self._database.url,
                to_do=say("pg_dump --format=custom --file=FILE DATABASE"),
            )
        if os.path.lexists(target):
            raise StoreError(say("already exists"), where=str(target), to_do=say("name a new file"))
        remove_unfinished(target.parent)  # they hold what was never masked
        try:
            with atomic_path(target) as unfinished, self._database.connect() as connection:
                source: Any = connection.connection.driver_connection
                with closing(sqlite3.connect(unfinished)) as copy:
                    source.backup(copy)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                say("cannot be written: {reason}", reason=str(error)),
                where=str(target),
                to_do=say("check folder and disk"),
            ) from error

    def size_bytes(self) -> int:
        """Return how much room the store takes."""
        if not self._database.is_sqlite:
            with self._database.read() as session:
                return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)
        database = self._database.engine.url.database or ""
        return sum(path.stat().st_size for path in map(Path, (database, f"{database}-wal")) if path.is_file())

    def free_bytes(self) -> int | None:
        """Return how much room is left on the disk of an SQLite store; None: only the database server knows."""
        if not self._database.is_sqlite:
            return None
        return shutil.disk_usage(Path(self._database.engine.url.database or ".").resolve().parent).free


_SALT_BYTES = 16
#: The fact that terms of deleted calls are still in the search index's file.
_REMAINS = "search-remains"


class DeletionRepository:
    """What is to be deleted from a store, and the proofs of what was."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_calls(
        self, *, order: str | None = None, customer: str | None = None, before: datetime | None = None,
        call: str | None = None, most: int | None = None,
    ) -> tuple[Call, ...]:  # fmt: skip
        """Return the calls of an order, of a customer's number, that began before an instant, or one call.

        Exactly one of these is given; `most` is how many are returned at most, the oldest.

        A call of unknown start is before nothing.
        """
        query = select(CallRow).order_by(CallRow.started_utc.nulls_last(), CallRow.call_id).limit(most)
        if order is not None:
            query = query.where(CallRow.order_id == order)
        elif call is not None:
            query = query.where(CallRow.call_id == call)
        elif customer is not None:
            query = query.where(CallRow.customer == (compared_number(customer) or ""))  # no number: nobody
        elif before is not None:
            query = query.where(CallRow.started_utc < in_utc(before))
        with self._database.read() as session:
            return tuple(call_of(row, self._database.url) for row in session.scalars(query))

    def find_recordings(self, calls: Sequence[Call]) -> tuple[str, ...]:
        """Return the SHA-256 of the recordings of some calls that no other call has."""
        ids = [call.call_id for call in calls]
        with self._database.read() as session:
            own = Counter(sha for sha in select_in(session, select(CallRow.audio_sha256), CallRow.call_id, ids) if sha)
            every = Counter(select_in(session, select(CallRow.audio_sha256), CallRow.audio_sha256, sorted(own)))
        return tuple(sorted(sha for sha, count in own.items() if every[sha] == count))

    def delete(
        self, calls: Sequence[Call], *, by: str, selector: str, now: datetime, files: Sequence[Path] = (),
        entry: Callable[[Deletion], AuditEntry] | None = None, tidy: bool = True,
    ) -> Deletion:  # fmt: skip
        """Delete calls with everything that was made from them, documents on disk first, and keep proof of it.

        A transcript stays while another call has the same recording. When it is killed, the same command finishes. It
        is one transaction: others that write wait for it, so that many calls are better deleted a few at a time.

        Args:
            calls: what `find_calls` returned.
            by: order, customer, call, before or retention.
            selector: what was asked for; only its hash is kept.
            now: the instant that the proof names.
            files: files of the desk that go with them.
            entry: makes the line of the audit log that is kept with the proof.
            tidy: whether to erase what is left of them in SQLite's files; False: the caller calls `tidy` in the end.

        Raises:
            NotFoundError: there is nothing to delete.
        """
        if not calls:
            raise NotFoundError(
                say("no call for {by} {selector!r}", by=by, selector=selector), where=self._database.url
            )
        ids = [call.call_id for call in calls]
        subjects = {call.subject for call in calls} | self._former_subjects(ids)
        removed, left = self._delete_documents(subjects | set(ids))
        left += self._delete_live_sound(ids)
        gone, kept = _unlink(files)
        with self._database.write() as session:
            audio = set(select_in(session, select(CallRow.audio_sha256), CallRow.call_id, ids)) - {None}
            results, transcripts = _delete_rows(session, ids, audio)
            deletion = Deletion(
                deleted_at=now,
                by=by,
                selector_hash=_hash(by, selector, os.urandom(_SALT_BYTES)),
                calls=len(ids),
                results=results,
                transcripts=transcripts,
                documents=removed,
                audio_sha256=tuple(sorted(audio)),
                files=len(gone),
                files_left=(*left, *kept),
            )
            session.execute(delete(LiveCallRow).where(of_calls(ids)))  # their alerts go with them
            if entry is not None:
                append(session, entry(deletion))
            session.add(DeletionRow(deleted_at=now.isoformat(), record=to_json(deletion)))
        if tidy:
            self.tidy()
        counts = {"calls": deletion.calls, "transcripts": deletion.transcripts, "documents": deletion.documents}
        events.happened("delete", "failed" if deletion.files_left else "done", by=by, **counts)
        return deletion

    def list_proofs(self, *, by: str | None = None, selector: str = "") -> tuple[Deletion, ...]:
        """Return the proofs of deletions, newest first: all, or those by an order, a customer … that was asked for."""
        with self._database.read() as session:
            rows = session.scalars(select(DeletionRow).order_by(DeletionRow.number.desc()))
            proofs = [
                from_stored(Deletion, row.record, where=f"{self._database.url} deletion {row.number}") for row in rows
            ]
        return tuple(proof for proof in proofs if by is None or (proof.by == by and _is_of(proof, selector)))

    def _delete_live_sound(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Remove what was recorded of these calls while they were on. Returns the paths that could not be."""
        left = []
        with self._database.read() as session:
            paths = list(session.scalars(select(LiveCallRow.audio_path).where(of_calls(ids))))
        for path in filter(None, paths):
            try:
                Path(path).unlink(missing_ok=True)
            except OSError as error:
                left.append(f"{path}: {os_reason(error)}")
        return tuple(left)

    def tidy(self) -> None:
        """Erase what deleted calls left in SQLite's search index and log; also after a deletion that was killed."""
        with self._database.read() as session:
            more = begin = session.get(StoreFactRow, _REMAINS) is not None
        while more:
            with self._database.write() as session:
                more = word_index(session).tidy(session, begin=begin)
                if not more:
                    session.execute(delete(StoreFactRow).where(StoreFactRow.name == _REMAINS))
            begin = False
        self._empty_log()

    def _empty_log(self) -> None:
        """Empty SQLite's write-ahead log: until then it holds what was deleted."""
        if self._database.is_sqlite:
            with self._database.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")

    def _delete_documents(self, names: Iterable[str]) -> tuple[int, tuple[str, ...]]:
        """Remove documents of orders and calls from the disk. Returns how many, and the paths that could not be."""
        with self._database.read() as session:
            paths = list(select_in(session, select(DocumentRow.path), DocumentRow.name, sorted(names)))
        removed, left = _unlink(paths)
        with self._database.write() as session:
            delete_in(session, DocumentRow.path, removed)
        return len(removed), left

    def _former_subjects(self, ids: Sequence[str]) -> set[str]:
        return CorrectionRepository(self._database).list_former_subjects(ids)


def _unlink(paths: Iterable[str | Path]) -> tuple[list[str], tuple[str, ...]]:
    """Remove files. Returns the names of those that are gone, and those that could not be removed, with the reason."""
    removed, left = [], []
    for path in paths:
        try:
            Path(path).unlink(missing_ok=True)
            removed.append(str(path))
        except OSError as error:
            left.append(f"{path}: {os_reason(error)}")
    return removed, tuple(left)


def _delete_rows(session: Session, ids: Sequence[str], audio: set[Any]) -> tuple[int, int]:
    """Delete calls, and what was made from them and from their recordings. Returns how many results and transcripts."""
    results = list(select_in(session, select(CallReportRow.key), CallReportRow.call_id, ids))
    unindex_calls(session, ids)
    if word_index(session).leaves_remains:
        upsert(session, StoreFactRow, name=_REMAINS, value="")
    delete_jobs(session, ids)
    forget_calls(session, ids)
    for row in select_in(session, select(CallRow), CallRow.call_id, ids):
        append_call_event(session, EventType.CALL_DELETED, row)
    session.flush()
    forget_days(session, list(filter(None, select_in(session, select(CallRow.started_utc), CallRow.call_id, ids))))
    delete_in(session, CallRow.call_id, ids)
    for column in (CallSnapshotRow.key, CallSummaryRow.key, ReplayRow.key, CallReportRow.key):
        delete_in(session, column, results)
    for call_id in ids:  # answers to programs that name it
        session.execute(delete(AnswerRow).where(AnswerRow.body.contains(call_id, autoescape=True)))
    shared = set(select_in(session, select(CallRow.audio_sha256), CallRow.audio_sha256, sorted(audio)))
    return len(results), _delete_transcripts(session, ids, audio - shared, shared)


def _delete_transcripts(session: Session, ids: Sequence[str], audio: set[Any], shared: set[Any]) -> int:
    """Delete the transcripts of calls and of recordings, except those of recordings that other calls share."""
    keys = set(select_in(session, select(TranscriptRow.key), TranscriptRow.audio_sha256, sorted(audio)))
    own = select(TranscriptRow.key).where(
        TranscriptRow.audio_sha256.is_(None) | TranscriptRow.audio_sha256.not_in(sorted(shared))
    )
    keys |= set(select_in(session, own, TranscriptRow.call_id, ids))
    delete_in(session, TranscriptRow.key, sorted(keys))
    return len(keys)


def _hash(by: str, selector: str, salt: bytes) -> str:
    """Hash slowly (scrypt, some 50 ms and 16 MiB): to try every telephone number takes a core years, not seconds."""
    plain = ((compared_number(selector) or "") if by == "customer" else selector).encode()
    return f"scrypt:{salt.hex()}:{hashlib.scrypt(plain, salt=salt, n=2**14, r=8, p=1).hex()}"


def _is_of(deletion: Deletion, selector: str) -> bool:
    kind, salt, known = deletion.selector_hash.split(":")
    if kind == "sha256":  # a proof of an older version: of what was typed, or of its digits
        typed = (selector, compared_number(selector) or "")
        return known in {hashlib.sha256(text.encode()).hexdigest() for text in typed}
    return hmac.compare_digest(_hash(deletion.by, selector, bytes.fromhex(salt)), deletion.selector_hash)
