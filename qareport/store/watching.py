"""What the store says of its own state: how many calls are where, what failed, the last mail."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qareport.codec import from_json
from qareport.errors import StoreError
from qareport.model import Edition, FailedCall, MailState
from qareport.store.keeping import in_utc
from qareport.store.outbox import MailRow
from qareport.store.schema import CallRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCounts:
    """How many calls have a result, failed, or wait for one."""

    judged: int
    failed: int
    waiting: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.judged + self.failed + self.waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """The last mail that went out; to whom is not said."""

    edition: Edition
    period: str
    sent_at: datetime


class WatchShelf(ABC):
    """The part of a store that whoever watches it asks; `Store` brings the transactions."""

    url: str
    _engine: sqlalchemy.Engine

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads."""

    def count_calls(self, first: datetime | None = None, last: datetime | None = None) -> CallCounts:
        """Count the calls that began in [first, last), or all."""
        query = select(func.count(), func.count(CallRow.report_key), func.count(CallRow.failure)).select_from(CallRow)
        if first is not None:
            query = query.where(CallRow.started_utc >= in_utc(first))
        if last is not None:
            query = query.where(CallRow.started_utc < in_utc(last))
        with self._read() as session:
            total, judged, failed = session.execute(query).one()
        return CallCounts(judged=judged, failed=failed, waiting=total - judged - failed)

    def failures(self) -> tuple[FailedCall, ...]:
        """Return all calls whose newest attempt failed: those of unknown time first, then the newest first."""
        query = (
            select(CallRow.failure)
            .where(CallRow.failure.is_not(None))
            .order_by(CallRow.started_utc.desc().nulls_first(), CallRow.call_id)
        )
        with self._read() as session:
            return tuple(
                from_json(FailedCall, text, where=self.url, error=StoreError) for text in session.scalars(query) if text
            )

    def count_mails(self) -> dict[MailState, int]:
        """Count the mails by their state."""
        with self._read() as session:
            counts = session.execute(select(MailRow.state, func.count()).group_by(MailRow.state))
            return dict(Counter({MailState(state): count for state, count in counts}))

    def last_sent(self) -> SentMail | None:
        """Return the mail that a server took last."""
        query = select(MailRow).where(MailRow.state == MailState.SENT).order_by(MailRow.changed_at.desc()).limit(1)
        with self._read() as session:
            row = session.scalars(query).first()
            if row is None:
                return None
            sent_at = datetime.fromisoformat(row.changed_at)
            return SentMail(edition=Edition(row.edition), period=row.period, sent_at=sent_at)

    def free_bytes(self) -> int | None:
        """Return how much room is left on the disk of an SQLite store; None: the server knows."""
        if self._engine.dialect.name != "sqlite":
            return None
        return shutil.disk_usage(Path(self._engine.url.database or ".").resolve().parent).free
