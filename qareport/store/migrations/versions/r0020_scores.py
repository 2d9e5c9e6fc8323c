"""Scores of calls in what they are filed under, and an index of each facet by score.

The table is written anew, which leaves no old rows behind: in PostgreSQL call by call, as it was filled.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Make the table anew with the scores, and its indexes."""
    op.create_table(
        "scored_facets",
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("value", sa.String(200), primary_key=True),
        sa.Column("started_utc", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("score", sa.Integer),
        sqlite_with_rowid=False,
    )
    bind = op.get_bind()
    postgresql = bind.dialect.name == "postgresql"
    order = "f.number" if postgresql else "f.kind, f.value, f.started_utc, f.number"
    bind.exec_driver_sql(
        "INSERT INTO scored_facets (kind, value, started_utc, number, score) "  # noqa: S608 - of fixed words alone
        "SELECT f.kind, f.value, f.started_utc, f.number, c.score FROM search_facets f "
        f"LEFT JOIN search_calls c ON c.number = f.number ORDER BY {order}"
    )
    op.drop_table("search_facets")
    op.rename_table("scored_facets", "search_facets")
    op.create_index("ix_search_facets_number", "search_facets", ["number"])
    op.create_index("ix_search_facets_score", "search_facets", ["kind", "value", "score", "number", "started_utc"])
    if postgresql:
        op.execute("ALTER INDEX scored_facets_pkey RENAME TO search_facets_pkey")
        op.execute("ANALYZE search_facets")  # what it is known by for lists, until the server looks after it
