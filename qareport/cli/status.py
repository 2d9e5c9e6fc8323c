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
from qareport.cli.language import SpokenCommand
from qareport.codec import to_data
from qareport.errors import ConfigError, StoreError
from qareport.messages import Message, say
from qareport.model import DeliveryState
from qareport.store import CallCounts
from qareport.workflows.status import InstallationStatus, look


@click.command(cls=SpokenCommand)
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
    from qareport.workflows.status import render_metrics, write_metrics

    if path == Path("-"):
        click.echo(render_metrics(state), nl=False)
    else:
        write_metrics(path, state)


def _lines(state: InstallationStatus, zone: ZoneInfo) -> Iterator[Message | str]:
    size = state.store_bytes / 2**20
    if state.free_bytes is None:
        yield say("Store:      {store}, {size:.1f} MiB", store=state.store, size=size)
    else:
        free = state.free_bytes / 2**30
        yield say(
            "Store:      {store}, {size:.1f} MiB, {free:.1f} GiB free on its disk",
            store=state.store,
            size=size,
            free=free,
        )
    yield say(
        "Today:      {counts} ({at}, {zone})", counts=_counts(state.today), at=_minute(state.at, zone), zone=zone.key
    )
    yield say("All calls:  {counts}", counts=_counts(state.calls))
    if state.failed_steps:
        yield say(
            "Failed:     {steps}", steps=", ".join(f"{step} {count}" for step, count in state.failed_steps.items())
        )
        yield from (f"  {failure.call_id}: {failure} [{failure.step}]" for failure in state.failures)
        if sum(state.failed_steps.values()) > len(state.failures):
            yield "  …"
    mails = ", ".join(f"{state.mails[kind]} {kind}" for kind in DeliveryState if state.mails.get(kind))
    yield say("Mails:      {mails}", mails=mails) if mails else say("Mails:      none")
    sent = state.last_mail
    if sent is not None:
        yield say(
            "Last mail:  {at}, {edition} edition of {period}",
            at=_minute(sent.sent_at, zone),
            edition=sent.edition,
            period=sent.period,
        )
    run = state.last_run
    if run is not None:
        yield say(
            "Last run:   {at} ({mode}): {period} {state}",
            at=_minute(run.started_at, zone),
            mode=run.mode,
            period=run.period,
            state=run.state,
        )
        if run.summary:
            yield f"  {run.summary}"
        yield from (f"  {privacy.mask(problem)[0]}" for problem in run.problems)
    for line in state.attention:
        yield say("ATTENTION:  {what}", what=privacy.mask(str(line))[0])


def _minute(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def _counts(counts: CallCounts) -> Message:
    return say(
        "{total} calls: {judged} judged, {failed} failed, {waiting} waiting",
        total=counts.total,
        judged=counts.judged,
        failed=counts.failed,
        waiting=counts.waiting,
    )
