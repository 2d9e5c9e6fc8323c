"""From an event to the requests of an integration: what each one says, and what its peer answered.

What a request says is made when it is sent, from the event as it was: the ticket is looked up then, and secrets are
read then, so that neither is kept. A request that is made for `each` item is one delivery: where a peer fails in the
middle, the next try begins with the first item again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from qareport import privacy
from qareport.delivery.integrations.data_templates import evaluate, fill_address, fill_value, names_in
from qareport.delivery.integrations.integration import Integration, RequestForm, split_secret, values_of
from qareport.errors import DeliveryError
from qareport.messages import Kept, keep, say
from qareport.model import DeliveryState
from qareport.outgoing import words_of
from qareport.settings.secrets import find_secret

#: Statuses that say "later": the peer is not ready, or too much was asked of it.
_LATER: Final = frozenset((408, 409, 423, 425, 429))
#: Requests that an `each` makes of one event, at most.
_MOST_ITEMS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRequest:
    """A request with everything but its secrets."""

    method: str
    url: str
    #: Values may end with the place of a secret.
    headers: Mapping[str, str]
    #: The JSON of its body; None: it has none.
    body: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOutcome:
    """What became of the requests of one delivery."""

    #: SENT, RETRY or FAILED.
    state: DeliveryState
    #: HTTP status of the last answer; None: nothing was to be sent, or no ticket is known yet.
    status: int | None = None
    reply: str
    #: The peer's Retry-After, as it is written.
    retry_after: str = ""


class _ReadingRefusedError(Exception):
    """What is read before a request was refused."""

    def __init__(self, outcome: RequestOutcome) -> None:
        super().__init__(outcome.reply)
        self.outcome: Final = outcome


class PeerAnswer(Protocol):
    """What a peer answered."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By their names in lower case."""

    @property
    def body(self) -> bytes:
        """As much of it as may be read."""


#: Sends a request: method, URL, headers, body. It raises a `QareportError` where there is no answer.
Send = Callable[[str, str, Mapping[str, str], bytes | None], PeerAnswer]


class RequestWriter:
    """Makes and sends one of the requests of an integration."""

    def __init__(
        self, integration: Integration, request: RequestForm, send: Send, *,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Take what to do and how to send.

        Args:
            integration: the file as it is now.
            request: one of its requests.
            send: reads what is declared to be read, and sends.
            environment: where secrets are; None: that of the process.
        """
        self._integration = integration
        self._form = integration.form
        self._request = request
        self._send = send
        self._environment = environment
        self._where = integration.name_of(request)

    def deliver(self, event: Mapping[str, Any], *, delivery_id: str) -> RequestOutcome:
        """Send what follows from an event and say what became of it; a ticket that is not there yet may be later.

        Args:
            event: `{type, timestamp, data}`.
            delivery_id: the same on every try.

        Raises:
            DeliveryError: the request cannot be made: a secret is missing, a template has no value.
            QareportError: of `send`, when there was no answer.
        """
        values = values_of(event, delivery_id=delivery_id)
        items = self.items(event, values)
        if not items:
            return RequestOutcome(
                state=DeliveryState.SENT, reply=keep(say("nothing to send: the conditions do not hold"))
            )
        try:
            return self._deliver(values, items, delivery_id)
        except _ReadingRefusedError as refusal:
            outcome = refusal.outcome
            return replace(outcome, reply=keep(say("reading answered {reply}", reply=Kept(outcome.reply))))

    def _deliver(self, values: Mapping[str, Any], items: Sequence[Any], delivery_id: str) -> RequestOutcome:
        ticket = self._find_ticket(values) if self._names_ticket() else None
        if ticket is None and self._names_ticket():
            known = values["order_id"] or values["call_id"]
            return RequestOutcome(state=DeliveryState.RETRY, reply=keep(say("no ticket for {known} yet", known=known)))
        outcome = RequestOutcome(state=DeliveryState.SENT, reply="")
        for number, item in enumerate(items, start=1):
            written = self._write({**values, "ticket": ticket, "item": item}, read=True)
            body = None if written.body is None else written.body.encode()
            headers = {**self._with_secrets(written.headers), "Idempotency-Key": f"{delivery_id}-{number}"}
            outcome = outcome_of(self._send(written.method, written.url, headers, body))
            if outcome.state is not DeliveryState.SENT:
                break
        return outcome

    def items(self, event: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Any]:
        """Return the items for which the request is made: none where it is not made, (None,) without an `each`.

        Raises:
            DeliveryError: a condition cannot be computed.
        """
        form, request = self._form, self._request
        if event["type"] not in form.on or (form.teams and values["team"] not in form.teams):
            return ()
        conditions = (form.condition, request.condition)
        if not all(evaluate(condition, values, where=self._where) for condition in conditions if condition):
            return ()
        if not request.each:
            return (None,)
        return list(evaluate(request.each, values, where=self._where) or ())[:_MOST_ITEMS]

    def preview(self, event: Mapping[str, Any]) -> Iterator[WrittenRequest]:
        """Yield what would be sent, without sending or reading anything: what only a peer knows stays a template."""
        values = values_of(event, delivery_id="msg_…")
        items = self.items(event, values)
        unknown = {"answer"}
        lookup = self._form.lookup
        if items and self._names_ticket():
            if lookup is not None and evaluate(lookup.condition, values, where=self._where):
                url = fill_address(lookup.url, values, where=self._where)
                yield WrittenRequest(method="GET", url=url, headers=self._headers(lookup.headers), body=None)
                unknown.add("ticket")
            elif values["external_ref"] is None:
                return
        for item in items:
            known = {**values, "ticket": values["external_ref"], "item": item}
            if self._request.get:
                url = self._address(self._request.get, known, unknown)
                yield WrittenRequest(method="GET", url=url, headers=self._headers(self._request.headers), body=None)
            yield self._write(known, read=False, unknown=unknown)

    def _names_ticket(self) -> bool:
        return "ticket" in names_in([self._request.get, self._request.url, self._request.body])

    def _find_ticket(self, values: Mapping[str, Any]) -> Any:
        """Return the ticket of a call: its `external_ref`, or what the look-up finds; None: there is none yet."""
        lookup = self._form.lookup
        if lookup is None or not evaluate(lookup.condition, values, where=self._where):
            return values["external_ref"]
        url = fill_address(lookup.url, values, where=self._where)
        answer = self._read(url, lookup.headers)
        found = evaluate(lookup.ticket, {**values, "answer": answer}, where=self._where)
        return None if found in (None, "") else found

    def _write(self, values: Mapping[str, Any], *, read: bool, unknown: set[str] | None = None) -> WrittenRequest:
        request, unknown = self._request, unknown or set()
        if request.get and read:
            url = fill_address(request.get, values, where=self._where)
            values = {**values, "answer": self._read(url, request.headers)}
        body, headers = None, self._headers(request.headers)
        if request.body is not None:
            filled = fill_value(request.body, values, where=self._where, unknown=unknown)
            body = json.dumps(filled, ensure_ascii=False, separators=(",", ":"))
            headers = {"Content-Type": "application/json"} | headers
        url = self._address(request.url, values, unknown)
        return WrittenRequest(method=request.method, url=url, headers=headers, body=body)

    def _address(self, template: str, values: Mapping[str, Any], unknown: set[str]) -> str:
        return template if names_in(template) & unknown else fill_address(template, values, where=self._where)

    def _headers(self, own: Mapping[str, str]) -> dict[str, str]:
        return {**self._form.headers, **own}

    def _with_secrets(self, headers: Mapping[str, str]) -> dict[str, str]:
        filled = {}
        for name, value in headers.items():
            filled[name], place = split_secret(value)
            if place:
                where = f"{self._where}: {name}"
                filled[name] += find_secret(place, where=where, error=DeliveryError, environment=self._environment)
        return filled

    def _read(self, url: str, headers: Mapping[str, str]) -> Any:
        answer = self._send("GET", url, self._with_secrets(self._headers(headers)), None)
        if not 200 <= answer.status < 300:
            raise _ReadingRefusedError(outcome_of(answer))
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise DeliveryError(say("reading answered no JSON"), where=self._where) from error


def preview(integration: Integration, request: RequestForm, event: Mapping[str, Any]) -> Iterator[WrittenRequest]:
    """Yield what a request would send of an event, without sending or reading anything (`RequestWriter.preview`)."""
    return RequestWriter(integration, request, _never).preview(event)


def _never(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> PeerAnswer:
    raise AssertionError(url)


def outcome_of(answer: PeerAnswer) -> RequestOutcome:
    """Say what an answer means: taken, not now, or refused for good."""
    if 200 <= answer.status < 300:
        state = DeliveryState.SENT
    else:
        state = DeliveryState.RETRY if answer.status in _LATER or answer.status >= 500 else DeliveryState.FAILED
    reply = f"{answer.status} {_words(answer.body)}".strip()
    return RequestOutcome(
        state=state, status=answer.status, reply=reply, retry_after=answer.headers.get("retry-after", "")
    )


def _words(body: bytes) -> str:
    """Return the beginning of an answer, masked, for the list of deliveries."""
    return privacy.mask(words_of(body, 200))[0]
