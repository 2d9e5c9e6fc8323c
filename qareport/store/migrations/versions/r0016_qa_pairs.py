"""Question-answer pairs, and how far calls have been looked through for them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the tables of pairs."""
    op.create_table(
        "qa_pairs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("call_id", sa.String(200), sa.ForeignKey("calls.call_id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("rejected", sa.Text, nullable=False),
        sa.Column("mined_question", sa.Text, nullable=False),
        sa.Column("q_ms", sa.Integer, nullable=False),
        sa.Column("a_ms", sa.Integer, nullable=False),
        sa.Column("issue", sa.String(200)),
        sa.Column("stage", sa.String(200)),
        sa.Column("emotion_before", sa.String(20)),
        sa.Column("emotion_after", sa.String(20)),
        sa.Column("helped", sa.Boolean),
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("answer_id", sa.Integer, nullable=False),
        sa.Column("contradicted", sa.Boolean, nullable=False),
        sa.Column("transcript_key", sa.String(64), nullable=False),
        sa.Column("rules_sha256", sa.String(64), nullable=False),
        sa.Column("edited_by", sa.Integer, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("edited_at", sa.String(32)),
    )
    op.create_index("ix_qa_pairs_call_id", "qa_pairs", ["call_id"])
    op.create_index("ix_qa_pairs_group_id", "qa_pairs", ["group_id"])
    op.create_index("ix_qa_pairs_state", "qa_pairs", ["state", "kind"])
    op.create_table(
        "qa_mined",
        sa.Column("call_id", sa.String(200), sa.ForeignKey("calls.call_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.String(80), nullable=False),
    )
