"""The audit log: who did what to what. Each line holds the hash of the line before it, so that an edit shows.

`sha256 = H(prev_sha256, canonical JSON of the line)`. Lines older than `retention.audit_days` go with `trim`, which
leaves a line of its own that says up to which number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, true
from sqlalchemy.orm import Session

from qareport import privacy
from qareport.messages import Message, say
from qareport.model import AuditEntry
from qareport.store.connection import in_utc, upsert
from qareport.store.database import Database
from qareport.store.desk_schema import AuditRow
from qareport.store.schema import StoreFactRow

#: What the first line of all follows.
GENESIS = "0" * 64
#: The fact of the store that names the newest line: lines that go at the end are missed, too.
_END = "audit end"
#: The advisory lock under which PostgreSQL appends: "qa-audit" in ASCII.
_LOCK = 0x71612D6175646974
_FIELDS = ("number", "at", "actor", "actor_kind", "ip", "action", "object", "outcome", "details")
_COLUMNS = [getattr(AuditRow, name) for name in ("prev_sha256", "sha256", *_FIELDS)]
#: Facts that the program makes itself: nobody's number is in them, and masking would take `rule@58820` for a mail
#: address.
_MADE_HERE = frozenset(("finding", "sha256", "audio_sha256", "appeal", "delivery", "batch"))
#: The action of the line that says that older ones went.
TRIMMED = "audit.trim"


class AuditLog:
    """The audit log of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, entry: AuditEntry) -> AuditEntry:
        """Append a line; numbers of persons in its details are masked. Returns it with its number.

        Raises:
            StoreError: it could not be written; what it is about must then not happen.
        """
        with self._database.write() as session:
            return append(session, entry)

    @contextmanager
    def with_entry(self, entry: AuditEntry) -> Iterator[Session]:
        """Open a transaction that keeps a line and what is done in the block, or neither."""
        with self._database.write() as session:
            append(session, entry)
            yield session

    def list(
        self, *, before: int | None = None, limit: int = 50, actor: str = "", action: str = "", object: str = "",
        first: datetime | None = None, last: datetime | None = None,
    ) -> tuple[AuditEntry, ...]:  # fmt: skip
        """Return lines, the newest first.

        Args:
            before: only lines with a smaller number.
            limit: how many at most.
            actor: only of this person, token or command.
            action: only this action, or all that begin with it where it ends with a point (`rules.`).
            object: only of this object.
            first: only from this instant on.
            last: only before this instant.
        """
        query = _filtered(
            select(AuditRow), before=before, actor=actor, action=action, object=object, first=first, last=last
        )
        query = query.order_by(AuditRow.number.desc()).limit(limit)
        with self._database.read() as session:
            return tuple(_entry(row) for row in session.scalars(query))

    def count(
        self, *, most: int, actor: str = "", action: str = "", object: str = "", first: datetime | None = None,
        last: datetime | None = None,
    ) -> int:  # fmt: skip
        """Count lines up to a number; the filter is that of `list`."""
        query = _filtered(
            select(AuditRow.number), before=None, actor=actor, action=action, object=object, first=first, last=last
        )
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0

    def verify(self) -> Message | None:
        """Read the whole chain; return what is wrong with it, naming the first line that is; None when it holds."""
        with self._database.read() as session:
            end = _end(session)
            previous, number = GENESIS, 0
            lines = session.execute(select(*_COLUMNS).order_by(AuditRow.number).execution_options(yield_per=1000))
            for prev_sha256, sha256, *values in lines:
                if number == 0 and values[0] > 1:  # older lines were trimmed
                    previous, number = prev_sha256, values[0] - 1
                if values[0] != number + 1:
                    return say("line {number} of the audit log is missing", number=number + 1)
                is_other_end = end is not None and values[0] == end[0] and sha256 != end[1]
                if is_other_end or prev_sha256 != previous or sha256 != _hash(previous, values):
                    return say("line {number} of the audit log was changed", number=values[0])
                previous, number = sha256, values[0]
            if end is not None and number < end[0]:
                return say("line {number} of the audit log is missing", number=number + 1)
            return self._trimmed(session)

    def _trimmed(self, session: Session) -> Message | None:
        first = session.scalar(select(AuditRow.number).order_by(AuditRow.number).limit(1))
        if first is None or first == 1:
            return None
        row = session.scalars(
            select(AuditRow).where(AuditRow.action == TRIMMED).order_by(AuditRow.number.desc()).limit(1)
        ).first()
        told = 0 if row is None else int(json.loads(row.details).get("up_to", "0"))
        if told >= first - 1:
            return None
        return say("lines {first} to {last} of the audit log are missing", first=told + 1, last=first - 1)

    def trim(self, before: datetime, *, at: datetime, dry_run: bool = False) -> int:
        """Delete the lines from before an instant, and append the line that says so. Returns how many went, or would.

        Lines after the first that is not older stay, whatever their time says: the chain has no gaps.
        """
        with self._database.write() as session:
            kept = session.scalar(select(func.min(AuditRow.number)).where(AuditRow.at >= in_utc(before)))
            old = true() if kept is None else AuditRow.number < kept
            first, last, count = session.execute(
                select(func.min(AuditRow.number), func.max(AuditRow.number), func.count()).where(old)
            ).one()
            if first is None or dry_run:
                return int(count)
            append(
                session,
                AuditEntry(
                    at=at, actor="system", actor_kind="system", action=TRIMMED, details={"up_to": str(last)}
                ),
            )  # fmt: skip
            session.execute(delete(AuditRow).where(AuditRow.number <= last))
            return int(count)


def append(session: Session, entry: AuditEntry) -> AuditEntry:
    """Append a line within a transaction; lines are numbered without gaps, whichever process writes them."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = session.scalars(select(AuditRow).order_by(AuditRow.number.desc()).limit(1)).first()
    previous, number = (GENESIS, 0) if last is None else (last.sha256, last.number)
    details = {
        name: value if name in _MADE_HERE else privacy.mask(value)[0] for name, value in entry.details.items()
    }  # fmt: skip
    values: dict[str, Any] = {
        "number": number + 1, "at": in_utc(entry.at), "actor": entry.actor[:200], "actor_kind": entry.actor_kind,
        "ip": entry.ip[:60], "action": entry.action, "object": entry.object[:300], "outcome": entry.outcome,
        "details": json.dumps(details, ensure_ascii=False, sort_keys=True),
    }  # fmt: skip
    sha256 = _hash(previous, [values[name] for name in _FIELDS])
    session.add(AuditRow(**values, prev_sha256=previous, sha256=sha256))
    session.flush()
    upsert(session, StoreFactRow, name=_END, value=f"{number + 1} {sha256}")
    return replace(entry, number=number + 1, details=details)


def _end(session: Session) -> tuple[int, str] | None:
    """Return number and hash of the newest line, as they were noted beside it; None: by an older version, not yet."""
    fact = session.get(StoreFactRow, _END)
    if fact is None:
        return None
    number, _, sha256 = fact.value.partition(" ")
    return int(number), sha256


def _hash(previous: str, values: Sequence[Any]) -> str:
    """Return the hash of a line, given by its `_FIELDS`, that follows another."""
    canonical = json.dumps([previous, *values], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        number=row.number, at=datetime.fromisoformat(row.at), actor=row.actor, actor_kind=row.actor_kind, ip=row.ip,
        action=row.action, object=row.object, outcome=row.outcome, details=json.loads(row.details),
    )  # fmt: skip


def _filtered(
    query: Any, *, before: int | None, actor: str, action: str, object: str, first: datetime | None,
    last: datetime | None,
) -> Any:  # fmt: skip
    if before is not None:
        query = query.where(AuditRow.number < before)
    if actor:
        query = query.where(AuditRow.actor == actor)
    if action:
        query = query.where(
            AuditRow.action.startswith(action, autoescape=True) if action.endswith(".") else AuditRow.action == action
        )
    if object:
        query = query.where(AuditRow.object == object)
    if first is not None:
        query = query.where(AuditRow.at >= in_utc(first))
    if last is not None:
        query = query.where(AuditRow.at < in_utc(last))
    return query
