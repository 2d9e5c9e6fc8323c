"""The calls that a period counts and is compared with, and the arithmetic of its counts, rates and intervals."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from qareport import calendar
from qareport.model import (
    FATAL_POINTS,
    CallFigures,
    CallOutline,
    CallSummary,
    Figure,
    Period,
    PeriodKind,
    Rate,
    Risk,
    RuleHit,
)
from qareport.settings import PeriodSettings

_Call = TypeVar("_Call", bound=CallSummary | CallOutline)


def period_of(kind: PeriodKind, day: date, time_zone: str) -> Period:
    """Return the day, week or month that contains a day.

    Raises:
        ValueError: RANGE, which needs two days; see `range_of`.
    """
    if kind is PeriodKind.DAY:
        first = last = day
    elif kind is PeriodKind.WEEK:
        first = day - timedelta(days=day.weekday())
        last = first + timedelta(days=6)
    elif kind is PeriodKind.MONTH:
        first = day.replace(day=1)
        last = _next_month(first) - calendar.DAY
    else:
        raise ValueError("a range needs two days")
    return Period(kind=kind, first=first, last=last, time_zone=time_zone)


def range_of(first: date, last: date, time_zone: str) -> Period:
    """Return the run of days from `first` to `last`, named a day, week or month if it is exactly one.

    Raises:
        ValueError: it ends before it begins.
    """
    if last < first:
        raise ValueError(f"{first} … {last}: ends before it begins")
    for kind in (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH):
        whole = period_of(kind, first, time_zone)
        if (whole.first, whole.last) == (first, last):
            return whole
    return Period(kind=PeriodKind.RANGE, first=first, last=last, time_zone=time_zone)


def earlier_periods(period: Period, count: int) -> list[Period]:
    """Return the `count` periods of the same kind just before, the latest first; before a range: as many days."""
    earlier: list[Period] = []
    for _ in range(count):
        last = (earlier[-1] if earlier else period).first - calendar.DAY
        if period.kind is PeriodKind.RANGE:
            first = last - (period.last - period.first)
            earlier.append(Period(kind=PeriodKind.RANGE, first=first, last=last, time_zone=period.time_zone))
        else:
            earlier.append(period_of(period.kind, last, period.time_zone))
    return earlier


def baseline_of(period: Period, settings: PeriodSettings) -> list[Period]:
    """Return the periods that this one is compared with, the latest first."""
    counts = {
        PeriodKind.DAY: settings.baseline_days,
        PeriodKind.WEEK: settings.baseline_weeks,
        PeriodKind.MONTH: settings.baseline_months,
        PeriodKind.RANGE: 1,
    }
    return earlier_periods(period, counts[period.kind])


def bounds(period: Period) -> tuple[datetime, datetime]:
    """Return the first instant of a period and the first one after it; a day of a clock change has 23 or 25 hours."""
    return calendar.bounds(period.first, period.last, ZoneInfo(period.time_zone))


def day_around(instant: datetime, time_zone: str) -> tuple[datetime, datetime]:
    """Return the first instant of the day on which an instant falls there, and the first one after that day; in UTC."""
    day = local_day(instant, time_zone)
    first, last = calendar.bounds(day, day, ZoneInfo(time_zone))
    return first.astimezone(UTC), last.astimezone(UTC)


def local_day(instant: datetime, time_zone: str) -> date:
    """Return the day on which an instant falls there."""
    return calendar.local_day(instant, ZoneInfo(time_zone))


def _next_month(first: date) -> date:
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The calls of a period and those that it is compared with."""

    period: Period
    settings: PeriodSettings
    now: tuple[CallSummary, ...]
    #: Of the period just before; None when there is no call in it.
    previous: tuple[CallSummary, ...] | None
    baseline: tuple[CallSummary, ...]
    #: Every call before the period that is known, the baseline's among them: promises and orders reach far back.
    earlier: tuple[CallSummary, ...]
    #: Ids of the calls of orders that were called about within `period.repeat_days` before.
    repeated: frozenset[str] = frozenset()
    #: Periods that `baseline` comes from: those with calls, and those looked at.
    baseline_periods: int
    baseline_looked_at: int

    def figure(self, value: float | None, n: int) -> Figure:
        """Make a number that says how many calls it is of."""
        return Figure(value=value, n=n, small=n < self.settings.small_n)

    def rate(self, hits: int, n: int) -> Rate:
        """Make a rate; over no call it is no number."""
        return Rate(hits=hits, n=n, share=hits / n if n else None, small=n < self.settings.small_n)

    def mean_score(self, calls: Iterable[CallSummary]) -> Figure:
        """Return the mean score of the calls that have one."""
        scores = [call.score for call in calls if call.score is not None]
        return self.figure(statistics.fmean(scores) if scores else None, len(scores))

    def reviewed_score(self, calls: Sequence[CallSummary]) -> Figure | None:
        """Return the mean score with the scores that reviewers left; None: nobody reviewed one of the calls."""
        if all(call.reviewed_score is None for call in calls):
            return None
        left = [call.score if call.reviewed_score is None else call.reviewed_score for call in calls]
        scores = [score for score in left if score is not None]
        return self.figure(statistics.fmean(scores) if scores else None, len(scores))

    def reviewed_share(self, calls: Sequence[CallSummary]) -> Figure | None:
        """Return the share of passed calls as reviewers left them; None as `reviewed_score`."""
        if all(call.reviewed_passed is None for call in calls):
            return None
        scored = (call for call in calls if call.score is not None)
        passed = [bool(call.passed if call.reviewed_passed is None else call.reviewed_passed) for call in scored]
        return self.figure(sum(passed) / len(passed) if passed else None, len(passed))

    def share_where(self, true: Callable[[CallSummary], bool | None], calls: Sequence[CallSummary]) -> Figure:
        """Return the share of calls for which something is true, of those for which it is known (not None)."""
        known = [answer for call in calls if (answer := true(call)) is not None]
        return self.figure(sum(known) / len(known) if known else None, len(known))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCounts:
    """In how many calls each rule was hit, and in how many it said nothing."""

    judged: int
    hit: Counter[str]
    not_applicable: Counter[str]

    def opportunities(self, rule_id: str) -> int:
        """Return how many calls the rule could be hit in: judged ones in which it applied."""
        return self.judged - self.not_applicable[rule_id]


def count_rules(calls: Iterable[CallSummary]) -> RuleCounts:
    """Count calls by rule. A call that was not judged counts for no rule."""
    judged, hit, not_applicable = 0, Counter[str](), Counter[str]()
    for call in calls:
        if call.score is None:
            continue
        judged += 1
        hit.update({rule_hit.rule_id for rule_hit in call.hits})
        not_applicable.update(call.not_applicable)
    return RuleCounts(judged=judged, hit=hit, not_applicable=not_applicable)


def find_repeated(calls: Iterable[_Call], days: int) -> Iterator[tuple[_Call, bool]]:
    """Tell of each call with an order and a start whether its order was called about in so many days before it.

    Args:
        calls: in any order; those without an order or a start are left out.
        days: the longest time between two calls of an order.
    """
    dated = [(call.started_at, call) for call in calls if call.order_id and call.started_at is not None]
    dated.sort(key=lambda item: item[0])
    last: dict[str, datetime] = {}
    within = timedelta(days=days)
    for started_at, call in dated:
        before = last.get(call.order_id or "")
        last[call.order_id or ""] = started_at
        yield call, before is not None and started_at - before <= within


def cost_of(hit: RuleHit) -> int:
    """Return the points that a hit takes away: `FATAL_POINTS` for a fatal one, nothing for one that gives points."""
    return FATAL_POINTS if hit.fatal else max(0, -hit.points)


def lost_by(calls: Iterable[CallSummary]) -> int:
    """Return the points that hits took away in some calls, before any category's limit."""
    return sum(cost_of(hit) for call in calls for hit in call.hits)


def is_high(call: CallSummary | CallFigures) -> bool:
    """Tell whether a call was judged and found of high risk."""
    return call.score is not None and call.risk is Risk.HIGH


def is_fatal(call: CallSummary | CallFigures) -> bool:
    """Tell whether a call was judged and a finding failed it at once."""
    return call.score is not None and any(hit.fatal for hit in call.hits)
