"""Facets: what whole calls are filed under, and indexes for lists by agent, risk and score.

Facets are made from the summaries that the store has; a call without one is indexed anew by the next
`qareport store upgrade` or search.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

#: JSON lists of a summary, and the facets that they become.
_LISTS = {"issue": "issues", "stage": "stages", "emotion": "emotions"}


def upgrade() -> None:
    """Make the table of facets and fill it."""
    op.create_table(
        "search_facets",
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("value", sa.String(200), primary_key=True),
        sa.Column("started_utc", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_search_facets_number", "search_facets", ["number"])
    for column in ("agent_id", "risk", "score"):
        name = column.removesuffix("_id")
        op.create_index(f"ix_search_calls_{name}", "search_calls", [column, "started_utc", "number"])
    bind = op.get_bind()
    postgresql = bind.dialect.name == "postgresql"
    for kind, key in _LISTS.items():
        values, outside = _read(key, "value", postgresql=postgresql)
        _fill(bind, kind, "j.value", values, f"AND NOT {outside}" if kind == "emotion" else "")
    hits, _ = _read("hits", "value", postgresql=postgresql)
    rule = "j.value::json ->> 'rule_id'" if postgresql else "json_extract(j.value, '$.rule_id')"
    _fill(bind, "rule", rule, hits, "")
    bind.exec_driver_sql(
        "UPDATE search_calls SET report_key = '' WHERE report_key NOT IN (SELECT key FROM call_summaries)"
    )


def _read(key: str, column: str, *, postgresql: bool) -> tuple[str, str]:
    """Return the list of a summary as a table `j`, and whether the model was outside its domain."""
    if postgresql:
        return (
            f"json_array_elements_text(c.summary::json -> '{key}') AS j({column})",
            "coalesce(c.summary::json ->> 'outside_domain', 'false') = 'true'",
        )
    return f"json_each(c.summary, '$.{key}') AS j", "coalesce(json_extract(c.summary, '$.outside_domain'), 0)"


def _fill(bind: sa.Connection, kind: str, value: str, values: str, condition: str) -> None:
    bind.exec_driver_sql(
        "INSERT INTO search_facets (kind, value, started_utc, number) "  # noqa: S608 - of fixed words alone
        f"SELECT DISTINCT '{kind}', {value}, s.started_utc, s.number FROM search_calls s "
        f"JOIN call_summaries c ON c.key = s.report_key CROSS JOIN {values} WHERE 1 = 1 {condition}"
    )
