"""One try of a delivery to a webhook: its body, its signature (Standard Webhooks), and what the answer means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

from qareport import privacy
from qareport.delivery.desk_key import DeskKey
from qareport.messages import Kept, Message, keep, say
from qareport.model import DeliveryState, OffReason, TryOutcome, Webhook, WebhookDelivery
from qareport.outgoing import HttpAnswer, OutgoingClient, OutgoingError, place_of, words_of

#: When tries begin, in seconds after the first.
TRIES_S: Final = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
#: Waits differ by so much at random, so that receivers that were away are not met by everything at once.
_JITTER: Final = 0.1
#: After a rotation both secrets sign for so long.
OVERLAP: Final = timedelta(hours=24)
#: A receiver that is asked too much, or a gateway before it, is left alone for so long.
_THROTTLE: Final = timedelta(seconds=30)
_THROTTLED: Final = (429, 502, 504)
#: No receiver is obeyed for longer.
_LONGEST_WAIT: Final = timedelta(hours=24)
_MOST_REPLY: Final = 200


def secret_of(key: DeskKey, webhook: Webhook, *, generation: int | None = None) -> str:
    """Return the secret of a webhook as receivers take it, `whsec_…`; by default that of its newest generation."""
    secret = key.derive("webhook", webhook.webhook_id, generation or webhook.generation)
    return "whsec_" + base64.b64encode(secret).decode()


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return a signature, `v1,…`, as Standard Webhooks defines it."""
    content = f"{delivery_id}.{timestamp}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def write_body(delivery: WebhookDelivery, *, public_url: str) -> bytes:
    """Write what a webhook is sent: type, time and data, with the address of the page about it."""
    data = dict(delivery.data or {})
    if public_url and (page := _page_of(data)):
        data["url"] = public_url.rstrip("/") + page
    timestamp = delivery.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"type": delivery.type.value, "timestamp": timestamp, "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _page_of(data: dict[str, Any]) -> str:
    if live_id := data.get("live_id"):  # leads on to the call, once its recording was judged
        return f"/board/{quote(str(live_id))}"
    if call_id := data.get("call_id"):
        return f"/calls/{quote(str(call_id))}"
    if period := data.get("period"):
        kind, _, name = str(period).partition(":")
        return f"/reports/{quote(kind)}/{quote(name)}"
    return "/rules" if "files" in data else ""


class WebhookTries:
    """Tries deliveries to webhooks."""

    def __init__(
        self, client: OutgoingClient, key: Callable[[], DeskKey], *, public_url: str, now: Callable[[], datetime]
    ) -> None:
        """Take what tries need.

        Args:
            client: reaches the receivers.
            key: opens the desk's key; asked at each try.
            public_url: address of the desk; "": bodies name no page.
            now: the time.
        """
        self._client = client
        self._key = key
        self._public_url = public_url
        self._now = now

    def __call__(self, webhook: Webhook, delivery: WebhookDelivery) -> TryOutcome:
        """Send a delivery once, and say what became of it. Nothing is raised: what goes wrong is a failed try."""
        body = write_body(delivery, public_url=self._public_url)
        now = self._now()
        try:
            answer = self._client.send(
                "POST", webhook.url, body=body, headers=self._headers(webhook, delivery, body, now)
            )
        except OutgoingError as error:
            return failed(delivery, None, keep(error.problems[0].what), now=self._now())
        return read_answer(delivery, answer, now=self._now())

    def _headers(self, webhook: Webhook, delivery: WebhookDelivery, body: bytes, now: datetime) -> dict[str, str]:
        timestamp, key = int(now.timestamp()), self._key()
        generations = [webhook.generation]
        if webhook.rotated_at is not None and now < webhook.rotated_at + OVERLAP:
            generations.append(webhook.generation - 1)
        secrets = [secret_of(key, webhook, generation=generation) for generation in generations]
        return {
            "Content-Type": "application/json",
            "webhook-id": delivery.delivery_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(sign(secret, delivery.delivery_id, timestamp, body) for secret in secrets),
        }


def read_answer(delivery: WebhookDelivery, answer: HttpAnswer, *, now: datetime) -> TryOutcome:
    """Say what an answer means: 2xx is done, 410 ends the webhook, everything else is tried again later."""
    words = _words(answer)
    if answer.ok:
        return TryOutcome(state=DeliveryState.SENT, status=answer.status, reply=words)
    if answer.status == 410:
        return TryOutcome(state=DeliveryState.FAILED, status=410, reply=words, gone=True)
    if 300 <= answer.status < 400:
        words = keep(say("it leads elsewhere, which is not followed"))
    wait = retry_after(answer, now)
    if wait is None and answer.status in _THROTTLED:
        wait = _THROTTLE
    return failed(delivery, answer.status, words, now=now, wait=wait)


def failed(
    delivery: WebhookDelivery, status: int | None, reply: str, *, now: datetime, wait: timedelta | None = None
) -> TryOutcome:
    """Say when a delivery is tried again whose try failed; after the last try: never.

    Args:
        delivery: as it was before the try.
        status: of the answer, if there was one.
        reply: what came of the try, in words (`messages.keep`).
        now: when the try ended.
        wait: what the receiver asks for before anything is sent to it.
    """
    tries = delivery.tries + 1
    not_before = None if wait is None else now + wait
    if tries >= len(TRIES_S):
        words = keep(say("given up after {count} tries; last: {reply}", count=tries, reply=Kept(reply)))
        return TryOutcome(state=DeliveryState.FAILED, status=status, reply=words, not_before=not_before)
    due = (delivery.first_at or now) + timedelta(seconds=TRIES_S[tries])
    pause = max(due - now, timedelta(seconds=1)) * random.uniform(1 - _JITTER, 1 + _JITTER)
    next_at = max(now + pause, not_before or now)
    return TryOutcome(state=DeliveryState.RETRY, status=status, reply=reply, next_at=next_at, not_before=not_before)


def retry_after(answer: HttpAnswer, now: datetime) -> timedelta | None:
    """Return how long an answer asks to wait, 24 hours at most: seconds, or until a date; None: it asks for nothing."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta()), _LONGEST_WAIT)


def _words(answer: HttpAnswer) -> str:
    """Return the beginning of an answer as people may read it: masked, on one line."""
    return privacy.mask(words_of(answer.body, _MOST_REPLY))[0]


def why_off(webhook: Webhook) -> Message:
    """Say why a webhook is off, and what to do."""
    values = {"name": webhook.name, "place": place_of(webhook.url)}
    if webhook.off is OffReason.GONE:
        return say(
            "webhook {name} ({place}) is off: the receiver answered that it is gone (410); ask who runs it, then "
            "switch it on or delete it at /settings/webhooks",
            **values,
        )
    if webhook.off is OffReason.FAILING:
        return say(
            "webhook {name} ({place}) is off: all tries failed for three days; look at its deliveries at "
            "/settings/webhooks, mend the receiver, then switch it on",
            **values,
        )
    return say("webhook {name} ({place}) was switched off by a person", **values)
