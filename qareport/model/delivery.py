"""Mails and daily runs, as the store keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Edition(StrEnum):
    """Whom a mail is made for."""

    TEAM = "team"
    AGENT = "agent"
    OPERATOR = "operator"


class MailState(StrEnum):
    """How far a mail has come. Only PLANNED and RETRY are sent without a person's word."""

    PLANNED = "planned"
    #: Its text is on its way to the server; when no process is at work any more, it is UNKNOWN.
    SENDING = "sending"
    SENT = "sent"
    #: The server refused it for now.
    RETRY = "retry"
    #: The server refused it for good, or it was tried for too long.
    FAILED = "failed"
    #: The connection or the process ended between the text and the server's answer: it may have arrived (RFC 1047).
    UNKNOWN = "unknown"
    #: A person decided that it is not to be sent any more.
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail to one recipient, ready to be sent."""

    edition: Edition
    recipient: str
    #: What it speaks of: `day:2026-11-21`.
    period: str
    #: What it says of it: report, partial, failure …; another kind is another mail.
    kind: str
    subject: str
    message_id: str
    #: The whole message, CRLF line ends.
    content: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """The idempotency key: a mail of this key is sent once, whatever else changes."""
        return letter_key(self.edition, self.recipient, self.period, self.kind)


def letter_key(edition: Edition, recipient: str, period: str, kind: str) -> str:
    """Hash what makes two mails the same one: 32 hexadecimal digits."""
    parts = "\0".join((edition, recipient.lower(), period, kind))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRecord:
    """What the outbox knows of a mail."""

    key: str
    edition: Edition
    recipient: str
    period: str
    kind: str
    subject: str
    message_id: str
    state: MailState
    tries: int
    planned_at: datetime
    #: When its state last changed.
    changed_at: datetime
    next_try_at: datetime | None = None
    #: The server's last word, or what went wrong.
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one try to send a mail."""

    state: MailState
    reply: str


class RunState(StrEnum):
    """How a daily run ended."""

    RUNNING = "running"
    #: Everything that a machine can do is done.
    DONE = "done"
    #: The report is out, but does not hold the whole period.
    PARTIAL = "partial"
    FAILED = "failed"
    #: The process was gone before it could say anything.
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
