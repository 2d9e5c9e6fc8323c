"""Calls that are heard while they are on, what is signalled in them, and the alerts that they raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from qareport.model.call import Span
from qareport.model.review import wilson_interval
from qareport.model.vocabulary import Role, Severity


class LiveState(StrEnum):
    """How far a live call is: OPEN ⇄ HELD → ENDED or LOST → MERGED or MERGE_FAILED."""

    OPEN = "open"
    #: The telephone system says that the call is held.
    HELD = "held"
    ENDED = "ended"
    #: It sent nothing for too long, or the line or this program broke off.
    LOST = "lost"
    #: The result of the whole recording has taken its place.
    MERGED = "merged"
    #: The recording could not be judged.
    MERGE_FAILED = "merge_failed"

    @property
    def is_on(self) -> bool:
        """Whether people still speak."""
        return self in (LiveState.OPEN, LiveState.HELD)


class Signal(StrEnum):
    """What is noticed at once, while a call is on; it never changes a score."""

    ANGER = "anger"
    CHURN = "churn"
    ESCALATION = "escalation"
    IRONY = "irony"
    #: The customer asked, and nobody answers.
    WAITING = "waiting"
    #: The agent replied without answering.
    NO_ANSWER = "no_answer"
    HOLD = "hold"


class AlertState(StrEnum):
    """How far an alert is: NEW → ACKED → CLOSED; SNOOZED → NEW; FALSE_ALARM."""

    NEW = "new"
    ACKED = "acked"
    SNOOZED = "snoozed"
    FALSE_ALARM = "false_alarm"
    CLOSED = "closed"

    @property
    def is_over(self) -> bool:
        """Whether nobody has to look at it any more."""
        return self in (AlertState.FALSE_ALARM, AlertState.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLine(Span):
    """A sentence of a live call, masked; it is final."""

    role: Role
    channel: int
    text: str
    emotion: str | None = None
    #: Of the emotion, from 0 to 1.
    score: float | None = None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticedSignal:
    """A signal of a live call, as it is shown."""

    signal: Signal
    at_ms: int
    #: Masked.
    quote: str = ""
    #: Whose words they were; with `no_answer`, who owes an answer.
    speaker: Role = Role.CUSTOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedFinding:
    """A finding of a live rule, as it is shown: masked."""

    rule_id: str
    title: str
    severity: Severity
    at_ms: int
    #: open, confirmed or cleared.
    state: str
    #: Until when it can be cleared, in milliseconds of the call; None: it cannot be told, or it is settled.
    until_ms: int | None = None
    quote: str = ""
    advice: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the agent can still make up for it."""
        return self.state == "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call that is or was heard live."""

    live_id: str
    call_id: str
    order_id: str | None = None
    agent_id: str | None = None
    external_ref: str | None = None
    #: Not masked: it belongs to the call's facts, as in `Call`.
    customer_phone: str | None = None
    #: How its sound comes: pcm, twilio, asterisk, audiosocket, freeswitch, jambonz or funasr.
    convention: str
    #: Where its sound comes from.
    peer: str = ""
    state: LiveState
    #: The role on each channel of the recording.
    channel_roles: tuple[Role, ...]
    started_at: datetime
    ended_at: datetime | None = None
    #: Why it ended: hangup, idle, vanished, limit, fault, restart.
    ended_by: str = ""
    #: The recording that is kept of it.
    audio_path: str = ""
    lines: tuple[LiveLine, ...] = ()
    signals: tuple[NoticedSignal, ...] = ()
    #: Findings of live rules, each as it is now.
    findings: tuple[WatchedFinding, ...] = ()
    #: The call whose result took its place.
    merged_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a supervisor should know of while a call is on."""

    alert_id: int = 0
    live_id: str
    call_id: str
    agent_id: str | None = None
    #: A rule, or a signal: one of them is given.
    rule_id: str | None = None
    signal: Signal | None = None
    title: str
    #: 1 to 3, the gravest.
    level: int
    state: AlertState = AlertState.NEW
    #: Where in the call.
    at_ms: int
    #: What was said there, masked.
    quote: str = ""
    advice: str = ""
    raised_at: datetime
    #: How often it happened.
    count: int = 1
    #: Which of the route is told now, from 0, and since when.
    route: int = 0
    routed_at: datetime
    acked_by: int | None = None
    acked_at: datetime | None = None
    snoozed_until: datetime | None = None
    false_reason: str = ""
    #: Whether the result of the whole recording says the same; None: not known yet.
    borne_out: bool | None = None

    @property
    def subject(self) -> str:
        """What it is about: the rule or the signal."""
        return self.rule_id or (self.signal.value if self.signal else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPrecision:
    """How many alerts of a rule or signal were right."""

    #: A rule, or a signal: one of them is given.
    rule_id: str | None = None
    signal: Signal | None = None
    raised: int = 0
    #: The result of the whole recording says the same, and nobody called it a false alarm.
    right: int = 0
    #: A person called it a false alarm; of the others, the recording does not say the same.
    false_alarms: int = 0
    not_borne_out: int = 0

    @property
    def judged(self) -> int:
        """How many are known to be right or wrong."""
        return self.right + self.false_alarms + self.not_borne_out

    @property
    def share(self) -> float | None:
        """The share that was right, 0 … 1; None: nothing is known yet."""
        return self.right / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the share."""
        return wilson_interval(self.right, self.judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """A change of a live call, told to the desk as one line of JSON."""

    #: live.started, live.line, live.partial, live.signal, live.finding, live.state, live.ended, live.merged,
    #: live.overload, alert.raised or alert.changed. Only who sends the sound is told live.channel_ended.
    type: str
    live_id: str
    agent_id: str | None
    data: Mapping[str, Any] = field(default_factory=dict)
