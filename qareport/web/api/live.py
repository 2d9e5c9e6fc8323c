"""`/api/v1/live` and `/api/v1/alerts`: calls that are on, what is heard in them, alerts, tickets for their sound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from qareport.codec import to_data
from qareport.model import Alert, AlertState, Permission, Role, Signal
from qareport.model.live import AlertPrecision
from qareport.store import AlertQuery
from qareport.web import live_board, live_reading
from qareport.web.api.lists import Listed, page_of, whole
from qareport.web.cursors import LONGEST, read_cursor
from qareport.web.dependencies import MyAccess, RowId
from qareport.web.health import require_engine
from qareport.web.live_board import BoardRow
from qareport.workflows.live.starting import summary

router = APIRouter(prefix="/api/v1", tags=["live"])
#: A stream lasts so long: who comes back is asked again whether they still may.
STREAM_S: Final = 60.0
#: So soon a browser comes back.
_RETRY_MS: Final = 300
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


class AlertsOfSubject(BaseModel):
    """How many alerts of a rule or signal were right."""

    rule_id: str | None
    signal: Signal | None
    raised: int
    #: Confirmed by the recording, and nobody called it a false alarm.
    right: int
    false_alarms: int
    not_borne_out: int
    #: right / (right + false_alarms + not_borne_out); null: nothing is known yet.
    share: float | None
    interval: tuple[float, float]

    @classmethod
    def of(cls, item: AlertPrecision) -> AlertsOfSubject:
        """Describe it."""
        return cls(**{name: getattr(item, name) for name in cls.model_fields})


@router.get("/live/calls")
def list_live_calls(
    access: MyAccess,
    state: Annotated[
        Literal["on", "ended"], Query(description="Calls that are on, or those that ended in the last minutes.")
    ] = "on",
    team: Annotated[str, Query(max_length=200)] = "",
) -> Listed[dict[str, Any]]:
    """List calls as the board does, those that need somebody first: each with its last sentence, mood and alerts."""
    list_rows = live_board.rows_on if state == "on" else live_board.rows_ended
    return whole([_row(row) for row in list_rows(access, team_id=team)])


@router.get("/live/calls/{live_id}")
def get_live_call(access: MyAccess, live_id: str) -> dict[str, Any]:
    """Return a live call with what was said so far, and its alerts."""
    call, alerts = live_reading.live_call(access, live_id)
    return {
        **summary(call), "lines": to_data(call.lines), "signals": to_data(call.signals),
        "findings": to_data(call.findings), "alerts": [to_data(alert) for alert in alerts],
        "merged_call_id": call.merged_call_id,
    }  # fmt: skip


@router.get("/live/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
def follow_live(
    access: MyAccess,
    live_id: Annotated[str, Query(max_length=40, description="Of this live call alone; empty: of all.")] = "",
    last_event_id: Annotated[str, Header(max_length=20)] = "",
) -> StreamingResponse:
    """Follow live calls and alerts: server-sent events. The stream ends each minute: come back with `Last-Event-ID`."""
    access.require(Permission.LIVE_READ)
    last = int(last_event_id) if last_event_id.isdecimal() else 0
    told = access.desk.live.follow(
        access.agents(Permission.LIVE_READ), last, live_id=live_id, lasts_s=STREAM_S, still=access.principal.still
    )
    return StreamingResponse(
        _begun(told),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


@router.post("/live/tickets", status_code=201)
def make_ticket(access: MyAccess, new: NewTicket) -> MadeTicket:
    """Make a ticket for the sound of one call: one connection, once, within 60 seconds."""
    access.require(Permission.LIVE_INGEST)
    require_engine(access.desk)
    facts = new.model_dump(exclude={"tracks"})
    ticket, expires_at = live_reading.make_ticket(access, facts, tuple(new.tracks))
    return MadeTicket(ticket=ticket, expires_at=expires_at)


@router.get("/alerts")
def list_alerts(
    access: MyAccess,
    state: Annotated[
        Literal["open", "all", "new", "acked", "snoozed", "false_alarm", "closed"],
        Query(description="open: those that are not over, the gravest first; else the newest first."),
    ] = "open",
    rule: Annotated[str, Query(max_length=200, description="A rule or a signal.")] = "",
    agent: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str, Query(max_length=LONGEST)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Listed[dict[str, Any]]:
    """List alerts. Those that are not over come on one page."""
    if state == "open":
        alerts = [
            alert
            for alert in live_reading.open_alerts(access)
            if rule in ("", alert.subject) and agent in ("", alert.agent_id)
        ]
        return whole([_data(alert) for alert in alerts])
    place = read_cursor(access.desk, "alerts", after)
    query = AlertQuery(
        states=() if state == "all" else (AlertState(state),), subject=rule, agent_id=agent,
        before=place[0] if place else None, limit=limit + 1,
    )  # fmt: skip
    found = live_reading.list_alerts(access, query)
    return page_of(
        access.desk, "alerts", found, limit, after=after, word=_data, place=lambda alert: alert.alert_id,
        count=lambda: live_reading.count_alerts(access, query),
    )  # fmt: skip


@router.get("/alerts/precision")
def list_alert_precisions(access: MyAccess) -> Listed[AlertsOfSubject]:
    """Say of each rule and signal how many of its alerts were right, by the recordings and by people."""
    return whole([AlertsOfSubject.of(item) for item in live_reading.precisions(access)])


@router.get("/alerts/{alert_id}")
def get_alert(access: MyAccess, alert_id: RowId) -> dict[str, Any]:
    """Return an alert, with who is told of it."""
    alert = live_reading.find_alert(access, alert_id)
    route = live_board.route_of(access, alert)
    return _data(alert) | {"route_targets": list(route.targets), "next_target_in_s": route.next_s}


@router.post("/alerts/{alert_id}/ack")
def acknowledge_alert(access: MyAccess, alert_id: RowId) -> dict[str, Any]:
    """Take an alert on."""
    return _data(live_reading.acknowledge(access, alert_id))


@router.post("/alerts/{alert_id}/snooze")
def snooze_alert(access: MyAccess, alert_id: RowId, body: Snooze) -> dict[str, Any]:
    """Put an alert off."""
    return _data(live_reading.snooze(access, alert_id, body.minutes))


@router.post("/alerts/{alert_id}/false-alarm")
def mark_alert_false(access: MyAccess, alert_id: RowId, body: FalseAlarm) -> dict[str, Any]:
    """Say that an alert is a false alarm."""
    return _data(live_reading.mark_false(access, alert_id, body.reason))


def _row(row: BoardRow) -> dict[str, Any]:
    last, mood = row.last, row.mood
    return {
        **summary(row.call), "seconds": row.seconds, "teams": list(row.teams),
        "last_line": to_data(last) if last else None, "emotion": mood.emotion if mood else None,
        "open_findings": [to_data(item.finding) | {"left_s": item.left_s} for item in row.countdowns],
        "alerts": [to_data(alert) for alert in row.alerts], "merged_call_id": row.call.merged_call_id,
    }  # fmt: skip


async def _begun(told: AsyncIterator[str]) -> AsyncIterator[str]:
    """Say first how soon a browser is to come back."""
    yield f"retry: {_RETRY_MS}\n\n"
    async for text in told:
        yield text


def _data(alert: Alert) -> dict[str, Any]:
    data: dict[str, Any] = to_data(alert)
    return data
