"""Tables of calls that are heard while they are on, the alerts that they raise, and the tickets that let sound in."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from qareport.store.schema import Base

#: Length of an instant: ISO 8601 in UTC with microseconds.
_INSTANT = 32


class LiveCallRow(Base):
    """A call that is or was heard live. `call_id` is in `calls` only once the recording was judged."""

    __tablename__ = "live_calls"
    __table_args__ = (
        Index("ix_live_calls_state", "state", "started_at"),
        Index("ix_live_calls_call_id", "call_id"),
        Index("ix_live_calls_merged", "merged_call_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(200))
    agent_id: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[str] = mapped_column(String(_INSTANT))
    ended_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    audio_path: Mapped[str] = mapped_column(Text)
    #: The `LiveCall` as JSON, without its lines.
    facts: Mapped[str] = mapped_column(Text)
    #: The `LiveLine`s as JSON, masked.
    lines: Mapped[str] = mapped_column(Text)
    merged_call_id: Mapped[str | None] = mapped_column(String(200))


class AlertRow(Base):
    """An alert of a live call."""

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_live", "live_id"), Index("ix_alerts_state", "state", "raised_at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    live_id: Mapped[str] = mapped_column(ForeignKey("live_calls.id", ondelete="CASCADE"))
    call_id: Mapped[str] = mapped_column(String(200))
    agent_id: Mapped[str | None] = mapped_column(String(200))
    rule_id: Mapped[str | None] = mapped_column(String(200))
    signal: Mapped[str | None] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(Text)
    level: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(20))
    at_ms: Mapped[int] = mapped_column(Integer)
    #: Masked.
    quote: Mapped[str] = mapped_column(Text)
    advice: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[str] = mapped_column(String(_INSTANT))
    count: Mapped[int] = mapped_column(Integer)
    route: Mapped[int] = mapped_column(Integer)
    routed_at: Mapped[str] = mapped_column(String(_INSTANT))
    acked_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    acked_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    snoozed_until: Mapped[str | None] = mapped_column(String(_INSTANT))
    false_reason: Mapped[str] = mapped_column(Text)
    borne_out: Mapped[bool | None] = mapped_column(Boolean)


class LiveTicketRow(Base):
    """A ticket that lets the sound of one call in, once; its secret was shown and only its hash is kept."""

    __tablename__ = "live_tickets"
    __table_args__ = (Index("ix_live_tickets_expires", "expires_at"),)

    ticket_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: JSON: what is known of the call.
    facts: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[str] = mapped_column(String(_INSTANT))
