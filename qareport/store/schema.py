"""Tables of the store, and the full-text index of each database.

The indexes of SQLite and PostgreSQL hold the same terms (`qareport.search`) at the same places, and return the same
numbers of sentences.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from qareport.search import And, Mark, Node, Not, Or, Terms, Words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]


#: So many characters of UTF-8 take no more than the 1 MB of a vector of PostgreSQL.
_VECTOR_LENGTH = 250_000
#: The newest revision in `migrations/versions`; a store of a newer one is refused rather than misread.
REVISION = "0016"


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
    )

    call_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    order_id: Mapped[str | None] = mapped_column(String(200))
    agent_id: Mapped[str | None] = mapped_column(String(200))
    #: Number of the ticket elsewhere that it belongs to.
    external_ref: Mapped[str | None] = mapped_column(String(200))
    #: The `Call` as JSON (the one place that holds the unmasked customer number).
    call: Mapped[str] = mapped_column(Text)
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
    transcript: Mapped[str] = mapped_column(Text)
    #: The call that it was first made for; another with the same recording uses it too.
    call_id: Mapped[str] = mapped_column(String(200), default="", server_default="")
    audio_sha256: Mapped[str | None] = mapped_column(String(64))


class CallReportRow(Base):
    """The result of a call, under the hash of the transcript, the settings, the topics and the rules."""

    __tablename__ = "call_reports"
    __table_args__ = (Index("ix_call_reports_call", "call_id"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    report: Mapped[str] = mapped_column(Text)
    rules_sha256: Mapped[str] = mapped_column(String(64))
    call_id: Mapped[str] = mapped_column(String(200), default="", server_default="")
    #: When it was made: ISO 8601, UTC; None in those from before this was kept.
    judged_at: Mapped[str | None] = mapped_column(String(32))


class CallSummaryRow(Base):
    """The part of a judged call that periods and norms are added up from, under the key of its result."""

    __tablename__ = "call_summaries"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: A `CallSummary` as JSON.
    summary: Mapped[str] = mapped_column(Text)


class CallSnapshotRow(Base):
    """What rules look at in a judged call, in a compact form: an edited rule is replayed over all calls in seconds."""

    __tablename__ = "call_snapshots"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: Before the snapshot, so that it is read without what follows.
    rules_sha256: Mapped[str] = mapped_column(String(64))
    snapshot: Mapped[str] = mapped_column(Text)


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
    """A document that was written: where, and the hash of what it was made from."""

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


#: Bits of a sentence's number within its call.
SHIFT = 16
#: Sentences of a call that are indexed.
MOST_SENTENCES = 1 << SHIFT
#: Calls whose sentences are read at once.
PAGE = 500
#: What a query must hold for: one sentence, or the call with each part somewhere in it.
Scope = Literal["sentence", "call"]
#: Number of a sentence, and its terms in order.
Sentence = tuple[int, Sequence[str]]


class WordIndex(Protocol):
    """What a database does with the terms of sentences."""

    def put(self, session: Session, sentences: Iterable[Sentence]) -> None:
        """Add sentences."""

    def drop(self, session: Session, sentences: Iterable[Sentence]) -> None:
        """Remove sentences; their terms are those that they were put in with."""

    def tidy(self, session: Session) -> None:
        """Erase the remains of what was removed."""

    def clear(self, session: Session) -> None:
        """Remove everything."""

    def faults(self, session: Session) -> str:
        """Return what is wrong with the index itself; "" when nothing is."""

    def find(self, session: Session, node: Node) -> Numbers:
        """Return the sorted numbers of the sentences that a query of words and tags holds for.

        NOT occurs in it only beside another part of AND.
        """


def word_index(session: Session) -> WordIndex:
    """Return the index of the database of a session."""
    return _Vectors() if session.get_bind().dialect.name == "postgresql" else _Fts5()


class _Fts5:
    """SQLite: an FTS5 table without content, whose row numbers are the sentences'."""

    def put(self, session: Session, sentences: Iterable[Sentence]) -> None:
        statement = (
            "INSERT INTO search_words(rowid, words) "
            "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:rows)"
        )
        session.execute(text(statement), {"rows": self._rows(sentences)})

    def drop(self, session: Session, sentences: Iterable[Sentence]) -> None:
        statement = (
            "INSERT INTO search_words(search_words, rowid, words) "
            "SELECT 'delete', json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:rows)"
        )
        session.execute(text(statement), {"rows": self._rows(sentences)})

    def tidy(self, session: Session) -> None:
        # Until parts of the index are merged, the old ones hold deleted terms.
        session.execute(text("INSERT INTO search_words(search_words) VALUES ('optimize')"))

    def clear(self, session: Session) -> None:
        session.execute(text("INSERT INTO search_words(search_words) VALUES ('delete-all')"))

    def faults(self, session: Session) -> str:
        try:
            session.execute(text("INSERT INTO search_words(search_words) VALUES ('integrity-check')"))
        except DatabaseError as error:
            if "locked" in str(error.orig):
                raise
            return str(error.orig)
        return ""

    def find(self, session: Session, node: Node) -> Numbers:
        query = text("SELECT group_concat(rowid) FROM search_words WHERE search_words MATCH :query")
        return read_numbers(session.execute(query, {"query": self._query(node)}).scalar())

    @staticmethod
    def _rows(sentences: Iterable[Sentence]) -> str:
        return json.dumps([(number, " ".join(terms)) for number, terms in sentences], ensure_ascii=False)

    def _query(self, node: Node) -> str:
        match node:
            case Words(terms=Terms(terms, prefix)):
                return f'"{" ".join(terms)}"' + (" *" if prefix else "")
            case Mark(term=term):
                return f'"{term}"'
            case And(parts=parts):
                sure = " AND ".join(self._query(part) for part in parts if not isinstance(part, Not))
                without = "".join(f" NOT {self._query(part.part)}" for part in parts if isinstance(part, Not))
                return f"({sure}{without})"
            case Or(parts=parts):
                return "(" + " OR ".join(self._query(part) for part in parts) + ")"
        raise TypeError(node)


class _Vectors:
    """PostgreSQL: a tsvector for each sentence, written term by term with its place, under a GIN index."""

    def put(self, session: Session, sentences: Iterable[Sentence]) -> None:
        rows = [(number, self._vector(terms)) for number, terms in sentences]
        statement = (
            "INSERT INTO search_words (number, words) SELECT (pair ->> 0)::bigint, (pair ->> 1)::tsvector "
            "FROM json_array_elements(CAST(:rows AS json)) AS pair"
        )
        session.execute(text(statement), {"rows": json.dumps(rows, ensure_ascii=False)})

    def drop(self, session: Session, sentences: Iterable[Sentence]) -> None:
        numbers = [number for number, _ in sentences]
        if numbers:
            session.execute(
                text("DELETE FROM search_words WHERE number BETWEEN :first AND :last"),
                {"first": min(numbers), "last": max(numbers)},
            )

    def tidy(self, session: Session) -> None:
        """Do nothing: the server's vacuum does it, as for all tables."""

    def clear(self, session: Session) -> None:
        session.execute(text("DELETE FROM search_words"))

    def faults(self, session: Session) -> str:
        return ""  # the server checks its own indexes

    def find(self, session: Session, node: Node) -> Numbers:
        query = text("SELECT string_agg(number::text, ',') FROM search_words WHERE words @@ CAST(:query AS tsquery)")
        numbers = read_numbers(session.execute(query, {"query": self._query(node)}).scalar())
        numbers.sort()
        return numbers

    @staticmethod
    def _vector(terms: Sequence[str]) -> str:
        """Write the terms with their places, as far as the server takes them: 1 MB in all, 2 kB each."""
        written = "".join(f"'{term[:500]}':{place} " for place, term in enumerate(terms, start=1))
        return written[:_VECTOR_LENGTH].rpartition(" ")[0]

    def _query(self, node: Node) -> str:
        match node:
            case Words(terms=Terms(terms, prefix)):
                return "(" + " <-> ".join(f"'{term}'" for term in terms) + (":*" if prefix else "") + ")"
            case Mark(term=term):
                return f"'{term}'"
            case And(parts=parts):
                return "(" + " & ".join(self._query(part) for part in parts) + ")"
            case Not(part=part):
                return f"!{self._query(part)}"
            case Or(parts=parts):
                return "(" + " | ".join(self._query(part) for part in parts) + ")"
        raise TypeError(node)


def read_numbers(joined: object) -> Numbers:
    """Read numbers that the database joined with commas: for many, far quicker than a row each."""
    import numpy as np  # takes long to import, and only searches need it

    if not joined:
        return np.empty(0, dtype=np.int64)
    return np.fromstring(str(joined), dtype=np.int64, sep=",")
