"""Delete calls for good, with the files of the desk that hold them: uploaded recordings, sound, exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qareport.workflows.export.jobs import exports_with, files_of

if TYPE_CHECKING:
    from qareport.model import AuditEntry, Call, Deletion
    from qareport.workflows.workspace import Workspace


def delete_calls(
    workspace: Workspace, calls: Sequence[Call], *, by: str, selector: str, now: datetime,
    entry: Callable[[Deletion], AuditEntry] | None = None,
) -> Deletion:  # fmt: skip
    """Delete calls with everything that was made from them, and keep proof of it (`DeletionRepository.delete`).

    Recordings that came from elsewhere stay where they are.

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
    store = workspace.store
    exports = exports_with(workspace, [call.call_id for call in calls])
    files = [path for export in exports for path in files_of(workspace, export)]
    deletion = store.deletion.delete(
        calls, by=by, selector=selector, now=now, files=[*_recordings(workspace, calls), *files], entry=entry
    )
    if exports:
        store.exports.forget_files([export.export_id for export in exports], now)
    return deletion


def _recordings(workspace: Workspace, calls: Sequence[Call]) -> list[Path]:
    """Return the files of uploads, and of sound for listening, that no other call needs. They begin with the hash."""
    desk = Path(workspace.settings.desk.folder)
    files = {
        path
        for sha256 in workspace.store.deletion.find_recordings(calls)
        for name in ("uploads", "sound")
        for path in (desk / name).glob(f"{sha256}*")
    }
    return sorted(files)
