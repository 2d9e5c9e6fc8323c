"""Live calls and their alerts, as far as they may be seen: what pages and API show and do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from qareport.errors import NotFoundError, QareportError
from qareport.messages import say
from qareport.model import Alert, AlertState, LiveCall, Permission, Role
from qareport.model.live import AlertPrecision
from qareport.store import MOST_COUNTED, TICKET_LASTS, AlertQuery
from qareport.web.access import Access, ForbiddenError
from qareport.web.reviewing import masked_comment

_OPEN = (AlertState.NEW, AlertState.ACKED, AlertState.SNOOZED)


def calls_on(access: Access) -> tuple[LiveCall, ...]:
    """Return the calls that are on.

    Raises:
        ForbiddenError: none may be seen.
    """
    access.require(Permission.LIVE_READ)
    return access.desk.store.live_calls.list_on(access.agents(Permission.LIVE_READ))


def live_call(access: Access, live_id: str) -> tuple[LiveCall, tuple[Alert, ...]]:
    """Return a live call with its lines, and its alerts.

    Raises:
        ForbiddenError: none may be seen.
        NotFoundError: there is none, or it may not be seen.
    """
    access.require(Permission.LIVE_READ)
    call = access.desk.store.live_calls.get(live_id)
    if not access.agents(Permission.LIVE_READ).holds(call.agent_id):
        raise NotFoundError(say("there is no live call {live_id!r}", live_id=live_id))
    return call, access.desk.store.alerts.list_of([live_id])


def open_alerts(access: Access) -> tuple[Alert, ...]:
    """Return the alerts that are not over, the gravest first.

    Raises:
        ForbiddenError: none may be seen.
    """
    access.require(Permission.LIVE_READ)
    return access.desk.store.alerts.list_open(access.agents(Permission.LIVE_READ))


def list_alerts(access: Access, query: AlertQuery) -> tuple[Alert, ...]:
    """Return the alerts that a query asks for, the newest first, as far as they may be seen.

    Raises:
        ForbiddenError: none may be seen.
    """
    access.require(Permission.LIVE_READ)
    return access.desk.store.alerts.list_newest(replace(query, agents=access.agents(Permission.LIVE_READ)))


def count_alerts(access: Access, query: AlertQuery) -> int:
    """Count what `list_alerts` lists on all its pages, to one more than `MOST_COUNTED`."""
    access.require(Permission.LIVE_READ)
    own = replace(query, agents=access.agents(Permission.LIVE_READ))
    return access.desk.store.alerts.count(own, most=MOST_COUNTED + 1)


def find_alert(access: Access, alert_id: int) -> Alert:
    """Return an alert.

    Raises:
        ForbiddenError: none may be seen.
        NotFoundError: there is none, or it may not be seen.
    """
    access.require(Permission.LIVE_READ)
    alert = access.desk.store.alerts.get(alert_id)
    if not access.agents(Permission.LIVE_READ).holds(alert.agent_id):
        raise NotFoundError(say("there is no alert {number}", number=alert_id))
    return alert


def precisions(access: Access) -> tuple[AlertPrecision, ...]:
    """Return how many alerts of each rule and signal were right, of the calls that may be seen.

    Raises:
        ForbiddenError: none may be seen.
    """
    access.require(Permission.LIVE_READ)
    return access.desk.store.alerts.precisions(access.agents(Permission.LIVE_READ))


def alerts_of_call(access: Access, call_id: str) -> tuple[Alert, ...]:
    """Return what was raised while a stored call was on; nothing to who sees no alerts."""
    if not access.principal.may(Permission.LIVE_READ):
        return ()
    agents = access.agents(Permission.LIVE_READ)
    return tuple(alert for alert in access.desk.store.alerts.list_of_call(call_id) if agents.holds(alert.agent_id))


def heard_live(access: Access, call_id: str) -> LiveCall | None:
    """Return what was heard of a stored call while it was on; None: it was not heard, or it may not be seen."""
    if not access.principal.may(Permission.LIVE_READ):
        return None
    call = access.desk.store.live_calls.find_merged(call_id)
    return call if call is not None and access.agents(Permission.LIVE_READ).holds(call.agent_id) else None


def acknowledge(access: Access, alert_id: int) -> Alert:
    """Take an alert on: 我来处理.

    Raises:
        ForbiddenError: the right is lacking.
        NotFoundError: there is none, or it may not be seen.
    """
    now = access.desk.now()
    values = {"state": AlertState.ACKED, "acked_by": access.principal.user.user_id, "acked_at": now}
    return _change(access, alert_id, "alert.ack", {**values, "snoozed_until": None})


def snooze(access: Access, alert_id: int, minutes: int) -> Alert:
    """Put an alert off: it returns after some minutes.

    Raises:
        ForbiddenError: the right is lacking.
        NotFoundError: there is none, or it may not be seen.
    """
    until = access.desk.now() + timedelta(minutes=minutes)
    values = {"state": AlertState.SNOOZED, "snoozed_until": until}
    return _change(access, alert_id, "alert.snooze", values, minutes=str(minutes))


def mark_false(access: Access, alert_id: int, reason: str) -> Alert:
    """Say that an alert is a false alarm: it does not come again in this call.

    Raises:
        ForbiddenError: the right is lacking.
        NotFoundError: there is none, or it may not be seen.
        QareportError: no reason is given.
    """
    words = masked_comment(reason)
    if not words:
        raise QareportError(say("say why it is a false alarm"))
    values = {"state": AlertState.FALSE_ALARM, "false_reason": words, "snoozed_until": None}
    return _change(access, alert_id, "alert.false", values, reason=words)


def _change(access: Access, alert_id: int, action: str, values: Mapping[str, Any], **details: str) -> Alert:
    alert, store = find_alert(access, alert_id), access.desk.store
    access.require(Permission.LIVE_WRITE)
    changed = replace(alert, **values)
    entry = access.entry(action, object=f"alert:{alert_id}", call=alert.call_id, **details)
    if not store.alerts.change(changed, entry, only_from=_OPEN):
        raise NotFoundError(say("alert {number} is over", number=alert_id))
    return changed


def make_ticket(access: Access, facts: Mapping[str, Any], tracks: tuple[Role, ...]) -> tuple[str, datetime]:
    """Make a ticket that lets the sound of one call in, once. Returns it and when it ends.

    Raises:
        ForbiddenError: the right is lacking, or does not reach the agent.
    """
    access.require(Permission.LIVE_INGEST)
    agents, agent = access.agents(Permission.LIVE_INGEST), facts.get("agent_id")
    if not agents.holds(agent):
        raise ForbiddenError(say("agent {agent} is in none of your teams", agent=agent or "–"))
    now = access.desk.now()
    access.record("live.ticket", object=f"call:{facts['call_id']}")
    known = {name: value for name, value in facts.items() if value}
    ticket = access.desk.store.live_tickets.make({**known, "tracks": [role.value for role in tracks]}, at=now)
    return ticket, now + TICKET_LASTS
