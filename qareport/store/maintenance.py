"""Maintenance of a store: a check of everything in it, a copy, its size."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from qareport.codec import from_json
from qareport.errors import QareportError, StoreError
from qareport.files import atomic_path
from qareport.model import Call, CallReport, CallSummary, FailedCall, Transcript
from qareport.search import Line
from qareport.store.database import Database
from qareport.store.fulltext import word_index
from qareport.store.queries import BATCH
from qareport.store.schema import CallReportRow, CallRow, CallSummaryRow, SearchLinesRow, TranscriptRow

#: What to do about a damaged search index.
_REINDEX = "qareport store upgrade --reindex makes {} anew"


class Maintenance:
    """What keeps a store whole."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def verify(self) -> Iterator[str]:
        """Read every row and every page; yield one line for each thing that is wrong.

        Raises:
            StoreError: the database cannot be read any further.
        """
        if self._database.is_sqlite:
            with self._database.connect() as connection:
                for (line,) in connection.exec_driver_sql("PRAGMA integrity_check"):
                    if line != "ok":
                        yield f"database: {line}"
                for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
                    yield f"{table} row {row}: points to a row of {parent} that is not there"
        yield from self._unreadable(CallRow.call_id, CallRow.call, Call, "call")
        yield from self._unreadable(CallRow.call_id, CallRow.failure, FailedCall, "failure of call")
        yield from self._unreadable(TranscriptRow.key, TranscriptRow.transcript, Transcript, "transcript")
        yield from self._unreadable(CallReportRow.key, CallReportRow.report, CallReport, "result")
        yield from self._unreadable(CallSummaryRow.key, CallSummaryRow.summary, CallSummary, "call summary")
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
                    from_json(type_, value, where=f"{what} {name}")
                except QareportError as error:
                    yield str(error)

    def backup(self, target: Path) -> None:
        """Copy an SQLite store, whole, while others go on writing.

        Raises:
            StoreError: the target exists or cannot be written, or the store is a PostgreSQL database.
        """
        if not self._database.is_sqlite:
            raise StoreError(
                "is no file that can be copied",
                where=self._database.url,
                to_do="pg_dump --format=custom --file=FILE DATABASE",
            )
        if target.exists():
            raise StoreError("is there already", where=str(target), to_do="name a new file")
        try:
            with atomic_path(target) as unfinished, self._database.connect() as connection:
                source: Any = connection.connection.driver_connection
                with closing(sqlite3.connect(unfinished)) as copy:
                    source.backup(copy)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot be written: {error}", where=str(target), to_do="check folder and disk") from error

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
