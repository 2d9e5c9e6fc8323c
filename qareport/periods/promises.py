"""The ledger of promises: what falls due next, and what is past due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qareport.model import CallSummary, PromiseDue, PromiseState, SummaryPromise
from qareport.periods.days import bounds
from qareport.periods.scope import Scope

_STATES = (PromiseState.BROKEN, PromiseState.DUE_NEXT, PromiseState.UNCONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Promises that a reader must look at, and how many of the period's own fall due later or at an unknown time."""

    due: tuple[PromiseDue, ...]
    open: int
    undated: int


def promises_due(scope: Scope) -> Promises:
    """Find the promises of the period and of earlier calls that are due or past due.

    - due next: falls due on the day after the period, the day on which its report is read.
    - broken: past due, and the customer called again after that, within the period, about the same: a later call of
      the same order that shares an issue with the call of the promise, or in which the same action is promised again.
    - unconfirmed: fell due within the period and no such call followed. Recordings cannot tell whether it was kept.

    A call without an order cannot be joined with later ones; its promises are never broken, only unconfirmed. What was
    past due before the period was in an earlier report and comes back only when the customer does.
    """
    begin, end = bounds(scope.period)
    next_end = end + timedelta(days=1)
    orders = _by_order((*scope.earlier, *scope.now))
    due: list[PromiseDue] = []
    for call in (*scope.earlier, *scope.now):
        for promise in call.promises:
            due_at = promise.due_at
            if due_at is None or call.started_at is None or due_at >= next_end:
                continue
            if due_at >= end:
                due.append(_promise_due(call, promise, call.started_at, due_at, PromiseState.DUE_NEXT))
                continue
            again = _again(call, promise, due_at, orders.get(call.order_id or "", ()))
            if again is not None and again.started_at is not None and begin <= again.started_at < end:
                due.append(_promise_due(call, promise, call.started_at, due_at, PromiseState.BROKEN, again.call_id))
            elif again is None and due_at >= begin:
                due.append(_promise_due(call, promise, call.started_at, due_at, PromiseState.UNCONFIRMED))
    due.sort(key=lambda item: (_STATES.index(item.state), item.due_at, item.call_id, item.at_ms))
    own = [promise for call in scope.now for promise in call.promises]
    return Promises(
        due=tuple(due),
        open=sum(promise.due_at is not None and promise.due_at >= next_end for promise in own),
        undated=sum(promise.due_at is None for promise in own),
    )


def _by_order(calls: Iterable[CallSummary]) -> Mapping[str, list[CallSummary]]:
    """Gather the calls of each order in order of time; calls without one or without a start cannot be joined."""
    orders: dict[str, list[tuple[datetime, CallSummary]]] = defaultdict(list)
    for call in calls:
        if call.order_id and call.started_at is not None:
            orders[call.order_id].append((call.started_at, call))
    return {
        name: [call for _, call in sorted(dated, key=lambda item: (item[0], item[1].call_id))]
        for name, dated in orders.items()
    }


def _again(
    call: CallSummary, promise: SummaryPromise, due_at: datetime, calls: Sequence[CallSummary]
) -> CallSummary | None:
    """Return the first call after the due time in which the customer comes back about what was promised."""
    for later in calls:
        if later.started_at is None or later.started_at <= due_at or later.call_id == call.call_id:
            continue
        same = any(other.action == promise.action for other in later.promises)
        if same or not set(call.issues).isdisjoint(later.issues):
            return later
    return None


def _promise_due(
    call: CallSummary,
    promise: SummaryPromise,
    made_at: datetime,
    due_at: datetime,
    state: PromiseState,
    again_call_id: str | None = None,
) -> PromiseDue:
    return PromiseDue(
        state=state,
        call_id=call.call_id,
        order_id=call.order_id,
        agent_id=call.agent_id,
        customer_phone=call.customer_phone,
        made_at=made_at,
        due_at=due_at,
        at_ms=promise.at_ms,
        quote=promise.quote,
        action=promise.action,
        by=promise.by,
        again_call_id=again_call_id,
    )
