"""What a store is asked: the statements that name a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy

from qareport.store import Store


@contextmanager
def reading(store: Store, table: str) -> Iterator[Sequence[Sequence[Any]]]:
    """Collect the parameters of each query for rows of a table inside the block."""
    asked: list[Sequence[Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.lstrip().upper().startswith("SELECT") and f"FROM {table}" in " ".join(statement.split()):
            asked.append(tuple(parameters))

    sqlalchemy.event.listen(store.database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sqlalchemy.event.remove(store.database.engine, "before_cursor_execute", note)
