"""Stored calls are judged again, one as people corrected it or all by changed rules; or looked through for pairs.

The jobs are what `qareport rules replay --apply` and `qareport qa mine` do.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from qareport import events
from qareport.errors import DamagedError, NotFoundError, QareportError, fault_reason
from qareport.messages import keep, recall, say
from qareport.model import CallReport, Job, JobState
from qareport.rules import RuleFiles
from qareport.store import CallFilter, Store
from qareport.workflows.judge import RuleBook, apply, judge_into
from qareport.workflows.qa_mining import mine
from qareport.workflows.select import find_transcript
from qareport.workflows.transcribe import TranscribedCall, rebind
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
        with hold_lease(workspace, job, owner):
            forget_changed_rules(workspace)
            calls = apply(workspace.store, workspace.rule_book)
    except QareportError as error:
        code, words = "rules", keep(error)
    except Exception as error:  # noqa: BLE001 - the worker goes on, whatever is wrong with one job
        code, words = "failed", keep(fault_reason(error))
    workspace.store.jobs.finish(
        job.job_id, owner, JobState.FAILED if code else JobState.DONE, at=datetime.now(UTC), progress={"calls": calls},
        error_code=code, error=words,
    )  # fmt: skip
    events.happened("rejudge", code or "done", duration_ms=watch.lap_ms(), reason=recall(words) or None)


def judge_call_again(
    store: Store, rule_book: RuleBook, call_id: str, judged: TranscribedCall | None = None
) -> CallReport:
    """Judge one call from its stored transcript, with the corrections of people; no engine is needed.

    Its verdicts follow their findings into the new result.

    Args:
        store: where it is.
        rule_book: today's settings, topics and rules.
        call_id: the call.
        judged: what `find_judged` returned before the call was corrected; None: it was not corrected since.

    Raises:
        NotFoundError: no such call, or it has no result, or no transcript of it is stored.
    """
    judge_into(judged or find_judged(store, call_id), store, rule_book)
    return store.results.get(call_id)


def find_judged(store: Store, call_id: str) -> TranscribedCall:
    """Return a call with the transcript that its result is of, and the key under which the store has it.

    Raises:
        NotFoundError: as `judge_call_again`.
    """
    record = next(store.results.list([call_id]), None)
    if record is None or record.report is None:
        raise NotFoundError(say("no judged call {call_id!r}", call_id=call_id))
    found = find_transcript(record.report, store.transcripts.list(call_id), store.corrections.find(call_id))
    if found is None:
        raise NotFoundError(
            say("no transcript of the call is stored"), where=call_id, to_do=say("hear the recording again")
        )
    return TranscribedCall(call=record.call, key=found[0], transcript=rebind(found[1], record.call))


def judge_orders_again(store: Store, rule_book: RuleBook, orders: Collection[str], *, but: str = "") -> None:
    """Judge the calls of some orders again: rules count the earlier calls of an order. A damaged call is left out.

    Args:
        store: where they are.
        rule_book: today's settings, topics and rules.
        orders: the orders.
        but: a call that was judged just now.
    """
    wanted = CallFilter(orders=tuple(orders), settled=True)
    for call_id, _ in store.calls.list_ids(wanted) if orders else ():
        if call_id != but:
            with suppress(NotFoundError, DamagedError):
                judge_call_again(store, rule_book, call_id)


def mine_pairs(workspace: Workspace, job: Job, owner: str) -> None:
    """Do a job of the kind MINE; `progress` then says what came of it: {"calls": 812, "added": 90}.

    A killed worker's job is done by the next: calls that were looked through already are left out.
    """
    code, words, progress = "", "", {}
    try:
        with hold_lease(workspace, job, owner):
            counts = mine(workspace.store)
            progress = {"calls": counts.calls, "added": counts.added}
    except Exception as error:  # noqa: BLE001 - the worker goes on, whatever is wrong with one job
        code, words = "failed", keep(fault_reason(error))
    workspace.store.jobs.finish(
        job.job_id, owner, JobState.FAILED if code else JobState.DONE, at=datetime.now(UTC), progress=progress,
        error_code=code, error=words,
    )  # fmt: skip


@contextmanager
def hold_lease(workspace: Workspace, job: Job, owner: str) -> Iterator[None]:
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
