"""The summaries of judged calls, from which periods and norms are made; and their days, added up."""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from qareport.codec import to_json
from qareport.errors import DamagedError, QareportError
from qareport.model import (
    Agents,
    CallFigures,
    CallOutline,
    CallReport,
    CallSummary,
    CallSums,
    DayFigures,
    MeasuredCall,
)
from qareport.store.connection import batches, began_in, from_stored, in_utc, upsert
from qareport.store.database import Database
from qareport.store.day_rollups import Day, DayRollups, state_of_calls
from qareport.store.schema import CallReportRow, CallRow, CallSummaryRow
from qareport.store.search_schema import SearchCallRow

T = TypeVar("T")
#: Calls whose results are in memory at once: a result is some 100 kB.
_RESULTS = 50
_EVERYONE = Agents()
#: Summaries whose texts are in memory at once: of the weeks that a norm or a report looks at they would be megabytes.
_TEXTS = 500


class Summarise(Protocol):
    """Makes the summary of a result: `qareport.periods.summarise_call`."""

    def __call__(self, report: CallReport, order_id: str | None, /, *, rules_sha256: str) -> CallSummary:
        """Return the summary of the call."""


class SummaryRepository:
    """The summaries of a store. Periods of time are [first, last): `first` belongs to them, `last` does not.

    `summarise` makes the summaries of results that were stored without; they are put into the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self, first: datetime, last: datetime, *, summarise: Summarise, agents: Agents = _EVERYONE
    ) -> tuple[CallSummary, ...]:
        """Return the summaries of the newest results of the calls of some agents in a period, oldest first."""
        keys = self._keys(began_in(_newest(), first, last).where(_of(agents)))
        return tuple(summary for _, summary in self._read(CallSummary, keys, summarise))

    def list_measures(self, first: datetime, last: datetime, *, summarise: Summarise) -> tuple[MeasuredCall, ...]:
        """Return what the summaries of a period hold for norms; a third of the work of `list`."""
        keys = self._keys(began_in(_newest(), first, last))
        return tuple(measured for _, measured in self._read(MeasuredCall, keys, summarise))

    def list_outlines(self, first: datetime, last: datetime, *, summarise: Summarise) -> Iterator[CallOutline]:
        """Iterate over what the summaries of a period hold for a trend; a third of the work of `list`."""
        keys = self._keys(began_in(_newest(), first, last))
        return (outline for _, outline in self._read(CallOutline, keys, summarise))

    def list_related(
        self, first: datetime, last: datetime, *, orders: Sequence[str], keys: Sequence[str], summarise: Summarise,
        agents: Agents = _EVERYONE,
    ) -> tuple[CallSummary, ...]:  # fmt: skip
        """Return the summaries of the calls in a period that are of some orders, or whose results have some keys."""
        found: dict[str, None] = {}
        for column, values in ((CallRow.order_id, orders), (CallRow.report_key, keys)):
            for batch in batches(values):
                query = began_in(_newest(), first, last).where(_of(agents), column.in_(batch))
                found |= dict.fromkeys(self._keys(query))
        return tuple(summary for _, summary in self._read(CallSummary, tuple(found), summarise))

    def list_days(
        self, period: Day, *, day_of: Callable[[datetime], Day],
        add_calls: Callable[[Iterable[CallFigures]], CallSums], summarise: Summarise,
    ) -> Sequence[tuple[Day, DayFigures]]:  # fmt: skip
        """Return the days of a period that have calls, each added up for each agent.

        Args:
            period: from the beginning of its first day to the end of its last.
            day_of: returns the day in which an instant falls.
            add_calls: adds calls up: `qareport.periods.add_calls`.
            summarise: as everywhere here.
        """
        add_up = partial(self._add_up, add_calls=add_calls, summarise=summarise)
        return DayRollups(self._database).read(DayFigures, period, day_of=day_of, add_up=add_up)

    def list_repeats(self, first: datetime, last: datetime, agents: Agents) -> Sequence[tuple[datetime, datetime]]:
        """Return of the calls in a period whose order was called about in it before: when they began, and that one."""
        call = SearchCallRow
        before = func.lag(call.started_utc).over(partition_by=call.order_id, order_by=(call.started_utc, call.number))
        seen = true() if agents.only is None else call.agent_id.in_(sorted(agents.only))
        calls = (
            select(call.started_utc, before.label("before"))
            .where(call.started_utc >= in_utc(first), call.started_utc < in_utc(last), call.order_id != "", seen)
            .subquery()
        )
        with self._database.read() as session:
            found = session.execute(select(calls).where(calls.c.before.is_not(None)))
            return [(datetime.fromisoformat(start), datetime.fromisoformat(before)) for start, before in found]

    def _add_up(
        self, session: Session, day: Day, *, add_calls: Callable[[Iterable[CallFigures]], CallSums],
        summarise: Summarise,
    ) -> tuple[str, DayFigures]:  # fmt: skip
        call = SearchCallRow
        query = select(call.number, call.agent_id, call.report_key).where(
            call.started_utc >= in_utc(day[0]), call.started_utc < in_utc(day[1])
        )
        rows = session.execute(query).all()
        agents = {key: agent or "" for _, agent, key in rows}
        calls: dict[str, builtins.list[CallFigures]] = defaultdict(builtins.list)
        due: set[tuple[datetime, str]] = set()
        for key, figures in self._read(CallFigures, [key for *_, key in rows], summarise):
            calls[agents[key]].append(figures)
            due.update((promise.due_at, key) for promise in figures.promises if promise.due_at is not None)
        sums = {agent: add_calls(own) for agent, own in sorted(calls.items())}
        return state_of_calls(number for number, *_ in rows), DayFigures(sums=sums, due=tuple(sorted(due)))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _keys(self, query: Any) -> Sequence[str]:
        with self._database.read() as session:
            return session.scalars(query).all()

    def _read(self, kind: type[T], keys: Sequence[str], summarise: Summarise) -> Iterator[tuple[str, T]]:
        """Read the summaries of results, a batch of their texts at a time."""
        for batch in batches(keys, _TEXTS):
            yield from self._read_batch(kind, batch, summarise)

    def _read_batch(self, kind: type[T], keys: Sequence[str], summarise: Summarise) -> Iterator[tuple[str, T]]:
        """Read summaries; one that is missing or damaged is made from its result, one that cannot be is left out."""
        query = select(CallSummaryRow.key, CallSummaryRow.summary).where(CallSummaryRow.key.in_(keys))
        with self._database.read() as session:
            texts = dict(session.execute(query).all())
        for missing in batches([key for key in keys if key not in texts], _RESULTS):
            texts |= self._make(missing, summarise)
        for key in keys:
            known = texts.get(key)
            if known is None:
                continue
            where = f"{self._database.url} summary {key}"
            try:
                yield key, from_stored(kind, known, where=where)
            except DamagedError:
                for again in self._make([key], summarise).values():
                    yield key, from_stored(kind, again, where=where)

    def _make(self, keys: Sequence[str], summarise: Summarise) -> dict[str, str]:
        query = select(CallReportRow, CallRow.order_id).join(CallRow, CallRow.report_key == CallReportRow.key)
        made: dict[str, str] = {}
        with self._database.write() as session:
            for row, order_id in session.execute(query.where(CallReportRow.key.in_(keys))):
                try:
                    report = from_stored(CallReport, row.report, where=f"{self._database.url} report {row.key}")
                    summary = summarise(report, order_id, rules_sha256=row.rules_sha256)
                except QareportError:
                    continue  # `store check` names it, and its call is reported as one without a result
                made[row.key] = to_json(summary)
                upsert(session, CallSummaryRow, key=row.key, summary=made[row.key])
        return made


def _newest() -> Any:
    """Return the query for the keys of the newest results."""
    return select(CallRow.report_key).where(CallRow.report_key.is_not(None))


def _of(agents: Agents) -> Any:
    return true() if agents.only is None else CallRow.agent_id.in_(sorted(agents.only))
