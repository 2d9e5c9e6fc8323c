"""The table of drafts of rule files, of what waits for consent, and of every text that was ever published."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from qareport.store.schema import Base


class RuleProposalRow(Base):
    """A text of one rule file: a draft, one that waits for a second person, or one that was published."""

    __tablename__ = "rule_proposals"
    __table_args__ = (
        Index("ix_rule_proposals_file", "file", "state", "id"),
        Index("ix_rule_proposals_user", "user_id", "state"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    #: Path below the folder of rules.
    file: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(20))
    #: Texts that are published together share a number, which is the id of the first of them.
    batch: Mapped[int | None] = mapped_column(Integer)
    #: The file as it was when the draft was begun; "" and no hash for a file that did not exist.
    base_text: Mapped[str] = mapped_column(Text)
    base_sha256: Mapped[str | None] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    #: Hash of the whole rule set whose replay its writer has seen.
    replay_sha256: Mapped[str | None] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    second_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(Text)
    #: When it last changed.
    at: Mapped[str] = mapped_column(String(32))
