"""What a year of calls needs: indexes for deletion, the numbers of customers, and what a store knows of itself."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

#: Calls whose numbers are read at once.
_BATCH = 1_000


def upgrade() -> None:
    """Add the indexes and the table, and fill in the numbers."""
    op.add_column("calls", sa.Column("customer", sa.String(40)))
    op.create_table(
        "store_facts", sa.Column("name", sa.String(40), primary_key=True), sa.Column("value", sa.Text, nullable=False)
    )
    _fill_customers()
    op.create_index("ix_calls_report", "calls", ["report_key"])
    op.create_index("ix_calls_audio", "calls", ["audio_sha256"])
    op.create_index("ix_calls_customer", "calls", ["customer"])


def _fill_customers() -> None:
    """Write the digits of each customer's number, without the country code of China."""
    bind, after = op.get_bind(), ""
    query = sa.text("SELECT call_id, call FROM calls WHERE call_id > :after ORDER BY call_id LIMIT :most")
    while rows := bind.execute(query, {"after": after, "most": _BATCH}).all():
        after = rows[-1][0]
        found = [{"call": call_id, "number": number} for call_id, call in rows if (number := _number(call))]
        if found:
            bind.execute(sa.text("UPDATE calls SET customer = :number WHERE call_id = :call"), found)


def _number(call: str) -> str:
    try:
        phone = json.loads(call).get("customer_phone")
    except (ValueError, AttributeError):  # a damaged row, which `store check` names
        return ""
    return "".join(c for c in str(phone or "") if c.isdecimal()).removeprefix("86")[:40]
