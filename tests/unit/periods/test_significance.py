"""Which differences are larger than chance, against what published intervals and tests say."""

from __future__ import annotations

import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.model import Rate
from qareport.periods.significance import Sample, counts_differ, difference_interval, means_differ, shares_differ


def rate(hits: int, n: int) -> Rate:
    return Rate(hits=hits, n=n, share=hits / n if n else None)


def test_the_interval_is_the_one_of_newcombes_paper() -> None:
    # Newcombe 1998, table II, method 10: 56/70 - 48/80 = 0.2 (0.0524 to 0.3339).
    interval = difference_interval(rate(48, 80), rate(56, 70))
    assert interval == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize(
    ("before", "after", "differ"),
    [((10, 100), (30, 100), True), ((10, 100), (12, 100), False), ((1, 2), (2, 2), False), ((0, 0), (5, 5), False)],
)
def test_shares_differ_when_the_interval_leaves_out_zero(
    before: tuple[int, int], after: tuple[int, int], differ: bool
) -> None:
    assert shares_differ(rate(*before), rate(*after)) is differ


@pytest.mark.parametrize(
    ("before", "after", "periods", "differ"),
    [
        (10, 13, 1, False),
        (10, 30, 1, True),
        (0, 0, 1, False),
        (9.5, 13, 4, False),
        (9.5, 20, 4, True),
        (0, 3, 1, False),
    ],
)
def test_counts_differ_by_more_than_their_own_spread(before: float, after: float, periods: int, differ: bool) -> None:
    assert counts_differ(before, after, periods) is differ


def sample(*values: int) -> Sample:
    """Add values up."""
    return Sample(len(values), sum(values), sum(value * value for value in values))


def test_means_differ_only_with_values_enough_to_know_their_spread() -> None:
    assert means_differ(sample(90, 91, 92, 93, 94), sample(80, 81, 82, 83, 84))
    assert not means_differ(sample(90, 91, 92, 93, 94), sample(90, 92, 93, 93, 95))
    assert not means_differ(sample(90, 90), sample(10, 10))


@given(values=st.lists(st.integers(0, 10_000_000), min_size=2))
def test_mean_and_variance_follow_from_sums_as_from_the_values_themselves(values: list[int]) -> None:
    assert sample(*values).mean == statistics.fmean(values)
    assert sample(*values).variance == float(statistics.variance(map(Fraction, values)))
