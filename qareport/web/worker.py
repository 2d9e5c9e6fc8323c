"""The worker process: loads the engine once, then hears what people upload, until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from qareport.errors import QareportError
from qareport.web.health import SignOfLife
from qareport.workflows.export.jobs import sweep_exports
from qareport.workflows.hear_uploads import UploadWorker
from qareport.workflows.uploads import UploadFolder
from qareport.workflows.workspace import Workspace

#: A sign of life is left so often.
_BEAT_S = 10.0
#: Files of exports are looked through so often.
_TIDY_S = 3600.0
#: What is in work when it is told to stop has so long to be done.
_LEAVE_S = 4.0


def run_worker(workspace: Workspace) -> None:
    """Hear uploads until SIGTERM or SIGINT.

    Raises:
        ModelError: the speech model cannot be loaded; the desk shows why.
    """
    desk = workspace.settings.desk
    folder = Path(desk.folder)
    SignOfLife(state="starting").leave(folder)
    UploadFolder(path=folder / "uploads", most_bytes=0).sweep()
    try:
        engine = workspace.load_engine()
        model = workspace.engine_files().info.name
    except QareportError as error:
        SignOfLife(state="failed", reason=str(error)).leave(folder)
        raise
    worker = UploadWorker(workspace, engine)

    def stop(number: int, frame: FrameType | None) -> None:
        worker.stopping.set()
        threading.Thread(target=_leave_soon, args=(workspace, worker, folder), daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    beat = threading.Thread(target=_beat, args=(worker.stopping, folder, model), daemon=True)
    beat.start()
    threading.Thread(target=_tidy, args=(workspace, worker.stopping), daemon=True).start()
    worker.run()
    beat.join()
    SignOfLife(state="stopped").leave(folder)


def _leave_soon(workspace: Workspace, worker: UploadWorker, folder: Path) -> None:
    """End the process although the model still works on a recording: the next worker hears that one anew."""
    time.sleep(_LEAVE_S)
    worker.give_back()
    SignOfLife(state="stopped").leave(folder)
    os._exit(0)


def _tidy(workspace: Workspace, stopping: threading.Event) -> None:
    """Index what an older version stored, and delete the files of exports whose time is over, once an hour."""
    while not stopping.is_set():
        with suppress(QareportError):  # the next time it may go well, and what is wrong is told elsewhere
            sweep_exports(workspace, datetime.now(UTC))
            workspace.store.search_index.index_missing(on_progress=lambda *_: None, on_damaged=lambda _: None)
        stopping.wait(_TIDY_S)


def _beat(stopping: threading.Event, folder: Path, model: str) -> None:
    while True:
        SignOfLife(state="ready", model=model).leave(folder)
        if stopping.wait(_BEAT_S):
            return
