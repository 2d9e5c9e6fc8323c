"""What the calls of one order tell together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qareport import periods
from qareport.model import CallReport, Classification, PromiseOutcome
from tests.support import report_samples as samples

FIRST = samples.RICH_CALL
PROMISE = FIRST.promises[0]
assert FIRST.started_at is not None
assert PROMISE.due_at is not None


def later(hours: float, *, issue: str | None = None, action: str | None = None, **changes: object) -> CallReport:
    """Make a call so many hours after the first one, about nothing unless told."""
    return replace(
        FIRST,
        call_id=f"after-{hours:g}",
        started_at=FIRST.started_at + timedelta(hours=hours),
        issues=(Classification(name=issue, evidence=()),) if issue else (),
        promises=(replace(PROMISE, action=action),) if action else (),
        **changes,
    )


@pytest.mark.parametrize(
    ("calls", "outcome", "again"),
    [
        ((), PromiseOutcome.OPEN, None),
        ((later(20),), PromiseOutcome.OPEN, None),
        ((later(20, issue="物流延迟"),), PromiseOutcome.ASKED_AGAIN, "after-20"),
        ((later(60),), PromiseOutcome.UNCONFIRMED, None),
        ((later(60, issue="退款进度"),), PromiseOutcome.UNCONFIRMED, None),
        ((later(60, issue="物流延迟"),), PromiseOutcome.BROKEN, "after-60"),
        ((later(60, action="发货"),), PromiseOutcome.BROKEN, "after-60"),
        (tuple(later(hours, issue="物流延迟") for hours in (70, 20, 60)), PromiseOutcome.BROKEN, "after-60"),
    ],
)
def test_a_promise_is_judged_by_the_later_calls(
    calls: tuple[CallReport, ...], outcome: PromiseOutcome, again: str | None
) -> None:
    result = periods.dossier((*calls, FIRST)).promises[0]
    assert (result.call_id, result.outcome, result.again_call_id) == (FIRST.call_id, outcome, again)


def test_a_promise_without_a_time_is_neither_kept_nor_broken() -> None:
    result = periods.dossier((FIRST, later(500, issue="物流延迟"))).promises[1]
    assert (result.action, result.outcome) == ("回电", PromiseOutcome.UNDATED)


def test_a_call_without_a_start_confirms_nothing_and_changes_nothing() -> None:
    undated = replace(later(60, issue="物流延迟", action="发货"), started_at=None)
    result = periods.dossier((FIRST, undated))
    assert result.changes == ()
    assert [promise.outcome for promise in result.promises] == [
        PromiseOutcome.OPEN,
        PromiseOutcome.UNDATED,
        PromiseOutcome.UNDATED,
    ]


def test_each_call_is_compared_with_the_one_before_it() -> None:
    second = later(30, issue="物流延迟", score=50, agent_id="A022")
    third = later(50, issue="退款进度", score=None, agent_id="A022")
    first, last = periods.dossier((third, FIRST, second)).changes
    assert (first.call_id, first.since_call_id, first.after_ms) == ("after-30", "call-0913", 30 * 3_600_000)
    assert (first.score, first.sentiment, first.other_agent) == (50 - 71, 0.0, True)
    assert (first.same_issues, first.new_issues, first.gone_issues) == (("物流延迟",), (), ())
    assert (last.score, last.other_agent) == (None, False)
    assert (last.same_issues, last.new_issues, last.gone_issues) == ((), ("退款进度",), ("物流延迟",))
