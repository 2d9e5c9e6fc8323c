"""Corrections of calls, exports, where calls came from, and facets by language, source and review.

Languages are in the results alone, so every call is indexed anew: by the desk's worker, or by the next
`qareport store upgrade` or search.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the tables, and name uploads as such."""
    op.add_column("calls", sa.Column("source", sa.String(20)))
    op.create_table(
        "call_corrections",
        sa.Column("call_id", sa.String(200), sa.ForeignKey("calls.call_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("correction", sa.Text, nullable=False),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.Integer, sa.ForeignKey("jobs.id", ondelete="SET NULL")),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("format", sa.String(20), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("scope", sa.String(20), nullable=False),
        sa.Column("agents", sa.Text),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("file", sa.String(200), nullable=False),
    )
    op.create_index("ix_exports_user", "exports", ["user_id", "id"])
    op.create_index("ix_exports_expires", "exports", ["expires_at"])
    bind = op.get_bind()
    payloads = bind.exec_driver_sql("SELECT payload FROM jobs WHERE kind = 'upload'").scalars().all()
    uploaded = [{"call": json.loads(payload).get("call_id", "")} for payload in payloads]
    if uploaded:
        bind.execute(sa.text("UPDATE calls SET source = 'upload' WHERE call_id = :call"), uploaded)
    bind.exec_driver_sql("UPDATE search_calls SET report_key = ''")
