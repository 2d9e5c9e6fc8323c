"""The search index: kept with each result in the same transaction, and asked by `search`.

Everything in it is masked, always and for all kinds that qareport masks by default: nobody finds a call by a
telephone number, and a copy of the index gives none away. A query is worked out on sorted arrays of sentence numbers:
the database's full-text index gives those of words and tags, `search_calls` those of whole calls.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
from sqlalchemy import BigInteger, Text, cast, delete, func, select
from sqlalchemy.orm import Session

from qareport import privacy
from qareport.codec import from_json, to_json
from qareport.errors import StoreError
from qareport.model import CallReport, Risk
from qareport.search import And, Between, Fact, Found, Hit, Line, Mark, Node, Not, Or, Words, lines_of
from qareport.store.keeping import in_utc
from qareport.store.schema import CallReportRow, CallRow, SearchCallRow, SearchLinesRow
from qareport.store.wording import Numbers, numbers_of, word_index

#: Sentences of a call: 16 bits of a sentence's number.
_SHIFT = 16
_MOST = 1 << _SHIFT
#: Calls that are indexed in one transaction where they were stored without.
_BATCH = 50
#: Calls that are put in order at once.
_PAGE = 500
Scope = Literal["sentence", "call"]


class SearchShelf(ABC):
    """The part of a store that searches use; `Store` brings the transactions."""

    url: str

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]:
        """Open a transaction that writes."""

    def search(self, query: Node, *, scope: Scope = "sentence", limit: int = 20, original: bool = False) -> Found:
        """Find what was said; the newest calls come first, sentences in their order.

        Args:
            query: what `searching.parse` returned.
            scope: `sentence`: all of it holds for one sentence (and its call); `call`: each part holds somewhere in
                the call, and the sentences that parts hold for are shown.
            limit: how many sentences to return; all are counted.
            original: return the words as they were heard, from the results themselves, not masked.
        """
        with self._read() as session:
            search = _Search(session, scope)
            found = search.work_out(query)
            if scope == "call":
                calls, lines = found, search.witnesses(query, found)
            else:
                lines, calls = found, _distinct(found >> _SHIFT)
            wanted = search.newest(lines, calls, limit)
            hits = tuple(_hits(session, wanted, original=original))
            return Found(lines=len(lines), calls=len(calls), hits=hits)

    def unindexed(self) -> int:
        """Count the judged calls that searches do not see as they are: stored by an older version."""
        with self._read() as session:
            return int(session.scalar(select(func.count()).select_from(_missing().subquery())) or 0)

    def clear_index(self) -> None:
        """Empty the search index; `index_missing` fills it again."""
        with self._write() as session:
            word_index(session).clear(session)
            session.execute(delete(SearchLinesRow))
            session.execute(delete(SearchCallRow))

    def index_missing(self, *, on_progress: Callable[[str, int, int], None]) -> int:
        """Put into the index what it lacks, some calls at a time. Returns how many it was."""
        total, done = self.unindexed(), 0
        while total:
            with self._write() as session:
                calls = session.execute(_missing().limit(_BATCH).with_for_update(of=CallRow, skip_locked=True)).all()
                for call_id, order_id, key, started_utc, started_at in calls:
                    row = session.get_one(CallReportRow, key)
                    report = from_json(CallReport, row.report, where=f"{self.url} report {key}", error=StoreError)
                    _put(session, key, report, order_id, call_id, started_utc or "", started_at)
            done += len(calls)
            if not calls:
                return done
            on_progress("index", done, max(total, done))
        return done


def index(session: Session, key: str, report: CallReport, order_id: str | None) -> None:
    """Let searches find a call by this result and by no older one."""
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


def unindex(session: Session, call_ids: Sequence[str]) -> None:
    """Let searches no longer find some calls."""
    words = word_index(session)
    for first in range(0, len(call_ids), _BATCH):
        chosen = SearchCallRow.call_id.in_(call_ids[first : first + _BATCH])
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
    unindex(session, [call_id])
    masked = replace(report, segments=privacy.mask_segments(report.segments).segments)
    lines = lines_of(masked)[:_MOST]
    row = SearchCallRow(
        call_id=call_id,
        score=report.score,
        risk=report.risk,
        rules="".join(f"|{rule}" for rule in dict.fromkeys(one.rule_id for one in report.findings)) + "|",
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
    return from_json(tuple[Line, ...], row.lines, where=f"search_lines {row.number}", error=StoreError)


def _sentences(number: int, lines: Sequence[Line]) -> Iterator[tuple[int, list[str]]]:
    return (((number << _SHIFT) + place, line.terms) for place, line in enumerate(lines))


class _Search:
    """One query on its way: arrays of the numbers of sentences, or of calls where the scope is the call."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self._session = session
        self._scope = scope
        self._words = word_index(session)
        #: What single words and tags were found to hold for.
        self._known: dict[Node, Numbers] = {}
        self._joined = func.string_agg if session.get_bind().dialect.name == "postgresql" else func.group_concat

    def work_out(self, node: Node) -> Numbers:
        """Return what a query holds for, in order."""
        if self._scope == "sentence" and _is_said(node):
            return self._words.find(self._session, node)
        match node:
            case Words() | Mark():
                return _distinct(self._leaf(node) >> _SHIFT)
            case And(parts=parts):
                return self._all(parts)
            case Or(parts=parts):
                return _union([self.work_out(part) for part in parts])
            case Not(part=part):
                return np.setdiff1d(self._everything(), self.work_out(part), assume_unique=True)
            case Fact() | Between():
                return self._of_calls(self._calls(node))
        raise TypeError(node)

    def witnesses(self, node: Node, calls: Numbers) -> Numbers:
        """Return the sentences of calls that any word or tag of a query holds for; of a call without one the first."""
        found = _union([self._leaf(leaf) for leaf in _leaves(node)])
        found = found[np.isin(found >> _SHIFT, calls)]
        with_words = self._numbers(select(SearchCallRow.number).where(SearchCallRow.sentences > 0))
        spoken = np.intersect1d(calls, with_words, assume_unique=True)
        bare = np.setdiff1d(spoken, _distinct(found >> _SHIFT), assume_unique=True)
        return _union([found, bare << _SHIFT])

    def _leaf(self, node: Node) -> Numbers:
        if node not in self._known:
            self._known[node] = self._words.find(self._session, node)
        return self._known[node]

    def newest(self, lines: Numbers, calls: Numbers, limit: int) -> list[int]:
        """Return the first of some sentences in the order of results."""
        wanted: list[int] = []
        for number in self._newest_of(calls):
            first, last = np.searchsorted(lines, (number << _SHIFT, (number + 1) << _SHIFT))
            wanted += lines[first:last].tolist()
            if len(wanted) >= limit:
                break
        return wanted[:limit]

    def _newest_of(self, calls: Numbers) -> Iterator[int]:
        """Walk through some calls, newest first: few are asked for by name, of many the first ones come soon."""
        row = SearchCallRow
        query = select(row.number).order_by(row.started_utc.desc(), row.number.desc())
        if len(calls) <= _PAGE:
            yield from self._session.scalars(query.where(row.number.in_(calls.tolist())))
            return
        left, at = set(calls.tolist()), 0
        while left:
            page = self._session.scalars(query.limit(_PAGE).offset(at)).all()
            yield from (number for number in page if number in left)
            left.difference_update(page)
            at += _PAGE
            if not page:
                return  # deleted since its words were found

    def _all(self, parts: Sequence[Node]) -> Numbers:
        """Work AND out: words that stand together go to the database at once, calls and NOT take away from the rest."""
        said = [part for part in parts if _is_said(part)] if self._scope == "sentence" else []
        if said:
            said += [part for part in parts if isinstance(part, Not) and _is_said(part.part)]
        rest = [part for part in parts if part not in said]
        found = self._words.find(self._session, And(parts=tuple(said))) if said else None
        for part in sorted(rest, key=lambda one: isinstance(one, Not)):
            if found is not None and not len(found):
                break
            if isinstance(part, Not) and found is not None:
                found = np.setdiff1d(found, self.work_out(part.part), assume_unique=True)
            elif isinstance(part, Fact | Between) and found is not None and self._scope == "sentence":
                found = found[np.isin(found >> _SHIFT, self._calls(part))]
            else:
                own = self.work_out(part)
                found = own if found is None else np.intersect1d(found, own, assume_unique=True)
        return np.empty(0, dtype=np.int64) if found is None else found

    def _everything(self) -> Numbers:
        return self._of_calls(self._numbers(select(SearchCallRow.number)))

    def _of_calls(self, calls: Numbers) -> Numbers:
        """Return all sentences of some calls, or the calls themselves where the scope is the call."""
        calls = np.sort(calls)
        if self._scope == "call":
            return calls
        # Number and length in one, so that they cannot come apart.
        packed = cast(SearchCallRow.number, BigInteger) * (2 * _MOST) + SearchCallRow.sentences
        both = np.sort(self._numbers(select(packed)))
        every, lengths = both // (2 * _MOST), both % (2 * _MOST)
        chosen = np.isin(every, calls)
        every, lengths = every[chosen], lengths[chosen]
        starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.repeat(every << _SHIFT, lengths) + np.arange(lengths.sum(), dtype=np.int64) - starts

    def _calls(self, node: Fact | Between) -> Numbers:
        return self._numbers(select(SearchCallRow.number).where(_condition(node)))

    def _numbers(self, query: Any) -> Numbers:
        """Run a query for numbers; they come in no order."""
        rows = query.subquery()
        return numbers_of(self._session.scalar(select(self._joined(cast(rows.c[0], Text), ","))))


def _distinct(numbers: Numbers) -> Numbers:
    """Leave each of some numbers in order once. numpy's `unique` hashes them, which takes ten times as long."""
    return numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if len(numbers) else numbers


def _union(parts: Sequence[Numbers]) -> Numbers:
    """Join arrays in order to one; a stable sort is quick where the parts are in order."""
    return _distinct(np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts]), kind="stable"))


def _is_said(node: Node) -> bool:
    """Whether a query is one that the full-text index answers by itself: of words and tags, with NOT beside others."""
    if isinstance(node, And):
        sure = [part for part in node.parts if not isinstance(part, Not)]
        return bool(sure) and all(_is_said(part.part if isinstance(part, Not) else part) for part in node.parts)
    if isinstance(node, Or):
        return all(_is_said(part) for part in node.parts)
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
        low, high = (in_utc(one) if isinstance(one, datetime) else one for one in (node.low, node.high))
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


def _hits(session: Session, wanted: Sequence[int], *, original: bool) -> Iterator[Hit]:
    """Read the sentences of some numbers; of a call that was deleted since its words were found there are none."""
    numbers = list(dict.fromkeys(one >> _SHIFT for one in wanted))
    for first in range(0, len(numbers), _PAGE):
        part = numbers[first : first + _PAGE]
        calls = _calls_with_lines(session, part, original=original)
        for one in wanted:
            if one >> _SHIFT in calls:
                call, lines = calls[one >> _SHIFT]
                yield Hit(
                    call_id=call.call_id,
                    order_id=call.order_id,
                    agent_id=call.agent_id,
                    started_at=datetime.fromisoformat(call.started_at) if call.started_at else None,
                    score=call.score,
                    risk=Risk(call.risk),
                    line=lines[one & (_MOST - 1)],
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
    found = {}
    for call, content in session.execute(query.where(SearchCallRow.number.in_(numbers))):
        where = f"search_lines {call.number}"
        lines = (
            lines_of(from_json(CallReport, content, where=f"report {call.report_key}", error=StoreError))
            if original
            else from_json(tuple[Line, ...], content, where=where, error=StoreError)
        )
        found[call.number] = (call, lines)
    return found
