"""Proofs of deletions: the name of the hash says how it was made."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Name what older proofs hold: a SHA-256 without a salt."""
    op.get_bind().exec_driver_sql(
        """UPDATE deletions SET record = replace(record, '"selector_sha256":"', '"selector_hash":"sha256::')"""
    )
