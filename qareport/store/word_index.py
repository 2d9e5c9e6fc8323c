"""The full-text index of each database.

The indexes of SQLite and PostgreSQL hold the same terms (`qareport.search`) at the same places, and return the same
numbers of sentences.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Text,
    cast,
    column,
    exists,
    func,
    literal,
    select,
    table,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from qareport.search import And, Mark, Node, Not, Or, Terms, Words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]


#: So many characters of UTF-8 take no more than the 1 MB of a vector of PostgreSQL.
_VECTOR_LENGTH = 250_000
#: Bits of a sentence's number within its call.
SHIFT = 16
#: Sentences of a call that are indexed.
MOST_SENTENCES = 1 << SHIFT
#: Calls whose sentences are read at once.
PAGE = 500
#: Calls whose hits come from the database as one text; a database makes none over 1 GB.
CALLS_AT_ONCE = 50_000
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

    #: Whether removed terms stay in the file until `tidy` has erased them.
    leaves_remains: bool

    def tidy(self, session: Session, *, begin: bool) -> bool:
        """Erase some of the remains of what was removed.

        Args:
            session: of a short transaction: others write between two of them.
            begin: whether this is the first one.

        Returns:
            whether there may be more.
        """

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
    return vectors(session) or _Fts5()


def vectors(session: Session) -> Vectors | None:
    """Return PostgreSQL's index, if that is the database: it need not look at all sentences of a frequent word."""
    return Vectors() if session.get_bind().dialect.name == "postgresql" else None


#: Whether SQLite erases deleted terms at once; before 3.42 the whole index must be written anew.
_ERASES = sqlite3.sqlite_version_info >= (3, 42)
#: Of the index that are written anew in one step of `tidy`: some 8 MB.
_PAGES = 2_000


class _Fts5:
    """SQLite: an FTS5 table without content, whose row numbers are the sentences'."""

    def put(self, session: Session, sentences: Iterable[Sentence]) -> None:
        statement = (
            "INSERT INTO search_words(rowid, words) "
            "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:rows)"
        )
        session.execute(text(statement), {"rows": self._rows(sentences)})

    def drop(self, session: Session, sentences: Iterable[Sentence]) -> None:
        if _ERASES:
            session.execute(text("INSERT INTO search_words(search_words, rank) VALUES ('secure-delete', 1)"))
        statement = (
            "INSERT INTO search_words(search_words, rowid, words) "
            "SELECT 'delete', json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:rows)"
        )
        session.execute(text(statement), {"rows": self._rows(sentences)})

    leaves_remains = not _ERASES

    def tidy(self, session: Session, *, begin: bool) -> bool:
        # Until all parts of the index are merged into one, the old ones hold deleted terms. As SQLite's documentation
        # has it: the first step is told so by the sign, and the last one changes next to nothing.
        connection: Any = session.connection().connection.driver_connection
        before = connection.total_changes
        statement = "INSERT INTO search_words(search_words, rank) VALUES ('merge', :pages)"
        session.execute(text(statement), {"pages": -_PAGES if begin else _PAGES})
        return bool(connection.total_changes - before >= 2)

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
        query = text(
            "SELECT group_concat(rowid) FROM search_words "
            "WHERE search_words MATCH :query AND rowid >= :first AND rowid < :last"
        )
        asked = self._query(node)
        return _read_parts(
            session.scalar(query, {"query": asked, "first": first, "last": last}) for first, last in _parts(session)
        )

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


#: What PostgreSQL may hold of a search until the transaction ends. Of the sentences of a frequent word in a million
#: calls it notes places; where these do not fit, it notes pages, and looks at every sentence of each.
_WITH_ROOM = text(
    "SELECT set_config('work_mem', '64MB', true) WHERE pg_size_bytes(current_setting('work_mem')) < 64 * 1024 * 1024"
)


_ROW: Final = table("search_words", column("number", BigInteger), column("words", TSVECTOR))


class Vectors:
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

    leaves_remains = False

    def tidy(self, session: Session, *, begin: bool) -> bool:
        """Do nothing: the server's vacuum does it, as for all tables."""
        return False

    def clear(self, session: Session) -> None:
        session.execute(text("DELETE FROM search_words"))

    def faults(self, session: Session) -> str:
        return ""  # the server checks its own indexes

    def find(self, session: Session, node: Node) -> Numbers:
        # All parts in one statement: one for each part would read the sentences of its calls instead of the index,
        # as that has the sentences of all calls together.
        parts = ", ".join(
            f"string_agg(number::text, ',') FILTER (WHERE number >= {first} AND number < {last})"
            for first, last in _parts(session)
        )
        session.execute(_WITH_ROOM)
        query = text(f"SELECT {parts} FROM search_words WHERE words @@ CAST(:query AS tsquery)")  # noqa: S608 - numbers
        numbers = _read_parts(session.execute(query, {"query": self._query(node)}).one())
        numbers.sort()
        return numbers

    def estimate(self, session: Session, node: Node) -> float:
        """Return about how many sentences a query holds for, as the server plans it."""
        query = text("EXPLAIN (FORMAT JSON) SELECT FROM search_words WHERE words @@ CAST(:query AS tsquery)")
        plan: Any = session.scalar(query, {"query": self._query(node)})
        return float((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])

    def find_some(self, session: Session, node: Node, most: int) -> Numbers:
        """Return sorted numbers of so many of the sentences: the first in the table, which are those of some calls."""
        # Most of the time goes into the rows, as only the table has the numbers. A query apart is planned as for all of
        # them, by the index, and ends with the last that is asked for.
        session.execute(_WITH_ROOM)
        query = text(
            "WITH found AS MATERIALIZED (SELECT number FROM search_words WHERE words @@ CAST(:query AS tsquery)) "
            "SELECT string_agg(number::text, ',') FROM (SELECT number FROM found LIMIT :most) AS first"
        )
        numbers = read_numbers(session.scalar(query, {"query": self._query(node), "most": most}))
        numbers.sort()
        return numbers

    def find_among(self, session: Session, node: Node, calls: Sequence[int]) -> Numbers:
        """Return the sorted numbers of the sentences of some calls that a query holds for: all of them are read."""
        call, number = func.unnest(cast(literal(f"{{{','.join(map(str, calls))}}}"), ARRAY(Integer))), _ROW.c.number
        every = select(call.label("call")).subquery()
        own = self._spoken(node, every.c.call, number).subquery().lateral()
        joined = func.string_agg(cast(own.c.number, Text), ",")
        numbers = read_numbers(session.scalar(select(joined).select_from(every.join(own, true()))))
        numbers.sort()
        return numbers

    def holds_in(self, node: Node, call: Any) -> Any:
        """Return the condition that a query holds for a sentence of the call of a number."""
        return exists(self._spoken(node, call, literal(1)))

    def _spoken(self, node: Node, call: Any, column: Any) -> Any:
        """Select the sentences of a call that a query holds for, by their numbers.

        "IS TRUE" keeps the index of words out of it, and the offset joins: these would look at all calls.
        """
        first = cast(call, BigInteger) * MOST_SENTENCES
        holds = _ROW.c.words.op("@@")(cast(literal(self._query(node)), TSQUERY)).is_(true())
        own = select(column).select_from(_ROW)
        return own.where(_ROW.c.number >= first, _ROW.c.number < first + MOST_SENTENCES, holds).offset(0)

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


def _parts(session: Session) -> Iterator[tuple[int, int]]:
    """Yield ranges of the numbers of sentences, each of some calls: what is found in one fits into one text."""
    calls = int(session.scalar(text("SELECT max(number) FROM search_calls")) or 0)
    return ((first << SHIFT, (first + CALLS_AT_ONCE) << SHIFT) for first in range(0, calls + 1, CALLS_AT_ONCE))


def _read_parts(parts: Iterable[object]) -> Numbers:
    import numpy as np  # takes long to import, and only searches need it

    return np.concatenate([read_numbers(part) for part in parts])


def read_numbers(joined: object) -> Numbers:
    """Read numbers that the database joined with commas: for many, far quicker than a row each."""
    import numpy as np

    if not joined:
        return np.empty(0, dtype=np.int64)
    return np.fromstring(str(joined), dtype=np.int64, sep=",")
