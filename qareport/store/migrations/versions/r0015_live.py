"""Calls that are heard while they are on, their alerts, and the tickets that let sound in."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables of live calls."""
    op.create_table(
        "live_calls",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("agent_id", sa.String(200)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("audio_path", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.Column("merged_call_id", sa.String(200)),
    )
    op.create_index("ix_live_calls_state", "live_calls", ["state", "started_at"])
    op.create_index("ix_live_calls_call_id", "live_calls", ["call_id"])
    op.create_index("ix_live_calls_merged", "live_calls", ["merged_call_id"])
    live = sa.ForeignKey("live_calls.id", ondelete="CASCADE")
    user = sa.ForeignKey("users.id", ondelete="SET NULL")
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("live_id", sa.String(40), live, nullable=False),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("agent_id", sa.String(200)),
        sa.Column("rule_id", sa.String(200)),
        sa.Column("signal", sa.String(20)),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("advice", sa.Text, nullable=False),
        sa.Column("raised_at", sa.String(32), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("route", sa.Integer, nullable=False),
        sa.Column("routed_at", sa.String(32), nullable=False),
        sa.Column("acked_by", sa.Integer, user),
        sa.Column("acked_at", sa.String(32)),
        sa.Column("snoozed_until", sa.String(32)),
        sa.Column("false_reason", sa.Text, nullable=False),
        sa.Column("borne_out", sa.Boolean),
    )
    op.create_index("ix_alerts_live", "alerts", ["live_id"])
    op.create_index("ix_alerts_state", "alerts", ["state", "raised_at"])
    op.create_table(
        "live_tickets",
        sa.Column("ticket_sha256", sa.String(64), primary_key=True),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
    )
    op.create_index("ix_live_tickets_expires", "live_tickets", ["expires_at"])
