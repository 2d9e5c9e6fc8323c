"""Live calls and alerts are told to webhooks, integrations and chat robots, as stored calls are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from qareport import events
from qareport.errors import StoreError
from qareport.model import AlertState, EventType, LiveEvent

if TYPE_CHECKING:
    from qareport.store import Store

#: Events of live calls by what others know them as; the rest is for the desk alone.
_KINDS: Final[Mapping[str, EventType]] = {
    "live.started": EventType.LIVE_STARTED,
    "live.ended": EventType.LIVE_ENDED,
    "alert.raised": EventType.ALERT_RAISED,
    "alert.changed": EventType.ALERT_CHANGED,
}
#: What is told of an alert.
_OF_ALERT: Final = (
    "alert_id", "live_id", "call_id", "agent_id", "title", "rule_id", "signal", "level", "state", "at_ms", "quote",
    "advice", "raised_at", "count", "borne_out",
)  # fmt: skip


def tell_others(store: Store, event: LiveEvent, *, at: datetime) -> None:
    """Plan the deliveries of what happened in a live call. A store that fails keeps nobody from hearing the call."""
    kind = _KINDS.get(event.type)
    if kind is None:
        return
    data: dict[str, Any] = dict(event.data)
    if (alert := data.get("alert")) is not None:
        if AlertState(alert["state"]).is_over:
            kind = EventType.ALERT_CLEARED
        data = {name: alert[name] for name in _OF_ALERT}
    try:
        teams = [team.team_id for team in store.teams.list() if event.agent_id in team.agents]
        data["team"] = teams[0] if teams else None
        store.webhooks.raise_event(kind, data, object=f"live:{event.live_id}", agent_id=event.agent_id, at=at)
    except StoreError as error:
        events.happened("webhook", "failed", reason=str(error))
