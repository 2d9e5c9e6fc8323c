"""Repositories of transcripts and of results: judged calls, their snapshots for replays and summaries for periods."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from qareport.codec import to_json
from qareport.errors import DamagedError, NotFoundError
from qareport.messages import say
from qareport.model import Call, CallReport, CallReview, CallSummary, FailedCall, Transcript
from qareport.store.calls import put_call_row, written_call
from qareport.store.connection import (
    batches,
    call_of,
    damaged,
    failure_of,
    from_stored,
    in_utc,
    upsert,
)
from qareport.store.database import Database, report_from_stored
from qareport.store.reviews import follow_report, verdicts_of
from qareport.store.schema import CallReportRow, CallRow, CallSnapshotRow, CallSummaryRow, ReplayRow, TranscriptRow
from qareport.store.search_index import index_call
from qareport.store.webhook_events import telling_result

T = TypeVar("T")


class TranscriptRepository:
    """The transcripts of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, key: str) -> Transcript | None:
        """Return the transcript under a key, or None: there is none, or it is damaged and to be made again."""
        with self._database.read() as session:
            row = session.get(TranscriptRow, key)
            return None if row is None else next(self._read([row]), (key, None))[1]

    def put(self, key: str, transcript: Transcript) -> None:
        """Put a transcript under the hash of recording, model, engine settings and channel map."""
        with self._database.write() as session:
            upsert(
                session,
                TranscriptRow,
                key=key,
                transcript=to_json(transcript),
                call_id=transcript.call_id,
                audio_sha256=transcript.audio.sha256 if transcript.audio else None,
            )

    def list(self, call_id: str) -> tuple[tuple[str, Transcript], ...]:
        """Return all transcripts of a call, or of the recording that it shares with another call, with their keys."""
        audio = select(CallRow.audio_sha256).where(CallRow.call_id == call_id).scalar_subquery()
        its_own = (TranscriptRow.call_id == call_id) | (TranscriptRow.audio_sha256 == audio)
        with self._database.read() as session:
            return tuple(self._read(session.scalars(select(TranscriptRow).where(its_own).order_by(TranscriptRow.key))))

    def _read(self, rows: Iterable[TranscriptRow]) -> Iterator[tuple[str, Transcript]]:
        """Read transcripts; damaged ones are left out (`store check` names them)."""
        for row in rows:
            with contextlib.suppress(DamagedError):
                yield row.key, from_stored(Transcript, row.transcript, where=f"transcript {row.key}")


#: Calls whose results are in memory at once: a result is some 100 kB.
_RESULTS = 50
#: And their snapshots: some 5 kB for each minute.
_SNAPSHOTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """A call with its newest result or failure; neither: it waits."""

    call: Call
    report: CallReport | None
    failure: FailedCall | None
    rules_sha256: str | None
    #: What reviewers left of it, where that was asked for.
    review: CallReview | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A judged call as a replay needs it."""

    call_id: str
    order_id: str | None
    #: ISO 8601 with offset.
    started_at: str | None
    #: Of its result.
    key: str
    rules_sha256: str
    #: None when it was judged before snapshots were kept.
    snapshot: str | None


class ResultRepository:
    """The results of a store. Periods of time are [first, last): `first` belongs to them, `last` does not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- results ------------------------------------------------------------------------------------------------------

    def find(self, key: str) -> CallReport | None:
        """Return the result under a key, or None."""
        with self._database.read() as session:
            row = session.get(CallReportRow, key)
            return None if row is None else self._report(row)

    def get(self, call_id: str) -> CallReport:
        """Return the newest result of a call.

        Raises:
            NotFoundError: no such call, or it has no result.
        """
        with self._database.read() as session:
            row = _newest(session, call_id)
            if row is None:
                raise NotFoundError(
                    say("no judged call {call_id!r}", call_id=call_id),
                    where=self._database.url,
                    to_do=say("run `qareport run` first"),
                )
            return self._report(row)

    def list(self, call_ids: Sequence[str]) -> Iterator[CallRecord]:
        """Iterate over calls in the order given, a batch in memory at a time; those deleted since are left out."""
        for batch in batches(call_ids, _RESULTS):
            query = (
                select(CallRow, CallReportRow)
                .outerjoin(CallReportRow, CallReportRow.key == CallRow.report_key)
                .where(CallRow.call_id.in_(batch))
            )
            with self._database.read() as session:
                records = {row.call_id: self._record(row, result) for row, result in session.execute(query)}
            yield from (records[call_id] for call_id in batch if call_id in records)

    def put(
        self,
        key: str,
        call: Call,
        report: CallReport,
        *,
        rules_sha256: str,
        snapshot: str | None = None,
        summary: CallSummary | None = None,
    ) -> None:
        """Put the result of a call, and make it the newest.

        Args:
            key: hash of everything that decided it.
            call: whose result it is.
            report: the result.
            rules_sha256: of the rule set.
            snapshot: what rules look at, in a compact form; for replays.
            summary: what periods are added up from.
        """
        with self._database.write() as session:
            _put_rows(session, key, report, rules_sha256=rules_sha256, snapshot=snapshot, summary=summary)
            _make_newest(session, key, call, report)

    def make_newest(self, key: str, call: Call) -> bool:
        """Make the result under a key the newest of a call. Nothing is written where it is that already.

        A damaged result is as none: judged again, it takes the damaged one's place.

        Returns:
            whether there is a result under the key that can be read.
        """
        with self._database.read() as session:
            result = session.get(CallReportRow, key)
            if result is None:
                return False
            try:
                report = self._report(result)
            except DamagedError:
                return False
            row = session.get(CallRow, call.call_id)
            if row is not None and (row.report_key, row.failure, row.call) == (key, None, written_call(call)):
                return True
        with self._database.write() as session:
            _make_newest(session, key, call, report)
        return True

    def replace(
        self,
        call_id: str,
        key: str,
        report: CallReport,
        *,
        rules_sha256: str,
        snapshot: str,
        summary: CallSummary | None = None,
    ) -> None:
        """Make another judgement the newest result of a call; the one before and its rule set stay in the store.

        Raises:
            NotFoundError: no such call, or it has no result.
        """
        with self._database.write() as session:
            row = session.get(CallRow, call_id)
            before = _newest(session, call_id)
            if row is None or before is None:
                raise NotFoundError(say("no judged call {call_id!r}", call_id=call_id), where=self._database.url)
            if before.key == key:
                return
            _put_rows(session, key, report, rules_sha256=rules_sha256, snapshot=snapshot, summary=summary)
            upsert(
                session, ReplayRow, key=key, previous_key=before.key, previous_rules_sha256=before.rules_sha256,
                applied_at=datetime.now(UTC).isoformat(),
            )  # fmt: skip
            session.flush()
            with telling_result(session, call_id, key, verdicts_of):
                row.report_key = key
                index_call(session, key, report, row.order_id)
                follow_report(session, report)

    # --- snapshots ----------------------------------------------------------------------------------------------------

    def list_snapshots(
        self, since: datetime | None = None, *, until: datetime | None = None, most: int | None = None
    ) -> Iterator[StoredCall]:
        """Iterate over the judged calls, oldest first, with a batch of snapshots in memory at a time.

        Args:
            since: calls that began earlier are left out; those of unknown time too.
            until: calls that began then or later are left out; those of unknown time too.
            most: only the newest so many.
        """
        # Calls are put in order without their snapshots: sorted together, these would all be written out once more.
        # Reports are not read: they are many times larger, and one that has a snapshot is not needed.
        with self._database.read() as session:
            calls = session.execute(_in_order(since, until, most), execution_options={"yield_per": _SNAPSHOTS})
            for batch in calls.partitions():
                snapshots = _snapshots(session, [row.report_key for row in batch])
                for call_id, order_id, started_at, key in batch:
                    rules_sha256, snapshot = snapshots.get(key) or (_rules_of(session, key), None)
                    yield StoredCall(
                        call_id=call_id,
                        order_id=order_id,
                        started_at=started_at,
                        key=key,
                        rules_sha256=rules_sha256,
                        snapshot=snapshot,
                    )

    def count_judged(
        self, since: datetime | None = None, *, until: datetime | None = None, most: int | None = None
    ) -> int:
        """Count what `list_snapshots` iterates over."""
        calls = select(CallRow.call_id).where(*_judged_between(since, until)).limit(most).subquery()
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(calls)) or 0

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _report(self, row: CallReportRow) -> CallReport:
        return report_from_stored(row.report, where=f"{self._database.url} report {row.key}")

    def _record(self, row: CallRow, result: CallReportRow | None) -> CallRecord:
        url = self._database.url
        report, failure = None, failure_of(row, url)
        try:
            report = None if result is None else self._report(result)
        except DamagedError as error:
            failure = damaged(row, url, error)
        return CallRecord(
            call=call_of(row, url),
            report=report,
            failure=failure,
            rules_sha256=None if result is None else result.rules_sha256,
        )


def _in_order(since: datetime | None, until: datetime | None, most: int | None) -> Any:
    """Return the query for the judged calls of a period, or the newest of them, oldest first."""
    row = CallRow
    query = select(row.call_id, row.order_id, row.started_at, row.report_key).where(*_judged_between(since, until))
    if most is not None:
        newest = select(row.call_id).where(*_judged_between(since, until))
        newest = newest.order_by(row.started_utc.desc().nulls_last(), row.call_id.desc()).limit(most)
        query = query.where(row.call_id.in_(newest))
    return query.order_by(row.started_utc.nulls_first(), row.call_id)


def _judged_between(since: datetime | None, until: datetime | None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of judged calls that began in a period."""
    yield CallRow.report_key.is_not(None)
    if since is not None:
        yield CallRow.started_utc >= in_utc(since)
    if until is not None:
        yield CallRow.started_utc < in_utc(until)


def _newest(session: Session, call_id: str) -> CallReportRow | None:
    query = select(CallReportRow).join(CallRow, CallRow.report_key == CallReportRow.key)
    return session.scalars(query.where(CallRow.call_id == call_id)).first()


def _make_newest(session: Session, key: str, call: Call, report: CallReport) -> None:
    row = put_call_row(session, call)
    with telling_result(session, call.call_id, key, verdicts_of):
        row.report_key = key
        row.audio_sha256 = report.audio.sha256 if report.audio else None
        row.failure = None
        row.failure_key = None
        index_call(session, key, report, row.order_id)
        follow_report(session, report)


def _put_rows(
    session: Session,
    key: str,
    report: CallReport,
    *,
    rules_sha256: str,
    snapshot: str | None,
    summary: CallSummary | None,
) -> None:
    upsert(
        session,
        CallReportRow,
        key=key,
        report=to_json(report),
        rules_sha256=rules_sha256,
        call_id=report.call_id,
        judged_at=in_utc(datetime.now(UTC)),
    )
    if snapshot is not None:
        upsert(session, CallSnapshotRow, key=key, rules_sha256=rules_sha256, snapshot=snapshot)
    if summary is not None:
        upsert(session, CallSummaryRow, key=key, summary=to_json(summary))


def _snapshots(session: Session, keys: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    query = select(CallSnapshotRow.key, CallSnapshotRow.rules_sha256, CallSnapshotRow.snapshot)
    query = query.where(CallSnapshotRow.key.in_(keys))
    return {key: (rules_sha256, snapshot) for key, rules_sha256, snapshot in session.execute(query)}


def _rules_of(session: Session, key: str) -> str:
    return session.scalars(select(CallReportRow.rules_sha256).where(CallReportRow.key == key)).one()
