"""Documents that were written: where, and from what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from qareport.errors import NotFoundError
from qareport.model import CallReport, FailedCall
from qareport.store.connection import from_stored, upsert
from qareport.store.database import Database
from qareport.store.schema import CallReportRow, CallRow, DocumentRow


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """What the store holds of one order: its judged calls by start time, and those that failed."""

    order_id: str | None
    reports: tuple[CallReport, ...]
    failures: tuple[FailedCall, ...]
    #: Of the rule set that judged the latest call; "" when none was judged.
    rules_sha256: str


class OrderRepository:
    """The orders of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> OrderRecord:
        """Return everything about one order; a call's id stands for its order, or for the call that has none.

        Raises:
            NotFoundError: the store knows neither an order nor a call of that name; the error names some orders.
        """
        url = self._database.url
        with self._database.read() as session:
            rows = _calls(session, name)
            if not rows:
                raise NotFoundError(
                    f"no order or call {name!r}", where=url, to_do=_suggest(session) or "run `qareport run` first"
                )
            keys = [row.report_key for row in rows if row.report_key]
            query = select(CallReportRow).where(CallReportRow.key.in_(keys))
            results = {row.key: row for row in session.scalars(query)}
            failures = [row.failure for row in rows if row.failure]
            return OrderRecord(
                order_id=rows[0].order_id,
                reports=tuple(
                    from_stored(CallReport, results[key].report, where=f"{url} report {key}") for key in keys
                ),
                failures=tuple(from_stored(FailedCall, failure, where=f"{url} order {name}") for failure in failures),
                rules_sha256=results[keys[-1]].rules_sha256 if keys else "",
            )


def _calls(session: Session, name: str) -> list[CallRow]:
    """Return the calls of an order by start time, those of unknown time first."""
    rows = session.scalars(select(CallRow).where(CallRow.order_id == name)).all()
    if not rows:
        rows = session.scalars(select(CallRow).where(CallRow.call_id == name)).all()
        if rows and rows[0].order_id is not None:
            rows = session.scalars(select(CallRow).where(CallRow.order_id == rows[0].order_id)).all()
    return sorted(rows, key=lambda row: (row.started_utc or "", row.call_id))


def _suggest(session: Session) -> str:
    orders = session.scalars(
        select(CallRow.order_id).where(CallRow.order_id.is_not(None)).distinct().order_by(CallRow.order_id).limit(5)
    ).all()
    return "orders in the store: " + ", ".join(str(order) for order in orders) + " …" if orders else ""
