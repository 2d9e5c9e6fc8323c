"""Tables of the store: calls, what was made of them, and what left."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from qareport.store.packed_text import PackedText

#: The newest revision in `migrations/versions`; a store of a newer one is refused rather than misread.
REVISION = "0020"


class Base(DeclarativeBase):
    """All tables of the store."""


class CallRow(Base):
    """One call: what the business knows of it, and how far the work on it has come."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_order", "order_id"),
        Index("ix_calls_started", "started_at"),
        Index("ix_calls_started_utc", "started_utc"),
        Index("ix_calls_agent", "agent_id"),
        # Each result that is deleted is looked for here, because calls point to results.
        Index("ix_calls_report", "report_key"),
        Index("ix_calls_audio", "audio_sha256"),
        Index("ix_calls_customer", "customer"),
    )

    call_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    order_id: Mapped[str | None] = mapped_column(String(200))
    agent_id: Mapped[str | None] = mapped_column(String(200))
    #: Number of the ticket elsewhere that it belongs to.
    external_ref: Mapped[str | None] = mapped_column(String(200))
    #: The `Call` as JSON (it and `customer` alone hold the unmasked customer number).
    call: Mapped[str] = mapped_column(Text)
    #: The customer's number as numbers are compared (`compared_number`); None: not known.
    customer: Mapped[str | None] = mapped_column(String(40))
    #: ISO 8601 with offset, for sorting calls of one order.
    started_at: Mapped[str | None] = mapped_column(String(40))
    #: The same in UTC, by which calls are assigned to days.
    started_utc: Mapped[str | None] = mapped_column(String(32))
    #: The `FailedCall` as JSON when the newest attempt failed.
    failure: Mapped[str | None] = mapped_column(Text)
    #: Hash of what the failure follows from, when trying again would fail again.
    failure_key: Mapped[str | None] = mapped_column(String(64))
    #: Key of the newest result; None until there is one.
    report_key: Mapped[str | None] = mapped_column(ForeignKey("call_reports.key"))
    #: Of the recording that the newest result is about; None for a transcript from elsewhere.
    audio_sha256: Mapped[str | None] = mapped_column(String(64))
    #: A `CallSource`; None: not known.
    source: Mapped[str | None] = mapped_column(String(20))


class TranscriptRow(Base):
    """A transcript, under the hash of audio, model, settings and channel map."""

    __tablename__ = "transcripts"
    __table_args__ = (Index("ix_transcripts_call", "call_id"), Index("ix_transcripts_audio", "audio_sha256"))

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    transcript: Mapped[str] = mapped_column(PackedText(seldom_read=True))
    #: The call that it was first made for; another with the same recording uses it too.
    call_id: Mapped[str] = mapped_column(String(200), default="", server_default="")
    audio_sha256: Mapped[str | None] = mapped_column(String(64))


class CallReportRow(Base):
    """The result of a call, under the hash of the transcript, the settings, the topics and the rules."""

    __tablename__ = "call_reports"
    __table_args__ = (Index("ix_call_reports_call", "call_id"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    report: Mapped[str] = mapped_column(PackedText)
    rules_sha256: Mapped[str] = mapped_column(String(64))
    call_id: Mapped[str] = mapped_column(String(200), default="", server_default="")
    #: When it was made: ISO 8601, UTC; None in those from before this was kept.
    judged_at: Mapped[str | None] = mapped_column(String(32))


class CallSummaryRow(Base):
    """The part of a judged call that periods and norms are added up from, under the key of its result."""

    __tablename__ = "call_summaries"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: A `CallSummary` as JSON.
    summary: Mapped[str] = mapped_column(PackedText)


class CallSnapshotRow(Base):
    """What rules look at in a judged call, in a compact form: an edited rule is replayed over all calls in seconds."""

    __tablename__ = "call_snapshots"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: Before the snapshot, so that it is read without what follows.
    rules_sha256: Mapped[str] = mapped_column(String(64))
    snapshot: Mapped[str] = mapped_column(PackedText)


class RuleSetRow(Base):
    """A rule set without errors: its files, under their hash. The newest is the fallback for a broken one."""

    __tablename__ = "rule_sets"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: Names and contents as a JSON object.
    files: Mapped[str] = mapped_column(Text)
    #: When it was last loaded without errors: ISO 8601, UTC.
    good_at: Mapped[str] = mapped_column(String(40))


class ReplayRow(Base):
    """A stored result that was judged again: which result it replaced, and by which rule set that was made."""

    __tablename__ = "replays"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    previous_key: Mapped[str] = mapped_column(String(64))
    previous_rules_sha256: Mapped[str] = mapped_column(String(64))
    applied_at: Mapped[str] = mapped_column(String(40))


class DocumentRow(Base):
    """A document that was written: where, the hash of what it was made from, and the file's size and time then."""

    __tablename__ = "documents"
    __table_args__ = (Index("ix_documents_name", "name"),)

    path: Mapped[str] = mapped_column(String(1000), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    #: Order or call that it is about; None for a document of many.
    name: Mapped[str | None] = mapped_column(String(200))


class DeliveryRow(Base):
    """One delivery to one recipient."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_state", "state"), Index("ix_outbox_period", "period"))

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: Name and guarantee of its `ChannelKind`: what follows a kill is decided by the row, without the channel's code.
    channel: Mapped[str] = mapped_column(String(20), server_default="mail")
    guarantee: Mapped[str] = mapped_column(String(20), server_default="at_most_once")
    #: "" where the channel has no editions.
    edition: Mapped[str] = mapped_column(String(20))
    recipient: Mapped[str] = mapped_column(String(320))
    period: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(320))
    #: The complete message; dropped once the server has taken it.
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    #: ISO 8601, UTC.
    planned_at: Mapped[str] = mapped_column(String(40))
    changed_at: Mapped[str] = mapped_column(String(40))
    next_try_at: Mapped[str | None] = mapped_column(String(40))
    reply: Mapped[str] = mapped_column(Text, default="")


class StoreFactRow(Base):
    """Something that the store knows of itself."""

    __tablename__ = "store_facts"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class RunRow(Base):
    """One run of `qareport daily`."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_period", "period"),)

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    period: Mapped[str] = mapped_column(String(60))
    mode: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[str | None] = mapped_column(String(40))
    #: JSON lists.
    steps: Mapped[str] = mapped_column(Text, default="[]")
    problems: Mapped[str] = mapped_column(Text, default="[]")
    summary: Mapped[str] = mapped_column(Text, default="")
    holder: Mapped[str] = mapped_column(String(200), default="")


class DeletionRow(Base):
    """The proof that something was deleted: when, how much, by what hashes; no personal data."""

    __tablename__ = "deletions"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    deleted_at: Mapped[str] = mapped_column(String(40))
    #: A `Deletion` as JSON.
    record: Mapped[str] = mapped_column(Text)


def compared_number(number: str | None) -> str | None:
    """Return a telephone number as it is compared: its digits, without the country code of China; None for none."""
    digits = "".join(c for c in number or "" if c.isdecimal())
    return digits.removeprefix("00" if digits.startswith("0086") else "").removeprefix("86")[:40] or None
