"""The trend of the last days, weeks or months: each earlier period added up once, for the team and every agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from qareport import calendar
from qareport.model import CallOutline, CallSummary, Period, PeriodKind, Risk, TrendPoint
from qareport.periods.scope import bounds, earlier_periods, find_repeated
from qareport.settings import PeriodSettings

_Call = CallSummary | CallOutline
#: Periods that a trend shows, this one among them.
TREND_PERIODS: Final[Mapping[PeriodKind, int]] = {
    PeriodKind.DAY: 14,
    PeriodKind.WEEK: 12,
    PeriodKind.MONTH: 12,
    PeriodKind.RANGE: 1,
}


def trend_of(period: Period) -> list[Period]:
    """Return the periods of a trend, oldest first; the last is the period itself."""
    return [*reversed(earlier_periods(period, TREND_PERIODS[period.kind] - 1)), period]


def trend_start(period: Period, settings: PeriodSettings) -> datetime:
    """Return when the calls begin that a trend needs: those before its first period tell which of its calls repeat."""
    return bounds(trend_of(period)[0])[0] - timedelta(days=settings.repeat_days)


@dataclass(slots=True)
class _Totals:
    calls: int = 0
    scored: int = 0
    points: int = 0
    high_risk: int = 0
    with_order: int = 0
    repeated: int = 0

    def add(self, call: _Call) -> None:
        self.calls += 1
        if call.score is not None:
            self.scored += 1
            self.points += call.score
            self.high_risk += call.risk is Risk.HIGH

    def point(self, period: Period) -> TrendPoint:
        return TrendPoint(
            first=period.first,
            last=period.last,
            calls=self.calls,
            mean_score=self.points / self.scored if self.scored else None,
            high_risk_share=self.high_risk / self.scored if self.scored else None,
            repeat_share=self.repeated / self.with_order if self.with_order else None,
        )


@dataclass(frozen=True, slots=True)
class TrendTotals:
    """The calls of each period of a trend added up."""

    periods: tuple[Period, ...]
    #: By agent (None: the team) and place in `periods`.
    _totals: dict[tuple[str | None, int], _Totals] = field(default_factory=dict)

    @classmethod
    def of(cls, period: Period, calls: Iterable[CallSummary | CallOutline], settings: PeriodSettings) -> TrendTotals:
        """Add calls up.

        Args:
            period: the last one of the trend.
            calls: from `trend_start` to the end of the period; those without a start count nowhere.
            settings: time between the calls of an order that makes the second one a repeated call.
        """
        totals = cls(tuple(trend_of(period)))
        zone = ZoneInfo(period.time_zone)
        place = {
            other.first + timedelta(days=offset): index
            for index, other in enumerate(totals.periods)
            for offset in range((other.last - other.first).days + 1)
        }
        known, places = tuple(calls), dict[int, int]()
        for call in known:
            index = place.get(calendar.local_day(call.started_at, zone)) if call.started_at is not None else None
            if index is not None:
                places[id(call)] = index
                for sums in totals._of(call, index):
                    sums.add(call)
        for call, again in find_repeated(known, settings.repeat_days):
            if id(call) in places:
                for sums in totals._of(call, places[id(call)]):
                    sums.with_order += 1
                    sums.repeated += again
        return totals

    def points(self, agent_id: str | None) -> tuple[TrendPoint, ...]:
        """Return the trend of the team, or of an agent: from the first period with calls on; () for fewer than two."""
        points = [
            self._totals.get((agent_id, index), _Totals()).point(period) for index, period in enumerate(self.periods)
        ]
        first = next((index for index, point in enumerate(points) if point.calls), len(points))
        return tuple(points[first:]) if len(points) - first > 1 else ()

    def _of(self, call: _Call, index: int) -> Iterable[_Totals]:
        """Return the sums to which a call in a period adds: the team's and its agent's."""
        agents = (None,) if call.agent_id is None else (None, call.agent_id)
        return [self._totals.setdefault((agent, index), _Totals()) for agent in agents]
