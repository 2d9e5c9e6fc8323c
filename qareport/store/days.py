"""What the store knows of the calls that began within a stretch of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from qareport.codec import from_json
from qareport.model import Call, CallDigest, CallReport, FailedCall
from qareport.store.schema import CallReportRow, CallRow


class DaysShelf(ABC):
    """The part of a store that reports of periods use."""

    url: str

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads."""

    def reports_between(self, start: datetime, end: datetime) -> list[tuple[CallReport, str | None, str]]:
        with self._read() as session:
            query = (
                select(CallReportRow.report, CallRow.order_id, CallReportRow.rules_sha256, CallRow.started_at)
                .join(CallRow, CallRow.report_key == CallReportRow.key)
                .order_by(CallRow.started_at, CallRow.call_id)
            )
            return [
                (from_json(CallReport, text, where=self.url), order, sha)
                for text, order, sha, at in session.execute(query)
                if at and start <= datetime.fromisoformat(at) < end
            ]

    def failures_between(self, start: datetime, end: datetime) -> list[FailedCall]:
        with self._read() as session:
            return [
                from_json(FailedCall, row.failure or "", where=self.url)
                for row in session.scalars(select(CallRow).where(CallRow.failure.is_not(None)))
                if row.started_at and start <= datetime.fromisoformat(row.started_at) < end
            ]

    def calls_between(self, start: datetime, end: datetime) -> list[Call]:
        with self._read() as session:
            return [
                from_json(Call, row.call, where=self.url)
                for row in session.scalars(select(CallRow))
                if row.started_at and start <= datetime.fromisoformat(row.started_at).astimezone(UTC) < end
            ]

    def open_calls(self, call_ids: Collection[str]) -> set[str]:
        with self._read() as session:
            query = select(CallRow.call_id).where(CallRow.report_key.is_not(None) | CallRow.failure_key.is_not(None))
            return set(call_ids) - set(session.scalars(query))

    def digests_between(self, start: datetime, end: datetime) -> list[CallDigest]:
        from qareport.digest import digest_call

        found = self.reports_between(start, end)
        return [digest_call(one, order, rules_sha256=sha) for one, order, sha in found]
