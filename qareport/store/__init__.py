"""The store: calls, transcripts, judged calls and written documents. The only importer of the database library.

Each method is one transaction: after a kill the store holds either all of it or nothing of it. Safe for several
processes on one local disk (SQLite in WAL mode); one `Store` belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import sqlalchemy
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from qareport.codec import from_json, to_json
from qareport.errors import NotFoundError, StoreError
from qareport.model import Call, CallReport, FailedCall, Transcript
from qareport.store.lock import hold
from qareport.store.outbox import OutboxShelf
from qareport.store.ruling import RulesShelf, StoredCall
from qareport.store.schema import STORE_VERSION, Base, CallReportRow, CallRow, DocumentRow, SceneRow, TranscriptRow

__all__ = ["OrderRecord", "Store", "StoredCall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """What the store holds of one order: its judged calls by start time, and those that failed."""

    order_id: str | None
    reports: tuple[CallReport, ...]
    failures: tuple[FailedCall, ...]
    rules_sha256: str


class Store(RulesShelf, OutboxShelf):
    """An open store. Use as a context manager, or call `close`."""

    def __init__(self, url: str) -> None:
        """Open a store, making it when it is not there.

        Args:
            url: an SQLAlchemy URL, for example `sqlite:///qareport.db`.

        Raises:
            StoreError: no such place, no permission, not a store, or a store of another version.
        """
        self.url = url
        with _mapped(url):
            self._engine = sqlalchemy.create_engine(url)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _set_up_sqlite)
                event.listen(self._engine, "begin", _begin_sqlite)
                database = self._engine.url.database
                if database and not Path(database).parent.is_dir():
                    raise StoreError("its folder does not exist", where=url, to_do=f"make {Path(database).parent}")
            with self._engine.execution_options(writes=True).begin() as connection:
                self._check_version(connection)
                Base.metadata.create_all(connection)

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
            return from_json(FailedCall, row.failure, where=f"{self.url} call {call_id}")

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

    def find_transcript(self, key: str) -> Transcript | None:
        """Return what was heard under a key, or None."""
        with self._read() as session:
            row = session.get(TranscriptRow, key)
            return None if row is None else from_json(Transcript, row.transcript, where=f"{self.url} transcript {key}")

    def put_transcript(self, key: str, transcript: Transcript) -> None:
        """Keep what was heard under a key."""
        with self._write() as session:
            session.merge(TranscriptRow(key=key, transcript=to_json(transcript)))

    def find_report(self, key: str) -> CallReport | None:
        """Return what was judged under a key, or None."""
        with self._read() as session:
            row = session.get(CallReportRow, key)
            return None if row is None else from_json(CallReport, row.report, where=f"{self.url} report {key}")

    def put_report(
        self, key: str, call: Call, report: CallReport, *, rules_sha256: str, scene: str | None = None
    ) -> None:
        """Keep what was judged of a call and make it the call's newest result.

        Args:
            key: hash of everything that decided it.
            call: whose result it is.
            report: the result.
            rules_sha256: of the rule set.
            scene: what rules look at, packed; kept for replays.
        """
        with self._write() as session:
            session.merge(CallReportRow(key=key, report=to_json(report), rules_sha256=rules_sha256))
            if scene is not None:
                session.merge(SceneRow(key=key, rules_sha256=rules_sha256, scene=scene))
            row = _call_row(session, call)
            row.report_key = key
            row.failure = None
            row.failure_key = None

    def order(self, name: str) -> OrderRecord:
        """Return everything about one order, or about one call when `name` is a call id.

        Raises:
            NotFoundError: the store knows neither an order nor a call of that name; near names are suggested.
        """
        with self._read() as session:
            rows = session.scalars(select(CallRow).where(CallRow.order_id == name)).all()
            if not rows:
                rows = session.scalars(select(CallRow).where(CallRow.call_id == name)).all()
            if not rows:
                raise NotFoundError(
                    f"no order or call {name!r}",
                    where=self.url,
                    to_do=_suggest(session, name) or "run `qareport run` first",
                )
            rows = sorted(rows, key=lambda row: (row.started_at or "", row.call_id))
            keys = [row.report_key for row in rows if row.report_key]
            found = {row.key: row for row in session.scalars(select(CallReportRow).where(CallReportRow.key.in_(keys)))}
            failures = [row.failure for row in rows if row.failure]
            return OrderRecord(
                order_id=rows[0].order_id,
                reports=tuple(
                    from_json(CallReport, found[key].report, where=f"{self.url} report {key}") for key in keys
                ),
                failures=tuple(from_json(FailedCall, text, where=f"{self.url} order {name}") for text in failures),
                rules_sha256=found[keys[-1]].rules_sha256 if keys else "",
            )

    def document_key(self, path: Path) -> str | None:
        """Return the key of what a document was made from, or None if it was never written."""
        with self._read() as session:
            row = session.get(DocumentRow, str(path))
            return None if row is None else row.key

    def put_document(self, path: Path, key: str) -> None:
        """Keep that a document was written from what `key` stands for."""
        with self._write() as session:
            session.merge(DocumentRow(path=str(path), key=key))

    def _check_version(self, connection: sqlalchemy.Connection) -> None:
        if connection.dialect.name != "sqlite":
            return
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version == 0:
            connection.exec_driver_sql(f"PRAGMA user_version = {STORE_VERSION}")
        elif version != STORE_VERSION:
            raise StoreError(
                f"made by another version of qareport (store version {version})",
                where=self.url,
                expected=f"store version {STORE_VERSION}",
                to_do="use that version, or name another file with --store",
            )

    @contextmanager
    def _write(self) -> Iterator[Session]:
        engine = self._engine.execution_options(writes=True)
        with _mapped(self.url), Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with _mapped(self.url), Session(self._engine) as session:
            yield session


def _call_row(session: Session, call: Call) -> CallRow:
    row = session.get(CallRow, call.call_id)
    if row is None:
        row = CallRow(call_id=call.call_id)
        session.add(row)
    row.order_id = call.order_id
    row.call = to_json(call)
    row.started_at = call.started_at.isoformat() if call.started_at else None
    return row


def _suggest(session: Session, name: str) -> str:
    orders = session.scalars(
        select(CallRow.order_id).where(CallRow.order_id.is_not(None)).distinct().order_by(CallRow.order_id).limit(5)
    ).all()
    return "orders in the store: " + ", ".join(str(order) for order in orders) + " …" if orders else ""


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 10000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sqlalchemy.Connection) -> None:
    # A deferred transaction that reads, then writes fails at once when another process writes; an immediate one waits.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _mapped(url: str) -> Iterator[None]:
    """Turn every error of the database library into a StoreError that says what to do."""
    try:
        yield
    except sqlalchemy.exc.ArgumentError as error:
        raise StoreError(
            f"not a store URL: {error}", where=url, expected="for example sqlite:///qareport.db"
        ) from error
    except ModuleNotFoundError as error:
        raise StoreError(
            f"its database driver is missing: {error.name}", where=url, to_do=f"pip install {error.name}"
        ) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StoreError(reason, where=url, to_do="check that the disk has room and the file may be written") from error
