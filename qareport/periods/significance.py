"""Tell differences that say something from those that chance makes: shares, means and counts of two periods."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qareport.model import Rate

#: Two-sided 95 %.
_Z = 1.96
#: Fewer values give no spread to speak of.
_LEAST = 5


def difference_interval(before: Rate, after: Rate, z: float = _Z) -> tuple[float, float, float] | None:
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


def shares_differ(before: Rate, after: Rate) -> bool:
    """Tell whether two shares differ by more than chance: the interval of the difference leaves out zero."""
    interval = difference_interval(before, after)
    return interval is not None and (interval[1] > 0 or interval[2] < 0)


def counts_differ(before: float, after: float, periods: int = 1) -> bool:
    """Tell whether two counts differ by more than chance, both taken for Poisson: |a - b| > 1.96 sqrt(a + b / periods).

    Args:
        before: the count of the period before, or the mean of several.
        after: the count of this one.
        periods: how many periods `before` is the mean of.
    """
    return abs(after - before) > _Z * math.sqrt(after + before / periods) if after or before else False


@dataclass(frozen=True, slots=True)
class Sample:
    """Values as their number, their sum and the sum of their squares: those of several days can be added up."""

    n: int
    total: int
    squared: int

    @property
    def mean(self) -> float | None:
        """Their mean; None of no values."""
        return self.total / self.n if self.n else None

    @property
    def variance(self) -> float:
        """Their variance (n - 1); of whole numbers without an error but that of the last division."""
        return (self.n * self.squared - self.total * self.total) / (self.n * (self.n - 1))


def means_differ(before: Sample, after: Sample) -> bool:
    """Tell whether two means differ by more than chance (Welch): |difference| > 1.96 sqrt(s1²/n1 + s2²/n2)."""
    if min(before.n, after.n) < _LEAST:
        return False
    error = math.sqrt(before.variance / before.n + after.variance / after.n)
    return abs(after.total / after.n - before.total / before.n) > _Z * error
