"""Alerts of live calls for chat groups: those of some seconds become one message, at most twenty messages a minute.

Robots are receivers of the queue of webhooks, so that an alert survives a kill and is told at least once.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from qareport import events
from qareport.delivery.chat.channel import Robots, fold
from qareport.delivery.chat.robots import ChatLine, ChatMessage
from qareport.delivery.webhooks import failed, write_body
from qareport.errors import QareportError
from qareport.messages import recall
from qareport.model import DeliveryState, EventType, Outcome, Signal, TryOutcome, Webhook, WebhookDelivery
from qareport.presentation import live_wording
from qareport.presentation.locale import _, speaking
from qareport.settings import Locale
from qareport.store import Store, holder

#: Of their rows among webhooks.
KIND: Final = "robot"
#: Alerts that one message folds at most; what follows is told in the next.
_MOST: Final = 200
_LEASE: Final = timedelta(seconds=60)
_IDLE_S: Final = 0.5
_REST_S: Final = 5.0


def keep_robots(store: Store, robots: Robots, *, at: datetime) -> None:
    """Make the rows of the store those of the robots that tell alerts, so that alerts are planned for them."""
    store.webhooks.keep(KIND, {robot.name: (EventType.ALERT_RAISED,) for robot in robots.list("alerts")}, at=at)


class AlertTeller:
    """Tells robots the alerts that wait in the queue."""

    def __init__(
        self, store: Store, robots: Robots, *, fold_s: float, locale: Locale, public_url: str,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        """Take who tells what.

        Args:
            store: has the queue.
            robots: those of the settings.
            fold_s: alerts within so many seconds become one message.
            locale: language of messages.
            public_url: address of the desk; "": messages lead nowhere.
            now: the time.
        """
        self._store = store
        self._robots = robots
        self._fold_s = fold_s
        self._locale = locale
        self._public_url = public_url
        self._now = now
        self.owner: Final = f"{holder()}:{secrets.token_hex(4)}"

    def run(self, stopping: threading.Event) -> None:
        """Tell until `stopping` is set."""
        while not stopping.is_set():
            try:
                if not self.tell_due(wait=lambda: stopping.wait(self._fold_s)):
                    stopping.wait(_IDLE_S)
            except QareportError as error:
                events.happened("robot", "failed", reason=str(error))
                stopping.wait(_REST_S)
        self._store.webhook_queue.give_back(self.owner, at=self._now())

    def tell_due(self, *, wait: Callable[[], object] = lambda: None) -> int:
        """Tell each robot what is due for it, as one message; what is raised during the wait goes into it, too.

        Returns:
            how many messages that were.
        """
        taken = self._take()
        if taken:
            wait()
            taken += self._take()
        waiting: defaultdict[str, list[WebhookDelivery]] = defaultdict(list)
        for webhook, delivery in taken:
            waiting[webhook.name].append(delivery)
        for name, deliveries in waiting.items():
            self._tell(name, deliveries)
        return len(waiting)

    def _take(self) -> tuple[tuple[Webhook, WebhookDelivery], ...]:
        return self._store.webhook_queue.take(
            self.owner, at=self._now(), lease=_LEASE, most=10 * _MOST, kinds=(KIND,), at_once=_MOST
        )

    def _tell(self, name: str, deliveries: list[WebhookDelivery]) -> None:
        told = [delivery for delivery in deliveries if self._concerns(name, delivery)]
        outcome: Outcome | None = None
        if told:
            with speaking(self._locale):
                message = fold([self._message(delivery) for delivery in told])
            outcome = self._robots.tell(name, message)
        for delivery in deliveries:
            ended = TryOutcome(state=DeliveryState.SENT)
            if outcome is not None and delivery in told:
                ended = self._ended(delivery, outcome)
            self._store.webhook_queue.end(delivery.delivery_id, self.owner, ended, at=self._now())
        if outcome is not None:
            events.happened("robot", outcome.state, name=name, count=len(told), reason=recall(outcome.reply))

    def _concerns(self, name: str, delivery: WebhookDelivery) -> bool:
        team = self._robots.get(name).team
        return team in ("*", (delivery.data or {}).get("team"))

    def _ended(self, delivery: WebhookDelivery, outcome: Outcome) -> TryOutcome:
        if outcome.state in (DeliveryState.SENT, DeliveryState.FAILED):
            return TryOutcome(state=outcome.state, reply=outcome.reply)
        return failed(delivery, None, outcome.reply, now=self._now())

    def _message(self, delivery: WebhookDelivery) -> ChatMessage:
        data: dict[str, Any] = json.loads(write_body(delivery, public_url=self._public_url))["data"]
        return alert_message(data)


def alert_message(data: dict[str, Any]) -> ChatMessage:
    """Word an alert: what it is, who speaks, what was said at which second, what to do, and where the call is heard."""
    signal = Signal(data["signal"]) if data.get("signal") else None
    name = live_wording.SIGNALS[signal] if signal else data.get("title") or ""
    advice = data.get("advice") or (live_wording.ADVICE[signal] if signal else "")
    title = _("{level}级提醒 {title}").format(level=data.get("level") or 1, title=name)
    seconds = int(data.get("at_ms") or 0) // 1000
    parts = [str(data.get("agent_id") or ""), f"{seconds // 60}:{seconds % 60:02}"]
    if data.get("quote"):
        parts.append(f"“{data['quote']}”")
    if advice:
        parts.append(str(advice))
    return ChatMessage(
        title=title, lines=(ChatLine(text=" ".join(filter(None, parts)), url=str(data.get("url") or "")),)
    )
