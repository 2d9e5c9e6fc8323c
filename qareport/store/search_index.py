"""The search index: the sentences of stored calls, indexed when a result is stored, and found by queries."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.orm import Session, aliased

from qareport import privacy
from qareport.codec import to_json
from qareport.errors import DamagedError
from qareport.model import CallReport, Risk
from qareport.search import REVIEWED, Found, Hit, Line, Node, facets_of, heat_facets_of, lines_of
from qareport.store.connection import batches, from_stored, in_utc, upsert
from qareport.store.database import Database
from qareport.store.review_schema import VerdictRow
from qareport.store.schema import CallReportRow, CallRow, StoreFactRow
from qareport.store.search_schema import SearchCallRow, SearchFacetRow, SearchLinesRow
from qareport.store.word_index import MOST_SENTENCES, PAGE, SHIFT, Scope, word_index

#: Characters of a facet's value that are kept.
_LONGEST = 200
#: The fact that every judged call is indexed: results are stored with their words, only older versions left some out.
#: A revision that wants calls indexed anew deletes it.
_COMPLETE = "search-complete"
#: Calls that are indexed in one transaction where they were stored without.
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchExtent:
    """How much can be searched."""

    #: Judged calls.
    calls: int
    #: When the first and the last of the dated calls began; None where no call has a date.
    first: datetime | None
    last: datetime | None


class SearchIndex:
    """The search index of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, query: Node, *, scope: Scope = "sentence", limit: int = 20, original: bool = False) -> Found:
        """Find sentences and calls; the newest calls come first, sentences in their order.

        Args:
            query: what `qareport.search.parse` returned.
            scope: `sentence`: all of it holds for one sentence (and its call); `call`: each part holds somewhere in
                the call, and the sentences that parts hold for are shown.
            limit: how many sentences to return; all are counted.
            original: return the words as they were transcribed, from the results themselves, not masked.
        """
        from qareport.store.search_evaluation import Evaluation, distinct  # it imports numpy

        with self._database.read() as session:
            evaluation = Evaluation(session, scope)
            numbers = evaluation.evaluate(query)
            if scope == "call":
                calls, lines = numbers, evaluation.witnesses(query, numbers)
            else:
                lines, calls = numbers, distinct(numbers >> SHIFT)
            newest = evaluation.newest(lines, calls, limit)
            hits = tuple(read_hits(session, newest, original=original))
            return Found(lines=len(lines), calls=len(calls), hits=hits)

    def extent(self) -> SearchExtent:
        """Return how many calls are indexed, and of which time."""
        began = func.nullif(SearchCallRow.started_utc, "")
        with self._database.read() as session:
            calls, first, last = session.execute(select(func.count(), func.min(began), func.max(began))).one()
        return SearchExtent(calls=calls, first=_instant(first), last=_instant(last))

    def count_missing(self) -> int:
        """Count the judged calls whose newest result is not indexed: stored by an older version."""
        with self._database.read() as session:
            return int(session.scalar(select(func.count()).select_from(_missing().subquery())) or 0)

    def index_missing(
        self, *, on_progress: Callable[[str, int, int], None], on_damaged: Callable[[DamagedError], None] | None = None
    ) -> int:
        """Index the judged calls that are not, a batch in each transaction. Returns how many they were.

        Args:
            on_progress: called after each batch.
            on_damaged: called for each call whose result cannot be read; it is left out.
        """
        with self._database.read() as session:
            if session.get(StoreFactRow, _COMPLETE) is not None:
                return 0  # to look for missing calls is to read all of them
        total, done = self.count_missing(), 0
        unread: list[str] = []
        while total:
            query = _missing().where(CallRow.call_id.not_in(unread)).limit(_BATCH)
            with self._database.write() as session:
                calls = session.execute(query.with_for_update(of=CallRow, skip_locked=True)).all()
                for call_id, order_id, key, started_utc, started_at in calls:
                    row = session.get_one(CallReportRow, key)
                    try:
                        report = from_stored(CallReport, row.report, where=f"{self._database.url} report {key}")
                    except DamagedError as error:
                        unread.append(call_id)
                        if on_damaged is not None:
                            on_damaged(error)
                        continue
                    _put(session, key, report, order_id, call_id, started_utc or "", started_at)
            done += len(calls)
            if not calls:
                break
            on_progress("index", done, max(total, done))
        if not unread:
            with self._database.write() as session:
                if session.execute(_missing().limit(1)).first() is None:
                    upsert(session, StoreFactRow, name=_COMPLETE, value="")
        return done

    def clear(self) -> None:
        """Empty the index; `index_missing` fills it again."""
        with self._database.write() as session:
            session.execute(delete(StoreFactRow).where(StoreFactRow.name == _COMPLETE))
            word_index(session).clear(session)
            session.execute(delete(SearchLinesRow))
            session.execute(delete(SearchFacetRow))
            session.execute(delete(SearchCallRow))


def index_call(session: Session, key: str, report: CallReport, order_id: str | None) -> None:
    """Index a call by this result and by no older one."""
    started = report.started_at
    _put(
        session,
        key,
        report,
        order_id,
        report.call_id,
        in_utc(started) if started else "",
        started.isoformat() if started else None,
    )


def unindex_calls(session: Session, call_ids: Sequence[str]) -> None:
    """Remove some calls from the index."""
    words = word_index(session)
    for batch in batches(call_ids, _BATCH):
        chosen = SearchCallRow.call_id.in_(batch)
        query = select(SearchLinesRow).join(SearchCallRow, SearchCallRow.number == SearchLinesRow.number).where(chosen)
        numbers = []
        for row in session.scalars(query):
            words.drop(session, sentences_of(row))
            numbers.append(row.number)
        session.execute(delete(SearchLinesRow).where(SearchLinesRow.number.in_(numbers)))
        session.execute(delete(SearchFacetRow).where(SearchFacetRow.number.in_(numbers)))
        session.execute(delete(SearchCallRow).where(chosen))


def _put(
    session: Session,
    key: str,
    report: CallReport,
    order_id: str | None,
    call_id: str,
    started_utc: str,
    started_at: str | None,
) -> None:
    values: dict[str, Any] = {
        "report_key": key,
        "order_id": order_id,
        "agent_id": report.agent_id,
        "started_utc": started_utc,
        "started_at": started_at,
    }
    known = session.scalars(select(SearchCallRow).where(SearchCallRow.call_id == call_id)).first()
    if known is not None and all(getattr(known, name) == value for name, value in values.items()):
        return
    if known is not None:
        unindex_calls(session, [call_id])
    masked = replace(report, segments=privacy.mask_segments(report.segments).segments)
    lines = lines_of(masked)[:MOST_SENTENCES]
    row = SearchCallRow(
        call_id=call_id,
        score=report.score,
        risk=report.risk,
        rules="".join(f"|{rule}" for rule in dict.fromkeys(finding.rule_id for finding in report.findings)) + "|",
        sentences=len(lines),
        **values,
    )
    session.add(row)
    session.flush()
    session.add(SearchLinesRow(number=row.number, lines=to_json(lines)))
    place = {"started_utc": started_utc, "number": row.number, "score": row.score}
    facets = [
        {"kind": kind, "value": value[:_LONGEST], **place}
        for kind, value in (*facets_of(report), *heat_facets_of(report), *_facets_of_call(session, call_id))
    ]
    if facets:
        session.execute(insert(SearchFacetRow), facets)
    session.flush()
    word_index(session).put(session, _sentences(row.number, lines))


def _facets_of_call(session: Session, call_id: str) -> Iterator[tuple[str, str]]:
    """Yield what the store itself files a call under."""
    if source := session.scalar(select(CallRow.source).where(CallRow.call_id == call_id)):
        yield "source", source
    if _is_reviewed(session, call_id):
        yield "reviewed", REVIEWED


def index_review(session: Session, call_id: str) -> None:
    """Let searches know whether a call has a verdict that counts."""
    row, facet = session.scalars(select(SearchCallRow).where(SearchCallRow.call_id == call_id)).first(), SearchFacetRow
    if row is None:
        return
    session.execute(delete(facet).where(facet.number == row.number, facet.kind == "reviewed"))
    if _is_reviewed(session, call_id):
        place = {"started_utc": row.started_utc, "number": row.number, "score": row.score}
        session.execute(insert(facet), {"kind": "reviewed", "value": REVIEWED, **place})


def _is_reviewed(session: Session, call_id: str) -> bool:
    return session.scalar(_counting_verdict(), {"call_id": call_id}) is not None


@functools.cache
def _counting_verdict() -> Any:
    """Select a verdict on `:call_id` that counts; making the statement takes longer than running it."""
    later = aliased(VerdictRow)
    counts = ~VerdictRow.stale & ~select(later.id).where(later.replaces == VerdictRow.id).exists()
    return select(VerdictRow.id).where(VerdictRow.call_id == bindparam("call_id"), counts).limit(1)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _missing() -> Any:
    return (
        select(CallRow.call_id, CallRow.order_id, CallRow.report_key, CallRow.started_utc, CallRow.started_at)
        .outerjoin(SearchCallRow, SearchCallRow.call_id == CallRow.call_id)
        .where(
            CallRow.report_key.is_not(None),
            SearchCallRow.report_key.is_(None) | (SearchCallRow.report_key != CallRow.report_key),
        )
    )


def _lines(row: SearchLinesRow) -> tuple[Line, ...]:
    try:
        return from_stored(tuple[Line, ...], row.lines, where=f"search_lines {row.number}")
    except DamagedError:
        return ()  # its words stay in the index until `store upgrade --reindex`, and are found in no call


def sentences_of(row: SearchLinesRow) -> Iterator[tuple[int, list[str]]]:
    """Yield the numbers and terms of the sentences of an indexed call."""
    return _sentences(row.number, _lines(row))


def _sentences(number: int, lines: Sequence[Line]) -> Iterator[tuple[int, list[str]]]:
    return (((number << SHIFT) + place, line.terms) for place, line in enumerate(lines))


def read_hits(session: Session, sentences: Sequence[int], *, original: bool = False) -> Iterator[Hit]:
    """Read the sentences of some numbers; those of a call that was deleted meanwhile are left out."""
    numbers = list(dict.fromkeys(sentence >> SHIFT for sentence in sentences))
    for page in batches(numbers, PAGE):
        calls = _calls_with_lines(session, page, original=original)
        for sentence in sentences:
            if sentence >> SHIFT in calls:
                call, lines = calls[sentence >> SHIFT]
                yield Hit(
                    call_id=call.call_id,
                    order_id=call.order_id,
                    agent_id=call.agent_id,
                    started_at=datetime.fromisoformat(call.started_at) if call.started_at else None,
                    score=call.score,
                    risk=Risk(call.risk),
                    line=lines[sentence & (MOST_SENTENCES - 1)],
                )


def _calls_with_lines(
    session: Session, numbers: Sequence[int], *, original: bool
) -> dict[int, tuple[SearchCallRow, tuple[Line, ...]]]:
    if original:
        query = select(SearchCallRow, CallReportRow.report).join(
            CallReportRow, CallReportRow.key == SearchCallRow.report_key
        )
    else:
        query = select(SearchCallRow, SearchLinesRow.lines).join(
            SearchLinesRow, SearchLinesRow.number == SearchCallRow.number
        )
    calls = {}
    for call, content in session.execute(query.where(SearchCallRow.number.in_(numbers))):
        with contextlib.suppress(DamagedError):  # `store check` names it
            if original:
                lines = lines_of(from_stored(CallReport, content, where=f"report {call.report_key}"))
            else:
                lines = from_stored(tuple[Line, ...], content, where=f"search_lines {call.number}")
            calls[call.number] = (call, lines)
    return calls
