"""Corrections of calls: kept beside the calls, and laid over whatever is found or heard of them later."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from qareport.codec import to_json
from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import AuditEntry, Call, CallCorrection
from qareport.store.audit import append
from qareport.store.connection import batches, from_stored, upsert
from qareport.store.database import Database
from qareport.store.desk_schema import CallCorrectionRow
from qareport.store.schema import CallRow


class CorrectionRepository:
    """The corrections of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, call_id: str) -> CallCorrection | None:
        """Return the correction of a call, or None."""
        with self._database.read() as session:
            return find_correction(session, call_id)

    def list_former_subjects(self, call_ids: Collection[str]) -> set[str]:
        """Return the orders that some calls were filed under before they were corrected."""
        former: set[str] = set()
        with self._database.read() as session:
            for batch in batches(sorted(call_ids)):
                for row in session.scalars(select(CallCorrectionRow).where(CallCorrectionRow.call_id.in_(batch))):
                    former.update(_correction(row).former_subjects)
        return former

    def put(self, correction: CallCorrection, entry: AuditEntry | None = None) -> None:
        """Keep the correction of a call in place of an earlier one, with its line of the audit log.

        Raises:
            NotFoundError: the call is gone.
        """
        with self._database.write() as session:
            if entry is not None:
                append(session, entry)
            if session.get(CallRow, correction.call_id) is None:
                raise NotFoundError(say("there is no call {call_id!r}", call_id=correction.call_id))
            upsert(session, CallCorrectionRow, call_id=correction.call_id, correction=to_json(correction))


def find_correction(session: Session, call_id: str) -> CallCorrection | None:
    """Return the correction of a call within a transaction. See `CorrectionRepository.find`."""
    row = session.get(CallCorrectionRow, call_id)
    return None if row is None else _correction(row)


def _correction(row: CallCorrectionRow) -> CallCorrection:
    return from_stored(CallCorrection, row.correction, where=f"correction {row.call_id}")


def correct(session: Session, call: Call) -> Call:
    """Return what is known of a call with the corrections of people, who know better than manifests."""
    correction = find_correction(session, call.call_id)
    return call if correction is None else correction.of_call(call)
