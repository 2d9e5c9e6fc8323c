"""Answers to requests that made something, kept for a day: the same request sent again makes nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, update

from qareport.errors import BusyError
from qareport.messages import say
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.desk_schema import AnswerRow

#: So long an answer is kept.
KEPT: Final = timedelta(hours=24)
#: A request that has no answer after so long was cut off, and may be sent again.
_CUT_OFF: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer to an earlier request."""

    #: Of everything that was asked.
    request_sha256: str
    status: int
    media_type: str
    body: str


class AnswerRepository:
    """The kept answers of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: str, request_sha256: str, *, at: datetime) -> KeptAnswer | None:
        """Note that a request is being answered. Returns the answer to an earlier one under the same key.

        Args:
            key: hash of who asks and of the key that they gave.
            request_sha256: hash of everything that is asked.
            at: now.

        Raises:
            BusyError: an earlier request under this key is being answered.
        """
        row = AnswerRow
        with self._database.write() as session:
            session.execute(delete(row).where(row.at < in_utc(at - KEPT)))
            session.execute(delete(row).where(row.status == 0, row.at < in_utc(at - _CUT_OFF)))
            known = session.get(row, key, with_for_update=True)
            if known is None:
                session.add(
                    row(key_sha256=key, request_sha256=request_sha256, status=0, media_type="", body="", at=in_utc(at))
                )
                return None
            if not known.status:
                raise BusyError(
                    say("a request with this Idempotency-Key is being answered"), to_do=say("try again in a moment")
                )
            return KeptAnswer(
                request_sha256=known.request_sha256, status=known.status, media_type=known.media_type, body=known.body
            )

    def finish(self, key: str, *, status: int, media_type: str, body: str) -> None:
        """Keep the answer to a request that `begin` noted."""
        with self._database.write() as session:
            session.execute(
                update(AnswerRow)
                .where(AnswerRow.key_sha256 == key)
                .values(status=status, media_type=media_type, body=body)
            )

    def forget(self, key: str) -> None:
        """Let a request be sent again."""
        with self._database.write() as session:
            session.execute(delete(AnswerRow).where(AnswerRow.key_sha256 == key))
