"""Delete calls for good, with the files of the desk that hold them: uploaded recordings, sound, exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qareport.workflows.export.jobs import exports_with, files_of

if TYPE_CHECKING:
    from qareport.model import AuditEntry, Call, Deletion
    from qareport.workflows.workspace import Workspace

#: Calls that are deleted in one transaction: others who write wait for less than a second.
AT_ONCE: Final = 100
_HASH_LENGTH: Final = 64


def delete_calls(
    workspace: Workspace, calls: Sequence[Call], *, by: str, selector: str, now: datetime,
    entry: Callable[[Deletion], AuditEntry] | None = None,
) -> Deletion:  # fmt: skip
    """Delete calls with everything that was made from them, and keep proof of it (`DeletionRepository.delete`).

    Recordings that came from elsewhere stay where they are. Of more than `AT_ONCE` calls there are several proofs.

    Args:
        workspace: the installation.
        calls: what `find_calls` returned.
        by: order, customer, call, before or retention.
        selector: what was asked for; only its hash is kept.
        now: the instant that the proof names.
        entry: makes the line of the audit log that is kept with the proof.

    Raises:
        NotFoundError: there is nothing to delete.
    """
    parts = [
        _delete_some(workspace, some, by=by, selector=selector, now=now, entry=entry)
        for some in (calls[first : first + AT_ONCE] for first in range(0, max(len(calls), 1), AT_ONCE))
    ]
    workspace.store.deletion.tidy()
    return _together(parts)


def delete_older(workspace: Workspace, before: datetime, *, selector: str, now: datetime) -> Deletion | None:
    """Delete the calls that began before an instant, as `retention.days` wants it; None: there are none.

    `AT_ONCE` calls at a time are in memory and in one transaction: the desk and whoever hears calls write in between.
    Each has a proof of its own. When it is killed, the next one goes on.
    """
    parts, deletions = [], workspace.store.deletion
    while calls := deletions.find_calls(before=before, most=AT_ONCE):
        parts.append(_delete_some(workspace, calls, by="retention", selector=selector, now=now, entry=None))
    deletions.tidy()
    return _together(parts) if parts else None


def _delete_some(
    workspace: Workspace, calls: Sequence[Call], *, by: str, selector: str, now: datetime,
    entry: Callable[[Deletion], AuditEntry] | None,
) -> Deletion:  # fmt: skip
    store = workspace.store
    exports = exports_with(workspace, [call.call_id for call in calls])
    files = [path for export in exports for path in files_of(workspace, export)]
    deletion = store.deletion.delete(
        calls, by=by, selector=selector, now=now, files=[*_recordings(workspace, calls), *files], entry=entry,
        tidy=False,
    )  # fmt: skip
    if exports:
        store.exports.forget_files([export.export_id for export in exports], now)
    return deletion


def _together(parts: Sequence[Deletion]) -> Deletion:
    """Say of several deletions what one of all their calls would say."""
    return replace(
        parts[0],
        calls=sum(part.calls for part in parts),
        results=sum(part.results for part in parts),
        transcripts=sum(part.transcripts for part in parts),
        documents=sum(part.documents for part in parts),
        audio_sha256=tuple(sha256 for part in parts for sha256 in part.audio_sha256),
        files=sum(part.files for part in parts),
        files_left=tuple(line for part in parts for line in part.files_left),
    )


def _recordings(workspace: Workspace, calls: Sequence[Call]) -> list[Path]:
    """Return the files of uploads, and of sound for listening, that no other call needs. They begin with the hash."""
    desk = Path(workspace.settings.desk.folder)
    wanted = set(workspace.store.deletion.find_recordings(calls))
    folders = (desk / "uploads", desk / "sound")
    return sorted(
        path
        for folder in folders
        if wanted and folder.is_dir()
        for path in folder.iterdir()
        if path.name[:_HASH_LENGTH] in wanted
    )
