"""Tables of the review: verdicts on findings, appeals against them, and what agents have read."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from qareport.store.schema import Base

#: Length of an instant: ISO 8601 in UTC with microseconds.
_INSTANT = 32


class VerdictRow(Base):
    """What a reviewer said of a finding."""

    __tablename__ = "verdicts"
    __table_args__ = (
        Index("ix_verdicts_call_id", "call_id"),
        Index("ix_verdicts_rule_id", "rule_id"),
        Index("ix_verdicts_replaces", "replaces"),
        Index("ix_verdicts_second_wanted", "second_wanted"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id", ondelete="CASCADE"))
    rule_id: Mapped[str] = mapped_column(String(200))
    at_ms: Mapped[int] = mapped_column(Integer)
    quote_sha256: Mapped[str] = mapped_column(String(64))
    #: The result that the reviewer saw; it may be gone.
    report_key: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(20))
    comment: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[str] = mapped_column(String(_INSTANT))
    stale: Mapped[bool] = mapped_column(Boolean)
    replaces: Mapped[int | None] = mapped_column(Integer)
    second_wanted: Mapped[bool] = mapped_column(Boolean)
    blind: Mapped[bool] = mapped_column(Boolean)
    #: The `Finding` as JSON, masked.
    finding: Mapped[str] = mapped_column(Text)


class AppealRow(Base):
    """An agent's objection to a finding."""

    __tablename__ = "appeals"
    __table_args__ = (Index("ix_appeals_call_id", "call_id"), Index("ix_appeals_state", "state", "due_at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id", ondelete="CASCADE"))
    rule_id: Mapped[str] = mapped_column(String(200))
    at_ms: Mapped[int] = mapped_column(Integer)
    verdict_id: Mapped[int | None] = mapped_column(Integer)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    comment: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[str] = mapped_column(String(_INSTANT))
    due_at: Mapped[str] = mapped_column(String(_INSTANT))
    level: Mapped[int] = mapped_column(Integer)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    decided_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    decision_comment: Mapped[str] = mapped_column(Text)
    #: The `Finding` as JSON, masked.
    finding: Mapped[str] = mapped_column(Text)


class AcknowledgementRow(Base):
    """An agent has read what was found in a call."""

    __tablename__ = "acknowledgements"

    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[str] = mapped_column(String(_INSTANT))
