"""Deliveries over any channel, with what each channel guarantees; tables named after what they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Name the channel of each delivery (until now all were mails), and rename digests and scenes."""
    op.add_column("outbox", sa.Column("channel", sa.String(20), nullable=False, server_default="mail"))
    op.add_column("outbox", sa.Column("guarantee", sa.String(20), nullable=False, server_default="at_most_once"))
    op.rename_table("digests", "call_summaries")
    op.rename_table("scenes", "call_snapshots")
    bind = op.get_bind()  # Alembic would copy a whole SQLite table to rename a column
    bind.exec_driver_sql("ALTER TABLE call_summaries RENAME COLUMN digest TO summary")
    bind.exec_driver_sql("ALTER TABLE call_snapshots RENAME COLUMN scene TO snapshot")
