"""Parts of statements that several repositories use: upserts, stretches of time, many keys at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import delete
from sqlalchemy.orm import Session

from qareport.store.schema import Base, CallRow

T = TypeVar("T")
#: Keys that one statement names; SQLite takes 32,766 variables, and plans few of them quicker.
BATCH = 500


def in_utc(instant: datetime) -> str:
    """Write an instant so that text sorts as time does: ISO 8601 in UTC with microseconds."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def upsert(session: Session, row: type[Base], **values: Any) -> None:
    """Insert a row, or update these columns of it where its key exists. Several processes may do it at once."""
    insert = _insert_of(session.get_bind().dialect.name)
    keys = [column.name for column in row.__table__.primary_key]
    changed = {name: value for name, value in values.items() if name not in keys}
    session.execute(insert(row).values(values).on_conflict_do_update(index_elements=keys, set_=changed))


def _insert_of(dialect: str) -> Any:
    """Return what makes the statement; a dialect takes long to import, so only the one in use is."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite


def began_in(query: Any, first: datetime, last: datetime) -> Any:
    """Restrict a query to calls that began in [first, last), and order it by their start."""
    return (
        query.select_from(CallRow)
        .where(CallRow.started_utc >= in_utc(first), CallRow.started_utc < in_utc(last))
        .order_by(CallRow.started_utc, CallRow.call_id)
    )


def batches(values: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Cut many values into pieces that one statement takes."""
    for first in range(0, len(values), size):
        yield values[first : first + size]


def select_in(session: Session, query: Any, column: Any, values: Sequence[str]) -> Iterator[Any]:
    """Run a query for the rows whose column is one of many values. Yields its first column."""
    for batch in batches(values):
        yield from session.scalars(query.where(column.in_(batch)))


def delete_in(session: Session, column: Any, values: Sequence[str]) -> None:
    """Delete the rows whose column is one of many values."""
    for batch in batches(values):
        session.execute(delete(column.class_).where(column.in_(batch)).execution_options(synchronize_session=False))
