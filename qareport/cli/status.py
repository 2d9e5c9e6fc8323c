"""`qareport status`: the state of an installation for people, for monitors, and for Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from qareport import privacy
from qareport.cli.console import Options, takes_options
from qareport.codec import to_data
from qareport.errors import ConfigError, StoreError
from qareport.model import DeliveryState
from qareport.store import CallCounts
from qareport.workflows.status import InstallationStatus, look


@click.command()
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--prometheus",
    "metrics",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write metrics there instead, for node_exporter's textfile collector.",
)
@takes_options
def status(options: Options, format_: str, metrics: Path | None) -> int:
    """Report the state: today's calls, what waits, what failed, the last mail and run, room on the disk.

    \b
    qareport status
    qareport status --format json
    qareport status --prometheus /var/lib/prometheus/node-exporter/qareport.prom

    Exit status: 0 all is well; 1 something needs attention (named at the end); 2 the store or the settings cannot be
    read. With --prometheus, 0 as soon as the file is written: the metrics tell the rest.
    """
    try:
        with options.open_workspace() as workspace:
            zone = workspace.settings.period.time_zone
            state = look(workspace.store, time_zone=zone, now=datetime.now(UTC))
    except (ConfigError, StoreError):
        if metrics is not None:
            _write(metrics, None)
        raise
    if metrics is not None:
        _write(metrics, state)
        return 0
    if format_ == "json":
        click.echo(json.dumps(to_data(state), ensure_ascii=False, indent=1))
    else:
        for line in _lines(state, ZoneInfo(zone)):
            click.echo(line)
    return int(bool(state.attention))


def _write(path: Path, state: InstallationStatus | None) -> None:
    from qareport.workflows.status import write_metrics

    write_metrics(path, state)


def _lines(state: InstallationStatus, zone: ZoneInfo) -> Iterator[str]:
    free = "" if state.free_bytes is None else f", {state.free_bytes / 2**30:.1f} GiB free on its disk"
    yield f"Store:      {state.store}, {state.store_bytes / 2**20:.1f} MiB{free}"
    yield f"Today:      {_counts(state.today)} ({state.at.astimezone(zone):%Y-%m-%d %H:%M}, {zone.key})"
    yield f"All calls:  {_counts(state.calls)}"
    if state.failed_steps:
        steps = ", ".join(f"{step} {count}" for step, count in state.failed_steps.items())
        yield f"Failed:     {steps}"
        for failure in state.failures:
            yield f"  {failure.call_id}: {failure.reason} [{failure.step}]"
        if sum(state.failed_steps.values()) > len(state.failures):
            yield "  …"
    mails = ", ".join(f"{state.mails[kind]} {kind}" for kind in DeliveryState if state.mails.get(kind))
    yield f"Mails:      {mails or 'none'}"
    sent = state.last_mail
    if sent is not None:
        yield f"Last mail:  {sent.sent_at.astimezone(zone):%Y-%m-%d %H:%M}, {sent.edition} edition of {sent.period}"
    run = state.last_run
    if run is not None:
        yield f"Last run:   {run.started_at.astimezone(zone):%Y-%m-%d %H:%M} ({run.mode}): {run.period} {run.state}"
        if run.summary:
            yield f"  {run.summary}"
        for problem in run.problems:
            yield f"  {privacy.mask(problem)[0]}"
    for line in state.attention:
        yield f"ATTENTION:  {privacy.mask(line)[0]}"


def _counts(counts: CallCounts) -> str:
    return f"{counts.total} calls: {counts.judged} judged, {counts.failed} failed, {counts.waiting} waiting"
