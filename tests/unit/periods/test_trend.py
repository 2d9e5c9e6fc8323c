"""The trend: which periods it has, what it counts in each, and what a repeated call is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qareport import periods
from qareport.model import CallOutline, HeadlineName, PeriodKind, Risk
from qareport.periods.scope import find_repeated
from tests.support.period_samples import DAY, SETTINGS, TODAY, ZONE, call


def test_a_trend_begins_with_the_first_period_that_has_calls_and_keeps_gaps() -> None:
    calls = [call("a", day=DAY - timedelta(days=3), score=80, risk=Risk.HIGH), call("b", score=100)]
    points = periods.TrendTotals.of(TODAY, calls, SETTINGS).points(None)
    assert [(point.first.day, point.calls, point.mean_score) for point in points] == [
        (18, 1, 80.0),
        (19, 0, None),
        (20, 0, None),
        (21, 1, 100.0),
    ]
    assert [point.high_risk_share for point in points] == [1.0, None, None, 0.0]


def test_a_single_period_is_no_trend() -> None:
    assert periods.TrendTotals.of(TODAY, [call("a")], SETTINGS).points(None) == ()


@pytest.mark.parametrize(("kind", "count"), [(PeriodKind.DAY, 14), (PeriodKind.WEEK, 12), (PeriodKind.MONTH, 12)])
def test_a_trend_has_fourteen_days_or_twelve_weeks_or_months(kind: PeriodKind, count: int) -> None:
    period = periods.period_of(kind, DAY, ZONE)
    assert len(periods.TrendTotals.of(period, (), SETTINGS).periods) == count
    start = periods.trend_start(period, SETTINGS)
    assert start == periods.bounds(periods.earlier_periods(period, count - 1)[-1])[0] - timedelta(days=7)


def test_an_agents_trend_counts_that_agents_calls_alone() -> None:
    yesterday = DAY - timedelta(days=1)
    calls = [call("a", day=yesterday), call("b"), call("c", agent="A02")]
    assert [point.calls for point in periods.TrendTotals.of(TODAY, calls, SETTINGS).points("A01")] == [1, 1]


def test_outlines_count_as_the_calls_that_they_are_of() -> None:
    calls = [call("a", day=DAY - timedelta(days=9)), call("b")]
    outlines = [
        CallOutline(order_id=c.order_id, agent_id=c.agent_id, started_at=c.started_at, score=c.score, risk=c.risk)
        for c in calls
    ]
    of_calls, of_outlines = (periods.TrendTotals.of(TODAY, given, SETTINGS).points(None) for given in (calls, outlines))
    assert of_calls == of_outlines


def test_a_call_repeats_one_of_the_same_order_within_the_days() -> None:
    first = call("1", day=DAY - timedelta(days=8), order_id="o")
    second = call("2", day=DAY - timedelta(days=2), order_id="o")
    third = call("3", order_id="o", agent="A02")
    other, unknown = call("4"), call("5", order_id=None)
    found = find_repeated([third, unknown, other, second, first], 7)
    assert {call.call_id: again for call, again in found} == {"1": False, "2": True, "3": True, "4": False}


def test_the_repeat_rate_is_of_the_calls_with_an_order() -> None:
    before = [call("1", day=DAY - timedelta(days=2), order_id="o")]
    now = [call("2", order_id="o"), call("3"), replace(call("4"), order_id=None)]
    report = periods.build_period(TODAY, now, before, (), SETTINGS)
    figure = next(item.now for item in report.headlines if item.name is HeadlineName.REPEAT_SHARE)
    assert (figure.value, figure.n) == (0.5, 2)
    own = periods.build_period(TODAY, now, before, (), SETTINGS, agent_id="A01")
    assert own.headlines == report.headlines
