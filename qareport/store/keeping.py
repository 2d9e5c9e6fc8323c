"""How rows are written: under their key, whoever else writes the same key at the same time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from qareport.codec import to_json
from qareport.model import CallReport, CallSummary
from qareport.store.schema import Base, CallReportRow, DigestRow, SceneRow


def in_utc(instant: datetime) -> str:
    """Write an instant so that text sorts as time does: ISO 8601 in UTC with microseconds."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def keep(session: Session, row: type[Base], **values: Any) -> None:
    """Write a row, or these values of it where its key is there already. Two processes may do it at once."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    keys = [column.name for column in row.__table__.primary_key]
    changed = {name: value for name, value in values.items() if name not in keys}
    session.execute(insert(row).values(values).on_conflict_do_update(index_elements=keys, set_=changed))


def keep_result(
    session: Session,
    key: str,
    report: CallReport,
    *,
    rules_sha256: str,
    scene: str | None,
    digest: CallSummary | None,
) -> None:
    """Write what was judged of a call, and what is made of it for replays and days."""
    keep(session, CallReportRow, key=key, report=to_json(report), rules_sha256=rules_sha256, call_id=report.call_id)
    if scene is not None:
        keep(session, SceneRow, key=key, rules_sha256=rules_sha256, scene=scene)
    if digest is not None:
        keep(session, DigestRow, key=key, digest=to_json(digest))
