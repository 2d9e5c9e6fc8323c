"""The audit log as an auditor reads it: filtered, page by page, as CSV or JSON lines, with the state of its chain."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from qareport import calendar
from qareport.messages import Message
from qareport.model import AuditEntry, Permission
from qareport.presentation.spreadsheet import cell
from qareport.store import MOST_COUNTED
from qareport.web.access import Access

#: Columns of an export, in order.
COLUMNS: Final = ("number", "at", "actor", "actor_kind", "ip", "action", "object", "outcome", "details")
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines of the log are wanted; what is empty does not count."""

    actor: str = ""
    #: An action (`login`), or a group of them with its point (`users.`).
    action: str = ""
    object: str = ""
    #: From this day on, until this day, both included, in the desk's time zone.
    since: date | None = None
    until: date | None = None

    def as_query(self) -> dict[str, str]:
        """Return it as the parameters of a link."""
        values = {name: getattr(self, name) for name in ("actor", "action", "object", "since", "until")}
        return {name: str(value) for name, value in values.items() if value}


def read_page(access: Access, wanted: AuditFilter, *, before: int | None, limit: int) -> tuple[AuditEntry, ...]:
    """Return lines of the log, the newest first.

    Args:
        access: who asks.
        wanted: which lines.
        before: only lines with a smaller number.
        limit: how many at most.
    """
    access.require(Permission.AUDIT_READ)
    return access.desk.store.audit.list(before=before, limit=limit, **_as_filter(access, wanted))


def count(access: Access, wanted: AuditFilter) -> int:
    """Count lines of the log, to one more than `MOST_COUNTED`."""
    access.require(Permission.AUDIT_READ)
    return access.desk.store.audit.count(most=MOST_COUNTED + 1, **_as_filter(access, wanted))


def _as_filter(access: Access, wanted: AuditFilter) -> dict[str, Any]:
    zone = ZoneInfo(access.desk.settings.period.time_zone)
    first, last = calendar.bounds(wanted.since, wanted.until, zone)
    return {"actor": wanted.actor, "action": wanted.action, "object": wanted.object, "first": first, "last": last}


def verify(access: Access) -> Message | None:
    """Return what is wrong with the chain of the log; None when it holds."""
    access.require(Permission.AUDIT_READ)
    return access.desk.store.audit.verify()


def export(access: Access, wanted: AuditFilter, format: Literal["csv", "jsonl"]) -> Iterator[str]:
    """Write all wanted lines, the newest first; that they were taken out stands in the log itself."""
    access.require(Permission.AUDIT_READ)
    access.record(
        "audit.export", format=format, wanted=" ".join(f"{name}={value}" for name, value in wanted.as_query().items())
    )
    return _written(access, wanted, format)


def _written(access: Access, wanted: AuditFilter, format: Literal["csv", "jsonl"]) -> Iterator[str]:
    if format == "csv":
        yield "\ufeff" + _row(COLUMNS)  # spreadsheets take the text for UTF-8 by its mark
    before: int | None = None
    while entries := read_page(access, wanted, before=before, limit=_AT_ONCE):
        for entry in entries:
            values = as_json(entry)
            if format == "jsonl":
                yield json.dumps(values, ensure_ascii=False) + "\n"
            else:
                details = json.dumps(values["details"], ensure_ascii=False) if values["details"] else ""
                yield _row([*(str(values[name]) for name in COLUMNS[:-1]), details])
        before = entries[-1].number


def as_json(entry: AuditEntry) -> Mapping[str, Any]:
    """Return a line as programs read it."""
    values = {name: getattr(entry, name) for name in COLUMNS}
    return values | {"at": entry.at.isoformat(), "details": dict(entry.details)}


def _row(cells: list[str] | tuple[str, ...]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow([cell(text) for text in cells])
    return stream.getvalue()
