"""The store of version 1, as it was made before there were revisions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "call_reports",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("rules_sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(200), primary_key=True),
        sa.Column("order_id", sa.String(200)),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("started_at", sa.String(40)),
        sa.Column("failure", sa.Text),
        sa.Column("failure_key", sa.String(64)),
        sa.Column("report_key", sa.String(64), sa.ForeignKey("call_reports.key")),
    )
    op.create_index("ix_calls_order", "calls", ["order_id"])
    op.create_index("ix_calls_started", "calls", ["started_at"])
    op.create_table(
        "transcripts",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("transcript", sa.Text, nullable=False),
    )
    op.create_table(
        "scenes",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("rules_sha256", sa.String(64), nullable=False),
        sa.Column("scene", sa.Text, nullable=False),
    )
    op.create_table(
        "rule_sets",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("files", sa.Text, nullable=False),
        sa.Column("good_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "replays",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("previous_key", sa.String(64), nullable=False),
        sa.Column("previous_rules_sha256", sa.String(64), nullable=False),
        sa.Column("applied_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("path", sa.String(1000), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
    )
