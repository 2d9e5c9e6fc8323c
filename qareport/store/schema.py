"""The tables. Results are kept under the hash of what they were made from, so nothing is done twice."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Kept in SQLite's user_version; a store of another version is refused rather than misread.
STORE_VERSION = 1


class Base(DeclarativeBase):
    """All tables of the store."""


class CallRow(Base):
    """One call: what the business knows of it, and how far the work on it has come."""

    __tablename__ = "calls"
    __table_args__ = (Index("ix_calls_order", "order_id"), Index("ix_calls_started", "started_at"))

    call_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    order_id: Mapped[str | None] = mapped_column(String(200))
    #: The `Call` as JSON (the one place that holds the unmasked customer number).
    call: Mapped[str] = mapped_column(Text)
    #: ISO 8601 with offset, for sorting calls of one order.
    started_at: Mapped[str | None] = mapped_column(String(40))
    #: The `FailedCall` as JSON when the newest attempt failed.
    failure: Mapped[str | None] = mapped_column(Text)
    #: Hash of what the failure follows from, when trying again would fail again.
    failure_key: Mapped[str | None] = mapped_column(String(64))
    #: Key of the newest result; None until there is one.
    report_key: Mapped[str | None] = mapped_column(ForeignKey("call_reports.key"))


class TranscriptRow(Base):
    """What was heard, under the hash of audio, model, settings and channel map."""

    __tablename__ = "transcripts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    transcript: Mapped[str] = mapped_column(Text)


class CallReportRow(Base):
    """What was judged, under the hash of the transcript, the settings, the topics and the rules."""

    __tablename__ = "call_reports"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    report: Mapped[str] = mapped_column(Text)
    rules_sha256: Mapped[str] = mapped_column(String(64))


class SceneRow(Base):
    """What rules look at in a judged call, packed small: an edited rule is replayed over all calls in seconds."""

    __tablename__ = "scenes"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: Before the scene, so that it is read without what follows.
    rules_sha256: Mapped[str] = mapped_column(String(64))
    scene: Mapped[str] = mapped_column(Text)


class RuleSetRow(Base):
    """A rule set that was once good: its files, under the hash of them. The newest stands in for a broken one."""

    __tablename__ = "rule_sets"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: Names and contents as a JSON object.
    files: Mapped[str] = mapped_column(Text)
    #: When it was last seen good: ISO 8601, UTC.
    good_at: Mapped[str] = mapped_column(String(40))


class ReplayRow(Base):
    """That a stored result was judged anew, what it was before and by which rule set."""

    __tablename__ = "replays"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    previous_key: Mapped[str] = mapped_column(String(64))
    previous_rules_sha256: Mapped[str] = mapped_column(String(64))
    applied_at: Mapped[str] = mapped_column(String(40))


class DocumentRow(Base):
    """A document that was written: where, and the hash of what it was made from."""

    __tablename__ = "documents"

    path: Mapped[str] = mapped_column(String(1000), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
