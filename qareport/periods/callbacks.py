"""Whom to call back today, and in which order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

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
    PromiseState,
    Risk,
    SummaryMoment,
)
from qareport.periods.headlines import is_high
from qareport.periods.scope import Scope

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
    earlier: int
    promises: tuple[PromiseDue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where to listen first, and what is said there."""

    at_ms: int = 0
    quote: str = ""
    label_code: MomentLabel | None = None
    label: str = ""


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
    earlier: dict[str, int] = defaultdict(int)
    for call in scope.earlier:
        if call.order_id:
            earlier[call.order_id] += 1
    grouped: dict[str, list[CallSummary]] = defaultdict(list)
    for call in scope.now:
        grouped[call.subject].append(call)
    for name, calls in grouped.items():
        calls.sort(key=lambda call: (call.started_at.timestamp() if call.started_at else 0.0, call.call_id))
        settled = max((index for index, call in enumerate(calls) if _ended_well(call)), default=-1)
        yield _Customer(
            calls=tuple(calls),
            open=tuple(calls[settled + 1 :]),
            earlier=earlier[name],
            promises=tuple(promises.get(name, ())),
        )


def _ended_well(call: CallSummary) -> bool:
    return call.score is not None and call.risk is Risk.LOW and call.recovered is not False


def _callback(scope: Scope, customer: _Customer) -> tuple[float, float, Callback] | None:
    reasons = _reasons(customer)
    repeats = min(customer.earlier + len(customer.calls) - 1, CALLBACK_REPEATS)
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
        risk=call.risk,
        reasons=tuple(reason for reason in CALLBACK_WEIGHTS if reason in reasons),
        at_ms=place.at_ms,
        quote=place.quote,
        label_code=place.label_code,
        label=place.label,
        promise=promise,
    )
    started = customer.calls[-1].started_at
    return weight, started.timestamp() if started else 0.0, callback


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
    if reasons and customer.earlier + len(customer.calls) > 1:
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
