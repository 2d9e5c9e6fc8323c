"""The number of the ticket elsewhere that a call belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column."""
    op.add_column("calls", sa.Column("external_ref", sa.String(200)))
