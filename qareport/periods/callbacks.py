"""Find promises that fall due, and rank the customers to call back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict

from qareport.model import (
    CALLBACK_REPEATS,
    CALLBACK_SCORE_WEIGHT,
    CALLBACK_WEIGHTS,
    Callback,
    CallbackReason,
    CallSummary,
    Emotion,
    MomentKind,
    MomentLabel,
    PromiseDue,
    PromiseMade,
    PromiseState,
    Risk,
    SummaryMoment,
    SummaryPromise,
)
from qareport.periods.scope import Scope, bounds, is_high

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
                due.append(_promise_due(call, promise, call.started_at, due_at, PromiseState.BROKEN, again))
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
    orders: dict[str, list[CallSummary]] = defaultdict(list)
    for call in calls:
        if call.order_id and call.started_at is not None:
            orders[call.order_id].append(call)
    for own in orders.values():
        if len(own) > 1:  # few have more than one call
            own.sort(key=lambda call: (call.started_at.timestamp() if call.started_at else 0.0, call.call_id))
    return orders


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
    again: CallSummary | None = None,
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
        again_call_id=again.call_id if again else None,
        again_at=again.started_at if again else None,
    )


#: Where to listen first, for the reasons that a moment shows.
_SHOWN_BY = {
    CallbackReason.ESCALATION: (MomentKind.ESCALATION,),
    CallbackReason.CHURN_SIGNAL: (MomentKind.CHURN_SIGNAL, MomentKind.REPEAT),
    CallbackReason.ANGRY_UNRESOLVED: (MomentKind.EMOTION,),
}
_RISKS = tuple(Risk)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Customer:
    """One order (or one call without an order) with what is known of it."""

    #: In the period, in order of time; those after which nothing was settled.
    calls: tuple[CallSummary, ...]
    open: tuple[CallSummary, ...]
    #: Before the period, in order of time.
    earlier: tuple[CallSummary, ...]
    promises: tuple[PromiseDue, ...]

    @property
    def known(self) -> tuple[CallSummary, ...]:
        """All its calls, in order of time."""
        return (*self.earlier, *self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where to listen first, and what is said there."""

    at_ms: int = 0
    quote: str = ""
    label_code: MomentLabel | None = None
    label: str = ""


class _History(TypedDict):
    """The fields of a `Callback` about the customer's calls."""

    issue: str | None
    calls_known: int
    calls_about_issue: int
    first_called_at: datetime | None
    last_promise: PromiseMade | None


def rank_callbacks(scope: Scope, promises: Iterable[PromiseDue]) -> tuple[Callback, ...]:
    """Rank the customers to call back: all of them, the weightiest first.

    A customer is an order, or a call without one. The weight is the sum over reasons:

    - broken promise 40: past due, and the customer called again about it in the period;
    - escalation 35, churn signal 30: such a moment in a call that did not end calm;
    - fatal 30: a finding that fails the call at once;
    - angry unresolved 25: the customer turned angry and the call did not end calm;
    - high risk 20: as the rules judged the call;
    - promise due 15: falls due on the day after the period;
    - repeated calls 10 for each call of the order beyond the first, those before the period included, 30 at most;
    - and 10 x (100 - lowest score) / 100.

    Reasons of a call are dropped when a later call of the same order in the period ended well: low risk, and calm or
    never troubled. To be called back: a weight of `callback_threshold` (50) or more, which takes at least two reasons;
    an open escalation or churn signal brings its own second one, because the rules judge it as high risk. Of equal
    weights the latest call comes first. The weights are ours: an order of urgency, not a measured loss.
    """
    by_order: dict[str, list[PromiseDue]] = defaultdict(list)
    for promise in promises:
        if promise.state is not PromiseState.UNCONFIRMED:
            by_order[promise.subject].append(promise)
    ranked = [entry for customer in _customers(scope, by_order) if (entry := _callback(scope, customer)) is not None]
    ranked.sort(key=lambda item: (-item[0], -item[1], item[2].call_id))
    return tuple(replace(entry, rank=rank) for rank, (_, _, entry) in enumerate(ranked, start=1))


def _customers(scope: Scope, promises: Mapping[str, Sequence[PromiseDue]]) -> Iterable[_Customer]:
    grouped: dict[str, list[CallSummary]] = defaultdict(list)
    for call in scope.now:
        grouped[call.subject].append(call)
    earlier = _by_order(call for call in scope.earlier if call.order_id in grouped)
    for name, calls in grouped.items():
        calls.sort(key=lambda call: (call.started_at.timestamp() if call.started_at else 0.0, call.call_id))
        settled = max((index for index, call in enumerate(calls) if _ended_well(call)), default=-1)
        yield _Customer(
            calls=tuple(calls),
            open=tuple(calls[settled + 1 :]),
            earlier=tuple(earlier.get(name, ())),
            promises=tuple(promises.get(name, ())),
        )


def _ended_well(call: CallSummary) -> bool:
    return call.score is not None and call.risk is Risk.LOW and call.recovered is not False


def _callback(scope: Scope, customer: _Customer) -> tuple[float, float, Callback] | None:
    reasons = _reasons(customer)
    repeats = min(len(customer.known) - 1, CALLBACK_REPEATS)
    lowest = min((call.score for call in customer.calls if call.score is not None), default=100)
    weight = float(sum(value for reason, value in CALLBACK_WEIGHTS.items() if reason in reasons))
    weight += CALLBACK_WEIGHTS[CallbackReason.REPEATED_CALLS] * max(repeats - 1, 0) if reasons else 0.0
    weight += CALLBACK_SCORE_WEIGHT * (100 - lowest) / 100
    if not reasons or weight < scope.settings.callback_threshold:
        return None
    call = max(customer.open or customer.calls, key=lambda call: (_RISKS.index(call.risk), -(call.score or 0)))
    moment = _where(call, reasons)
    promise = min(
        customer.promises, key=lambda item: (item.state is not PromiseState.BROKEN, item.due_at), default=None
    )
    place = _place(call, moment, promise)
    callback = Callback(
        rank=1,
        weight=weight,
        order_id=call.order_id,
        call_id=call.call_id,
        call_ids=tuple(call.call_id for call in customer.calls),
        agent_id=call.agent_id,
        started_at=call.started_at,
        customer_phone=call.customer_phone,
        score=call.score,
        reviewed_score=call.reviewed_score,
        risk=call.risk,
        reasons=tuple(reason for reason in CALLBACK_WEIGHTS if reason in reasons),
        at_ms=place.at_ms,
        quote=place.quote,
        label_code=place.label_code,
        label=place.label,
        promise=promise,
        **_history(customer, call),
    )
    started = customer.calls[-1].started_at
    return weight, started.timestamp() if started else 0.0, callback


def _history(customer: _Customer, shown: CallSummary) -> _History:
    """Tell what the customer calls about, how often and since when, and what was promised before the last call."""
    issue = next(iter(shown.issues), None)
    about = [call for call in customer.known if issue is not None and issue in call.issues]
    promises = [
        PromiseMade(
            action=promise.action,
            by=promise.by,
            made_at=call.started_at,
            quote=promise.quote,
            due_at=promise.due_at,
        )
        for call in customer.known[:-1]
        for promise in call.promises
    ]
    return _History(
        issue=issue,
        calls_known=len(customer.known),
        calls_about_issue=max(len(about), 1),
        first_called_at=customer.known[0].started_at,
        last_promise=promises[-1] if promises else None,
    )


def _reasons(customer: _Customer) -> set[CallbackReason]:
    reasons: set[CallbackReason] = set()
    for call in customer.open:
        kinds = {moment.kind for moment in call.moments} if not call.recovered else set()
        reasons |= {CallbackReason.HIGH_RISK} if is_high(call) else set()
        reasons |= {CallbackReason.FATAL} if any(hit.fatal for hit in call.hits) else set()
        reasons |= {CallbackReason.ESCALATION} if MomentKind.ESCALATION in kinds else set()
        reasons |= {CallbackReason.CHURN_SIGNAL} if MomentKind.CHURN_SIGNAL in kinds else set()
        if Emotion.ANGRY.value in call.emotions and call.recovered is False:
            reasons.add(CallbackReason.ANGRY_UNRESOLVED)
    states = {promise.state for promise in customer.promises}
    reasons |= {CallbackReason.BROKEN_PROMISE} if PromiseState.BROKEN in states else set()
    reasons |= {CallbackReason.PROMISE_DUE} if PromiseState.DUE_NEXT in states else set()
    if reasons and len(customer.known) > 1:
        reasons.add(CallbackReason.REPEATED_CALLS)
    return reasons


def _where(call: CallSummary, reasons: set[CallbackReason]) -> SummaryMoment | None:
    """Find the moment that shows the gravest reason, else the weightiest one of the call."""
    for reason, kinds in _SHOWN_BY.items():
        if reason in reasons:
            shown = next((moment for moment in call.moments if moment.kind in kinds), None)
            if shown is not None:
                return shown
    return next(iter(call.moments), None)


def _place(call: CallSummary, moment: SummaryMoment | None, promise: PromiseDue | None) -> _Place:
    """Say where to listen: at the moment, else at the costliest finding, else at the promise."""
    if moment is not None:
        return _Place(at_ms=moment.at_ms, quote=moment.quote, label_code=moment.label_code, label=moment.label)
    hit = min(call.hits, key=lambda hit: (hit.points, hit.at_ms), default=None)
    if hit is not None:
        return _Place(at_ms=hit.at_ms, quote=hit.quote, label=hit.title)
    if promise is not None and promise.call_id == call.call_id:
        return _Place(at_ms=promise.at_ms, quote=promise.quote, label=promise.action)
    return _Place()
