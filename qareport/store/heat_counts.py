"""Count the calls of a period by issue and emotion: those of each day by what they are filed under, added up once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from qareport.model import Agents, HeatCounts
from qareport.search import HEARD, MAIN_ISSUE, OUTSIDE
from qareport.store.connection import in_utc
from qareport.store.day_rollups import Day, state_of_calls
from qareport.store.search_schema import SearchCallRow, SearchFacetRow

#: What a heat map asks of calls.
_KINDS: Final = ("issue", "stage", "emotion", HEARD, MAIN_ISSUE, OUTSIDE)
#: Between the facets of a call, and between kind and value: ASCII has these for it, and no name holds them.
_NEXT, _IS = "\x1e", "\x1f"


class HeatKey(NamedTuple):
    """What calls are filed under."""

    issues: tuple[str, ...]
    main_issue: str | None
    stages: tuple[str, ...]
    emotions: tuple[str, ...]
    heard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatGroup:
    """Calls that are filed under the same, and how many of them each agent has ("": not known)."""

    key: HeatKey
    calls: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatDay:
    """The calls of a day that the model could listen to, in groups."""

    groups: tuple[HeatGroup, ...]


def add_up_heat(session: Session, day: Day) -> tuple[str, HeatDay]:
    """Put the calls of a day into groups; see `DayRollups.read`."""
    call = SearchCallRow
    query = select(call.number, call.agent_id, filed_under(session, call.number, _KINDS)).where(
        call.started_utc >= in_utc(day[0]), call.started_utc < in_utc(day[1])
    )
    numbers, groups = [], dict[tuple[tuple[str, str], ...], Counter[str]]()
    for number, agent, facets in session.execute(query):
        numbers.append(number)
        groups.setdefault(tuple(sorted(split_facets(facets))), Counter())[agent or ""] += 1
    made = (_group(facets, calls) for facets, calls in sorted(groups.items()))
    return state_of_calls(numbers), HeatDay(groups=tuple(group for group in made if group is not None))


def count_heat(days: Iterable[HeatDay], agents: Agents, stage: str | None) -> Mapping[str | None, HeatCounts]:
    """Count the calls of some days by issue; under "" those of all issues together, under None those of no issue.

    Args:
        days: their calls.
        agents: whose calls count.
        stage: only calls of this stage; None: all.
    """
    tallies: defaultdict[str | None, _Tally] = defaultdict(_Tally)
    whole = tallies[""]
    for group, calls in _merge(days, agents).items():
        if stage is not None and stage not in group.stages:
            continue
        whole.add(group, calls, group.stages)
        for issue in group.issues or (None,):
            main = issue is None or issue == group.main_issue
            tallies[issue].add(group, calls, group.stages if main else ())
    return {issue: tally.counts() for issue, tally in tallies.items()}


def _merge(days: Iterable[HeatDay], agents: Agents) -> dict[HeatKey, int]:
    """Count the calls of some agents by what they are filed under: days have much the same groups."""
    merged: dict[HeatKey, int] = {}
    for day in days:
        for group in day.groups:
            counts, only = group.calls, agents.only
            calls = sum(counts.values() if only is None else (n for agent, n in counts.items() if agent in only))
            if calls:
                merged[group.key] = merged.get(group.key, 0) + calls
    return merged


@dataclass(slots=True)
class _Tally:
    """The calls of one issue, as they are counted."""

    calls: int = 0
    heard: int = 0
    troubled: int = 0
    emotions: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    emotion_stages: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, group: HeatKey, calls: int, stages: Iterable[str]) -> None:
        self.calls += calls
        self.heard += calls * group.heard
        self.troubled += calls * bool(group.emotions)
        for stage in stages:
            self.stages[stage] += calls
        for emotion in group.emotions:
            self.emotions[emotion] += calls
            by_stage = self.emotion_stages.setdefault(emotion, Counter())
            for stage in stages:
                by_stage[stage] += calls

    def counts(self) -> HeatCounts:
        return HeatCounts(
            calls=self.calls,
            heard=self.heard,
            troubled=self.troubled,
            emotions=self.emotions,
            stages=self.stages,
            emotion_stages=self.emotion_stages,
        )


def _group(facets: Iterable[tuple[str, str]], calls: Mapping[str, int]) -> HeatGroup | None:
    """Read what calls are filed under; None: voices that the model was not made for."""
    by_kind: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for kind, value in facets:
        by_kind[kind].append(value)
    if by_kind[OUTSIDE]:
        return None
    key = HeatKey(
        issues=tuple(by_kind["issue"]),
        main_issue=next(iter(by_kind[MAIN_ISSUE]), None),
        stages=tuple(by_kind["stage"]),
        emotions=tuple(by_kind["emotion"]),
        heard=bool(by_kind[HEARD]),
    )
    return HeatGroup(key=key, calls=calls)


def filed_under(session: Session, number: Any, kinds: Iterable[str]) -> Any:
    """Return the column that has all that a call is filed under, for `split_facets`.

    It is asked call by call: PostgreSQL would rather join thousands of calls with the facets of all.
    """
    facet = SearchFacetRow
    joined = func.string_agg if session.get_bind().dialect.name == "postgresql" else func.group_concat
    own = select(joined(cast(facet.kind + _IS + facet.value, Text), _NEXT))
    return own.where(facet.number == number, facet.kind.in_(kinds)).scalar_subquery()


def split_facets(joined: str | None) -> Iterator[tuple[str, str]]:
    """Yield kinds and values of what calls are filed under, as `filed_under` has it."""
    for facet in (joined or "").split(_NEXT):
        kind, _, value = facet.partition(_IS)
        if kind:
            yield kind, value
