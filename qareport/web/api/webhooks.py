"""`/api/v1/webhooks` and `/deliveries`: who is told of what happens, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from qareport.errors import BusyError, QareportError
from qareport.messages import say
from qareport.model import DeliveryState, EventType, Webhook, WebhookDelivery
from qareport.web import webhooks
from qareport.web.access import PreconditionError
from qareport.web.api.lists import AnyPage, Listed, page_of, part_of
from qareport.web.cursors import LONGEST, read_cursor
from qareport.web.dependencies import MyAccess, RowId

router = APIRouter(prefix="/api/v1", tags=["webhooks"])
#: Of a version, at most.
_DIGITS: Final = 9
IfMatch = Annotated[str | None, Header(description="The ETag that was looked at; 412 when it is another one now.")]


class WebhookAnswer(BaseModel):
    """A webhook, without its secret."""

    webhook_id: int
    name: str
    url: str
    types: Annotated[list[EventType], Field(description="What it waits for; empty: everything.")]
    teams: list[str]
    on: bool
    off_because: Annotated[str | None, Field(description="person, gone (410) or failing (three days).")]
    failing_since: datetime | None
    sent_at: Annotated[datetime | None, Field(description="When it last took a delivery.")]
    rotated_at: Annotated[datetime | None, Field(description="For 24 hours from then two secrets sign.")]
    created_at: datetime
    version: Annotated[int, Field(description="Also the ETag.")]

    @classmethod
    def of(cls, webhook: Webhook, **more: Any) -> WebhookAnswer:
        """Word a webhook."""
        return cls(
            webhook_id=webhook.webhook_id, name=webhook.name, url=webhook.url, types=list(webhook.types),
            teams=list(webhook.teams), on=webhook.off is None, off_because=webhook.off,
            failing_since=webhook.failing_since, sent_at=webhook.sent_at, rotated_at=webhook.rotated_at,
            created_at=webhook.created_at, version=webhook.version, **more,
        )  # fmt: skip


class WebhookWithSecret(WebhookAnswer):
    """A webhook with its secret, which is told this once."""

    secret: Annotated[str, Field(description="whsec_…, with which receivers check signatures.")]


class DeliveryAnswer(BaseModel):
    """An event on its way to a webhook."""

    delivery_id: Annotated[str, Field(description="The header webhook-id, the same on every try.")]
    webhook_id: int
    type: EventType
    object: str
    at: datetime
    state: DeliveryState
    tries: int
    next_at: datetime | None
    status: Annotated[int | None, Field(description="HTTP status of the last answer.")]
    reply: str
    data: Annotated[dict[str, Any] | None, Field(description="What it says; null once it is kept no longer.")]

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> DeliveryAnswer:
        """Word a delivery."""
        return cls(
            delivery_id=delivery.delivery_id, webhook_id=delivery.webhook_id, type=delivery.type,
            object=delivery.object, at=delivery.at, state=delivery.state, tries=delivery.tries,
            next_at=delivery.next_at, status=delivery.status, reply=delivery.reply,
            data=None if delivery.data is None else dict(delivery.data),
        )  # fmt: skip


@router.get("/webhooks")
def get_webhooks(access: MyAccess, page: AnyPage) -> Listed[WebhookAnswer]:
    """List the webhooks."""
    found = webhooks.list_webhooks(access)
    return part_of(access.desk, "webhooks", found, page, word=WebhookAnswer.of, key=lambda hook: hook.webhook_id)


@router.post("/webhooks", status_code=201)
def add_webhook(access: MyAccess, new: webhooks.NewWebhook, response: Response) -> WebhookWithSecret:
    """Make a webhook; its secret is told this once."""
    made, secret = webhooks.add_webhook(access, new)
    response.headers["etag"] = f'"{made.version}"'
    return WebhookWithSecret(**WebhookAnswer.of(made).model_dump(), secret=secret)


@router.patch("/webhooks/{webhook_id}")
def change_webhook(
    access: MyAccess, webhook_id: RowId, change: webhooks.WebhookChange, response: Response, if_match: IfMatch = None
) -> WebhookAnswer:
    """Change a webhook, or switch it on or off."""
    version = _version(if_match)
    try:
        changed = webhooks.change_webhook(access, webhook_id, change, version=version)
    except BusyError as error:
        raise PreconditionError.of(error.problems) from error
    response.headers["etag"] = f'"{changed.version}"'
    return WebhookAnswer.of(changed)


@router.delete("/webhooks/{webhook_id}", status_code=204)
def delete_webhook(access: MyAccess, webhook_id: RowId) -> Response:
    """Delete a webhook with its deliveries."""
    webhooks.delete_webhook(access, webhook_id)
    return Response(status_code=204)


@router.post("/webhooks/{webhook_id}/test", status_code=202)
def send_test(access: MyAccess, webhook_id: RowId) -> Response:
    """Send a webhook an event of the type `webhook.test`."""
    webhooks.send_test(access, webhook_id)
    return Response(status_code=202)


@router.post("/webhooks/{webhook_id}/rotate")
def rotate_secret(access: MyAccess, webhook_id: RowId) -> WebhookWithSecret:
    """Give a webhook a new secret, told this once; for 24 hours the one before it signs as well."""
    webhook, secret = webhooks.rotate_secret(access, webhook_id)
    return WebhookWithSecret(**WebhookAnswer.of(webhook).model_dump(), secret=secret)


@router.get("/webhooks/{webhook_id}/deliveries")
def get_deliveries(
    access: MyAccess,
    webhook_id: RowId,
    state: DeliveryState | None = None,
    after: Annotated[str, Query(max_length=LONGEST, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Listed[DeliveryAnswer]:
    """List the deliveries to a webhook, newest first."""
    name = f"deliveries/{webhook_id}"
    before = read_cursor(access.desk, name, after)
    found = webhooks.list_deliveries(
        access, webhook_id, state=state, before=before[0] if before else None, limit=limit + 1
    )
    return page_of(
        access.desk, name, found, limit, after=after, word=DeliveryAnswer.of, place=lambda delivery: delivery.number,
        count=lambda: webhooks.count_deliveries(access, webhook_id, state=state),
    )  # fmt: skip


@router.post("/deliveries/{delivery_id}/replay", status_code=202)
def replay_delivery(access: MyAccess, delivery_id: str) -> DeliveryAnswer:
    """Send a delivery again, under its id."""
    return DeliveryAnswer.of(webhooks.replay_delivery(access, delivery_id))


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdecimal() or len(text) > _DIGITS:
        raise QareportError(say("not the ETag of a webhook: {text}", text=if_match[:40]))
    return int(text)
