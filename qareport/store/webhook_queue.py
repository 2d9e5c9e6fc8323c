"""The queue of deliveries to webhooks: rows with leases, so that a killed sender's delivery is sent again.

Several desks may send from one store: a delivery is taken by one of them at a time. Of deliveries to one webhook about
the same thing the earlier goes first, for `KEEPS_ORDER` at most.
"""

from __future__ import annotations

import builtins
import json
import random
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, true, update
from sqlalchemy.orm import Session, aliased

from qareport.errors import BusyError, NotFoundError
from qareport.messages import keep, recall, say
from qareport.model import (
    SETTLED,
    AuditEntry,
    DeliveryState,
    EventType,
    OffReason,
    TryOutcome,
    Webhook,
    WebhookDelivery,
)
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.webhook_schema import WebhookDeliveryRow, WebhookRow
from qareport.store.webhooks import instant_of, log, webhook_of

#: A later delivery about the same thing waits so long for an earlier one.
KEEPS_ORDER: Final = timedelta(minutes=5)
#: A webhook whose tries all failed for so long goes off.
GIVES_UP: Final = timedelta(days=3)
#: Deliveries are kept so long once nothing more happens to them; what still waits then is sent no more.
KEPT: Final = timedelta(days=30)
#: To one webhook at a time: a receiver that hangs keeps the others waiting no longer than that.
MOST_AT_ONCE: Final = 2
_Row = WebhookDeliveryRow
#: States in which a delivery may be taken.
_WAITING: Final = (DeliveryState.PLANNED, DeliveryState.RETRY, DeliveryState.UNKNOWN)


class WebhookQueue:
    """The deliveries of a store's webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- sending ------------------------------------------------------------------------------------------------------

    def take(
        self, owner: str, *, at: datetime, lease: timedelta, most: int, kinds: Collection[str] = ("webhook",),
        at_once: int = MOST_AT_ONCE,
    ) -> tuple[tuple[Webhook, WebhookDelivery], ...]:  # fmt: skip
        """Take deliveries that are due, under a lease: their tries begin now.

        A delivery whose sender is gone is UNKNOWN, and due at once: its receiver knows it by its id.

        Args:
            owner: names the sender.
            at: now.
            lease: so long no other sender takes them.
            most: how many at most.
            kinds: of which webhooks.
            at_once: how many may be on their way to one webhook.
        """
        if most <= 0 or not self._is_any_due(at, kinds):
            return ()
        with self._database.write() as session:
            _free_lost(session, at)
            hooks = list(session.scalars(select(WebhookRow).where(_is_open(at), WebhookRow.kind.in_([*kinds]))))
            random.shuffle(hooks)  # with few places no webhook keeps another from its turn
            taken: builtins.list[tuple[Webhook, WebhookDelivery]] = []
            for hook in hooks:
                under_way = select(func.count()).where(_Row.webhook_id == hook.id, _Row.state == DeliveryState.SENDING)
                room = min(at_once - (session.scalar(under_way) or 0), most - len(taken))
                if room <= 0:
                    continue
                query = select(_Row).where(_Row.webhook_id == hook.id, _is_due(at)).order_by(_Row.number).limit(room)
                for row in session.scalars(query.with_for_update(skip_locked=True)):
                    row.state, row.lease_owner, row.lease_until = DeliveryState.SENDING, owner, in_utc(at + lease)
                    row.changed_at, row.first_at = in_utc(at), row.first_at or in_utc(at)
                    taken.append((webhook_of(hook), _delivery(row)))
            return tuple(taken)

    def end(self, delivery_id: str, owner: str, outcome: TryOutcome, *, at: datetime) -> Webhook | None:
        """Record what became of a try. One whose lease was lost counts for nothing.

        Returns:
            the webhook, when it goes off by this try.
        """
        with self._database.write() as session:
            held = (_Row.id == delivery_id) & (_Row.lease_owner == owner) & (_Row.state == DeliveryState.SENDING)
            row = session.scalars(select(_Row).where(held).with_for_update()).first()
            if row is None:
                return None
            hook = session.scalars(select(WebhookRow).where(WebhookRow.id == row.webhook_id).with_for_update()).one()
            row.state, row.status, row.reply = outcome.state, outcome.status, outcome.reply
            row.tries, row.changed_at = row.tries + 1, in_utc(at)
            row.next_at = in_utc(outcome.next_at) if outcome.next_at else None
            row.lease_owner = row.lease_until = None
            if row.type == EventType.CALL_DELETED and row.state in SETTLED:
                row.object, row.data = "", None  # nothing is left of the call
            return _after_try(hook, outcome, at)

    def give_back(self, owner: str, *, at: datetime) -> int:
        """Let others take what a sender holds that ends now: whether it arrived is not known. Returns how many."""
        with self._database.write() as session:
            held = (_Row.lease_owner == owner) & (_Row.state == DeliveryState.SENDING)
            return _lose(session, held, at)

    def _is_any_due(self, at: datetime, kinds: Collection[str]) -> bool:
        lost = (_Row.state == DeliveryState.SENDING) & (_Row.lease_until < in_utc(at))
        query = select(_Row.number).join(WebhookRow, WebhookRow.id == _Row.webhook_id)
        query = query.where(_is_open(at), WebhookRow.kind.in_([*kinds]), lost | _is_due(at)).limit(1)
        with self._database.read() as session:
            return session.scalar(query) is not None

    # --- deliveries ---------------------------------------------------------------------------------------------------

    def list(
        self, webhook_id: int | None = None, *, object: str = "", state: DeliveryState | None = None,
        before: int | None = None, limit: int = 50,
    ) -> tuple[WebhookDelivery, ...]:  # fmt: skip
        """Return deliveries, newest first.

        Args:
            webhook_id: to which webhook; None: to all.
            object: only about this.
            state: only in this state.
            before: only with a smaller number.
            limit: how many at most.
        """
        query = _wanted(select(_Row), webhook_id, state).order_by(_Row.number.desc()).limit(limit)
        if object:
            query = query.where(_Row.object == object)
        if before is not None:
            query = query.where(_Row.number < before)
        with self._database.read() as session:
            return tuple(map(_delivery, session.scalars(query)))

    def count_of(self, webhook_id: int, *, state: DeliveryState | None = None, most: int) -> int:
        """Count the deliveries to a webhook up to a number."""
        some = _wanted(select(_Row.number), webhook_id, state).limit(most).subquery()
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(some)) or 0

    def get(self, delivery_id: str) -> WebhookDelivery:
        """Return a delivery.

        Raises:
            NotFoundError: there is none of that id.
        """
        with self._database.read() as session:
            return _delivery(_find_delivery(session, delivery_id))

    def replay(self, delivery_id: str, entry: AuditEntry | None, *, at: datetime) -> WebhookDelivery:
        """Send a delivery again under its id, from the first try on.

        Raises:
            NotFoundError: there is none of that id, or what it said is kept no longer.
            BusyError: it is on its way.
        """
        with self._database.write() as session:
            row = _find_delivery(session, delivery_id)
            if row.data is None:
                raise NotFoundError(say("what delivery {id} said is kept no longer", id=delivery_id))
            if row.state == DeliveryState.SENDING:
                raise BusyError(say("delivery {id} is on its way", id=delivery_id))
            log(session, entry)
            row.state, row.tries, row.first_at = DeliveryState.PLANNED, 0, None
            row.next_at, row.changed_at = in_utc(at), in_utc(at)
            return _delivery(row)

    def count(self) -> dict[DeliveryState, int]:
        """Count the deliveries by their state."""
        with self._database.read() as session:
            query = select(_Row.state, func.count()).group_by(_Row.state)
            return {DeliveryState(state): count for state, count in session.execute(query)}

    def tidy(self, *, at: datetime) -> int:
        """Delete what is older than `KEPT`, sent or not. Returns how many deliveries."""
        with self._database.write() as session:
            old = (_Row.at < in_utc(at - KEPT)) & (_Row.changed_at < in_utc(at - KEPT))
            done: Any = session.execute(delete(_Row).where(old))
            return int(done.rowcount)


def forget_calls(session: Session, call_ids: Collection[str]) -> None:
    """Delete the deliveries about some calls, within the transaction that deletes the calls."""
    for call_id in call_ids:
        session.execute(delete(_Row).where(_Row.object == f"call:{call_id}"[:220]))


def _is_open(at: datetime) -> Any:
    """Select webhooks that are on, and whose receiver does not want to be left alone now."""
    return WebhookRow.off_reason.is_(None) & (WebhookRow.not_before.is_(None) | (WebhookRow.not_before <= in_utc(at)))


def _is_due(at: datetime) -> Any:
    """Select deliveries whose time has come, and that need not wait for an earlier one about the same thing."""
    earlier = aliased(_Row)
    blocked = (
        select(earlier.number)
        .where(
            earlier.webhook_id == _Row.webhook_id,
            earlier.object == _Row.object,
            earlier.number < _Row.number,
            earlier.state.not_in(SETTLED),
        )
        .exists()
    )
    in_turn = (_Row.object == "") | ~blocked | (_Row.at <= in_utc(at - KEEPS_ORDER))
    return _Row.state.in_(_WAITING) & (_Row.next_at <= in_utc(at)) & in_turn


def _free_lost(session: Session, at: datetime) -> None:
    _lose(session, (_Row.state == DeliveryState.SENDING) & (_Row.lease_until < in_utc(at)), at)


def _lose(session: Session, which: Any, at: datetime) -> int:
    values: dict[str, Any] = {
        "state": DeliveryState.UNKNOWN, "changed_at": in_utc(at), "next_at": in_utc(at),
        "lease_owner": None, "lease_until": None, "status": None,
        "reply": keep(say("the process that sent it ended before the receiver's answer was kept")),
    }  # fmt: skip
    done: Any = session.execute(update(_Row).where(which).values(values))
    return int(done.rowcount)


def _after_try(hook: WebhookRow, outcome: TryOutcome, at: datetime) -> Webhook | None:
    """Note on the webhook what a try showed. Returns it when it goes off."""
    if outcome.not_before is not None:
        hook.not_before = in_utc(outcome.not_before)
    if outcome.state is DeliveryState.SENT:
        hook.sent_at, hook.failing_since, hook.not_before = in_utc(at), None, None
        return None
    hook.failing_since = hook.failing_since or in_utc(at)
    reason = OffReason.GONE if outcome.gone else None
    if reason is None and hook.failing_since <= in_utc(at - GIVES_UP):
        reason = OffReason.FAILING
    if reason is None or hook.off_reason is not None:
        return None
    hook.off_reason, hook.off_at, hook.version = reason, in_utc(at), hook.version + 1
    return webhook_of(hook)


def _wanted(query: Any, webhook_id: int | None, state: DeliveryState | None) -> Any:
    query = query.where(true() if webhook_id is None else _Row.webhook_id == webhook_id)
    return query if state is None else query.where(_Row.state == state)


def _find_delivery(session: Session, delivery_id: str) -> WebhookDeliveryRow:
    row = session.scalars(select(_Row).where(_Row.id == delivery_id)).first()
    if row is None:
        raise NotFoundError(say("there is no delivery {id!r}", id=delivery_id))
    return row


def _delivery(row: WebhookDeliveryRow) -> WebhookDelivery:
    return WebhookDelivery(
        number=row.number, delivery_id=row.id, webhook_id=row.webhook_id, type=EventType(row.type), object=row.object,
        at=datetime.fromisoformat(row.at), data=None if row.data is None else json.loads(row.data),
        state=DeliveryState(row.state), tries=row.tries, changed_at=datetime.fromisoformat(row.changed_at),
        first_at=instant_of(row.first_at), next_at=instant_of(row.next_at), status=row.status, reply=recall(row.reply),
    )  # fmt: skip
