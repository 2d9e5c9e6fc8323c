"""Exports: ordered here, written by the worker, fetched here for a week by who ordered them.

Pages and API go through here, so that reach and the audit log are the same for both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from qareport import privacy, search
from qareport.errors import BusyError, NotFoundError, QareportError
from qareport.messages import say
from qareport.model import EXPORT_LASTS, Agents, Export, JobState, Permission
from qareport.store import MOST_COUNTED, Scope
from qareport.web.access import Access, GoneError
from qareport.workflows.export import KINDS
from qareport.workflows.export.jobs import TEXT, folder_of, formats_of

#: What can be exported, as `qareport export` names it.
EXPORT_KINDS: Final = (*KINDS, TEXT)
#: The longest query, in characters.
MOST_QUERY: Final = 500
MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/jsonl",
    "txt": "text/plain; charset=utf-8",
}


def order_export(access: Access, kind: str, format: str, query: str = "", scope: Scope = "sentence") -> Export:
    """Order an export of the calls that a query finds, as far as the right to export reaches.

    Raises:
        ForbiddenError: nothing may be exported.
        QueryError: the query cannot be read.
        QareportError: there is no such kind, or it is not written in this format.
    """
    access.require(Permission.EXPORTS_WRITE)
    if kind not in EXPORT_KINDS:
        raise QareportError(say("no table {kind!r}", kind=kind), expected=", ".join(EXPORT_KINDS))
    if format not in formats_of(kind):
        raise QareportError(
            say("{kind} is not written as {format}", kind=kind, format=format), expected=", ".join(formats_of(kind))
        )
    query, now = query.strip(), access.desk.now()
    if query:
        search.parse(query, time_zone=access.desk.settings.period.time_zone)
    export = Export(
        kind=kind, format=format, query=query, scope=scope, agents=access.agents(Permission.EXPORTS_WRITE),
        user_id=access.principal.user.user_id, created_at=now, expires_at=now + EXPORT_LASTS,
    )  # fmt: skip
    entry = access.entry("export.order", kind=kind, format=format, query=privacy.mask(query)[0])
    return access.desk.store.exports.add(export, entry)


def list_exports(access: Access, *, before: int | None = None, limit: int = 50) -> tuple[Export, ...]:
    """Return the newest exports: one's own; who may export all calls sees everyone's.

    Raises:
        ForbiddenError: nothing may be exported.
    """
    access.require(Permission.EXPORTS_WRITE)
    user_id = _whose(access)
    shown: list[Export] = []
    while len(shown) < limit:
        found = access.desk.store.exports.list(user_id=user_id, before=before, limit=limit)
        shown += [export for export in found if _reaches(access, export)]
        if len(found) < limit:
            break
        before = found[-1].export_id
    return tuple(shown[:limit])


def count_exports(access: Access) -> int:
    """Count what `list_exports` lists on all its pages, to one more than `MOST_COUNTED`."""
    user_id, most = _whose(access), MOST_COUNTED + 1
    if user_id is None:
        return access.desk.store.exports.count(most=most)
    return len(list_exports(access, limit=most))


def _whose(access: Access) -> int | None:
    """Return whose exports are listed; None: everyone's."""
    every = access.agents(Permission.EXPORTS_WRITE).only is None
    return None if every else access.principal.user.user_id


def find_export(access: Access, export_id: int) -> Export:
    """Return an export that may be seen.

    Raises:
        ForbiddenError: nothing may be exported.
        NotFoundError: there is none, it is someone else's, or it holds calls that may not be exported any more.
    """
    access.require(Permission.EXPORTS_WRITE)
    export = access.desk.store.exports.get(export_id)
    own = export.user_id == access.principal.user.user_id
    if not (own or access.agents(Permission.EXPORTS_WRITE).only is None) or not _reaches(access, export):
        raise NotFoundError(say("there is no export {number}", number=export_id))
    return export


def open_file(access: Access, export_id: int) -> tuple[Export, Path]:
    """Return an export and its file; that it is fetched stands in the audit log.

    Raises:
        ForbiddenError, NotFoundError: as `find_export`.
        GoneError: its time is over, or a call in it was deleted.
        BusyError: it is not made yet, or could not be made.
    """
    export = find_export(access, export_id)
    if export.is_gone(access.desk.now()):
        raise GoneError(say("the file of this export is deleted"), to_do=say("order it again"))
    if not export.file or export.state is not JobState.DONE:
        raise BusyError(say("this export is not made yet"), to_do=say("wait until it is done"))
    path = folder_of(access.desk.workspace) / export.file
    if not path.is_file():
        raise GoneError(say("the file of this export is deleted"), to_do=say("order it again"))
    access.record("export.download", object=f"export:{export_id}", sha256=export.sha256)
    return export, path


def name_of_file(export: Export) -> str:
    """Name the file for who fetches it: qareport-calls-2026-11-30-12.csv."""
    return f"qareport-{export.kind}-{export.created_at.date()}-{export.export_id}.{export.format}"


def _reaches(access: Access, export: Export) -> bool:
    """Tell whether all calls that may be in an export may be exported by who asks, today."""
    mine: Agents = access.agents(Permission.EXPORTS_WRITE)
    return mine.only is None or (export.agents.only is not None and export.agents.only <= mine.only)
