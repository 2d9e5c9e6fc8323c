"""The database, safe for threads, and the one lock of daily runs and deliveries.

One thread of one process holds the lock; it ends with the process, however that ends. SQLite: a POSIX record lock on
a file beside the database; children do not inherit it. Such a lock belongs to the process and ends when any thread
closes the file, so threads exclude each other before they reach it. PostgreSQL: an advisory lock of a session of its
own; the server frees it when the connection ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.orm import Session

from qareport.errors import BusyError, StoreError, os_reason
from qareport.files import FILE_MODE
from qareport.messages import say
from qareport.model import CallReport
from qareport.store.connection import from_stored, map_errors, open_engine, show_url

#: How many databases of each URL this process has open: the first has looked at the revision for the others.
_open: Counter[str] = Counter()
_opening = threading.Lock()


class Database:
    """An open database; every error of its library comes out of it as a `StoreError`."""

    def __init__(self, url: str, *, make: bool = True) -> None:
        """Open a database, and bring it to the newest revision unless this process has it open already.

        Args:
            url: an SQLAlchemy URL, for example `sqlite:///qareport.db` or `postgresql://user:password@host/database`.
            make: make the store when there is none.

        Raises:
            StoreError: no such place, no permission, not a store, or a store of a newer version.
            NoStoreError: there is none, and none is to be made.
        """
        #: Without its password.
        self.url: Final = show_url(url)
        with map_errors(self.url), _opening:
            self.engine: Final = open_engine(url, make=make, check=not _open[url])
            _open[url] += 1
        self._key: str | None = url
        # SQLite has one writer at a time. Threads that wait for each other here wait in any number and without polling.
        self._turn: AbstractContextManager[object] = threading.RLock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine; else it is a PostgreSQL server."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close all connections; a second time does nothing."""
        self.engine.dispose()
        with _opening:
            key, self._key = self._key, None
            if key is not None:
                _open[key] -= 1

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that reads."""
        with map_errors(self.url), Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that writes: all of it is kept when the block ends, nothing of it when it raises."""
        engine = self.engine.execution_options(writes=True)
        with map_errors(self.url), self._turn, Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def connect(self) -> Iterator[sqlalchemy.Connection]:
        """Open a connection for work other than on rows: integrity checks, copies."""
        with map_errors(self.url), self.engine.connect() as connection:
            yield connection

    def lock(self) -> AbstractContextManager[None]:
        """Hold the one lock of daily runs and deliveries inside a block; it ends with the process at the latest.

        Raises:
            BusyError: another process holds it; the error says which.
        """
        return hold_lock(self.engine, self.url)


#: The advisory lock's number: "qareport" in ASCII, so that another program hardly ever takes the same.
_NUMBER = 0x71617265706F7274
#: Lock files that threads of this process hold.
_held: set[Path] = set()
_holding = threading.Lock()
_WAIT = say("wait until it ends, or look at what it does: qareport mail list")


def holder() -> str:
    """Name this process for others: `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def hold_lock(engine: sqlalchemy.Engine, url: str) -> Iterator[None]:
    """Hold the one lock of daily runs and deliveries of a store.

    Raises:
        BusyError: another process holds it; the error says which, and since when.
        StoreError: the lock's file cannot be made.
    """
    if engine.dialect.name == "postgresql":
        with _advisory(engine, url):
            yield
    elif engine.url.database:
        path = Path(engine.url.database + ".lock").absolute()
        with _only_thread(path), _file(path):
            yield
    else:
        yield  # no other process can open a store in memory


@contextmanager
def _only_thread(path: Path) -> Iterator[None]:
    with _holding:
        if path in _held:
            raise BusyError(
                say("another run is at work: {holder}, in this process", holder=holder()), where=str(path), to_do=_WAIT
            )
        _held.add(path)
    try:
        yield
    finally:
        with _holding:
            _held.discard(path)


@contextmanager
def _file(path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise StoreError(
            say("its lock cannot be made: {reason}", reason=os_reason(error)),
            where=str(path),
            to_do=say("check the folder's permissions"),
        ) from error
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            other = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
            raise BusyError(
                say("another run is at work: {other}", other=other or say("it has just begun")),
                where=str(path),
                to_do=_WAIT,
            ) from error
        with contextlib.suppress(OSError):  # only informs others; a full disk must not stop the work
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{holder()} since {_now()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _advisory(engine: sqlalchemy.Engine, url: str) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = f"qareport {holder()}"[:63]
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": _NUMBER}):
            query = text(
                "SELECT a.application_name, a.backend_start FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
                "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :high AND l.objid = :low"
            )
            row = connection.execute(query, {"high": _NUMBER >> 32, "low": _NUMBER & 0xFFFFFFFF}).first()
            other = f"{row[0]} since {row[1]:%Y-%m-%d %H:%M:%S %z}" if row else say("it has just ended")
            raise BusyError(say("another run is at work: {other}", other=other), where=url, to_do=_WAIT)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": _NUMBER})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


#: The result that was read last, as it is stored and as a value.
_last_report: tuple[str, CallReport] | None = None


def report_from_stored(text: str, *, where: str) -> CallReport:
    """Read the result of a call; the one that was read last is the same object again.

    A page reads the same result several times, and what was found in it (`privacy.find_in_call`) is known by it.

    Raises:
        DamagedError: it cannot be read.
    """
    global _last_report
    last = _last_report
    if last is not None and last[0] == text:
        return last[1]
    report = from_stored(CallReport, text, where=where)
    _last_report = text, report
    return report
