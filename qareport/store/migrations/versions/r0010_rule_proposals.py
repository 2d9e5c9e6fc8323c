"""Drafts of rule files, proposals that wait for consent, and the history of what was published."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table of proposals."""
    op.create_table(
        "rule_proposals",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("file", sa.String(300), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("batch", sa.Integer),
        sa.Column("base_text", sa.Text, nullable=False),
        sa.Column("base_sha256", sa.String(64)),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("replay_sha256", sa.String(64)),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("second_user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("ix_rule_proposals_file", "rule_proposals", ["file", "state", "id"])
    op.create_index("ix_rule_proposals_user", "rule_proposals", ["user_id", "state"])
