"""Verdicts on findings, appeals against them, and what agents have read; when a result was made."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables of the review."""
    op.add_column("call_reports", sa.Column("judged_at", sa.String(32)))
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _call(),
        sa.Column("rule_id", sa.String(200), nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("quote_sha256", sa.String(64), nullable=False),
        sa.Column("report_key", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(20)),
        sa.Column("comment", sa.Text, nullable=False),
        _user("user_id"),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("stale", sa.Boolean, nullable=False),
        sa.Column("replaces", sa.Integer),
        sa.Column("second_wanted", sa.Boolean, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
    )
    for column in ("call_id", "rule_id", "replaces", "second_wanted"):
        op.create_index(f"ix_verdicts_{column}", "verdicts", [column])
    op.create_table(
        "appeals",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _call(),
        sa.Column("rule_id", sa.String(200), nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("verdict_id", sa.Integer),
        _user("user_id"),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("opened_at", sa.String(32), nullable=False),
        sa.Column("due_at", sa.String(32), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        _user("decided_by"),
        sa.Column("decided_at", sa.String(32)),
        sa.Column("decision_comment", sa.Text, nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
    )
    op.create_index("ix_appeals_call_id", "appeals", ["call_id"])
    op.create_index("ix_appeals_state", "appeals", ["state", "due_at"])
    op.create_table(
        "acknowledgements",
        _call(primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
    )


def _call(*, primary_key: bool = False) -> sa.Column[str]:
    """Make the column of the call; its rows go with it."""
    call = sa.ForeignKey("calls.call_id", ondelete="CASCADE")
    return sa.Column("call_id", sa.String(200), call, primary_key=primary_key, nullable=False)


def _user(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey("users.id", ondelete="SET NULL"))
