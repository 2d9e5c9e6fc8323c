"""The search index: the sentences of stored calls, indexed when a result is stored, and found by queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from qareport import privacy
from qareport.codec import to_json
from qareport.model import CallReport, Risk
from qareport.search import Found, Hit, Line, Node, lines_of
from qareport.store.connection import batches, from_stored, in_utc
from qareport.store.database import Database
from qareport.store.schema import (
    MOST_SENTENCES,
    PAGE,
    SHIFT,
    CallReportRow,
    CallRow,
    Scope,
    SearchCallRow,
    SearchLinesRow,
    word_index,
)

#: Calls that are indexed in one transaction where they were stored without.
_BATCH = 50


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
            hits = tuple(_hits(session, newest, original=original))
            return Found(lines=len(lines), calls=len(calls), hits=hits)

    def count_missing(self) -> int:
        """Count the judged calls whose newest result is not indexed: stored by an older version."""
        with self._database.read() as session:
            return int(session.scalar(select(func.count()).select_from(_missing().subquery())) or 0)

    def index_missing(self, *, on_progress: Callable[[str, int, int], None]) -> int:
        """Index the judged calls that are not, a batch in each transaction. Returns how many they were."""
        total, done = self.count_missing(), 0
        while total:
            with self._database.write() as session:
                calls = session.execute(_missing().limit(_BATCH).with_for_update(of=CallRow, skip_locked=True)).all()
                for call_id, order_id, key, started_utc, started_at in calls:
                    row = session.get_one(CallReportRow, key)
                    report = from_stored(CallReport, row.report, where=f"{self._database.url} report {key}")
                    _put(session, key, report, order_id, call_id, started_utc or "", started_at)
            done += len(calls)
            if not calls:
                return done
            on_progress("index", done, max(total, done))
        return done

    def clear(self) -> None:
        """Empty the index; `index_missing` fills it again."""
        with self._database.write() as session:
            word_index(session).clear(session)
            session.execute(delete(SearchLinesRow))
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
            words.drop(session, _sentences(row.number, _lines(row)))
            numbers.append(row.number)
        session.execute(delete(SearchLinesRow).where(SearchLinesRow.number.in_(numbers)))
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
    session.flush()
    word_index(session).put(session, _sentences(row.number, lines))


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
    return from_stored(tuple[Line, ...], row.lines, where=f"search_lines {row.number}")


def _sentences(number: int, lines: Sequence[Line]) -> Iterator[tuple[int, list[str]]]:
    return (((number << SHIFT) + place, line.terms) for place, line in enumerate(lines))


def _hits(session: Session, sentences: Sequence[int], *, original: bool) -> Iterator[Hit]:
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
        if original:
            lines = lines_of(from_stored(CallReport, content, where=f"report {call.report_key}"))
        else:
            lines = from_stored(tuple[Line, ...], content, where=f"search_lines {call.number}")
        calls[call.number] = (call, lines)
    return calls


class Evaluation:
    """One query, evaluated: arrays of the numbers of sentences, or of calls where the scope is the call."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self._session = session
        self._scope = scope
        self._words = word_index(session)
        #: The sentences of single words and tags.
        self._known: dict[Node, Numbers] = {}
        self._joined = func.string_agg if session.get_bind().dialect.name == "postgresql" else func.group_concat

    def evaluate(self, node: Node) -> Numbers:
        """Return what a query holds for, sorted."""
        if self._scope == "sentence" and _is_fulltext(node):
            return self._words.find(self._session, node)
        match node:
            case Words() | Mark():
                return distinct(self._leaf(node) >> SHIFT)
            case And(parts=parts):
                return self._all(parts)
            case Or(parts=parts):
                return _union([self.evaluate(part) for part in parts])
            case Not(part=part):
                return np.setdiff1d(self._everything(), self.evaluate(part), assume_unique=True)
            case Fact() | Between():
                return self._of_calls(self._calls(node))
        raise TypeError(node)

    def witnesses(self, node: Node, calls: Numbers) -> Numbers:
        """Return the sentences of calls that any word or tag of a query holds for; of a call without one the first."""
        sentences = _union([self._leaf(leaf) for leaf in _leaves(node)])
        sentences = sentences[np.isin(sentences >> SHIFT, calls)]
        with_words = self._numbers(select(SearchCallRow.number).where(SearchCallRow.sentences > 0))
        spoken = np.intersect1d(calls, with_words, assume_unique=True)
        bare = np.setdiff1d(spoken, distinct(sentences >> SHIFT), assume_unique=True)
        return _union([sentences, bare << SHIFT])

    def _leaf(self, node: Node) -> Numbers:
        if node not in self._known:
            self._known[node] = self._words.find(self._session, node)
        return self._known[node]

    def newest(self, lines: Numbers, calls: Numbers, limit: int) -> list[int]:
        """Return the first of some sentences in the order of results."""
        wanted: list[int] = []
        for number in self._newest_of(calls):
            first, last = np.searchsorted(lines, (number << SHIFT, (number + 1) << SHIFT))
            wanted += lines[first:last].tolist()
            if len(wanted) >= limit:
                break
        return wanted[:limit]

    def _newest_of(self, calls: Numbers) -> Iterator[int]:
        """Iterate over some calls, newest first: few are selected by number, of many the first ones come soon."""
        row = SearchCallRow
        query = select(row.number).order_by(row.started_utc.desc(), row.number.desc())
        if len(calls) <= PAGE:
            yield from self._session.scalars(query.where(row.number.in_(calls.tolist())))
            return
        left, at = set(calls.tolist()), 0
        while left:
            page = self._session.scalars(query.limit(PAGE).offset(at)).all()
            yield from (number for number in page if number in left)
            left.difference_update(page)
            at += PAGE
            if not page:
                return  # the others were deleted meanwhile

    def _all(self, parts: Sequence[Node]) -> Numbers:
        """Evaluate AND: what the full-text index answers goes to it at once, calls and NOT take away from the rest."""
        fulltext = [part for part in parts if _is_fulltext(part)] if self._scope == "sentence" else []
        if fulltext:
            fulltext += [part for part in parts if isinstance(part, Not) and _is_fulltext(part.part)]
        rest = [part for part in parts if part not in fulltext]
        numbers = self._words.find(self._session, And(parts=tuple(fulltext))) if fulltext else None
        for part in sorted(rest, key=lambda node: isinstance(node, Not)):
            if numbers is not None and not len(numbers):
                break
            if isinstance(part, Not) and numbers is not None:
                numbers = np.setdiff1d(numbers, self.evaluate(part.part), assume_unique=True)
            elif isinstance(part, Fact | Between) and numbers is not None and self._scope == "sentence":
                numbers = numbers[np.isin(numbers >> SHIFT, self._calls(part))]
            else:
                own = self.evaluate(part)
                numbers = own if numbers is None else np.intersect1d(numbers, own, assume_unique=True)
        return np.empty(0, dtype=np.int64) if numbers is None else numbers

    def _everything(self) -> Numbers:
        return self._of_calls(self._numbers(select(SearchCallRow.number)))

    def _of_calls(self, calls: Numbers) -> Numbers:
        """Return all sentences of some calls, or the calls themselves where the scope is the call."""
        calls = np.sort(calls)
        if self._scope == "call":
            return calls
        # Number and length in one, so that they cannot come apart.
        packed = cast(SearchCallRow.number, BigInteger) * (2 * MOST_SENTENCES) + SearchCallRow.sentences
        both = np.sort(self._numbers(select(packed)))
        every, lengths = both // (2 * MOST_SENTENCES), both % (2 * MOST_SENTENCES)
        chosen = np.isin(every, calls)
        every, lengths = every[chosen], lengths[chosen]
        starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.repeat(every << SHIFT, lengths) + np.arange(lengths.sum(), dtype=np.int64) - starts

    def _calls(self, node: Fact | Between) -> Numbers:
        return self._numbers(select(SearchCallRow.number).where(_condition(node)))

    def _numbers(self, query: Any) -> Numbers:
        """Run a query for numbers; they are not sorted."""
        rows = query.subquery()
        return read_numbers(self._session.scalar(select(self._joined(cast(rows.c[0], Text), ","))))


def distinct(numbers: Numbers) -> Numbers:
    """Remove duplicates from sorted numbers. numpy's `unique` hashes them, which takes ten times as long."""
    return numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if len(numbers) else numbers


def _union(parts: Sequence[Numbers]) -> Numbers:
    """Merge sorted arrays; a stable sort is quick where the parts are in order."""
    return distinct(np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts]), kind="stable"))


def _is_fulltext(node: Node) -> bool:
    """Whether the full-text index alone answers a query: words and tags, with NOT beside others only."""
    if isinstance(node, And):
        sure = [part for part in node.parts if not isinstance(part, Not)]
        return bool(sure) and all(_is_fulltext(part.part if isinstance(part, Not) else part) for part in node.parts)
    if isinstance(node, Or):
        return all(_is_fulltext(part) for part in node.parts)
    return isinstance(node, Words | Mark)


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _leaves(part)
    elif isinstance(node, Words | Mark):
        yield node


def _condition(node: Fact | Between) -> Any:
    row = SearchCallRow
    if isinstance(node, Between):
        column: Any = row.score if node.name == "score" else row.started_utc
        low, high = (in_utc(bound) if isinstance(bound, datetime) else bound for bound in (node.low, node.high))
        condition = (column != "") if node.name == "date" else column.is_not(None)
        if low is not None:
            condition &= column >= low
        return condition if high is None else condition & (column < high)
    if node.name == "rule":
        wanted = f"|{node.value}" + ("" if node.prefix else "|")
        return func.replace(row.rules, wanted, "") != row.rules
    named: dict[str, Any] = {"agent": row.agent_id, "order": row.order_id, "call": row.call_id, "risk": row.risk}
    column = named[node.name]
    return func.substr(column, 1, len(node.value)) == node.value if node.prefix else column == node.value
