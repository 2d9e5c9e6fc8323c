"""Webhooks as an administrator makes and changes them: what is checked, what is logged, for pages and API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from qareport.delivery import secret_of
from qareport.errors import ConfigError, NotFoundError, Problem
from qareport.messages import say
from qareport.model import AuditEntry, DeliveryState, EventType, Permission, Webhook, WebhookDelivery
from qareport.outgoing import place_of
from qareport.store import MOST_COUNTED
from qareport.web.access import Access

#: Webhooks of one desk.
MOST: Final = 50
#: Deliveries on the page of a call.
_SHOWN: Final = 20
_STRICT: Final = ConfigDict(extra="forbid", str_strip_whitespace=True)
_Url = Annotated[str, Field(min_length=1, max_length=2000, description="Where events are sent: https://…")]
_Name = Annotated[str, Field(max_length=100, description="What people call it; empty: its host.")]
_Types = Annotated[list[EventType], Field(max_length=50, description="What it waits for; empty: everything.")]
_Teams = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100)]],
    Field(max_length=500, description="It is told of these teams' calls alone; empty: of everything."),
]


class NewWebhook(BaseModel):
    """A webhook that is to be made; its secret is made by the desk."""

    model_config = _STRICT

    url: _Url
    name: _Name = ""
    types: _Types = []
    teams: _Teams = []


class WebhookChange(BaseModel):
    """What is to be changed of a webhook; what is absent stays."""

    model_config = _STRICT

    url: _Url | None = None
    name: _Name | None = None
    types: _Types | None = None
    teams: _Teams | None = None
    on: Annotated[bool | None, Field(description="Whether it is on.")] = None


def list_webhooks(access: Access) -> tuple[Webhook, ...]:
    """Return all webhooks, to an administrator."""
    access.require(Permission.SETTINGS_WRITE)
    return access.desk.store.webhooks.list()


def find_webhook(access: Access, webhook_id: int) -> Webhook:
    """Return a webhook, to an administrator.

    Raises:
        NotFoundError: there is no such webhook.
    """
    access.require(Permission.SETTINGS_WRITE)
    found = access.desk.store.webhooks.get(webhook_id)
    if found.kind != "webhook":
        raise NotFoundError(say("there is no webhook {number}", number=webhook_id))
    return found


def add_webhook(access: Access, new: NewWebhook) -> tuple[Webhook, str]:
    """Make a webhook. Returns it and its secret, which is shown once.

    Raises:
        ConfigError: the address may not be reached, or there are too many webhooks.
        NotFoundError: there is no such team.
    """
    if len(list_webhooks(access)) >= MOST:
        raise ConfigError([Problem(what=say("there are {most} webhooks already", most=MOST))])
    _check(access, new.url, new.types, new.teams)
    name = new.name or place_of(new.url).partition("://")[2]
    entry = access.entry(
        "webhooks.add", object=f"webhook:{name}", place=place_of(new.url), types=" ".join(new.types),
        teams=" ".join(new.teams),
    )  # fmt: skip
    made = access.desk.store.webhooks.add(
        name, new.url, at=access.desk.now(), types=new.types, teams=new.teams, entry=entry
    )
    return made, secret_of(access.desk.key, made)


def change_webhook(access: Access, webhook_id: int, change: WebhookChange, *, version: int | None = None) -> Webhook:
    """Change a webhook, or switch it on or off.

    Raises:
        NotFoundError: there is no such webhook or team.
        ConfigError: the address may not be reached.
        BusyError: it is not of the version that was looked at.
    """
    webhook = find_webhook(access, webhook_id)
    _check(access, change.url, change.types or (), change.teams or ())
    told = {name: " ".join(value) for name in ("types", "teams") if (value := getattr(change, name)) is not None}
    if change.url is not None:
        told["place"] = place_of(change.url)
    if change.name:
        told["name"] = change.name
    if change.on is not None:
        told["on"] = str(change.on).lower()
    entry: AuditEntry | None = access.entry("webhooks.change", object=f"webhook:{webhook_id}", **told)
    store = access.desk.store.webhooks
    if change.model_dump(exclude={"on"}, exclude_none=True) or change.on is None:
        webhook = store.change(
            webhook_id, entry, name=change.name, url=change.url, types=change.types, teams=change.teams,
            version=version,
        )  # fmt: skip
        entry, version = None, None
    if change.on is not None:
        webhook = store.switch(webhook_id, entry, on=change.on, at=access.desk.now(), version=version)
    return webhook


def delete_webhook(access: Access, webhook_id: int) -> None:
    """Delete a webhook with its deliveries.

    Raises:
        NotFoundError: there is no such webhook.
    """
    webhook = find_webhook(access, webhook_id)
    entry = access.entry("webhooks.delete", object=f"webhook:{webhook_id}", place=place_of(webhook.url))
    access.desk.store.webhooks.delete(webhook_id, entry)


def rotate_secret(access: Access, webhook_id: int) -> tuple[Webhook, str]:
    """Give a webhook a new secret, shown once; for 24 hours the one before it signs as well.

    Raises:
        NotFoundError: there is no such webhook.
    """
    find_webhook(access, webhook_id)
    entry = access.entry("webhooks.rotate", object=f"webhook:{webhook_id}")
    webhook = access.desk.store.webhooks.rotate(webhook_id, entry, at=access.desk.now())
    return webhook, secret_of(access.desk.key, webhook)


def send_test(access: Access, webhook_id: int) -> None:
    """Send a webhook an event of the type `webhook.test`.

    Raises:
        NotFoundError: there is no such webhook.
    """
    find_webhook(access, webhook_id)
    entry = access.entry("webhooks.test", object=f"webhook:{webhook_id}")
    data = {"webhook": webhook_id, "by": access.principal.actor}
    access.desk.store.webhooks.test(webhook_id, data, entry, at=access.desk.now())


def list_deliveries(
    access: Access, webhook_id: int, *, state: DeliveryState | None = None, before: int | None = None, limit: int = 50
) -> tuple[WebhookDelivery, ...]:
    """Return deliveries of a webhook, newest first.

    Raises:
        NotFoundError: there is no such webhook.
    """
    find_webhook(access, webhook_id)
    return access.desk.store.webhook_queue.list(webhook_id, state=state, before=before, limit=limit)


def count_deliveries(access: Access, webhook_id: int, *, state: DeliveryState | None = None) -> int:
    """Count what `list_deliveries` lists on all its pages, to one more than `MOST_COUNTED`."""
    find_webhook(access, webhook_id)
    return access.desk.store.webhook_queue.count_of(webhook_id, state=state, most=MOST_COUNTED + 1)


def told_of(access: Access, call_id: str) -> tuple[tuple[str, WebhookDelivery], ...]:
    """Return who was told what of a call, by name, newest first; nothing to who does not look after webhooks."""
    if not access.principal.may(Permission.SETTINGS_WRITE):
        return ()
    deliveries = access.desk.store.webhook_queue.list(object=f"call:{call_id}", limit=_SHOWN)
    names = {hook.webhook_id: hook.name for hook in access.desk.store.webhooks.list(None)} if deliveries else {}
    return tuple((names.get(delivery.webhook_id, ""), delivery) for delivery in deliveries)


def replay_delivery(access: Access, delivery_id: str) -> WebhookDelivery:
    """Send a delivery again, under its id.

    Raises:
        NotFoundError: there is no such delivery, or what it said is kept no longer.
        BusyError: it is on its way.
    """
    access.require(Permission.SETTINGS_WRITE)
    queue = access.desk.store.webhook_queue
    delivery = queue.get(delivery_id)
    entry = access.entry("webhooks.replay", object=f"webhook:{delivery.webhook_id}", delivery=delivery_id)
    return queue.replay(delivery_id, entry, at=access.desk.now())


def _check(access: Access, url: str | None, types: Sequence[EventType], teams: Sequence[str]) -> None:
    refusal = None if url is None else access.desk.outgoing.reach.refusal(url)
    if url is not None and refusal is not None:
        raise ConfigError([Problem(where=place_of(url), what=refusal)])
    if EventType.WEBHOOK_TEST in types:
        raise ConfigError([Problem(what=say("a test is sent by hand: no webhook waits for it"))])
    known = {team.team_id for team in access.desk.store.teams.list()}
    if unknown := sorted(set(teams) - known):
        raise NotFoundError(say("there is no team {id!r}", id=unknown[0]))
