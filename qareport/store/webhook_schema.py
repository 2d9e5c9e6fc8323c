"""Tables of webhooks and of what is delivered to them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from qareport.store.schema import Base

_INSTANT = 32


class WebhookRow(Base):
    """A receiver of events."""

    __tablename__ = "webhooks"
    #: An id is never given again: secrets are derived from it.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100))
    url: Mapped[str] = mapped_column(Text)
    #: JSON lists.
    types: Mapped[str] = mapped_column(Text)
    teams: Mapped[str] = mapped_column(Text)
    generation: Mapped[int] = mapped_column(Integer)
    rotated_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    created_at: Mapped[str] = mapped_column(String(_INSTANT))
    version: Mapped[int] = mapped_column(Integer)
    off_reason: Mapped[str | None] = mapped_column(String(20))
    off_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    failing_since: Mapped[str | None] = mapped_column(String(_INSTANT))
    sent_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    not_before: Mapped[str | None] = mapped_column(String(_INSTANT))


class WebhookDeliveryRow(Base):
    """An event on its way to a webhook."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_state", "state", "next_at"),
        Index("ix_webhook_deliveries_webhook", "webhook_id", "object", "number"),
        Index("ix_webhook_deliveries_object", "object"),
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(String(40))
    object: Mapped[str] = mapped_column(String(220))
    at: Mapped[str] = mapped_column(String(_INSTANT))
    #: A JSON object, masked; dropped when it is kept no longer.
    data: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[str] = mapped_column(String(_INSTANT))
    first_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    next_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    status: Mapped[int | None] = mapped_column(Integer)
    reply: Mapped[str] = mapped_column(Text)
    #: The process that sends it, and until when it holds it.
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[str | None] = mapped_column(String(_INSTANT))
