"""Integrations as receivers of the queue of webhooks: a row for each request of each file, and one try."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from qareport.delivery.integrations.integration import Integration, RequestForm
from qareport.delivery.integrations.requests import RequestOutcome, RequestWriter
from qareport.delivery.webhooks import failed, retry_after, write_body
from qareport.errors import ConfigError, QareportError
from qareport.messages import keep, say
from qareport.model import DeliveryState, EventType, TryOutcome, Webhook, WebhookDelivery
from qareport.outgoing import HttpAnswer, OutgoingClient, OutgoingError, OutgoingFault
from qareport.store import Store

#: Of their rows among webhooks.
KIND: Final = "integration"


def keep_integrations(store: Store, integrations: Sequence[Integration], *, at: datetime) -> tuple[Webhook, ...]:
    """Make the rows of the store those of the files, so that events are planned for their requests from now on.

    Rows of files and requests that are gone go with what still waits for them.
    """
    wanted = {
        integration.name_of(request): tuple(map(EventType, integration.form.on))
        for integration in integrations
        for request in integration.requests
    }
    return store.webhooks.keep(KIND, wanted, at=at)


class IntegrationTries:
    """Tries deliveries to integrations, with the files as they are at that moment."""

    def __init__(
        self, load: Callable[[], Sequence[Integration]], client: OutgoingClient, *, public_url: str,
        now: Callable[[], datetime], environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Take what tries need.

        Args:
            load: reads the integrations.
            client: reaches the peers.
            public_url: address of the desk; "": requests name no page.
            now: the time.
            environment: where secrets are; None: that of the process.
        """
        self._load = load
        self._client = client
        self._public_url = public_url
        self._now = now
        self._environment = environment

    def __call__(self, webhook: Webhook, delivery: WebhookDelivery) -> TryOutcome:
        """Send a delivery once, and say what became of it. Nothing is raised: what goes wrong is a failed try."""
        answers: list[HttpAnswer] = []

        def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
            answers.append(self._client.send(method, url, body=body, headers=headers))
            return answers[-1]

        try:
            integration, request = self._find(webhook.name)
            writer = RequestWriter(integration, request, send, environment=self._environment)
            event = json.loads(write_body(delivery, public_url=self._public_url))
            outcome = writer.deliver(event, delivery_id=delivery.delivery_id)
        except OutgoingError as error:
            if error.fault is OutgoingFault.FORBIDDEN:
                return TryOutcome(state=DeliveryState.FAILED, reply=keep(error))
            return failed(delivery, None, keep(error), now=self._now())
        except QareportError as error:
            return failed(delivery, None, keep(error), now=self._now())
        return self._outcome(delivery, outcome, answers[-1] if answers else None)

    def _find(self, name: str) -> tuple[Integration, RequestForm]:
        for integration in self._load():
            for request in integration.requests:
                if integration.name_of(request) == name:
                    return integration, request
        raise QareportError(say("the files have no such request any more"), where=name)

    def _outcome(self, delivery: WebhookDelivery, outcome: RequestOutcome, answer: HttpAnswer | None) -> TryOutcome:
        now = self._now()
        if outcome.state is DeliveryState.RETRY:
            wait = None if answer is None else retry_after(answer, now)
            return failed(delivery, outcome.status, outcome.reply, now=now, wait=wait)
        return TryOutcome(state=outcome.state, status=outcome.status, reply=outcome.reply)


class ChangingFiles:
    """Reads integrations again when their files have changed, and keeps the last good ones while they have faults."""

    def __init__(self, load: Callable[[], Sequence[Integration]], mark: Callable[[], object]) -> None:
        """Take how to read them, and what changes whenever they do (names and times of files)."""
        self._load = load
        self._mark = mark
        self._read: tuple[object, Sequence[Integration]] | None = None
        #: What is wrong with the files as they are; "": nothing.
        self.trouble = ""

    def __call__(self) -> Sequence[Integration]:
        """Return the integrations.

        Raises:
            ConfigError: they have faults, and never had none.
        """
        mark = self._mark()
        if self._read is None or self._read[0] != mark:
            try:
                self._read, self.trouble = (mark, self._load()), ""
            except ConfigError as error:
                self.trouble = str(error)
                if self._read is None:
                    raise
                self._read = (mark, self._read[1])
        return self._read[1]
