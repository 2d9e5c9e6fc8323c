"""`/settings/webhooks`: who is told of what happens, and what became of each delivery; for administrators."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from qareport.delivery import why_off
from qareport.errors import QareportError
from qareport.model import SETTLED, WAITED_FOR, DeliveryState
from qareport.web import people, webhooks
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess, RowId, RowPlace
from qareport.web.pages.settings import read_form
from qareport.web.templating import render

router = APIRouter(prefix="/settings/webhooks")
_Text = Annotated[str, Form(max_length=2000)]
_Names = Annotated[list[str], Form(max_length=500)]
_PAGE: Final = 50


@router.get("")
def show_webhooks(request: Request, access: MyAccess) -> Response:
    """List the webhooks, with a form that makes another."""
    return _webhooks(request, access)


@router.post("")
def add_webhook(
    request: Request,
    access: MyAccess,
    url: _Text = "",
    name: _Text = "",
    types: _Names = [],  # noqa: B006 - read by FastAPI
    teams: _Names = [],  # noqa: B006 - read by FastAPI
) -> Response:
    """Make a webhook and show its secret, once."""
    webhooks.list_webhooks(access)
    values = {"url": url, "name": name, "types": types, "teams": teams}
    try:
        made, secret = webhooks.add_webhook(access, read_form(webhooks.NewWebhook, values))
    except QareportError as error:
        return _webhooks(request, access, status=422, problem=str(error), entered=values)
    return _webhooks(request, access, made=made.name, secret=secret)


@router.get("/{webhook_id}")
def show_webhook(
    request: Request,
    access: MyAccess,
    webhook_id: RowId,
    before: RowPlace = None,
    state: Annotated[DeliveryState | None, Query()] = None,
) -> Response:
    """Show a webhook with its deliveries."""
    return _webhook(request, access, webhook_id, before=before, state=state)


@router.post("/{webhook_id}")
def change_webhook(
    request: Request,
    access: MyAccess,
    webhook_id: RowId,
    url: _Text = "",
    name: _Text = "",
    types: _Names = [],  # noqa: B006 - read by FastAPI
    teams: _Names = [],  # noqa: B006 - read by FastAPI
) -> Response:
    """Change address, name, types and teams of a webhook."""
    webhooks.find_webhook(access, webhook_id)
    values = {"url": url, "name": name, "types": types, "teams": teams}
    try:
        webhooks.change_webhook(access, webhook_id, read_form(webhooks.WebhookChange, values))
    except QareportError as error:
        return _webhook(request, access, webhook_id, status=422, problem=str(error))
    return _back(webhook_id)


@router.post("/{webhook_id}/state")
def switch_webhook(access: MyAccess, webhook_id: RowId, state: _Text = "") -> Response:
    """Switch a webhook on or off."""
    webhooks.change_webhook(access, webhook_id, webhooks.WebhookChange(on=state == "on"))
    return _back(webhook_id)


@router.post("/{webhook_id}/test")
def send_test(access: MyAccess, webhook_id: RowId) -> Response:
    """Send a webhook a test."""
    webhooks.send_test(access, webhook_id)
    return _back(webhook_id)


@router.post("/{webhook_id}/rotate")
def rotate_secret(request: Request, access: MyAccess, webhook_id: RowId) -> Response:
    """Give a webhook a new secret and show it, once."""
    webhook, secret = webhooks.rotate_secret(access, webhook_id)
    return _webhook(request, access, webhook_id, made=webhook.name, secret=secret)


@router.post("/{webhook_id}/delete")
def delete_webhook(access: MyAccess, webhook_id: RowId) -> Response:
    """Delete a webhook with its deliveries."""
    webhooks.delete_webhook(access, webhook_id)
    return RedirectResponse("/settings/webhooks", status_code=303)


@router.post("/deliveries/{delivery_id}/replay")
def replay_delivery(access: MyAccess, delivery_id: str) -> Response:
    """Send a delivery again."""
    return _back(webhooks.replay_delivery(access, delivery_id).webhook_id)


def _back(webhook_id: int) -> Response:
    return RedirectResponse(f"/settings/webhooks/{webhook_id}", status_code=303)


def _webhooks(request: Request, access: Access, *, status: int = 200, **values: Any) -> Response:
    shown = {"problem": "", "made": "", "secret": "", "entered": {}} | values
    return render(
        request, "webhooks.html.j2", status=status, webhooks=webhooks.list_webhooks(access),
        teams=people.list_teams(access), types=WAITED_FOR, **shown,
    )  # fmt: skip


def _webhook(
    request: Request, access: Access, webhook_id: int, *, status: int = 200, before: int | None = None,
    state: DeliveryState | None = None, **values: Any,
) -> Response:  # fmt: skip
    webhook = webhooks.find_webhook(access, webhook_id)
    deliveries = webhooks.list_deliveries(access, webhook_id, state=state, before=before, limit=_PAGE + 1)
    further = f"?before={deliveries[_PAGE - 1].number}" if len(deliveries) > _PAGE else ""
    shown = {"problem": "", "made": "", "secret": ""} | values
    return render(
        request, "webhook.html.j2", status=status, webhook=webhook, why=why_off(webhook) if webhook.off else "",
        deliveries=deliveries[:_PAGE], further=further + (f"&state={state}" if further and state else ""),
        teams=people.list_teams(access), types=WAITED_FOR, state=state, states=list(DeliveryState), settled=SETTLED,
        **shown,
    )  # fmt: skip
