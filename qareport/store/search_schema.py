"""Tables of the search index, beside `search_words`, which each database has in a form of its own."""

from __future__ import annotations

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from qareport.store.packed_text import PackedText
from qareport.store.schema import Base


class SearchCallRow(Base):
    """A call as searches see it: what its newest result says of it, copied so that nothing is joined.

    The terms of its sentences are in `search_words`, which each database has in a form of its own (`WordIndex`):
    sentence n of call `number` is number * 65536 + n there.
    """

    __tablename__ = "search_calls"
    __table_args__ = (
        # Each holds all that a list asks of calls: no row is looked at that the list does not show.
        Index("ix_search_calls_started", "started_utc", "number", "agent_id", "risk", "score"),
        Index("ix_search_calls_agent", "agent_id", "started_utc", "number", "risk", "score"),
        Index("ix_search_calls_risk", "risk", "started_utc", "number", "agent_id", "score"),
        Index("ix_search_calls_score", "score", "number", "started_utc", "agent_id", "risk"),
        # A number is given once: what was made from some calls is of these alone.
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(String(200), unique=True)
    report_key: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[str | None] = mapped_column(String(200))
    agent_id: Mapped[str | None] = mapped_column(String(200))
    #: "" where it is not known: both databases then sort it in the same place.
    started_utc: Mapped[str] = mapped_column(String(32))
    started_at: Mapped[str | None] = mapped_column(String(40))
    score: Mapped[int | None] = mapped_column(Integer)
    risk: Mapped[str] = mapped_column(String(10))
    #: Ids of the rules that hit, each between bars: |a|b|.
    rules: Mapped[str] = mapped_column(Text)
    sentences: Mapped[int] = mapped_column(Integer)


class SearchFacetRow(Base):
    """One thing that a call is filed under (`search.facets_of`), in the order of time: a facet is read from its end."""

    __tablename__ = "search_facets"
    __table_args__ = (
        Index("ix_search_facets_number", "number"),
        # A facet in the order of scores, with all by which other facets of its calls are found.
        Index("ix_search_facets_score", "kind", "value", "score", "number", "started_utc"),
        {"sqlite_with_rowid": False},
    )

    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    value: Mapped[str] = mapped_column(String(200), primary_key=True)
    #: As in `search_calls`.
    started_utc: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    #: As in `search_calls`.
    score: Mapped[int | None] = mapped_column(Integer)


class SearchLinesRow(Base):
    """The sentences of a call as searches show them: masked. Apart, so that reading calls stays quick."""

    __tablename__ = "search_lines"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    #: A list of `Line`s as JSON.
    lines: Mapped[str] = mapped_column(PackedText)


class DayRollupRow(Base):
    """What the calls of one day add up to, for readers who find that these are its calls still (`DayRollups`)."""

    __tablename__ = "day_rollups"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    #: Its first instant and the first one after it, as in `search_calls`.
    began: Mapped[str] = mapped_column(String(32), primary_key=True)
    ended: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: Of the calls that were added up.
    state: Mapped[str] = mapped_column(String(100))
    #: As JSON.
    content: Mapped[str] = mapped_column(PackedText)
