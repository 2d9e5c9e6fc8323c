"""The database of a store: its connections, its transactions, its lock.

Safe for several threads: each transaction has a connection of its own from the engine's pool. Safe for several
processes: SQLite (WAL mode) on one local disk, PostgreSQL over the network.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import sqlalchemy
from sqlalchemy.orm import Session

from qareport.store.connection import open_engine, show_url
from qareport.store.error_mapping import map_errors
from qareport.store.lock import hold_lock

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
        """Open a connection for what is no work on rows: integrity checks, copies."""
        with map_errors(self.url), self.engine.connect() as connection:
            yield connection

    def lock(self) -> AbstractContextManager[None]:
        """Hold the one lock of daily runs and deliveries inside a block; it ends with the process at the latest.

        Raises:
            BusyError: another process holds it; the error says which.
        """
        return hold_lock(self.engine, self.url)
