"""Tables of question-answer pairs, and of how far calls have been looked through for them."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from qareport.store.schema import Base


class QaPairRow(Base):
    """A pair that was found in a call. Its texts are masked."""

    __tablename__ = "qa_pairs"
    __table_args__ = (
        Index("ix_qa_pairs_call_id", "call_id"),
        Index("ix_qa_pairs_group_id", "group_id"),
        Index("ix_qa_pairs_state", "state", "kind"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    #: What was said instead, of a pair of the kind `preference`; "" else.
    rejected: Mapped[str] = mapped_column(Text)
    #: The question as it was mined: a pair that was decided is known by it when its call is mined again.
    mined_question: Mapped[str] = mapped_column(Text)
    q_ms: Mapped[int] = mapped_column(Integer)
    a_ms: Mapped[int] = mapped_column(Integer)
    issue: Mapped[str | None] = mapped_column(String(200))
    stage: Mapped[str | None] = mapped_column(String(200))
    emotion_before: Mapped[str | None] = mapped_column(String(20))
    emotion_after: Mapped[str | None] = mapped_column(String(20))
    helped: Mapped[bool | None] = mapped_column(Boolean)
    #: Pairs that ask nearly the same share a number; among them, those that answer nearly the same share another.
    group_id: Mapped[int] = mapped_column(Integer)
    answer_id: Mapped[int] = mapped_column(Integer)
    #: Another answer of the group says something else.
    contradicted: Mapped[bool] = mapped_column(Boolean)
    transcript_key: Mapped[str] = mapped_column(String(64))
    rules_sha256: Mapped[str] = mapped_column(String(64))
    edited_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    edited_at: Mapped[str | None] = mapped_column(String(32))


class QaMinedRow(Base):
    """A call that was looked through: which result of it, by which version of the miner."""

    __tablename__ = "qa_mined"

    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(80))
