"""Judge all stored calls again by newly published rules, as a job of the worker: `qareport rules replay --apply`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from qareport import events
from qareport.errors import QareportError
from qareport.model import Job, JobState
from qareport.workflows.judge import apply
from qareport.workflows.workspace import Workspace

#: The lease is renewed so often.
_RENEW_S: Final = 10.0


def judge_again(workspace: Workspace, job: Job, owner: str) -> None:
    """Do a job of the kind REPLAY; `progress` then says how many calls were judged: {"calls": 812}.

    A killed worker's job is done by the next: calls that were judged by these rules already are left out.
    """
    watch, code, words, calls = events.Stopwatch(), "", "", 0
    try:
        with _lease(workspace, job, owner):
            workspace.forget_changed_rules()
            calls = apply(workspace.store, workspace.rule_book)
    except QareportError as error:
        code, words = "rules", str(error)
    except Exception as error:  # noqa: BLE001 - the worker goes on, whatever is wrong with one job
        code, words = "failed", f"{type(error).__name__}: {error}"
    workspace.store.jobs.finish(
        job.job_id, owner, JobState.FAILED if code else JobState.DONE, at=datetime.now(UTC), progress={"calls": calls},
        error_code=code, error=words,
    )  # fmt: skip
    events.happened("rejudge", code or "done", duration_ms=watch.lap_ms(), reason=words or None)


@contextmanager
def _lease(workspace: Workspace, job: Job, owner: str) -> Iterator[None]:
    """Hold the job while a block works, however long it takes."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(_RENEW_S):
            workspace.store.jobs.renew(job.job_id, owner, at=datetime.now(UTC))

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
