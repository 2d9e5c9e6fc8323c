"""The loop that sends what waits in the queue of webhooks: several at a time, none of them twice at once.

Any number of processes may run one over the same store. What a killed one was sending is sent again under the same id.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from qareport import events
from qareport.delivery.outbox import utc_now
from qareport.delivery.webhooks import failed
from qareport.errors import QareportError, StoreError
from qareport.messages import keep, recall
from qareport.model import DeliveryState, TryOutcome, Webhook, WebhookDelivery
from qareport.store import Store, holder

#: The queue is looked at so often when nothing waits.
_IDLE_S: Final = 1.0
_TIDY_EVERY: Final = timedelta(hours=1)
#: After a fault of the store the loop rests so long.
_REST_S: Final = 5.0
#: Sends a delivery once and says what became of it; what it raises is a failed try.
Try = Callable[[Webhook, WebhookDelivery], TryOutcome]


class WebhookSender:
    """Sends the deliveries of some kinds of webhooks."""

    def __init__(
        self, store: Store, attempt: Try, *, kinds: Collection[str] = ("webhook",), places: int = 8,
        lease: timedelta = timedelta(seconds=40), now: Callable[[], datetime] = utc_now,
        on_off: Callable[[Webhook], None] = lambda webhook: None,
    ) -> None:  # fmt: skip
        """Take what is sent, and how.

        Args:
            store: has the queue.
            attempt: sends a delivery once.
            kinds: of which webhooks.
            places: how many deliveries are sent at a time.
            lease: longer than a try can last: then another sender takes the delivery.
            now: the time.
            on_off: called with a webhook that goes off because of its receiver.
        """
        self._store = store
        self._attempt = attempt
        self._kinds = tuple(kinds)
        self._places = places
        self._lease = lease
        self._now = now
        self._on_off = on_off
        self.owner: Final = f"{holder()}:{secrets.token_hex(4)}"
        self._busy: set[threading.Thread] = set()
        self._free = threading.Event()
        self._tidied: datetime | None = None

    def send_due(self) -> int:
        """Send all that is due now, one after the other. Returns how many tries that were."""
        sent = 0
        while taken := self._take(1):
            self._send(*taken[0])
            sent += 1
        return sent

    def run(self, stopping: threading.Event, *, leave_s: float = 2.0) -> None:
        """Send until `stopping` is set; what is on its way then has `leave_s` to arrive."""
        while not stopping.is_set():
            try:
                self._tidy()
                self._free.clear()  # before looking: a try that ends meanwhile is seen at once
                self._busy = {thread for thread in self._busy if thread.is_alive()}
                taken = self._take(self._places - len(self._busy))
            except StoreError as error:
                events.happened("webhook", "failed", reason=str(error))
                stopping.wait(_REST_S)
                continue
            for webhook, delivery in taken:
                thread = threading.Thread(target=self._send, args=(webhook, delivery), daemon=True)
                self._busy.add(thread)
                thread.start()
            if not taken:
                self._wait(stopping)
        for thread in self._busy:
            thread.join(leave_s / max(1, len(self._busy)))
        self._store.webhook_queue.give_back(self.owner, at=self._now())

    def _wait(self, stopping: threading.Event) -> None:
        """Wait until something may have become due: a while, or until a try has ended."""
        if self._busy:
            self._free.wait(_IDLE_S)
        else:
            stopping.wait(_IDLE_S)

    def _take(self, most: int) -> tuple[tuple[Webhook, WebhookDelivery], ...]:
        return self._store.webhook_queue.take(
            self.owner, at=self._now(), lease=self._lease, most=most, kinds=self._kinds
        )

    def _send(self, webhook: Webhook, delivery: WebhookDelivery) -> None:
        watch = events.Stopwatch()
        try:
            outcome = self._tried(webhook, delivery)
            off = self._store.webhook_queue.end(delivery.delivery_id, self.owner, outcome, at=self._now())
            names = {"webhook": webhook.webhook_id, "delivery": delivery.delivery_id, "type": delivery.type.value}
            reason = recall(outcome.reply) if outcome.state is not DeliveryState.SENT else None
            events.happened(
                "webhook", outcome.state, duration_ms=watch.lap_ms(), status=outcome.status, reason=reason, **names
            )
            if off is not None:
                self._on_off(off)
        except StoreError as error:  # its lease ends, and it is sent again
            events.happened("webhook", "failed", reason=str(error))
        finally:
            self._free.set()

    def _tried(self, webhook: Webhook, delivery: WebhookDelivery) -> TryOutcome:
        """Try a delivery; what keeps it from being sent at all is a failed try, shown with the delivery."""
        try:
            return self._attempt(webhook, delivery)
        except QareportError as error:
            return failed(delivery, None, keep(error), now=self._now())
        except Exception as error:  # noqa: BLE001 - one delivery stops no other, and is not sent for ever
            return failed(delivery, None, f"{type(error).__name__}: {error}"[:200], now=self._now())

    def _tidy(self) -> None:
        now = self._now()
        if self._tidied is None or now - self._tidied >= _TIDY_EVERY:
            self._tidied = now
            self._store.webhook_queue.tidy(at=now)
