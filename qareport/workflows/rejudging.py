"""Jobs over all stored calls: they are judged again by changed rules, or looked through for question-answer pairs.

The jobs are what `qareport rules replay --apply` and `qareport qa mine` do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from qareport import events
from qareport.errors import QareportError
from qareport.model import Job, JobState
from qareport.rules import RuleFiles
from qareport.workflows.judge import apply
from qareport.workflows.qa_mining import mine
from qareport.workflows.workspace import Workspace

#: The lease is renewed so often.
_RENEW_S: Final = 10.0


def forget_changed_rules(workspace: Workspace) -> None:
    """Let the rules be read again when they are asked for next, if their files have changed since.

    Processes that run for long call it before they judge: rules are edited on the desk and in editors.

    Raises:
        ConfigError: there is no folder of rules.
    """
    now = RuleFiles.from_folder(workspace.rules_dir).sha256
    for name in ("rule_book", "rule_book_for_run"):  # kept as cached properties
        book = vars(workspace).get(name)
        if book is not None and book.ruleset.sha256 != now:
            vars(workspace).pop(name, None)


def judge_again(workspace: Workspace, job: Job, owner: str) -> None:
    """Do a job of the kind REPLAY; `progress` then says how many calls were judged: {"calls": 812}.

    A killed worker's job is done by the next: calls that were judged by these rules already are left out.
    """
    watch, code, words, calls = events.Stopwatch(), "", "", 0
    try:
        with _lease(workspace, job, owner):
            forget_changed_rules(workspace)
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


def mine_pairs(workspace: Workspace, job: Job, owner: str) -> None:
    """Do a job of the kind MINE; `progress` then says what came of it: {"calls": 812, "added": 90}.

    A killed worker's job is done by the next: calls that were looked through already are left out.
    """
    code, words, progress = "", "", {}
    try:
        with _lease(workspace, job, owner):
            counts = mine(workspace.store)
            progress = {"calls": counts.calls, "added": counts.added}
    except Exception as error:  # noqa: BLE001 - the worker goes on, whatever is wrong with one job
        code, words = "failed", f"{type(error).__name__}: {error}"
    workspace.store.jobs.finish(
        job.job_id, owner, JobState.FAILED if code else JobState.DONE, at=datetime.now(UTC), progress=progress,
        error_code=code, error=words,
    )  # fmt: skip


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
