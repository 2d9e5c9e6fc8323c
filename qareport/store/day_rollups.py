"""What whole days of calls add up to, kept for as long as the day has the calls that it was added up from.

No writer knows of it: beside what was added up stands which calls that was (`calls_state`), and a reader takes it only
where the day still has these. A call that is judged anew or corrected gets a new number, so that a day whose calls are
the same ones has the same sums.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, String, cast, delete, func, select
from sqlalchemy.orm import Session

from qareport.codec import to_json
from qareport.errors import DamagedError, InUseError
from qareport.store.connection import from_stored, in_utc, upsert
from qareport.store.database import Database
from qareport.store.search_schema import DayRollupRow, SearchCallRow

T = TypeVar("T")
Day = tuple[datetime, datetime]
#: Spreads the numbers of calls, so that two sets of them do not by chance have the same sums.
_PRIME: Final = 4093


def calls_state(first: Any, last: Any) -> Any:
    """Return the query for what changes with the calls that began in [first, last): instants as the store writes them.

    Numbers are given once, each higher than those before: other calls in the place of some raise the sum. The sum of
    products tells sets apart where transactions of PostgreSQL overtake each other.
    """
    row = SearchCallRow
    number = cast(row.number, BigInteger)
    parts = (func.count(), func.coalesce(func.sum(number), 0), func.coalesce(func.sum(number * (number % _PRIME)), 0))
    written = cast(parts[0], String) + " " + cast(parts[1], String) + " " + cast(parts[2], String)
    return select(written).where(row.started_utc >= first, row.started_utc < last)


def state_of_calls(numbers: Iterable[int]) -> str:
    """Return what `calls_state` returns for the calls of these numbers."""
    known = tuple(numbers)
    return f"{len(known)} {sum(known)} {sum(number * (number % _PRIME) for number in known)}"


class DayRollups:
    """What is kept of days. Days are [first, last), of whatever time zone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(
        self,
        kind: type[T],
        period: Day,
        *,
        day_of: Callable[[datetime], Day],
        add_up: Callable[[Session, Day], tuple[str, T]],
    ) -> list[tuple[Day, T]]:
        """Return what each day of a period adds up to, oldest first; days without calls are left out.

        What is not known of a day is added up and kept. Where another process writes for long it is not kept.

        Args:
            kind: what is kept of a day; its name tells it from other kinds.
            period: the days: from the beginning of the first to the end of the last.
            day_of: returns the day in which an instant falls.
            add_up: adds up a day in one statement; returns the state (`state_of_calls`) of the calls that it counted.
        """
        first, last = period
        found: dict[Day, T] = {}
        made: list[tuple[Day, str, T]] = []
        with self._database.read() as session:
            known = self._known(session, kind, period)
            start = first
            while start < last:
                day = day_of(start)
                if day not in known:
                    began = _next_start(session, start, last)
                    if began is None:
                        break
                    day = day_of(began)
                if day in known:
                    found[day] = known[day]
                else:
                    state, found[day] = add_up(session, day)
                    made.append((day, state, found[day]))
                start = day[1]
        if made:
            self._keep(kind.__name__, made)
        return list(found.items())

    def find(self, kind: type[T], period: Day, state: str) -> T | None:
        """Return what was kept of a period in this state; None: nothing, or of another state."""
        row = DayRollupRow
        began, ended = map(in_utc, period)
        query = select(row.content).where(
            row.kind == kind.__name__, row.began == began, row.ended == ended, row.state == state
        )
        with self._database.read() as session:
            content = session.scalar(query)
        with contextlib.suppress(DamagedError):
            return None if content is None else from_stored(kind, content, where=f"{self._database.url} day {began}")
        return None

    def keep(self, period: Day, state: str, made: object) -> None:
        """Keep what was made of a period in a state; where another process writes for long it is not kept."""
        self._keep(type(made).__name__, [(period, state, made)])

    def _known(self, session: Session, kind: type[T], period: Day) -> dict[Day, T]:
        row = DayRollupRow
        state = calls_state(row.began, row.ended).correlate(row).scalar_subquery()
        query = select(row.began, row.ended, row.content).where(
            row.kind == kind.__name__, row.began >= in_utc(period[0]), row.began < in_utc(period[1]), row.state == state
        )
        known = {}
        for began, ended, content in session.execute(query):
            with contextlib.suppress(DamagedError):  # it is added up anew
                day = datetime.fromisoformat(began), datetime.fromisoformat(ended)
                known[day] = from_stored(kind, content, where=f"{self._database.url} day {began}")
        return known

    def _keep(self, kind: str, made: Sequence[tuple[Day, str, object]]) -> None:
        with contextlib.suppress(InUseError), self._database.write() as session:
            for (first, last), state, content in made:
                upsert(
                    session, DayRollupRow, kind=kind, began=in_utc(first), ended=in_utc(last), state=state,
                    content=to_json(content),
                )  # fmt: skip


def forget_days(session: Session, starts: Sequence[str]) -> None:
    """Delete what is kept of the days of calls that are deleted, so that nothing of these stays.

    Args:
        session: of the transaction that deletes them.
        starts: when they began, as the store writes it.
    """
    if starts:
        row = DayRollupRow
        session.execute(delete(row).where(row.began <= max(starts), row.ended > min(starts)))


def _next_start(session: Session, first: datetime, last: datetime) -> datetime | None:
    column = SearchCallRow.started_utc
    text = session.scalar(select(func.min(column)).where(column >= in_utc(first), column < in_utc(last)))
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
