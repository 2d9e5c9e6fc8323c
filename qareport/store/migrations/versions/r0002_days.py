"""Days: when calls began on one clock, digests, what a result and a document belong to, mails, runs, deletions."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what the daily run and the upkeep of a store need."""
    op.add_column("calls", sa.Column("started_utc", sa.String(32)))
    op.add_column("calls", sa.Column("audio_sha256", sa.String(64)))
    op.add_column("call_reports", sa.Column("call_id", sa.String(200), nullable=False, server_default=""))
    op.create_index("ix_call_reports_call", "call_reports", ["call_id"])
    op.add_column("transcripts", sa.Column("call_id", sa.String(200), nullable=False, server_default=""))
    op.add_column("transcripts", sa.Column("audio_sha256", sa.String(64)))
    op.create_index("ix_transcripts_call", "transcripts", ["call_id"])
    op.create_index("ix_transcripts_audio", "transcripts", ["audio_sha256"])
    op.create_index("ix_calls_started_utc", "calls", ["started_utc"])
    op.add_column("documents", sa.Column("name", sa.String(200)))
    op.create_index("ix_documents_name", "documents", ["name"])
    op.create_table(
        "digests",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("edition", sa.String(20), nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("period", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("message_id", sa.String(320), nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("planned_at", sa.String(40), nullable=False),
        sa.Column("changed_at", sa.String(40), nullable=False),
        sa.Column("next_try_at", sa.String(40)),
        sa.Column("reply", sa.Text, nullable=False),
    )
    op.create_index("ix_outbox_state", "outbox", ["state"])
    op.create_index("ix_outbox_period", "outbox", ["period"])
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("period", sa.String(60), nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("ended_at", sa.String(40)),
        sa.Column("steps", sa.Text, nullable=False),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
    )
    op.create_index("ix_runs_period", "runs", ["period"])
    op.create_table(
        "deletions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("deleted_at", sa.String(40), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    _fill_instants()
    _fill_owners()


def _fill_instants() -> None:
    """Bring the starts of calls, which have any offset, to UTC, where they can be compared."""
    bind = op.get_bind()
    rows = bind.execute(sa.text("SELECT call_id, started_at FROM calls WHERE started_at IS NOT NULL")).all()
    if rows:
        bind.execute(
            sa.text("UPDATE calls SET started_utc = :instant WHERE call_id = :call_id"),
            [
                {
                    "call_id": call_id,
                    "instant": datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds"),
                }
                for call_id, text in rows
            ],
        )


def _fill_owners() -> None:
    """Say of every result and transcript whose it is, which stood in its JSON only."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        call_id, sha256 = "{0}::json ->> 'call_id'", "{0}::json -> 'audio' ->> 'sha256'"
    else:
        call_id, sha256 = "json_extract({0}, '$.call_id')", "json_extract({0}, '$.audio.sha256')"
    owner = f"COALESCE({call_id}, '')"
    bind.exec_driver_sql(f"UPDATE call_reports SET call_id = {owner.format('report')}")  # noqa: S608 - constants above
    bind.exec_driver_sql(
        f"UPDATE transcripts SET call_id = {owner.format('transcript')}, "  # noqa: S608
        f"audio_sha256 = {sha256.format('transcript')}"
    )
    bind.exec_driver_sql(
        "UPDATE calls SET audio_sha256 = "  # noqa: S608
        f"(SELECT {sha256.format('report')} FROM call_reports WHERE call_reports.key = calls.report_key)"
    )
