"""Indexes of lists: each holds all that a list asks of calls, and scores are in the order in which they are listed."""

from alembic import op

revision = "0011"
down_revision = "0010"

#: Columns of each index of `search_calls`.
_INDEXES = {
    "started": ["started_utc", "number", "agent_id", "risk", "score"],
    "agent": ["agent_id", "started_utc", "number", "risk", "score"],
    "risk": ["risk", "started_utc", "number", "agent_id", "score"],
    "score": ["score", "number", "started_utc", "agent_id", "risk"],
}


def upgrade() -> None:
    """Make the indexes anew."""
    for name, columns in _INDEXES.items():
        op.drop_index(f"ix_search_calls_{name}", "search_calls")
        op.create_index(f"ix_search_calls_{name}", "search_calls", columns)
