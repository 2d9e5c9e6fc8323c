"""What the store keeps for those who tune rules: good rule sets, packed scenes, the history of replays."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from qareport.codec import from_json
from qareport.errors import NotFoundError, StoreError
from qareport.model import Call, CallReport, CallSummary
from qareport.store.finding import index
from qareport.store.keeping import keep, keep_result
from qareport.store.schema import CallReportRow, CallRow, ReplayRow, RuleSetRow, SceneRow

#: Calls that are held in memory at once.
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A judged call as a replay needs it."""

    call_id: str
    order_id: str | None
    #: ISO 8601 with offset.
    started_at: str | None
    key: str
    rules_sha256: str
    #: None when it was judged before scenes were kept.
    scene: str | None


class RulesShelf(ABC):
    """The part of a store that rules use; `Store` brings the transactions."""

    url: str

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]:
        """Open a transaction that writes."""

    def put_rule_set(self, sha256: str, files: Mapping[str, str]) -> None:
        """Keep a good rule set and make it the newest."""
        text = json.dumps(dict(files), ensure_ascii=False)
        with self._write() as session:
            keep(session, RuleSetRow, sha256=sha256, files=text, good_at=datetime.now(UTC).isoformat())

    def find_rule_set(self, sha256: str) -> dict[str, str] | None:
        """Return the files of a rule set by its hash, or None."""
        with self._read() as session:
            row = session.get(RuleSetRow, sha256)
            return None if row is None else dict(json.loads(row.files))

    def last_rule_set(self) -> tuple[str, dict[str, str]] | None:
        """Return hash and files of the newest good rule set, or None."""
        with self._read() as session:
            row = session.scalars(select(RuleSetRow).order_by(RuleSetRow.good_at.desc()).limit(1)).first()
            return None if row is None else (row.sha256, dict(json.loads(row.files)))

    def earlier_starts(self, call: Call) -> tuple[datetime, ...] | None:
        """Return when the earlier calls of a call's order began; None when its order or its time is not known."""
        if call.order_id is None or call.started_at is None:
            return None
        with self._read() as session:
            query = select(CallRow.started_at).where(
                CallRow.order_id == call.order_id, CallRow.call_id != call.call_id, CallRow.started_at.is_not(None)
            )
            starts = [datetime.fromisoformat(text) for text in session.scalars(query) if text]
        return tuple(sorted(one for one in starts if one < call.started_at))

    def starts_by_order(self) -> dict[str, list[str]]:
        """Return when the calls of each order began, as written; most are never asked for."""
        found: dict[str, list[str]] = {}
        with self._read() as session:
            query = select(CallRow.order_id, CallRow.started_at).where(
                CallRow.order_id.is_not(None), CallRow.started_at.is_not(None)
            )
            for order_id, text in session.execute(query):
                found.setdefault(order_id or "", []).append(text or "")
        return found

    def judged_calls(self, since: datetime | None = None) -> Iterator[StoredCall]:
        """Walk through the judged calls, oldest first; their scenes are in memory a batch at a time.

        Args:
            since: calls that began earlier are left out; those of unknown time too.
        """
        # Calls are put in order without their scenes: sorted together, these would all be written out once more.
        # Reports are not read: they are many times larger, and one that has a scene is not needed.
        query = (
            select(CallRow.call_id, CallRow.order_id, CallRow.started_at, CallRow.report_key)
            .where(CallRow.report_key.is_not(None))
            .order_by(CallRow.started_utc, CallRow.call_id)
        )
        with self._read() as session:
            calls = [
                row
                for row in session.execute(query)
                if since is None or (row[2] is not None and datetime.fromisoformat(row[2]) >= since)
            ]
            for start in range(0, len(calls), _BATCH):
                batch = calls[start : start + _BATCH]
                scenes = {
                    key: (sha256, scene)
                    for key, sha256, scene in session.execute(
                        select(SceneRow.key, SceneRow.rules_sha256, SceneRow.scene).where(
                            SceneRow.key.in_([row[3] for row in batch])
                        )
                    )
                }
                for call_id, order_id, started_at, report_key in batch:
                    key = report_key or ""
                    kept = scenes.get(key)
                    yield StoredCall(
                        call_id=call_id,
                        order_id=order_id,
                        started_at=started_at,
                        key=key,
                        rules_sha256=kept[0] if kept else self._rules_of(session, key),
                        scene=kept[1] if kept else None,
                    )

    @staticmethod
    def _rules_of(session: Session, key: str) -> str:
        return session.scalars(select(CallReportRow.rules_sha256).where(CallReportRow.key == key)).one()

    def report_of_call(self, call_id: str) -> CallReport:
        """Return the newest result of a call.

        Raises:
            NotFoundError: no such call, or none that was judged.
        """
        with self._read() as session:
            row = session.get(CallRow, call_id)
            found = session.get(CallReportRow, row.report_key) if row is not None and row.report_key else None
            if found is None:
                raise NotFoundError(f"no judged call {call_id!r}", where=self.url, to_do="run `qareport run` first")
            return from_json(CallReport, found.report, where=f"{self.url} report {found.key}", error=StoreError)

    def report_text(self, key: str) -> str:
        """Return a result as it is stored.

        Raises:
            NotFoundError: there is none under this key.
        """
        with self._read() as session:
            row = session.get(CallReportRow, key)
            if row is None:
                raise NotFoundError(f"no report {key!r}", where=self.url)
            return row.report

    def order_of_call(self, call_id: str) -> str | None:
        """Return the order that a call belongs to, if one is known."""
        with self._read() as session:
            row = session.get(CallRow, call_id)
            return None if row is None else row.order_id

    def replace_report(
        self,
        call_id: str,
        key: str,
        report: CallReport,
        *,
        rules_sha256: str,
        scene: str,
        digest: CallSummary | None = None,
    ) -> None:
        """Make another judgement the call's newest result; the one before and its rule set stay in the store."""
        with self._write() as session:
            row = session.get(CallRow, call_id)
            before = session.get(CallReportRow, row.report_key) if row is not None and row.report_key else None
            if row is None or before is None:
                raise NotFoundError(f"no judged call {call_id!r}", where=self.url)
            if before.key == key:
                return
            keep_result(session, key, report, rules_sha256=rules_sha256, scene=scene, digest=digest)
            keep(
                session,
                ReplayRow,
                key=key,
                previous_key=before.key,
                previous_rules_sha256=before.rules_sha256,
                applied_at=datetime.now(UTC).isoformat(),
            )
            session.flush()
            row.report_key = key
            index(session, key, report, row.order_id)
