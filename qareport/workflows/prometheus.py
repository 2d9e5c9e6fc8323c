"""The state of an installation as a Prometheus text file, for node_exporter's textfile collector."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from qareport import __version__
from qareport.errors import DocumentError
from qareport.model import DeliveryState, RunRecord, RunState
from qareport.workflows.status import Status


def write_metrics(path: Path, status: Status | None) -> None:
    """Write all metrics; the file is replaced at once and never seen half-written.

    Args:
        path: the file, which the collector wants to end in `.prom`.
        status: None: the store or the settings could not be read, and only that is written.

    Raises:
        DocumentError: the file cannot be written.
    """
    registry = CollectorRegistry()
    _gauge(registry, "build_info", "Version of qareport", "version").labels(__version__).set(1)
    _gauge(registry, "up", "1: the store and the settings could be read").set(status is not None)
    if status is not None:
        _fill(registry, status)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise DocumentError(
            f"cannot be written: {error.strerror}", where=str(path), to_do="check the folder and its permissions"
        ) from error


def _gauge(registry: CollectorRegistry, name: str, help: str, *labels: str) -> Gauge:
    return Gauge(f"qareport_{name}", help, labels, registry=registry)


def _fill(registry: CollectorRegistry, status: Status) -> None:
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
