"""Rule sets that were loaded without errors, under the hash of their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import select

from qareport.store.connection import upsert
from qareport.store.database import Database
from qareport.store.schema import RuleSetRow


class RuleSetRepository:
    """The rule sets of a store; the newest is the fallback for a broken one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, sha256: str, files: Mapping[str, str]) -> None:
        """Put a rule set, and make it the newest.

        Args:
            sha256: hash of the files.
            files: content of each file by its name.
        """
        text = json.dumps(dict(files), ensure_ascii=False)
        with self._database.write() as session:
            upsert(session, RuleSetRow, sha256=sha256, files=text, good_at=datetime.now(UTC).isoformat())

    def find(self, sha256: str) -> dict[str, str] | None:
        """Return the files of a rule set by its hash, or None."""
        with self._database.read() as session:
            row = session.get(RuleSetRow, sha256)
            return None if row is None else dict(json.loads(row.files))

    def find_newest(self) -> tuple[str, dict[str, str]] | None:
        """Return hash and files of the newest rule set, or None."""
        with self._database.read() as session:
            row = session.scalars(select(RuleSetRow).order_by(RuleSetRow.good_at.desc()).limit(1)).first()
            return None if row is None else (row.sha256, dict(json.loads(row.files)))
