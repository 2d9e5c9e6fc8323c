"""What all calls of one order show together: what changed from call to call, and what became of promises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from qareport.model import CallChange, CallReport, Dossier, OrderPromise, Promise, PromiseOutcome, Role


def dossier(calls: Sequence[CallReport]) -> Dossier:
    """Compare each call with the one before it, and say what became of each promise.

    Only calls whose start is known can be put in order; others change nothing and confirm nothing. A call is about a
    promise when it shares an issue type with the call of the promise, or the same action is promised in it again: the
    rule of the daily ledger (docs/guide/daily-report.md). Nothing is measured against today's clock, so the same calls
    always give the same dossier.

    Args:
        calls: the calls of one order, masked already.
    """
    dated = sorted(
        ((call.started_at, call.call_id, call) for call in calls if call.started_at), key=lambda item: item[:2]
    )
    ordered = [call for *_, call in dated]
    undated = [call for call in calls if call.started_at is None]
    return Dossier(
        changes=tuple(_change(earlier, later) for earlier, later in pairwise(ordered)),
        promises=tuple(_outcome(call, promise, ordered) for call in (*ordered, *undated) for promise in call.promises),
    )


def _change(earlier: CallReport, later: CallReport) -> CallChange:
    before, now = ([issue.name for issue in call.issues] for call in (earlier, later))
    scores = None if later.score is None or earlier.score is None else later.score - earlier.score
    sentiment_before, sentiment_now = _sentiment(earlier), _sentiment(later)
    return CallChange(
        call_id=later.call_id,
        since_call_id=earlier.call_id,
        after_ms=_after_ms(earlier.started_at, later.started_at),
        score=scores,
        sentiment=None if sentiment_before is None or sentiment_now is None else sentiment_now - sentiment_before,
        same_issues=tuple(name for name in now if name in before),
        new_issues=tuple(name for name in now if name not in before),
        gone_issues=tuple(name for name in before if name not in now),
        other_agent=None not in (earlier.agent_id, later.agent_id) and earlier.agent_id != later.agent_id,
    )


def _after_ms(earlier: datetime | None, later: datetime | None) -> int | None:
    return None if earlier is None or later is None else round((later - earlier).total_seconds() * 1000)


def _sentiment(call: CallReport) -> float | None:
    customer = call.metrics.roles.get(Role.CUSTOMER.value)
    return customer.sentiment if customer else None


def _outcome(call: CallReport, promise: Promise, ordered: Sequence[CallReport]) -> OrderPromise:
    outcome, again = _judged(call, promise, ordered)
    return OrderPromise(
        call_id=call.call_id,
        at_ms=promise.at_ms,
        quote=promise.quote,
        action=promise.action,
        by=promise.by,
        due_at=promise.due_at,
        outcome=outcome,
        again_call_id=again.call_id if again else None,
    )


def _judged(
    call: CallReport, promise: Promise, ordered: Sequence[CallReport]
) -> tuple[PromiseOutcome, CallReport | None]:
    made_at, due_at = call.started_at, promise.due_at
    if made_at is None or due_at is None:
        return PromiseOutcome.UNDATED, None
    later = [
        (other, other.started_at) for other in ordered if other.started_at is not None and other.started_at > made_at
    ]
    again = [(other, at) for other, at in later if _is_about(other, call, promise)]
    late = next((other for other, at in again if at > due_at), None)
    if late is not None:
        return PromiseOutcome.BROKEN, late
    if again:
        return PromiseOutcome.ASKED_AGAIN, again[0][0]
    past = any(at > due_at for _, at in later)
    return (PromiseOutcome.UNCONFIRMED if past else PromiseOutcome.OPEN), None


def _is_about(later: CallReport, call: CallReport, promise: Promise) -> bool:
    again = any(other.action == promise.action for other in later.promises)
    return again or not {issue.name for issue in call.issues}.isdisjoint(issue.name for issue in later.issues)
