"""Live calls and alerts in the store of a desk, as the worker puts them there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from qareport.model import Alert, LiveCall, LiveLine, LiveState, Role, Severity, Signal
from qareport.model.live import WatchedFinding
from tests.support.desk import OpenDesk

#: What the customer of `put_call` says.
SAID = "我要投诉。"


def put_call(desk: OpenDesk, live_id: str, agent: str | None, *, ago_s: int = 0, **more: Any) -> LiveCall:
    """Keep a live call of an agent that began so many seconds ago, in which a customer was angry."""
    said = LiveLine(start_ms=0, end_ms=900, role=Role.CUSTOMER, channel=0, text=SAID, emotion="ANGRY")
    values: dict[str, Any] = {
        "convention": "pcm", "state": LiveState.OPEN, "channel_roles": (Role.CUSTOMER, Role.AGENT),
        "started_at": desk.clock.now - timedelta(seconds=ago_s), "customer_phone": "13812345678", "lines": (said,),
    }  # fmt: skip
    call = LiveCall(live_id=live_id, call_id=f"call-{live_id}", agent_id=agent, **values | more)
    desk.desk.store.live_calls.put(call)
    desk.desk.store.live_calls.change([call])
    return call


def end_call(desk: OpenDesk, call: LiveCall, state: LiveState = LiveState.ENDED, **more: Any) -> LiveCall:
    """Let a call end now."""
    ended = replace(call, state=state, ended_at=desk.clock.now, ended_by="hangup", **more)
    desk.desk.store.live_calls.change([ended])
    return ended


def put_alert(desk: OpenDesk, call: LiveCall, **more: Any) -> Alert:
    """Raise an alert in a call, by default of level 3: the customer threatens to complain."""
    at: datetime = desk.clock.now
    values: dict[str, Any] = {
        "title": "客户要投诉", "level": 3, "at_ms": 0, "quote": SAID, "raised_at": at, "routed_at": at,
    }  # fmt: skip
    if "rule_id" not in more:
        values["signal"] = Signal.ESCALATION
    return desk.desk.store.alerts.add(
        Alert(live_id=call.live_id, call_id=call.call_id, agent_id=call.agent_id, **values | more)
    )


def watched(state: str = "open", until_ms: int | None = None, **more: Any) -> WatchedFinding:
    """Return a finding of a live rule."""
    values: dict[str, Any] = {
        "rule_id": "service.anger-without-empathy", "title": "客户生气没有安抚", "severity": Severity.MAJOR, "at_ms": 0,
        "quote": SAID, "advice": "先道歉。",
    }  # fmt: skip
    return WatchedFinding(state=state, until_ms=until_ms, **values | more)
