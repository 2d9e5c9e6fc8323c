"""When an alert is raised, raised in level, told to the next, and over. Pure: what is known in, what to keep out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from qareport.messages import say
from qareport.model import Alert, AlertState, LiveCall, Role, Severity, Signal
from qareport.rules.live import LiveFinding
from qareport.settings import AlertSettings
from qareport.workflows.live.signals import LEVELS, Noticed

#: After the call is over, an alert that nobody looked at is closed.
CLOSES_AFTER: Final = timedelta(minutes=10)
_GRAVEST = 3
_LEVELS = {Severity.INFO: 1, Severity.MINOR: 1, Severity.MAJOR: 2, Severity.CRITICAL: 3}
_TITLES = {
    Signal.ANGER: say("the customer is angry"),
    Signal.CHURN: say("the customer gives up"),
    Signal.ESCALATION: say("the customer threatens to complain"),
    Signal.IRONY: say("the customer is being ironic"),
    Signal.WAITING: say("the customer waits for an answer"),
    Signal.NO_ANSWER: say("the agent did not answer the question"),
    Signal.HOLD: say("the customer has been on hold for long"),
}
#: Where who speaks is not known.
_SOMEBODY = say("somebody is angry; who speaks is not known")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """An alert as it is to be kept; new where it has no number yet."""

    alert: Alert
    #: Who is told; empty: nobody anew.
    tell: tuple[str, ...] = ()


def of_signal(call: LiveCall, noticed: Noticed, quote: str, at: datetime) -> Alert:
    """Make the alert of a signal; `quote` is masked. Of a speaker who is not known it says so, and is less grave."""
    is_known = noticed.speaker is not Role.UNKNOWN
    return Alert(
        live_id=call.live_id, call_id=call.call_id, agent_id=call.agent_id, signal=noticed.signal,
        title=str(_TITLES[noticed.signal] if is_known else _SOMEBODY), level=LEVELS[noticed.signal] if is_known else 1,
        at_ms=noticed.at_ms, quote=quote, raised_at=at, routed_at=at,
    )  # fmt: skip


def of_finding(call: LiveCall, found: LiveFinding, quote: str, advice: str, at: datetime) -> Alert:
    """Make the alert of a finding that is confirmed; `quote` and `advice` are masked."""
    finding = found.finding
    return Alert(
        live_id=call.live_id, call_id=call.call_id, agent_id=call.agent_id, rule_id=finding.rule_id,
        title=finding.title, level=_LEVELS[finding.severity], at_ms=finding.at_ms, quote=quote, advice=advice,
        raised_at=at, routed_at=at,
    )  # fmt: skip


def raise_alert(
    new: Alert, known: Sequence[Alert], settings: AlertSettings, *, targets: Sequence[str]
) -> AlertChange | None:
    """Decide what a further occurrence does.

    Args:
        new: the alert that it would be.
        known: the alerts of the call so far.
        settings: the section `alerts`.
        targets: who is told of alerts of this agent, one after the other.

    Returns:
        the alert to be kept: the new one; the one that is known, a level higher; or None: nothing new, because it is
        the same within `cooldown_s`, or somebody said that it is a false alarm.
    """
    same = [alert for alert in known if alert.subject == new.subject]
    if not same:
        return AlertChange(alert=new, tell=(targets[0],))
    last = same[-1]
    if last.state is AlertState.FALSE_ALARM:
        return None
    if new.raised_at - last.raised_at < timedelta(seconds=settings.cooldown_s):
        return None
    if last.state is AlertState.CLOSED:
        return AlertChange(alert=new, tell=(targets[0],))
    level = min(_GRAVEST, max(new.level, last.level) + 1)
    again = replace(
        last, level=level, count=last.count + 1, at_ms=new.at_ms, quote=new.quote or last.quote,
        raised_at=new.raised_at,
        # Who acknowledged it knows of it; who put it off is told again.
        state=AlertState.NEW if last.state is AlertState.SNOOZED else last.state, snoozed_until=None,
    )  # fmt: skip
    return AlertChange(alert=again, tell=(targets[min(last.route, len(targets) - 1)],))


def pass_time(
    alerts: Iterable[tuple[Alert, datetime | None, Sequence[str]]], settings: AlertSettings, *, at: datetime
) -> list[AlertChange]:
    """Decide what becomes of alerts that are not over: put-off ones return, unnoticed ones go on, old ones end.

    Args:
        alerts: each with when its call ended and with who is told of it, one after the other.
        settings: the section `alerts`.
        at: now.
    """
    changes = []
    for alert, ended_at, targets in alerts:
        if alert.state.is_over:
            continue
        if ended_at is not None and at - ended_at >= CLOSES_AFTER:
            changes.append(AlertChange(alert=replace(alert, state=AlertState.CLOSED)))
        elif alert.state is AlertState.SNOOZED and alert.snoozed_until is not None and at >= alert.snoozed_until:
            again = replace(alert, state=AlertState.NEW, snoozed_until=None, routed_at=at)
            changes.append(AlertChange(alert=again, tell=(targets[min(alert.route, len(targets) - 1)],)))
        elif (
            alert.state is AlertState.NEW
            and alert.route + 1 < len(targets)
            and at - alert.routed_at >= timedelta(seconds=settings.escalate_s)
        ):
            further = replace(alert, route=alert.route + 1, routed_at=at)
            changes.append(AlertChange(alert=further, tell=(targets[further.route],)))
    return changes
