"""`/api/v1/live` and `/api/v1/alerts`: calls that are on, what is heard in them, alerts, tickets for their sound."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from qareport.codec import to_data
from qareport.model import Alert, LiveCall, Permission, Role
from qareport.web import live_reading
from qareport.web.api.lists import Listed, whole
from qareport.web.dependencies import MyAccess
from qareport.workflows.live.starting import summary

router = APIRouter(prefix="/api/v1", tags=["live"])
_Id = Annotated[str | None, Field(max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewTicket(_Body):
    """A call whose sound is going to come."""

    call_id: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    order_id: _Id = None
    agent_id: _Id = None
    external_ref: _Id = None
    customer_phone: Annotated[str | None, Field(max_length=40)] = None
    tracks: Annotated[
        list[Role],
        Field(max_length=2, description="Who speaks on each channel of the connection; [customer]: one side of two."),
    ] = []


class MadeTicket(BaseModel):
    """A ticket: it lets one connection in, once."""

    ticket: str
    expires_at: datetime


class Snooze(_Body):
    """For how long an alert is put off."""

    minutes: Annotated[int, Field(ge=1, le=120)] = 5


class FalseAlarm(_Body):
    """Why an alert is a false alarm."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


@router.get("/live/calls")
def list_live_calls(access: MyAccess) -> Listed[dict[str, Any]]:
    """List the calls that are on, each with its last sentence, emotion and open alerts."""
    calls = live_reading.calls_on(access)
    alerts = access.desk.store.alerts.list_of([call.live_id for call in calls])
    return whole([_row(call, alerts) for call in calls])


@router.get("/live/calls/{live_id}")
def get_live_call(access: MyAccess, live_id: str) -> dict[str, Any]:
    """Return a live call with what was said so far, and its alerts."""
    call, alerts = live_reading.live_call(access, live_id)
    return {
        **summary(call), "lines": to_data(call.lines), "alerts": [to_data(alert) for alert in alerts],
        "merged_call_id": call.merged_call_id,
    }  # fmt: skip


@router.get("/live/stream")
def follow_live(access: MyAccess, last_event_id: Annotated[str, Header(max_length=20)] = "") -> StreamingResponse:
    """Follow live calls and alerts: server-sent events."""
    access.require(Permission.LIVE_READ)
    last = int(last_event_id) if last_event_id.isdigit() else 0
    return StreamingResponse(
        access.desk.live.follow(access.agents(Permission.LIVE_READ), last),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


@router.post("/live/tickets", status_code=201)
def make_ticket(access: MyAccess, new: NewTicket) -> MadeTicket:
    """Make a ticket for the sound of one call: one connection, once, within 60 seconds."""
    facts = new.model_dump(exclude={"tracks"})
    ticket, expires_at = live_reading.make_ticket(access, facts, tuple(new.tracks))
    return MadeTicket(ticket=ticket, expires_at=expires_at)


@router.get("/alerts")
def list_alerts(
    access: MyAccess,
    state: Annotated[str, Query(pattern="^(open|all)$")] = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Listed[dict[str, Any]]:
    """List alerts: those that are not over, the gravest first; or all, the newest first."""
    alerts = live_reading.alerts_of(access, is_open=state == "open", limit=limit)
    return Listed(
        items=[to_data(alert) for alert in alerts], total=len(alerts),
        total_is="exact" if len(alerts) < limit else "at_least",
    )  # fmt: skip


@router.post("/alerts/{alert_id}/ack")
def acknowledge_alert(access: MyAccess, alert_id: int) -> dict[str, Any]:
    """Take an alert on."""
    return _data(live_reading.acknowledge(access, alert_id))


@router.post("/alerts/{alert_id}/snooze")
def snooze_alert(access: MyAccess, alert_id: int, body: Snooze) -> dict[str, Any]:
    """Put an alert off."""
    return _data(live_reading.snooze(access, alert_id, body.minutes))


@router.post("/alerts/{alert_id}/false-alarm")
def mark_alert_false(access: MyAccess, alert_id: int, body: FalseAlarm) -> dict[str, Any]:
    """Say that an alert is a false alarm."""
    return _data(live_reading.mark_false(access, alert_id, body.reason))


def _row(call: LiveCall, alerts: tuple[Alert, ...]) -> dict[str, Any]:
    own = [alert for alert in alerts if alert.live_id == call.live_id and not alert.state.is_over]
    return {
        **summary(call),
        "last_line": to_data(call.lines[-1]) if call.lines else None,
        "alerts": [to_data(alert) for alert in own],
    }


def _data(alert: Alert) -> dict[str, Any]:
    data: dict[str, Any] = to_data(alert)
    return data
