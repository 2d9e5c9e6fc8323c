"""The plan multiplies what was measured, says where each figure comes from, and is what the documentation shows."""

from __future__ import annotations

import json

import pytest

from qareport import cli
from qareport.settings.bundled import bundled_figures
from qareport.workflows.capacity.figures import figures
from qareport.workflows.capacity.plan import CapacityPlan, Demand, make_plan
from tools import reference_plan


def value(plan: CapacityPlan, name: str) -> float:
    return next(row.value for row in plan.rows if row.name == name)


def test_the_figures_are_those_of_the_results_of_this_repository() -> None:
    assert bundled_figures().read_text("utf-8") == reference_plan.measured_figures(), "run `make reference`"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_show_what_the_program_prints(language: str) -> None:
    page = reference_plan.PAGES[language].read_text("utf-8")
    assert page == reference_plan.with_plans(page, language), "run `make reference`"
    for calls in (3000, 100_000, 1_000_000):
        assert f"qareport plan --calls {calls} --minutes 3" in page
        assert f"{calls:,}" in page


def test_twice_the_calls_or_the_minutes_need_twice_of_everything_that_grows_with_the_sound() -> None:
    plan = make_plan(Demand(calls=3000, minutes=3))
    for other in (make_plan(Demand(calls=6000, minutes=3)), make_plan(Demand(calls=3000, minutes=6))):
        for name in ("recordings", "gpus", "cores_instead", "preparing", "judging", "writing", "store", "documents"):
            assert value(other, name) == pytest.approx(2 * value(plan, name)), name
        assert value(other, "search") == pytest.approx(value(plan, "search") / 2)


def test_three_thousand_calls_of_three_minutes_are_what_can_be_counted_by_hand() -> None:
    plan = make_plan(Demand(calls=3000, minutes=3, hours=8))
    assert value(plan, "recordings") == 150
    assert value(plan, "gpus") == pytest.approx(150 / (figures().gpu_rate.value * 8))
    assert value(plan, "cores_instead") == pytest.approx(150 / (figures().core_rate.value * 8))
    assert value(plan, "mails") == 40


def test_limits_come_in_the_order_in_which_they_are_met_and_are_met_where_they_say() -> None:
    plan = make_plan(Demand(calls=100_000, minutes=3))
    assert [limit.used for limit in plan.limits] == sorted((limit.used for limit in plan.limits), reverse=True)
    for limit in plan.limits:
        there = make_plan(Demand(calls=limit.calls, minutes=3))
        assert next(other.used for other in there.limits if other.name == limit.name) == pytest.approx(1, rel=0.01)


def test_less_time_needs_more_gpus_and_no_more_store() -> None:
    night, hour = (make_plan(Demand(calls=1_000_000, minutes=3, hours=hours)) for hours in (8, 1))
    assert value(hour, "gpus") == pytest.approx(8 * value(night, "gpus"))
    assert value(hour, "store") == value(night, "store")


def test_every_figure_says_where_it_comes_from_and_whether_it_was_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["plan", "--calls", "100000", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    sources = [figure for row in plan["needs"] for figure in row["figures"]]
    assert {figure["measured"] for figure in sources} == {True, False}
    for figure in sources:
        assert figure["source"].startswith("benchmarks/results/" if figure["measured"] else "estimate")
    assert all(limit["to_do"] for limit in plan["limits"])


@pytest.mark.parametrize(
    "given",
    [["--calls", "0"], ["--calls", "x"], [], ["--calls", "5", "--minutes", "0"], ["--calls", "5", "--hours", "25"]],
)
def test_a_demand_that_is_none_is_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", *given]) == 2
    assert "--" in capsys.readouterr().err
