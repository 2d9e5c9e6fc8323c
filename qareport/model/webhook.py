"""Webhooks: other systems that are told of what happens, and what became of each telling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from qareport.model.delivery import DeliveryState


class EventType(StrEnum):
    """What other systems can be told of."""

    CALL_RECEIVED = "call.received"
    CALL_JUDGED = "call.judged"
    #: A call that had a result has another one: other rules, another hearing.
    CALL_REJUDGED = "call.rejudged"
    CALL_FAILED = "call.failed"
    CALL_DELETED = "call.deleted"
    FINDING_REVIEWED = "finding.reviewed"
    APPEAL_OPENED = "appeal.opened"
    APPEAL_DECIDED = "appeal.decided"
    LIVE_STARTED = "live.started"
    LIVE_ENDED = "live.ended"
    ALERT_RAISED = "alert.raised"
    ALERT_CHANGED = "alert.changed"
    ALERT_CLEARED = "alert.cleared"
    DIGEST_READY = "digest.ready"
    RULES_PUBLISHED = "rules.published"
    EXPORT_READY = "export.ready"
    #: A person asked for it on the settings page: it goes to that webhook whatever it waits for.
    WEBHOOK_TEST = "webhook.test"


#: What a webhook can wait for.
WAITED_FOR: Final = tuple(kind for kind in EventType if kind is not EventType.WEBHOOK_TEST)
#: States after which nothing more happens to a delivery by itself.
SETTLED: Final = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.FORGOTTEN)


class OffReason(StrEnum):
    """Why a webhook is off."""

    PERSON = "person"
    #: The receiver said 410.
    GONE = "gone"
    #: All tries of three days failed.
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver of events. Its secret is derived from the desk's key, its id and its generation, and kept nowhere."""

    webhook_id: int
    #: Who sends to it: `webhook`, or a kind of its own (`integration`).
    kind: str = "webhook"
    name: str
    url: str
    #: What it waits for; empty: everything.
    types: tuple[EventType, ...] = ()
    #: Ids of the teams whose calls it is told of; empty: all calls, and what is about no call.
    teams: tuple[str, ...] = ()
    #: Counts the rotations of its secret.
    generation: int = 1
    rotated_at: datetime | None = None
    created_at: datetime
    #: Grows with every change by a person.
    version: int = 1
    #: None: it is on.
    off: OffReason | None = None
    off_at: datetime | None = None
    #: When the first of the tries failed that all failed since; None: the last one did not fail.
    failing_since: datetime | None = None
    #: When it last took a delivery.
    sent_at: datetime | None = None
    #: The receiver asked not to be called before.
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One event on its way to one webhook. Its id is the same on every try."""

    #: Grows in the order in which events happened.
    number: int
    delivery_id: str
    webhook_id: int
    type: EventType
    #: What it is about (`call:7001`): of two deliveries about the same thing the earlier goes first; "": nothing.
    object: str = ""
    #: When it happened.
    at: datetime
    #: Masked; None once it is kept no longer.
    data: Mapping[str, Any] | None = field(repr=False)
    state: DeliveryState
    #: Tries that have ended.
    tries: int = 0
    changed_at: datetime
    #: When the first try began.
    first_at: datetime | None = None
    next_at: datetime | None = None
    #: HTTP status of the last answer; None: there was none.
    status: int | None = None
    #: What came of the last try, in words.
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryOutcome:
    """What became of one try."""

    #: SENT, RETRY or FAILED.
    state: DeliveryState
    status: int | None = None
    reply: str = ""
    #: Of RETRY: when it is tried again.
    next_at: datetime | None = None
    #: The receiver wants nothing at all before this instant.
    not_before: datetime | None = None
    #: The receiver wants nothing any more: the webhook goes off.
    gone: bool = False
