"""Search: what was said, term by term; and whose each call is, which stood in its JSON only.

The index is filled by the first search, or by `qareport store upgrade`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables of the search index, and the agent of each call."""
    op.add_column("calls", sa.Column("agent_id", sa.String(200)))
    op.create_index("ix_calls_agent", "calls", ["agent_id"])
    op.create_table(
        "search_calls",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("call_id", sa.String(200), nullable=False, unique=True),
        sa.Column("report_key", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(200)),
        sa.Column("agent_id", sa.String(200)),
        sa.Column("started_utc", sa.String(32), nullable=False),
        sa.Column("started_at", sa.String(40)),
        sa.Column("score", sa.Integer),
        sa.Column("risk", sa.String(10), nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("sentences", sa.Integer, nullable=False),
    )
    op.create_index("ix_search_calls_started", "search_calls", ["started_utc", "number"])
    op.create_table(
        "search_lines",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("lines", sa.Text, nullable=False),
    )
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        # Terms are kept out of line: a search that needs no phrase then reads narrow rows only.
        bind.exec_driver_sql(
            "CREATE TABLE search_words (number BIGINT PRIMARY KEY, words TSVECTOR NOT NULL) "
            "WITH (toast_tuple_target = 128)"
        )
        bind.exec_driver_sql("ALTER TABLE search_words ALTER COLUMN words SET STORAGE EXTERNAL")
        bind.exec_driver_sql("CREATE INDEX ix_search_words ON search_words USING gin (words)")
        bind.exec_driver_sql("UPDATE calls SET agent_id = call::json ->> 'agent_id'")
    else:
        # Terms come ready, with spaces between them: the simplest tokenizer parts them.
        bind.exec_driver_sql(
            "CREATE VIRTUAL TABLE search_words USING fts5(words, content='', columnsize=0, tokenize='ascii')"
        )
        bind.exec_driver_sql("UPDATE calls SET agent_id = json_extract(call, '$.agent_id')")
