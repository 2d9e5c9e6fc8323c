"""Counting that every part of a period shares: what a rate is over, and when a number is small."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from qareport.model import (
    FATAL_POINTS,
    CallSummary,
    Figure,
    Period,
    Rate,
    RuleHit,
)
from qareport.settings import PeriodSettings


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


def cost_of(hit: RuleHit) -> int:
    """Return the points that a hit takes away: `FATAL_POINTS` for a fatal one, nothing for one that gives points."""
    return FATAL_POINTS if hit.fatal else max(0, -hit.points)


def lost_by(calls: Iterable[CallSummary]) -> int:
    """Return the points that hits took away in some calls, before any category's limit."""
    return sum(cost_of(hit) for call in calls for hit in call.hits)


def difference_interval(before: Rate, after: Rate, z: float = 1.96) -> tuple[float, float, float] | None:
    """Return `after` minus `before` with its 95 % interval; None when one of them is over no call.

    Newcombe's hybrid score interval (1998, Statistics in Medicine 17:873, method 10), which stays honest for small
    numbers and for rates near 0 and 1.
    """
    if before.share is None or after.share is None:
        return None
    p1, p2 = after.share, before.share
    l1, u1 = _wilson(after.hits, after.n, z)
    l2, u2 = _wilson(before.hits, before.n, z)
    change = p1 - p2
    low = change - math.sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2)
    high = change + math.sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2)
    return change, max(-1.0, low), min(1.0, high)


def _wilson(hits: int, n: int, z: float) -> tuple[float, float]:
    share, square = hits / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)
