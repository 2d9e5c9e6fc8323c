"""Webhooks: who is told of what, changed with a line of the audit log, and events that are in no other transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from qareport.errors import BusyError, NotFoundError
from qareport.messages import say
from qareport.model import (
    AuditEntry,
    EventType,
    OffReason,
    Webhook,
)
from qareport.store.audit import append
from qareport.store.connection import in_utc
from qareport.store.database import Database
from qareport.store.webhook_events import append_event
from qareport.store.webhook_schema import WebhookDeliveryRow, WebhookRow

_Row = WebhookDeliveryRow


class WebhookRepository:
    """The webhooks of a store, and their deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- webhooks -----------------------------------------------------------------------------------------------------

    def list(self, kind: str | None = "webhook") -> tuple[Webhook, ...]:
        """Return the webhooks of a kind (None: of all kinds), oldest first."""
        query = select(WebhookRow).order_by(WebhookRow.id)
        with self._database.read() as session:
            rows = session.scalars(query if kind is None else query.where(WebhookRow.kind == kind))
            return tuple(map(webhook_of, rows))

    def get(self, webhook_id: int) -> Webhook:
        """Return a webhook.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._database.read() as session:
            return webhook_of(_find(session, webhook_id))

    def add(
        self, name: str, url: str, *, at: datetime, kind: str = "webhook", types: Collection[EventType] = (),
        teams: Collection[str] = (), entry: AuditEntry | None = None,
    ) -> Webhook:  # fmt: skip
        """Add a webhook, with its line of the audit log."""
        row = WebhookRow(
            kind=kind, name=name, url=url, types=json.dumps([*types]), teams=json.dumps([*teams]), generation=1,
            created_at=in_utc(at), version=1,
        )  # fmt: skip
        with self._database.write() as session:
            log(session, entry)
            session.add(row)
            session.flush()
            return webhook_of(row)

    def change(
        self, webhook_id: int, entry: AuditEntry | None, *, name: str | None = None, url: str | None = None,
        types: Collection[EventType] | None = None, teams: Collection[str] | None = None, version: int | None = None,
    ) -> Webhook:  # fmt: skip
        """Change a webhook; what is None stays.

        Raises:
            NotFoundError: there is none of that number.
            BusyError: it is not of that version any more: somebody else changed it.
        """
        with self._database.write() as session:
            row = _find(session, webhook_id, version)
            log(session, entry)
            row.name, row.url, row.version = name or row.name, url or row.url, row.version + 1
            row.types = row.types if types is None else json.dumps([*types])
            row.teams = row.teams if teams is None else json.dumps([*teams])
            if url is not None:
                row.failing_since = row.not_before = None  # it is another receiver
            return webhook_of(row)

    def switch(
        self, webhook_id: int, entry: AuditEntry | None, *, on: bool, at: datetime, version: int | None = None
    ) -> Webhook:
        """Switch a webhook on or off. While it is off, nothing is planned for it, and what was planned waits.

        Raises:
            NotFoundError, BusyError: as `change`.
        """
        with self._database.write() as session:
            row = _find(session, webhook_id, version)
            log(session, entry)
            row.version += 1
            if on:
                row.off_reason = row.off_at = row.failing_since = row.not_before = None
            elif row.off_reason is None:
                row.off_reason, row.off_at = OffReason.PERSON, in_utc(at)
            return webhook_of(row)

    def rotate(self, webhook_id: int, entry: AuditEntry | None, *, at: datetime) -> Webhook:
        """Begin another generation of a webhook's secret."""
        with self._database.write() as session:
            row = _find(session, webhook_id)
            log(session, entry)
            row.generation, row.version, row.rotated_at = row.generation + 1, row.version + 1, in_utc(at)
            return webhook_of(row)

    def delete(self, webhook_id: int, entry: AuditEntry | None) -> None:
        """Delete a webhook with its deliveries.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._database.write() as session:
            row = _find(session, webhook_id)
            log(session, entry)
            session.execute(delete(_Row).where(_Row.webhook_id == webhook_id))
            session.delete(row)

    def keep(self, kind: str, wanted: Mapping[str, Collection[EventType]], *, at: datetime) -> tuple[Webhook, ...]:
        """Make the webhooks of a kind those of some names, which wait for some types each; others of the kind go.

        For kinds that are not made by people but by files: their rows only say what is to be planned for whom.
        """
        with self._database.write() as session:
            rows = {row.name: row for row in session.scalars(select(WebhookRow).where(WebhookRow.kind == kind))}
            for name in rows.keys() - wanted.keys():
                session.execute(delete(_Row).where(_Row.webhook_id == rows[name].id))
                session.delete(rows[name])
            for name, types in wanted.items():
                if name not in rows:
                    session.add(
                        WebhookRow(
                            kind=kind,
                            name=name,
                            url="",
                            types=json.dumps([*types]),
                            teams="[]",
                            generation=1,
                            created_at=in_utc(at),
                            version=1,
                        )
                    )
                elif json.loads(rows[name].types) != [*types]:
                    rows[name].types = json.dumps([*types])
        return self.list(kind)

    # --- events -------------------------------------------------------------------------------------------------------

    def raise_event(
        self, kind: EventType, data: Mapping[str, Any], *, object: str = "", agent_id: str | None = None, at: datetime
    ) -> int:
        """Tell all webhooks that wait for it of something that is in no transaction of the store.

        Args:
            kind: what happened.
            data: what is told of it; texts are masked.
            object: what it is about, as `call:7001` or `live:12`: deliveries about the same thing keep their order.
            agent_id: whose call it is about; webhooks of some teams are told of their calls alone.
            at: when it happened.

        Returns:
            how many are told.
        """
        with self._database.write() as session:
            return append_event(session, kind, data, object=object, agent_id=agent_id, at=at)

    def test(self, webhook_id: int, data: Mapping[str, Any], entry: AuditEntry | None, *, at: datetime) -> None:
        """Plan a test for one webhook.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._database.write() as session:
            _find(session, webhook_id)
            log(session, entry)
            append_event(session, EventType.WEBHOOK_TEST, data, object="", at=at, only=webhook_id)


def _find(session: Session, webhook_id: int, version: int | None = None) -> WebhookRow:
    row = session.get(WebhookRow, webhook_id)
    if row is None:
        raise NotFoundError(say("there is no webhook {number}", number=webhook_id))
    if version is not None and version != row.version:
        raise BusyError(say("somebody else has just changed this webhook"), to_do=say("look at it again"))
    return row


def webhook_of(row: WebhookRow) -> Webhook:
    """Return what a row says."""
    return Webhook(
        webhook_id=row.id, kind=row.kind, name=row.name, url=row.url,
        types=tuple(map(EventType, json.loads(row.types))), teams=tuple(json.loads(row.teams)),
        generation=row.generation, rotated_at=instant_of(row.rotated_at),
        created_at=datetime.fromisoformat(row.created_at), version=row.version,
        off=OffReason(row.off_reason) if row.off_reason else None, off_at=instant_of(row.off_at),
        failing_since=instant_of(row.failing_since), sent_at=instant_of(row.sent_at),
        not_before=instant_of(row.not_before),
    )  # fmt: skip


def instant_of(text: str | None) -> datetime | None:
    """Read an instant as the store writes it."""
    return datetime.fromisoformat(text) if text else None


def log(session: Session, entry: AuditEntry | None) -> None:
    """Append the line of the audit log that belongs to a change, if there is one."""
    if entry is not None:
        append(session, entry)
