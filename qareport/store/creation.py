"""A new store, made at once as the newest revision leaves it; the revisions are for stores that exist."""

from __future__ import annotations

from typing import Final

import sqlalchemy
from sqlalchemy import text

# Each of these adds its tables to those of `Base`.
from qareport.store import (
    desk_schema,  # noqa: F401
    live_schema,  # noqa: F401
    qa_schema,  # noqa: F401
    review_schema,  # noqa: F401
    rule_schema,  # noqa: F401
    search_schema,  # noqa: F401
    webhook_schema,  # noqa: F401
)
from qareport.store.schema import REVISION, Base

#: Every table of the code, each after those that it points to.
ALL_TABLES: Final = tuple(Base.metadata.sorted_tables)
#: Alembic's own table, as it makes it.
_VERSION = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
#: The full-text index of each database, which no table of the code describes.
_WORDS = {
    # Terms come ready, with spaces between them: the simplest tokenizer parts them.
    "sqlite": ("CREATE VIRTUAL TABLE search_words USING fts5(words, content='', columnsize=0, tokenize='ascii')",),
    # Terms are kept out of line: a search that needs no phrase then reads narrow rows only.
    "postgresql": (
        """CREATE TABLE search_words (number BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)
        WITH (toast_tuple_target = 128)""",
        "ALTER TABLE search_words ALTER COLUMN words SET STORAGE EXTERNAL",
        "CREATE INDEX ix_search_words ON search_words USING gin (words)",
    ),
}


def is_empty(connection: sqlalchemy.Connection) -> bool:
    """Whether a database has no table of a store."""
    return not set(sqlalchemy.inspect(connection).get_table_names()) & {"alembic_version", *Base.metadata.tables}


def make_store(connection: sqlalchemy.Connection) -> None:
    """Make all tables in an empty database, as the revisions one after another would (a test holds both together)."""
    connection.exec_driver_sql(_VERSION)
    Base.metadata.create_all(connection, checkfirst=False)
    for statement in _WORDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": REVISION})
