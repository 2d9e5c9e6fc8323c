"""The state of an installation: calls, failures, mails, runs, disk space, and what needs attention; as metrics, too."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from qareport import __version__, periods, privacy
from qareport.errors import DocumentError, os_reason
from qareport.files import open_output
from qareport.messages import Message, say
from qareport.model import DeliveryRecord, DeliveryState, FailedCall, PeriodKind, RunRecord, RunState
from qareport.store import CallCounts, SentMail, Store, holder

#: Calls that wait for longer than this need attention.
_LONG = timedelta(days=1)
#: A mail that has not gone out for so long needs more than another try.
_LATE = timedelta(hours=2)
#: Less room than this is too little for a day.
LEAST_FREE_BYTES = 2**30
#: The mode of runs that send mails.
_SEND = "send"
#: Runs to look back on for the last one that was done.
_RUNS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationStatus:
    """The state of an installation."""

    at: datetime
    store: str
    store_bytes: int
    #: None where the database server knows it.
    free_bytes: int | None
    #: Calls that began today, by the clock of the settings' time zone; and all.
    today: CallCounts
    calls: CallCounts
    #: Of all failed calls: how many at which step; those of unknown time and the newest, with reasons.
    failed_steps: Mapping[str, int]
    failures: tuple[FailedCall, ...]
    mails: Mapping[DeliveryState, int]
    last_mail: SentMail | None
    #: With --send, where any was; a run whose process is gone is called killed.
    last_run: RunRecord | None
    last_done: RunRecord | None
    #: What a person should look at; nothing: all is well.
    attention: tuple[str, ...] = ()


def look(store: Store, *, time_zone: str, now: datetime, failures: int = 10) -> InstallationStatus:
    """Examine a store.

    Args:
        store: what to look at.
        time_zone: whose midnight begins today.
        now: the time.
        failures: how many failed calls to name.
    """
    first, last = periods.bounds(periods.period_of(PeriodKind.DAY, periods.local_day(now, time_zone), time_zone))
    failed = store.calls.list_failures(newest_first=True)
    runs = [_honest(run) for run in store.runs.list(limit=_RUNS)]
    # A run that somebody tries out by hand says nothing about the mails of the morning.
    runs = [run for run in runs if run.mode == _SEND] or runs
    status = InstallationStatus(
        at=now.astimezone(UTC),
        store=store.url,
        store_bytes=store.maintenance.size_bytes(),
        free_bytes=store.maintenance.free_bytes(),
        today=store.calls.count(first, last),
        calls=store.calls.count(),
        failed_steps=dict(sorted(Counter(failure.step for failure in failed).items())),
        failures=tuple(failure.reworded(lambda text: privacy.mask(text)[0]) for failure in failed[:failures]),
        mails=store.outbox.count(),
        last_mail=store.outbox.find_last_sent(),
        last_run=runs[0] if runs else None,
        last_done=next((run for run in runs if run.state is RunState.DONE), None),
    )
    forgotten = store.calls.count(None, now - _LONG).waiting
    newest = {run.period.partition(":")[0]: run for run in reversed(runs)}  # of each kind: day, week, month
    late = [
        mail for mail in store.outbox.list(DeliveryState.PLANNED, DeliveryState.RETRY) if mail.planned_at < now - _LATE
    ]
    return replace(status, attention=tuple(_attention(status, newest.values(), late, forgotten)))


def _honest(run: RunRecord) -> RunRecord:
    """Call a run killed whose process was on this machine and is gone."""
    host, _, number = run.holder.rpartition(":")
    if run.state is not RunState.RUNNING or host != holder().rpartition(":")[0] or not number.isdecimal():
        return run
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return replace(run, state=RunState.KILLED)
    except (PermissionError, OverflowError):
        pass  # another user's process
    return run


def _attention(
    status: InstallationStatus, newest: Iterable[RunRecord], late: Sequence[DeliveryRecord], forgotten: int
) -> Iterator[str]:
    """Say what needs a person, in the language of the one who asks."""
    yield from (str(message) for message in _find_attention(status, newest, late, forgotten))


def _find_attention(
    status: InstallationStatus, newest: Iterable[RunRecord], late: Sequence[DeliveryRecord], forgotten: int
) -> Iterator[Message]:
    for run in newest:
        if run.state not in (RunState.DONE, RunState.RUNNING):
            ended = say("the last run ({period}) is {state}", period=run.period, state=run.state)
            yield say("{what}: {why}", what=ended, why=run.problems[0]) if run.problems else ended
    for state in (DeliveryState.FAILED, DeliveryState.UNKNOWN):
        if status.mails.get(state):
            yield say("mails {state}: {count} (qareport mail list)", state=state, count=status.mails[state])
    if late:
        waiting = say("mails that have not gone out for two hours: {count} (qareport mail list)", count=len(late))
        yield say("{what}: {why}", what=waiting, why=late[-1].reply) if late[-1].reply else waiting
    if forgotten:
        yield say("calls that wait for more than a day: {count} (qareport daily or qareport run)", count=forgotten)
    if status.free_bytes is not None and status.free_bytes < LEAST_FREE_BYTES:
        yield say("low disk space on the store's volume: {free:.0f} MiB", free=status.free_bytes / 2**20)


def render_metrics(status: InstallationStatus | None) -> bytes:
    """Return all metrics in Prometheus' text format.

    Args:
        status: None: the store or the settings could not be read, and only that is said.
    """
    registry = CollectorRegistry()
    _gauge(registry, "build_info", "Version of qareport", "version").labels(__version__).set(1)
    _gauge(registry, "up", "1: the store and the settings could be read").set(status is not None)
    if status is not None:
        _fill(registry, status)
    return generate_latest(registry)


def write_metrics(path: Path, status: InstallationStatus | None) -> None:
    """Write all metrics; the file is replaced at once and never seen half-written.

    Args:
        path: the file, which the collector wants to end in `.prom`.
        status: see `render_metrics`.

    Raises:
        DocumentError: the file cannot be written.
    """
    metrics = render_metrics(status)
    try:
        with open_output(path) as file:
            if path.is_file() or not path.exists():
                os.fchmod(file.fileno(), 0o644)  # the collector is another user, and nothing in it is private
            file.write(metrics)
    except OSError as error:
        raise DocumentError(
            say("cannot be written: {strerror}", strerror=os_reason(error)),
            where=str(path),
            to_do=say("check the folder and its permissions"),
        ) from error


def _gauge(registry: CollectorRegistry, name: str, help: str, *labels: str) -> Gauge:
    return Gauge(f"qareport_{name}", help, labels, registry=registry)


def _fill(registry: CollectorRegistry, status: InstallationStatus) -> None:
    _gauge(registry, "status_timestamp_seconds", "When the store was looked at").set(status.at.timestamp())
    _gauge(registry, "attention", "How many things want a person's attention").set(len(status.attention))
    for name, help, counts in (
        ("calls_today", "Calls that began today", status.today),
        ("calls", "Calls in the store", status.calls),
    ):
        gauge = _gauge(registry, name, help, "state")
        for state in ("judged", "failed", "waiting"):
            gauge.labels(state).set(getattr(counts, state))
    failed = _gauge(registry, "failed_calls", "Failed calls in the store, by the step that failed", "step")
    for step, count in status.failed_steps.items():
        failed.labels(step).set(count)
    mails = _gauge(registry, "mails", "Mails in the outbox", "state")
    for mail_state in DeliveryState:
        mails.labels(mail_state).set(status.mails.get(mail_state, 0))
    if status.last_mail is not None:
        sent_at = status.last_mail.sent_at.timestamp()
        _gauge(registry, "last_mail_timestamp_seconds", "When the last mail went out").set(sent_at)
    _gauge(registry, "store_bytes", "Size of the store").set(status.store_bytes)
    if status.free_bytes is not None:
        _gauge(registry, "store_free_bytes", "Room on the disk of the store").set(status.free_bytes)
    if status.last_run is not None:
        _run(registry, status.last_run)
    # Always there: an alert on what is absent never comes.
    ended_at = status.last_done.ended_at if status.last_done is not None else None
    last_done = _gauge(registry, "last_done_run_timestamp_seconds", "When a run was last done; 0: never")
    last_done.set(ended_at.timestamp() if ended_at is not None else 0)


def _run(registry: CollectorRegistry, run: RunRecord) -> None:
    states = _gauge(registry, "last_run_state", "1 at the state of the last run", "state")
    for state in RunState:
        states.labels(state).set(state is run.state)
    _gauge(registry, "last_run_started_timestamp_seconds", "When the last run began").set(run.started_at.timestamp())
    if run.ended_at is not None:
        seconds = (run.ended_at - run.started_at).total_seconds()
        _gauge(registry, "last_run_duration_seconds", "How long the last run took").set(seconds)
    steps = _gauge(registry, "last_run_step_seconds", "How long each step of the last run took", "step")
    for step in run.steps:
        steps.labels(step.name).inc(step.seconds)
