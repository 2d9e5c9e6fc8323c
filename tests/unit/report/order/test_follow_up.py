"""What came of an order's calls, what was agreed, and what is next: by whom and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from qareport.model import CallReport, OrderReport, Risk, RiskReason
from qareport.report.order import follow_up
from tests.support import report_samples as samples

CALL = samples.RICH_CALL
HOURS = timedelta(hours=1)


def lines(*calls: CallReport) -> list[tuple[str, str]]:
    report = samples.with_dossier(replace(samples.EXAMPLE, calls=calls))
    return _lines(report)


def _lines(report: OrderReport) -> list[tuple[str, str]]:
    numbers = {call.call_id: place for place, call in enumerate((*report.calls, *report.failed_calls), start=1)}
    return [(line.label, line.text.plain) for line in follow_up.build(report, numbers)]


def promised(due_at: datetime | None) -> CallReport:
    return replace(CALL, promises=(replace(CALL.promises[0], due_at=due_at),))


def test_what_stands_open_is_the_result_and_is_called_back_about_on_the_next_day() -> None:
    assert lines(replace(CALL, promises=())) == [
        ("结果", "客户要放弃，没有挽回。"),
        ("下一步", "11月22日18:00前，客服A017给客户回电，就“发货”给出确切答复。"),
    ]


def test_who_is_called_agent_by_the_shop_is_not_called_so_twice() -> None:
    told = lines(replace(CALL, promises=(), agent_id="客服01"))
    assert told[1] == ("下一步", "11月22日18:00前，客服01给客户回电，就“发货”给出确切答复。")


def test_a_risk_without_lost_points_says_why_it_is_one() -> None:
    praised = [finding for finding in CALL.findings if finding.points >= 0]
    told = lines(replace(CALL, promises=(), findings=tuple(praised)))
    assert told[0] == ("结果", "客户要放弃，没有挽回；客服没有失分，风险在于客户的事还没了结。")


def test_a_promise_that_falls_due_earlier_sets_the_time_of_the_call_back() -> None:
    assert lines(promised(CALL.started_at + 3 * HOURS))[1:] == [
        ("约定", "客服A017答应：发货（48小时内），须在11月21日12:13前办到。"),
        ("下一步", "11月21日12:13前，客服A017给客户回电，就“发货”给出确切答复。"),
    ]


@pytest.mark.parametrize(
    ("reason", "result", "who"),
    [
        (RiskReason.OPEN_THREAT, "客户要投诉，没有平息。", "班组长"),
        (RiskReason.OPEN_BROKEN_PROMISE, "客户追究没兑现的承诺，没有平息。", "班组长"),
        (RiskReason.OPEN_ANGER, "客户带着不满结束通话。", "客服A017"),
        (RiskReason.OPEN_COMPLAINT, "客户的问题没有得到解决。", "客服A017"),
    ],
)
def test_a_supervisor_takes_over_what_is_grave(reason: RiskReason, result: str, who: str) -> None:
    told = lines(replace(CALL, risk_reasons=(reason,), promises=()))
    assert told[0] == ("结果", result)
    assert f"前，{who}给客户回电" in told[1][1]


def test_the_gravest_of_several_reasons_is_the_result() -> None:
    reasons = (RiskReason.OPEN_ANGER, RiskReason.OPEN_THREAT)
    assert follow_up.result(replace(CALL, risk_reasons=reasons)) == "客户要投诉，没有平息"


def test_nothing_is_to_be_done_where_the_customer_accepted() -> None:
    settled = replace(CALL, risk=Risk.MEDIUM, risk_reasons=(RiskReason.SETTLED_ALARM,), promises=())
    assert lines(settled) == [("结果", "客户曾要投诉或放弃，后来接受了处理。")]
    assert lines(replace(settled, risk=Risk.LOW, risk_reasons=(), moments=())) == [("结果", "没有留下问题。")]
    assert lines(replace(settled, risk=Risk.LOW, risk_reasons=())) == [("结果", "客户接受了处理。")]


def test_a_grave_fault_of_the_agent_is_listened_to_by_the_supervisor() -> None:
    fault = replace(CALL, risk=Risk.MEDIUM, risk_reasons=(RiskReason.CRITICAL_FINDING,), promises=())
    assert lines(fault)[1:] == [("下一步", "班组长听录音，与客服A017复盘。")]


def test_a_broken_promise_is_named_first_and_all_calls_count() -> None:
    told = [(line.label, line.text) for line in follow_up.build(samples.FIVE_CALLS, {
        call.call_id: place
        for place, call in enumerate((*samples.FIVE_CALLS.calls, *samples.FIVE_CALLS.failed_calls), start=1)
    })]  # fmt: skip
    assert told[0][1].plain == "第4次来电：没有留下问题。"
    label, broken = told[1]
    assert (label, broken.plain) == (
        "约定",
        "客服A017答应：发货（48小时内），2026-11-23 09:14到期；到期后客户又来电（第3次）。",
    )
    assert broken.style == "label"
    assert told[2][1].plain == "客服A017答应：回电；到期时间不明。"


def test_the_third_call_about_an_order_goes_to_the_supervisor() -> None:
    calls = [
        replace(CALL, call_id=f"c{day}", started_at=CALL.started_at + day * 24 * HOURS, promises=()) for day in range(3)
    ]
    assert lines(*calls)[-1] == ("下一步", "11月24日18:00前，班组长给客户回电，就“发货”给出确切答复。")


def test_a_call_whose_time_or_topic_is_unknown_still_says_what_is_next() -> None:
    bare = replace(CALL, started_at=None, agent_id=None, moments=(), issues=(), promises=())
    assert lines(bare)[-1] == ("下一步", "尽快，客服给客户回电，给出处理结果。")


def test_what_is_past_due_is_asked_after() -> None:
    early = promised(CALL.started_at + HOURS)
    later = replace(
        CALL, call_id="later", started_at=CALL.started_at + 30 * HOURS, issues=(), promises=(), moments=(),
        risk=Risk.LOW, risk_reasons=(),
    )  # fmt: skip
    assert lines(early, later)[-1] == ("下一步", "客服A017核实是否已经办到：发货（48小时内）。")


def test_a_result_without_reasons_is_told_by_its_risk() -> None:
    assert follow_up.result(replace(CALL, risk_reasons=())) == "客户的不满没有平息"


def test_orders_in_which_nothing_was_judged_have_no_such_lines() -> None:
    assert _lines(samples.EMPTY) == []
    assert _lines(samples.FAILED_ONLY) == []
