"""Transcripts, results, snapshots and the lines of searches are compressed. What is stored stays readable as it is.

SQLite takes bytes in any column, so nothing is written anew there; PostgreSQL writes the four tables once.
"""

from alembic import op

revision = "0018"
down_revision = "0017"

_COLUMNS = {
    "transcripts": "transcript",
    "call_reports": "report",
    "call_snapshots": "snapshot",
    "search_lines": "lines",
}


def upgrade() -> None:
    """Let the columns hold bytes."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        for table, column in _COLUMNS.items():
            bind.exec_driver_sql(
                f"ALTER TABLE {table} ALTER COLUMN {column} TYPE bytea USING convert_to({column}, 'UTF8')"
            )
