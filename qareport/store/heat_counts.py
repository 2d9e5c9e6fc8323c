"""Count the calls of a period by issue and emotion from their facets: sets of numbers, no call is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, func, select, true
from sqlalchemy.orm import Session

from qareport.model import Agents, HeatCounts
from qareport.search import HEARD, MAIN_ISSUE, OUTSIDE
from qareport.store.connection import in_utc
from qareport.store.search_schema import SearchCallRow, SearchFacetRow
from qareport.store.word_index import read_numbers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    #: For each call of the period, in order of their numbers: whether it is one.
    Mask = npt.NDArray[np.bool_]


def count_heat(
    session: Session, first: datetime, last: datetime, agents: Agents, stage: str | None
) -> Mapping[str | None, HeatCounts]:
    """Count the calls that began in [first, last) by issue; under "" those of all issues together.

    Args:
        session: of the database.
        first: start of the period.
        last: its end.
        agents: whose calls count.
        stage: only calls of this stage; None: all.
    """
    period = _Period(session=session, bounds=(in_utc(first), in_utc(last)))
    every = period.read_calls(agents)
    kinds = {kind: period.read_masks(kind, every) for kind in ("issue", "stage", "emotion", HEARD, MAIN_ISSUE, OUTSIDE)}
    inside = ~_any(kinds[OUTSIDE].values(), len(every))
    if stage is not None:
        inside &= kinds["stage"].get(stage, _none(len(every)))
    counting = _Counting(
        emotions=kinds["emotion"], stages=kinds["stage"], heard=_any(kinds[HEARD].values(), len(every))
    )
    rows: dict[str | None, HeatCounts] = {
        issue: counting.count(mask & inside, of=kinds[MAIN_ISSUE].get(issue, _none(len(every))))
        for issue, mask in kinds["issue"].items()
    }
    without = inside & ~_any(kinds["issue"].values(), len(every))
    whole: dict[str | None, HeatCounts] = {None: counting.count(without), "": counting.count(inside)}
    rows.update(whole)
    return {issue: counts for issue, counts in rows.items() if counts.calls or issue == ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period:
    """Reads what the calls of a period are filed under."""

    session: Session
    bounds: tuple[str, str]

    def read_calls(self, agents: Agents) -> Any:
        """Return the numbers of the calls, sorted."""
        row = SearchCallRow
        seen = true() if agents.only is None else row.agent_id.in_(sorted(agents.only))
        rows = select(row.number).where(self._began(row), seen).subquery()
        numbers = read_numbers(self.session.scalar(select(self._join(rows.c.number))))
        numbers.sort()
        return numbers

    def read_masks(self, kind: str, every: Any) -> dict[str, Mask]:
        """Return for each value of a kind which calls are filed under it."""
        row = SearchFacetRow
        query = (
            select(row.value, self._join(row.number))
            .where(row.kind == kind, row.value.in_(_values(self.session, kind)), self._began(row))
            .group_by(row.value)
        )
        return {value: _mask(read_numbers(joined), every) for value, joined in self.session.execute(query)}

    def _began(self, row: Any) -> Any:
        return (row.started_utc >= self.bounds[0]) & (row.started_utc < self.bounds[1])

    def _join(self, column: Any) -> Any:
        postgresql = self.session.get_bind().dialect.name == "postgresql"
        return (func.string_agg if postgresql else func.group_concat)(cast(column, Text), ",")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counting:
    """Counts some of the calls of a period."""

    emotions: Mapping[str, Mask]
    stages: Mapping[str, Mask]
    heard: Mask

    def count(self, calls: Mask, of: Mask | None = None) -> HeatCounts:
        """Count some calls; their stages are those of the calls in `of`, None: of all of them."""
        own = calls if of is None else calls & of
        return HeatCounts(
            calls=int(calls.sum()),
            heard=int((calls & self.heard).sum()),
            troubled=int((calls & _any(self.emotions.values(), len(calls))).sum()),
            emotions=_counted({emotion: mask & calls for emotion, mask in self.emotions.items()}),
            stages=_counted({stage: mask & own for stage, mask in self.stages.items()}),
            emotion_stages={
                emotion: _counted({stage: mask & shown & own for stage, mask in self.stages.items()})
                for emotion, shown in self.emotions.items()
            },
        )


def _values(session: Session, kind: str) -> list[str]:
    """Return the values of a kind of facet: one step in the index for each, not one for each call."""
    row, found = SearchFacetRow, list[str]()
    while True:
        further = row.value > found[-1] if found else true()
        value = session.scalar(select(row.value).where(row.kind == kind, further).order_by(row.value).limit(1))
        if value is None:
            return found
        found.append(value)


def _counted(masks: Mapping[str, Mask]) -> dict[str, int]:
    return {name: count for name, mask in masks.items() if (count := int(mask.sum()))}


def _mask(numbers: Any, every: Any) -> Mask:
    import numpy as np  # takes long to import, and only this needs it

    mask = np.zeros(len(every), dtype=np.bool_)
    if len(every) and len(numbers):
        places = np.searchsorted(every, numbers)
        places[places == len(every)] = 0
        mask[places[every[places] == numbers]] = True
    return mask


def _none(size: int) -> Mask:
    import numpy as np

    return np.zeros(size, dtype=np.bool_)


def _any(masks: Iterable[Mask], size: int) -> Mask:
    found = _none(size)
    for mask in masks:
        found = found | mask
    return found
