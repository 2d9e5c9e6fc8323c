"""Deliveries (mails, and what other channels carry) and daily runs, as the store keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Edition(StrEnum):
    """Whom a delivery is made for."""

    TEAM = "team"
    AGENT = "agent"
    OPERATOR = "operator"


class Guarantee(StrEnum):
    """What a channel guarantees when it is not known whether a delivery has arrived."""

    #: It is not repeated: its state is UNKNOWN until a person decides.
    AT_MOST_ONCE = "at_most_once"
    #: It is repeated under the same key, by which the receiver recognises a duplicate.
    AT_LEAST_ONCE = "at_least_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """A kind of channel that deliveries leave through."""

    #: As the store keeps it: at most 20 characters.
    name: str
    guarantee: Guarantee


#: A second copy of a mail cannot be taken back, and no mail server recognises one.
MAIL = ChannelKind(name="mail", guarantee=Guarantee.AT_MOST_ONCE)

#: No robot recognises a second copy of a message; in a chat it does little harm, and a lost headline would.
ROBOT = ChannelKind(name="robot", guarantee=Guarantee.AT_LEAST_ONCE)


class DeliveryState(StrEnum):
    """How far a delivery has come. Only PLANNED and RETRY are sent without a person's decision."""

    PLANNED = "planned"
    #: Its content is on its way to the server; once no process works on it any more, its guarantee decides.
    SENDING = "sending"
    SENT = "sent"
    #: The server refused it for now, or it is not known whether it arrived and its channel delivers at least once.
    RETRY = "retry"
    #: The server refused it permanently, or it was tried for too long.
    FAILED = "failed"
    #: The connection or the process ended between the content and the server's answer: it may have arrived (RFC 1047).
    UNKNOWN = "unknown"
    #: A person decided that it is not to be sent any more.
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one recipient over one channel, ready to be sent."""

    channel: ChannelKind
    #: None where the channel has no editions.
    edition: Edition | None = None
    #: An address that the channel understands: a mail address, a URL.
    recipient: str
    #: The period (or call) that it is about: `day:2026-11-21`.
    period: str
    #: What it says about it: report, partial, failure …; another kind is another delivery.
    kind: str
    subject: str
    #: The id under which the receiver sees it: the Message-ID of a mail.
    message_id: str
    #: The complete message; of a mail with CRLF line ends.
    content: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """The idempotency key: the same key is the same delivery, whatever else changes."""
        return delivery_key(self.channel, self.edition, self.recipient, self.period, self.kind)


def delivery_key(channel: ChannelKind, edition: Edition | None, recipient: str, period: str, kind: str) -> str:
    """Hash what makes two deliveries the same one: 32 hexadecimal digits.

    Keys of mails name no channel: outboxes from before there were channels hold them so.
    """
    if channel == MAIL:
        parts = [edition or "", recipient.lower(), period, kind]
    else:
        parts = [channel.name, edition or "", recipient, period, kind]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """What the outbox knows of a delivery."""

    key: str
    channel: ChannelKind
    edition: Edition | None
    recipient: str
    period: str
    kind: str
    subject: str
    message_id: str
    state: DeliveryState
    tries: int
    planned_at: datetime
    #: When its state last changed.
    changed_at: datetime
    next_try_at: datetime | None = None
    #: The server's last answer, or what went wrong.
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt to send a delivery."""

    state: DeliveryState
    reply: str


class RunState(StrEnum):
    """How a daily run ended."""

    RUNNING = "running"
    #: Everything that a machine can do is done.
    DONE = "done"
    #: The report is out, but does not cover the complete period.
    PARTIAL = "partial"
    FAILED = "failed"
    #: The process ended before it could record anything.
    KILLED = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """One step of a daily run."""

    name: str
    seconds: float
    #: What it handled: calls, documents, mails.
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run of `qareport daily`."""

    number: int
    period: str
    #: send, dry-run or plan.
    mode: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    steps: tuple[RunStep, ...] = ()
    summary: str = ""
    problems: tuple[str, ...] = ()
    #: `host:pid`.
    holder: str = ""
