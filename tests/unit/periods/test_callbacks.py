"""Customers to call back: what they call about, how often, since when, and what was promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from qareport import periods
from qareport.model import CallSummary, MomentKind, MomentLabel, PeriodKind, PeriodReport, Risk, SummaryPromise
from qareport.report.period.view import build_period_view
from qareport.settings import ReportSettings
from tests.support.period_samples import CHINA, DAY, SETTINGS, TODAY, ZONE, call, hit, moment

PROMISE = SummaryPromise(
    at_ms=9_000, quote="3天内到账", action="到账", by="3天", due_at=datetime(2026, 11, 30, tzinfo=CHINA)
)


def angry(name: str, **fields: object) -> CallSummary:
    plain = call(
        name,
        order_id="o",
        score=60,
        passed=False,
        risk=Risk.HIGH,
        issues=("退款",),
        emotions=("ANGRY",),
        recovered=False,
        moments=(moment(MomentKind.ESCALATION, "再不处理我就给差评", code=MomentLabel.ESCALATION, at_ms=63_000),),
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def build(now: list[CallSummary], before: list[CallSummary]) -> PeriodReport:
    return periods.build_period(TODAY, now, before, (), SETTINGS)


def words(report: PeriodReport) -> str:
    return build_period_view(report, ReportSettings()).callbacks[0].why


def test_a_third_call_about_a_refund_says_so_with_what_was_promised() -> None:
    before = [
        angry("1", started_at=datetime(2026, 11, 18, 9, tzinfo=CHINA)),
        angry("2", started_at=datetime(2026, 11, 20, 9, tzinfo=CHINA), promises=(PROMISE,)),
    ]
    report = build([angry("3")], before)
    assert words(report) == "第3次为“退款”来电（11-18起；上次答应11-30 00:00前到账）；要求升级或投诉；愤怒没有平复"
    row = build_period_view(report, ReportSettings()).callbacks[0]
    assert (row.listen.plain, row.when) == ("第63秒“再不处理我就给差评”", "11-21 10:05")


def test_a_call_about_something_else_is_counted_as_a_call_not_as_the_issue() -> None:
    before = [angry("1", issues=("发票",), started_at=datetime(2026, 11, 18, 9, tzinfo=CHINA))]
    assert words(build([angry("2")], before)).startswith("第2次来电，这次为“退款”（11-18起）")


def test_a_first_call_names_its_issue_and_one_without_an_issue_its_reasons_alone() -> None:
    assert words(build([angry("1")], [])).startswith("为“退款”来电；要求升级")
    assert words(build([angry("1", issues=())], [])) == "要求升级或投诉；愤怒没有平复"


def test_all_customers_are_in_the_report_and_a_document_lists_as_many_as_it_is_told() -> None:
    report = build([angry(f"{number}", order_id=f"o{number}") for number in range(30)], [])
    assert len(report.callbacks) == report.callbacks_total == 30
    view = build_period_view(report, ReportSettings(), replace(SETTINGS, callbacks=8))
    assert (len(view.callbacks), len(view.callbacks_rest), view.callbacks_more) == (5, 3, "另有22位没有列出。")


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (PeriodKind.DAY, "今天需要回电"),
        (PeriodKind.WEEK, "期末仍未解决的客户"),
        (PeriodKind.MONTH, "期末仍未解决的客户"),
    ],
)
def test_only_a_daily_report_speaks_of_today(kind: PeriodKind, title: str) -> None:
    report = periods.build_period(periods.period_of(kind, DAY, ZONE), [angry("1")], (), (), SETTINGS)
    view = build_period_view(report, ReportSettings())
    assert view.callbacks_title.startswith(title)
    assert ("今天" in view.sentence + view.callbacks_title) is (kind is PeriodKind.DAY)


def test_the_stage_beside_a_weak_link_and_in_the_heat_map_is_of_calls_mainly_about_its_issue() -> None:
    late = [
        call(f"a{n}", issues=("物流延迟",), stages=("发货前",), hits=(hit(0),), emotions=("ANGRY",)) for n in range(2)
    ]
    returned = [
        call(f"b{n}", issues=("退货", "物流延迟"), stages=("退货时",), hits=(hit(0),), emotions=("ANGRY",))
        for n in range(2)
    ]
    report = build([*late, *returned, call("c", issues=("物流延迟",), stages=("发货前",), hits=(hit(0),))], [])
    link, row = report.weak_links[0], next(row for row in report.heat.rows if row.issue == "物流延迟")
    assert (link.issue, link.stage, row.stages[0][0]) == ("物流延迟", "发货前", "发货前")


def test_the_advice_of_a_team_is_what_most_of_the_calls_got() -> None:
    hits = [replace(hit(0), advice=text) for text in ("给单号", "给单号", "别的")]
    report = build([call(f"{n}", issues=("物流延迟",), hits=(found,)) for n, found in enumerate(hits)], [])
    assert report.weak_links[0].advice == "给单号"


def test_a_mean_is_named_by_the_periods_that_it_is_of() -> None:
    before = [call(f"{back}", day=DAY - timedelta(days=back)) for back in (1, 2, 3, 4)]
    four = build_period_view(build([call("now")], before), ReportSettings())
    assert [change.plain.split()[0] for change in four.tiles[0].changes] == ["前一天", "前4天日均"]
    single = build_period_view(build([call("now")], before[:1]), ReportSettings())
    assert [change.plain.split()[0] for change in single.tiles[0].changes] == ["前一天"]


def test_only_changes_beyond_chance_have_a_colour() -> None:
    yesterday = [call(f"b{n}", day=DAY - timedelta(days=1), risk=Risk.HIGH if n < 2 else Risk.LOW) for n in range(40)]
    few = build([call(f"{n}", risk=Risk.HIGH if n < 3 else Risk.LOW) for n in range(40)], yesterday)
    many = build([call(f"{n}", risk=Risk.HIGH if n < 30 else Risk.LOW) for n in range(40)], yesterday)
    tiles = [build_period_view(report, ReportSettings()).tiles[1] for report in (few, many)]
    assert [tile.changes[0].style for tile in tiles] == ["", "worse"]
