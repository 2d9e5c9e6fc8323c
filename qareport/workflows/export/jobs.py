"""Exports that were ordered on the desk: written by the worker, kept for some days, deleted with the calls in them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING
from zoneinfo import ZoneInfo

from qareport import events, privacy, search
from qareport.errors import QareportError, fault_reason
from qareport.files import atomic_write
from qareport.messages import keep, recall, say
from qareport.model import EventType, Export, Job, JobState
from qareport.presentation.locale import speaking
from qareport.workflows.export.columns import KINDS, masked_records, rows
from qareport.workflows.export.writing import FORMATS, open_table, text_of_call

if TYPE_CHECKING:
    from qareport.store import CallRecord
    from qareport.workflows.workspace import Workspace

#: The kind that is no table: what was said, as text.
TEXT = "text"
#: How far an export is, is told after each so many calls.
_TOLD = 200


class _CancelledError(QareportError):
    """The job is held no more."""


def formats_of(kind: str) -> tuple[str, ...]:
    """Return the formats in which this installation can write a kind."""
    if kind == TEXT:
        return ("txt",)
    return tuple(format for format in FORMATS if format != "parquet" or find_spec("pyarrow") is not None)


def make_export(workspace: Workspace, job: Job, owner: str) -> None:
    """Write the file of an export; whatever goes wrong ends that job alone."""
    store, now = workspace.store, datetime.now(UTC)
    watch, code, words, made = events.Stopwatch(), "", "", None
    try:
        sweep_exports(workspace, now)
        export = store.exports.get(int(job.payload["export_id"]))
        made = _write(workspace, export, _Progress(workspace, job, owner))
        store.exports.settle(made)
        told = {
            name: getattr(made, name) for name in ("export_id", "kind", "format", "calls", "rows", "size", "sha256")
        }
        store.webhooks.raise_event(EventType.EXPORT_READY, told, object=f"export:{made.export_id}", at=now)
    except _CancelledError:
        return
    except QareportError as error:
        code, words = "failed", keep(error, clean=_masked)
    except Exception as error:  # noqa: BLE001 - the worker goes on, whatever is wrong with one export
        code, words = "failed", keep(fault_reason(error), clean=_masked)
    progress = {"calls": made.calls if made else 0}
    store.jobs.finish(
        job.job_id, owner, JobState.FAILED if code else JobState.DONE, at=datetime.now(UTC), progress=progress,
        error_code=code, error=words,
    )  # fmt: skip
    events.happened("export", code or "done", duration_ms=watch.lap_ms(), reason=recall(words) or None)


class _Progress:
    """Holds the job of an export, and tells how far it is."""

    def __init__(self, workspace: Workspace, job: Job, owner: str) -> None:
        self._jobs, self._job, self._owner = workspace.store.jobs, job, owner

    def tell(self, calls: int) -> None:
        """Tell how many calls are written.

        Raises:
            _CancelledError: the job was cancelled, or its lease has ended.
        """
        now = datetime.now(UTC)
        if not self._jobs.renew(self._job.job_id, self._owner, at=now, progress={"calls": calls}):
            raise _CancelledError(say("somebody else took this job"))


def _write(workspace: Workspace, export: Export, progress: _Progress) -> Export:
    store, settings = workspace.store, workspace.settings
    zone = settings.period.time_zone
    node = search.parse(export.query, time_zone=zone) if export.query else None
    ids = store.call_pages.list_ids(node, "call" if export.scope == "call" else "sentence", export.agents)
    folder = folder_of(workspace)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{export.export_id}-{secrets.token_hex(8)}.{export.format}"
    records = _told(masked_records(store, ids, settings.privacy, settings.score), progress)
    with speaking(settings.report.locale), atomic_write(path) as file:
        written = _write_records(export, records, file, ZoneInfo(zone))
    with atomic_write(_names_file(path)) as file:
        file.write("\n".join(ids).encode())
    with path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return replace(
        export, calls=len(ids), rows=written, size=path.stat().st_size, sha256=sha256, file=path.name
    )  # fmt: skip


def _told(records: Iterator[CallRecord], progress: _Progress) -> Iterator[CallRecord]:
    for number, record in enumerate(records):
        if number % _TOLD == 0:
            progress.tell(number)
        yield record


def _write_records(export: Export, records: Iterator[CallRecord], file: IO[bytes], zone: ZoneInfo) -> int:
    written = 0
    if export.kind == TEXT:
        file.write(b"\xef\xbb\xbf")
        for record in records:
            file.write((("\n" if written else "") + text_of_call(record, zone)).encode())
            written += 1
        return written
    table = KINDS[export.kind]
    with open_table(table, export.format, file) as writer:
        for record in records:
            for row in rows(table, record, zone):
                writer.write(row)
                written += 1
    return written


def folder_of(workspace: Workspace) -> Path:
    """Return where the files of exports are."""
    return Path(workspace.settings.desk.folder) / "exports"


def _names_file(path: Path) -> Path:
    """Name the file beside an export that lists the calls in it: a deleted call takes the export with it."""
    return path.with_name(f"{path.name}.calls")


def sweep_exports(workspace: Workspace, now: datetime) -> int:
    """Delete the files of the exports whose time is over. Returns how many."""
    over = workspace.store.exports.list_files(until=now)
    for export in over:
        for path in files_of(workspace, export):
            with suppress(OSError):
                path.unlink(missing_ok=True)
    if over:
        workspace.store.exports.forget_files([export.export_id for export in over], now)
    return len(over)


def files_of(workspace: Workspace, export: Export) -> tuple[Path, ...]:
    """Return the files of an export that is made: what it holds, and which calls these are."""
    path = folder_of(workspace) / export.file
    return (path, _names_file(path)) if export.file else ()


def exports_with(workspace: Workspace, call_ids: Collection[str]) -> tuple[Export, ...]:
    """Return the exports whose files hold any of some calls."""
    wanted = set(call_ids)
    found = []
    for export in workspace.store.exports.list_files():
        try:
            names = _names_file(folder_of(workspace) / export.file).read_text("utf-8").split("\n")
        except OSError:
            names = list(wanted)  # not known: then it goes, too
        if not wanted.isdisjoint(names):
            found.append(export)
    return tuple(found)


def _masked(words: str) -> str:
    return privacy.mask(words)[0]
