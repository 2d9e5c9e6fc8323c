"""Days added up, summaries compressed, and numbers of calls in the search index that are given once.

SQLite gives a number anew where the highest one was deleted, unless the table is told not to: it is written anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the table of days, and change the two others."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "day_rollups",
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("began", sa.String(32), primary_key=True),
        sa.Column("ended", sa.String(32), primary_key=True),
        sa.Column("state", sa.String(100), nullable=False),
        sa.Column("content", sa.LargeBinary if postgresql else sa.Text, nullable=False),
    )
    if postgresql:
        op.execute("ALTER TABLE call_summaries ALTER COLUMN summary TYPE bytea USING convert_to(summary, 'UTF8')")
    else:
        with op.batch_alter_table("search_calls", recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass
