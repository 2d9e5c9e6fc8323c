"""From an event to the requests of integrations: which are due, what each one says, and what became of it.

Which requests are due is decided when the event happens. What they say is made when they are sent, from the event as it
was: the ticket is looked up then, and secrets are read then, so that neither is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from qareport.delivery.integrations.data_templates import evaluate, fill_address, fill_value, names_in
from qareport.delivery.integrations.integration import Integration, RequestForm, split_secret, values_of
from qareport.errors import DeliveryError
from qareport.messages import say
from qareport.model import DeliveryState, Outcome
from qareport.settings.secrets import find_secret

#: Statuses that say "later": the peer is not ready, or too much was asked of it.
_LATER = frozenset((408, 409, 423, 425, 429))
#: Requests that an `each` makes of one event, at most.
_MOST_ITEMS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRequest:
    """A request that follows from an event; its event is kept beside it."""

    integration: str
    #: Its place in the file, from 0.
    place: int
    #: What it is called: its name, or its place from 1.
    name: str
    #: Of the request's `each`; None without one.
    item: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRequest:
    """A request with everything but its secrets."""

    method: str
    url: str
    #: Values may end with the place of a secret.
    headers: Mapping[str, str]
    body: bytes | None = field(repr=False)


class Answer(Protocol):
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


#: Sends a request: method, URL, headers, body. It raises a `DeliveryError` or an `OutgoingError`.
Send = Callable[[str, str, Mapping[str, str], bytes | None], Answer]


def due_requests(integration: Integration, event: Mapping[str, Any]) -> Iterator[DueRequest]:
    """Yield the requests that follow from an event, in the order of the file.

    Args:
        integration: what is to be done.
        event: `{type, timestamp, data}`.

    Raises:
        DeliveryError: a condition cannot be computed.
    """
    form, values = integration.form, values_of(event)
    if event["type"] not in form.on or (form.teams and values["team"] not in form.teams):
        return
    if not _holds(form.condition, values, integration.name):
        return
    for place, request in enumerate(integration.requests):
        name = request.name or str(place + 1)
        where = f"{integration.name}.{name}"
        if not _holds(request.condition, values, where):
            continue
        if not request.each:
            yield DueRequest(integration=integration.name, place=place, name=name)
            continue
        items = evaluate(request.each, values, where=where)
        for item in list(items or ())[:_MOST_ITEMS]:
            yield DueRequest(integration=integration.name, place=place, name=name, item=item)


def _holds(condition: str, values: Mapping[str, Any], where: str) -> bool:
    return not condition or bool(evaluate(condition, values, where=where))


class RequestWriter:
    """Makes and sends the requests of one integration."""

    def __init__(self, integration: Integration, send: Send, *, environment: Mapping[str, str] | None = None) -> None:
        """Take what to do and how to send.

        Args:
            integration: the file as it is now.
            send: reads what is declared to be read, and sends.
            environment: where secrets are; None: that of the process.
        """
        self._integration = integration
        self._send = send
        self._environment = environment

    def deliver(self, due: DueRequest, event: Mapping[str, Any], *, delivery_id: str) -> Outcome:
        """Send a request and say what became of it. Tickets that are not found yet are looked for again later.

        Raises:
            DeliveryError: the request cannot be made: a secret is missing, a template has no value.
            QareportError: of `send`, when there was no answer.
        """
        values = values_of(event, delivery_id=delivery_id)
        ticket = self.find_ticket(values) if self.needs_ticket(due) else ""
        if ticket is None:
            known = values["order_id"] or values["call_id"]
            return Outcome(state=DeliveryState.RETRY, reply=str(say("no ticket for {known} yet", known=known)))
        written = self.write(due, values, ticket)
        answer = self._send(written.method, written.url, self._with_secrets(written.headers), written.body)
        return outcome_of(answer)

    def find_ticket(self, values: Mapping[str, Any]) -> Any:
        """Return the ticket of a call: its `external_ref`, or what the look-up finds; None: there is none yet.

        Raises:
            DeliveryError: the look-up was refused, or its answer is no JSON.
        """
        lookup, where = self._integration.form.lookup, f"{self._integration.name}.lookup"
        if lookup is None or not evaluate(lookup.condition, values, where=where):
            return values["external_ref"]
        url = fill_address(lookup.url, values, where=where)
        found = evaluate(lookup.ticket, {**values, "answer": self._read(url, lookup.headers, where)}, where=where)
        return None if found is None or found == "" else found

    def needs_ticket(self, due: DueRequest) -> bool:
        """Tell whether a request names the ticket."""
        request = self._request(due)
        return "ticket" in names_in([request.get, request.url, request.body])

    def write(self, due: DueRequest, values: Mapping[str, Any], ticket: Any) -> WrittenRequest:
        """Make a request, with places where secrets belong; what it declares to be read first is read.

        Raises:
            DeliveryError: a template has no value, or the file has no such request any more.
        """
        request, where = self._request(due), f"{due.integration}.{due.name}"
        values = {**values, "ticket": ticket, "item": due.item}
        if request.get:
            url = fill_address(request.get, values, where=where)
            values = {**values, "answer": self._read(url, request.headers, where)}
        body = None
        headers = self._headers(request.headers)
        if request.body is not None:
            filled = fill_value(request.body, values, where=where)
            body = json.dumps(filled, ensure_ascii=False, separators=(",", ":")).encode()
            headers = {"Content-Type": "application/json"} | headers
        return WrittenRequest(
            method=request.method, url=fill_address(request.url, values, where=where), headers=headers, body=body
        )

    def _request(self, due: DueRequest) -> RequestForm:
        if due.place < len(self._integration.requests):
            request = self._integration.requests[due.place]
            if (request.name or str(due.place + 1)) == due.name:
                return request
        raise DeliveryError(
            say("the file has no request {name!r} any more", name=due.name), where=self._integration.name
        )

    def _headers(self, own: Mapping[str, str]) -> dict[str, str]:
        return {**self._integration.form.headers, **own}

    def _with_secrets(self, headers: Mapping[str, str]) -> dict[str, str]:
        filled = {}
        for name, value in headers.items():
            before, place = split_secret(value)
            filled[name] = before
            if place:
                where = f"{self._integration.name}: {name}"
                filled[name] += find_secret(place, where=where, error=DeliveryError, environment=self._environment)
        return filled

    def _read(self, url: str, headers: Mapping[str, str], where: str) -> Any:
        answer = self._send("GET", url, self._with_secrets(self._headers(headers)), None)
        if not 200 <= answer.status < 300:
            raise DeliveryError(say("reading answered {status}", status=answer.status), where=where)
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise DeliveryError(say("reading answered no JSON"), where=where) from error


def outcome_of(answer: Answer) -> Outcome:
    """Say what an answer means: taken, not now, or refused for good."""
    words = _words(answer.body)
    reply = f"{answer.status} {words}".strip()
    if 200 <= answer.status < 300:
        return Outcome(state=DeliveryState.SENT, reply=reply)
    if answer.status in _LATER or answer.status >= 500:
        return Outcome(state=DeliveryState.RETRY, reply=reply)
    return Outcome(state=DeliveryState.FAILED, reply=reply)


def _words(body: bytes) -> str:
    """Return the beginning of an answer, for the list of deliveries."""
    text = " ".join(body[:400].decode("utf-8", "replace").split())
    return "".join(character for character in text if character.isprintable())[:200]
