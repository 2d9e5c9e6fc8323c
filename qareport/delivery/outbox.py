"""Send what is due in the outbox: the protocol of a channel, the retry policy, and the outcome of each attempt.

The kind of a channel says what it guarantees. At most once (mail): what may have arrived is UNKNOWN, and only a
person decides to send it again. At least once: what may not have arrived is sent again under the same key, by which
the receiver recognises a duplicate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from qareport.errors import DeliveryError
from qareport.messages import Kept, keep, say
from qareport.model import ChannelKind, DeliveryRecord, DeliveryState, Guarantee, Outcome
from qareport.store import Store

#: Between attempts, when the policy names no wait.
_DEFAULT_WAIT_S = 300.0


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The time and how to wait; tests replace both."""

    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep


class Channel(Protocol):
    """What deliveries leave through. It connects at the first delivery."""

    @property
    def kind(self) -> ChannelKind:
        """Which deliveries are its own, and what it guarantees."""

    def send(self, delivery: DeliveryRecord, content: bytes, *, begin: Callable[[], bool]) -> Outcome | None:
        """Try to send one delivery.

        Args:
            delivery: what is known of it; the receiver gets its key or message id with the content.
            content: the complete message.
            begin: records the intent; to be called once, right before the delivery may arrive. When it returns
                False the delivery must not be sent.

        Returns:
            SENT, RETRY (certainly not arrived), FAILED (refused permanently) or UNKNOWN (may have arrived); None when
            `begin` returned False.

        Raises:
            DeliveryError: the channel cannot be used: nothing of this delivery was sent.
        """

    def close(self) -> None:
        """Close the connection before a wait; the next delivery opens it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long to try a delivery."""

    #: Seconds before each further attempt, the last for all that follow.
    waits_s: Sequence[float]
    give_up_hours: float

    def wait(self, tries: int) -> timedelta:
        """Return the wait before the next attempt, after so many."""
        waits_s = self.waits_s or (_DEFAULT_WAIT_S,)
        return timedelta(seconds=waits_s[min(tries, len(waits_s) - 1)])


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchResult:
    """What became of the deliveries that were due, each by its last state."""

    deliveries: tuple[DeliveryRecord, ...] = ()
    #: Why the channel could not be used, when it could not.
    trouble: str = ""

    def count(self, *states: DeliveryState) -> int:
        """Count the deliveries in some states."""
        return sum(delivery.state in states for delivery in self.deliveries)


def dispatch(
    store: Store,
    channel: Channel,
    policy: RetryPolicy,
    *,
    clock: Clock,
    on_sent: Callable[[int, int], None],
    waits_s: Sequence[float] | None = None,
) -> DispatchResult:
    """Send all deliveries that are due over a channel; wait and try those again that have not arrived.

    Only while the store's lock is held, and after settling the outbox since (`store.outbox.settle`).

    Args:
        store: holds the outbox.
        channel: what they leave through.
        policy: how long to try.
        clock: the time.
        on_sent: called with `(done, total)` after each delivery.
        waits_s: seconds between the rounds of this call; None: those of the policy.

    Raises:
        StoreError: the outbox cannot be written; a delivery that was on its way is settled by the next run.
    """
    due = store.outbox.due(clock.now(), channel=channel.kind)
    keys = [delivery.key for delivery in due]
    trouble = ""
    for wait_s in (0.0, *(policy.waits_s if waits_s is None else waits_s)):
        if not due:
            break
        if wait_s:
            channel.close()  # servers close connections on which nothing is sent for so long
            clock.sleep(wait_s)
        trouble = _round(store, channel, policy, due, clock, lambda rest: on_sent(len(keys) - rest, len(keys)))
        due = tuple(delivery for delivery in _records(store, keys) if delivery.state is DeliveryState.RETRY)
    return DispatchResult(deliveries=_records(store, keys), trouble=trouble if due else "")


def _records(store: Store, keys: Sequence[str]) -> tuple[DeliveryRecord, ...]:
    return tuple(store.outbox.get(key) for key in keys)


def _round(
    store: Store,
    channel: Channel,
    policy: RetryPolicy,
    due: Sequence[DeliveryRecord],
    clock: Clock,
    on_rest: Callable[[int], None],
) -> str:
    """Try each delivery once. Returns why the channel could not be used, "" when it could."""
    trouble = ""
    for number, delivery in enumerate(due, start=1):
        if trouble:  # without a server each delivery would wait for the same time-out
            _end(store, policy, delivery, Outcome(state=DeliveryState.RETRY, reply=trouble), clock.now())
            continue
        try:
            outcome = _attempt(store, channel, delivery, clock)
        except DeliveryError as error:
            trouble = str(error)
            outcome = Outcome(state=DeliveryState.RETRY, reply=trouble)
        if outcome is not None:
            _end(store, policy, delivery, outcome, clock.now())
        on_rest(len(due) - number)
    return trouble


def _attempt(store: Store, channel: Channel, delivery: DeliveryRecord, clock: Clock) -> Outcome | None:
    outcome = channel.send(
        delivery,
        store.outbox.get_content(delivery.key),
        begin=lambda: store.outbox.begin(delivery.key, now=clock.now()),
    )
    if outcome is None or outcome.state is not DeliveryState.UNKNOWN:
        return outcome
    if channel.kind.guarantee is Guarantee.AT_LEAST_ONCE:
        return Outcome(state=DeliveryState.RETRY, reply=outcome.reply)
    return outcome


def _end(store: Store, policy: RetryPolicy, delivery: DeliveryRecord, outcome: Outcome, now: datetime) -> None:
    if outcome.state is not DeliveryState.RETRY:
        store.outbox.end(delivery.key, outcome, now=now)
    elif now - delivery.planned_at > timedelta(hours=policy.give_up_hours):
        last = Kept(outcome.reply)
        given_up = say("given up after {hours:g} h; last: {reply}", hours=policy.give_up_hours, reply=last)
        store.outbox.end(delivery.key, Outcome(state=DeliveryState.FAILED, reply=keep(given_up)), now=now)
    else:
        store.outbox.end(delivery.key, outcome, now=now, next_try_at=now + policy.wait(delivery.tries))
