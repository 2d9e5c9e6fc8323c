"""Indexes of lists, each with all that a list asks of calls; facets for heat maps; answers that are kept for a day.

The facets are made from the summaries that the store has; a call without one is indexed anew by the next
`qareport store upgrade` or search.
"""

import sqlalchemy as sa
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
    """Make the indexes anew, the facets from summaries, and the table of answers."""
    op.create_table(
        "answers",
        sa.Column("key_sha256", sa.String(64), primary_key=True),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("ix_answers_at", "answers", ["at"])
    for name, columns in _INDEXES.items():
        op.drop_index(f"ix_search_calls_{name}", "search_calls")
        op.create_index(f"ix_search_calls_{name}", "search_calls", columns)
    bind = op.get_bind()
    postgresql = bind.dialect.name == "postgresql"

    def of_summary(key: str, place: str = "") -> str:
        if postgresql:
            return f"c.summary::json -> '{key}' ->> 0" if place else f"c.summary::json ->> '{key}'"
        return f"json_extract(c.summary, '$.{key}{place}')"

    issue, emotion, outside = of_summary("issues", "[0]"), of_summary("dominant_emotion"), of_summary("outside_domain")
    yes = "'true'" if postgresql else "1"
    for kind, value, condition in (
        ("main", issue, f"{issue} IS NOT NULL"),
        ("heard", "''", f"{emotion} IS NOT NULL"),
        ("outside", "''", f"{outside} = {yes}"),
    ):
        bind.exec_driver_sql(
            "INSERT INTO search_facets (kind, value, started_utc, number) "  # noqa: S608 - of fixed words alone
            f"SELECT '{kind}', {value}, s.started_utc, s.number FROM search_calls s "
            f"JOIN call_summaries c ON c.key = s.report_key WHERE {condition}"
        )
    bind.exec_driver_sql(
        "UPDATE search_calls SET report_key = '' WHERE report_key NOT IN (SELECT key FROM call_summaries)"
    )
