"""Copies of a whole store into an empty one, between SQLite and PostgreSQL: resumable, and verified at the end.

Rows are copied table by table in the order of their keys. How far that came is kept in the target, in the transaction
of the rows themselves: a killed copy goes on where it was. The words of the search index, which each database has in a
form of its own, are made anew from the lines that were copied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, func, insert, select, text, tuple_
from sqlalchemy.orm import Session

from qareport.errors import StoreError
from qareport.messages import say
from qareport.store.connection import batches, from_stored, upsert
from qareport.store.creation import ALL_TABLES
from qareport.store.database import Database
from qareport.store.schema import CallRow, StoreFactRow
from qareport.store.search_index import sentences_of
from qareport.store.search_schema import DayRollupRow, SearchCallRow, SearchLinesRow
from qareport.store.word_index import word_index

#: Rows that are copied in one transaction; some hold whole mails.
_BATCH: Final = 200
#: Values of one statement; PostgreSQL takes 65,535.
_VALUES: Final = 10_000
#: The fact of an unfinished copy.
_PROGRESS: Final = "copy"
#: Stands in the progress for a table that is copied, and for the words of the search index.
_DONE, _WORDS = "done", "search_words"
#: What a store knows of itself is not another's; days are added up again where they are asked for.
_OWN: Final = (StoreFactRow.__tablename__, DayRollupRow.__tablename__)
TABLES: Final = tuple(table for table in ALL_TABLES if table.name not in _OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCopy:
    """What was copied: both stores hold the same."""

    tables: int
    rows: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableContent:
    """What a table holds. The hash is the sum of the hashes of its rows, which is the same in any order."""

    rows: int
    sha256: str


def copy_store(
    source: Database, target: Database, *, on_progress: Callable[[str, int, int], None] = lambda *_: None
) -> StoreCopy:
    """Copy everything of a store into an empty one, or go on with a copy that was begun.

    Nothing else may write to either: what changed meanwhile is found by the verification, not copied.

    Args:
        source: what is copied.
        target: an empty store, or one into which this source was copied in part.
        on_progress: called with `copy` or `verify`, and with how many of all rows that is done for.

    Raises:
        StoreError: the target holds something else, or does not hold the same in the end.
    """
    with source.read() as session:
        counts = {table.name: _count(session, table) for table in TABLES}
    total, done = sum(counts.values()), 0
    progress = _begin(source, target)
    for table in TABLES:
        for place in _copy_table(source, target, table, progress):
            on_progress("copy", done + place, total)
        done += counts[table.name]
    _copy_words(target, progress)
    _continue_numbers(source, target)
    _verify(source, target, total, on_progress)
    with target.write() as session:
        session.delete(session.get_one(StoreFactRow, _PROGRESS))
    return StoreCopy(tables=len(TABLES), rows=total, calls=counts[CallRow.__tablename__])


def content_of(session: Session, table: Table) -> TableContent:
    """Count and hash the rows of a table as they are read, whatever database they are in."""
    rows, added = 0, 0
    for row in session.execute(select(table).execution_options(yield_per=_BATCH)):
        written = json.dumps(list(row), ensure_ascii=False, default=bytes.hex)
        added += int.from_bytes(hashlib.sha256(written.encode("utf-8", "surrogatepass")).digest())
        rows += 1
    return TableContent(rows=rows, sha256=f"{added % 2**256:064x}")


def _begin(source: Database, target: Database) -> dict[str, Any]:
    """Return how far an earlier copy came; that of a new one is empty."""
    with target.write() as session:
        known = session.get(StoreFactRow, _PROGRESS)
        if known is not None:
            progress: dict[str, Any] = from_stored(dict[str, Any], known.value, where=f"{target.url} copy")
            if progress["source"] == source.url:
                return progress
            raise StoreError(
                say("holds an unfinished copy of {source}", source=progress["source"]),
                where=target.url,
                to_do=say("go on with that one, or name a new target"),
            )
        if source.url == target.url or any(_count(session, table) for table in TABLES):
            raise StoreError(say("is not empty"), where=target.url, to_do=say("name a new target"))
        progress = {"source": source.url}
        _keep(session, progress)
        return progress


def _keep(session: Session, progress: dict[str, Any]) -> None:
    upsert(session, StoreFactRow, name=_PROGRESS, value=json.dumps(progress, ensure_ascii=False))


def _count(session: Session, table: Table) -> int:
    return int(session.scalar(select(func.count()).select_from(table)) or 0)


def _copy_table(source: Database, target: Database, table: Table, progress: dict[str, Any]) -> Iterator[int]:
    """Copy the rows of a table that are not copied yet. Yields how many were after each batch."""
    keys, copied = list(table.primary_key), 0
    while (after := progress.get(table.name)) != _DONE:
        query = select(table).order_by(*keys).limit(_BATCH)
        with source.read() as session:
            found = session.execute(query if after is None else query.where(tuple_(*keys) > tuple(after)))
            rows = [dict(row) for row in found.mappings()]
        progress[table.name] = [rows[-1][key.name] for key in keys] if rows else _DONE
        with target.write() as session:
            _insert(session, table, rows)
            _keep(session, progress)
        copied += len(rows)
        yield copied


def _insert(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if session.get_bind().dialect.name == "sqlite":
        if rows:
            session.execute(insert(table), rows)
        return
    for some in batches(rows, _VALUES // len(table.columns)):  # PostgreSQL's driver sends each row by itself
        session.execute(insert(table).values(some))


def _copy_words(target: Database, progress: dict[str, Any]) -> None:
    while (after := progress.get(_WORDS, 0)) != _DONE:
        query = select(SearchLinesRow).where(SearchLinesRow.number > after).order_by(SearchLinesRow.number)
        with target.write() as session:
            lines = session.scalars(query.limit(_BATCH)).all()
            for row in lines:
                word_index(session).put(session, sentences_of(row))
            progress[_WORDS] = lines[-1].number if lines else _DONE
            _keep(session, progress)


def _continue_numbers(source: Database, target: Database) -> None:
    """Let the target count on where the source does: a number that was deleted is not given again."""
    for table in TABLES:
        column = table.autoincrement_column
        if column is None:
            continue
        with source.read() as session:
            last = max(int(session.scalar(select(func.max(column))) or 0), _last_given(session, table, column.name))
        if not last:
            continue
        with target.write() as session:
            if not target.is_sqlite:
                statement = "SELECT setval(pg_get_serial_sequence(:table, :column), :last)"
                session.execute(text(statement), {"table": table.name, "column": column.name, "last": last})
            elif table.dialect_options["sqlite"]["autoincrement"]:
                session.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
                statement = "INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"
                session.execute(text(statement), {"table": table.name, "last": last})


def _last_given(session: Session, table: Table, column: str) -> int:
    if session.get_bind().dialect.name == "sqlite":
        if not table.dialect_options["sqlite"]["autoincrement"]:
            return 0
        query, values = "SELECT seq FROM sqlite_sequence WHERE name = :table", {"table": table.name}
    else:
        query = (
            "SELECT last_value FROM pg_sequences WHERE schemaname = current_schema() "
            "AND pg_get_serial_sequence(:table, :column) = schemaname || '.' || sequencename"
        )
        values = {"table": table.name, "column": column}
    return int(session.scalar(text(query), values) or 0)


def _verify(source: Database, target: Database, total: int, on_progress: Callable[[str, int, int], None]) -> None:
    """Compare number and hash of the rows of each table, and the words with the sentences."""
    different, done = [], 0
    for table in TABLES:
        with source.read() as session:
            wanted = content_of(session, table)
        with target.read() as session:
            if content_of(session, table) != wanted:
                different.append(table.name)
        done += wanted.rows
        on_progress("verify", done, max(done, total))
    with target.write() as session:
        sentences = int(session.scalar(select(func.sum(SearchCallRow.sentences))) or 0)
        words = sentences if target.is_sqlite else session.scalar(text("SELECT count(*) FROM search_words"))
        if words != sentences or word_index(session).faults(session):
            different.append(_WORDS)
    if different:
        raise StoreError(
            say("does not hold the same as {source}: {tables}", source=source.url, tables=", ".join(different)),
            where=target.url,
            to_do=say("stop whatever writes to the source, and copy it to a new target"),
        )
