"""Documents that were written: where, and from what."""

from __future__ import annotations

from pathlib import Path

from qareport.store.database import Database
from qareport.store.queries import upsert
from qareport.store.schema import DocumentRow


class DocumentRepository:
    """The documents that a store knows of; the files themselves are elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_key(self, path: Path) -> str | None:
        """Return the key of what a document was made from, or None if it was never written."""
        with self._database.read() as session:
            row = session.get(DocumentRow, str(path))
            return None if row is None else row.key

    def put(self, path: Path, key: str, *, name: str | None = None) -> None:
        """Record that a document was written.

        Args:
            path: the file.
            key: hash of everything that it was made from.
            name: order or call that it is about, with which it is deleted; None for a document of many.
        """
        with self._database.write() as session:
            upsert(session, DocumentRow, path=str(path), key=key, name=name)
