"""`/settings/integrations`: what is sent to other systems and chat groups by files and settings, for administrators."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from qareport.delivery import integrations
from qareport.errors import ConfigError, NotFoundError
from qareport.messages import say
from qareport.model import SETTLED, DeliveryState, Permission, Webhook
from qareport.web import webhooks
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess, RowId, RowPlace
from qareport.web.templating import render

router = APIRouter(prefix="/settings/integrations")
_PAGE: Final = 50
#: Kinds of rows among webhooks that files make.
_KINDS: Final = ("integration", "robot")


@router.get("")
def show_integrations(request: Request, access: MyAccess) -> Response:
    """List the integrations with the faults of their files, and the robots."""
    access.require(Permission.SETTINGS_WRITE)
    desk = access.desk
    problems: list[str] = []
    found: tuple[integrations.Integration, ...] = ()
    try:
        found = integrations.load_integrations(desk.workspace.config)
    except ConfigError as error:
        problems = [str(problem) for problem in error.problems]
    rows = {row.name: row for row in desk.store.webhooks.list("integration")}
    robots = desk.settings.notify.robots
    told = {row.name: row for row in desk.store.webhooks.list("robot")}
    return render(
        request, "integrations.html.j2", integrations=found, rows=rows, problems=problems, robots=robots, told=told,
    )  # fmt: skip


@router.get("/{webhook_id}")
def show_integration(
    request: Request,
    access: MyAccess,
    webhook_id: RowId,
    before: RowPlace = None,
    state: Annotated[DeliveryState | None, Query()] = None,
) -> Response:
    """Show what was sent for a request of an integration, or told by a robot."""
    row = _find(access, webhook_id)
    deliveries = access.desk.store.webhook_queue.list(webhook_id, state=state, before=before, limit=_PAGE + 1)
    further = f"?before={deliveries[_PAGE - 1].number}" if len(deliveries) > _PAGE else ""
    values: dict[str, Any] = {"webhook": row, "deliveries": deliveries[:_PAGE], "state": state, "settled": SETTLED}
    return render(
        request, "integration.html.j2", further=further + (f"&state={state}" if further and state else ""), **values
    )


@router.post("/{webhook_id}/state")
def switch_integration(
    access: MyAccess, webhook_id: RowId, state: Annotated[str, Form(max_length=10)] = ""
) -> Response:
    """Switch a request or a robot on or off."""
    row = _find(access, webhook_id)
    entry = access.entry(f"{row.kind}s.switch", object=f"{row.kind}:{row.name}", on=str(state == "on").lower())
    access.desk.store.webhooks.switch(webhook_id, entry, on=state == "on", at=access.desk.now())
    return _back(webhook_id)


@router.post("/deliveries/{delivery_id}/replay")
def replay_delivery(access: MyAccess, delivery_id: str) -> Response:
    """Send a delivery again."""
    return _back(webhooks.replay_delivery(access, delivery_id).webhook_id)


def _find(access: Access, webhook_id: int) -> Webhook:
    access.require(Permission.SETTINGS_WRITE)
    row = access.desk.store.webhooks.get(webhook_id)
    if row.kind not in _KINDS:
        raise NotFoundError(say("there is no integration {number}", number=webhook_id))
    return row


def _back(webhook_id: int) -> Response:
    return RedirectResponse(f"/settings/integrations/{webhook_id}", status_code=303)
