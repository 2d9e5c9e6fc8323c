"""`qareport report`: documents of orders, from the store alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from qareport import calendar
from qareport.cli.console import ProgressBars, complain
from qareport.cli.options import Options, audio_option, date_option, format_option, rule_book_of, takes_options
from qareport.model import FailedCall
from qareport.store import CallFilter
from qareport.workflows.render import render_orders
from qareport.workflows.workspace import Workspace


@click.command()
@click.argument("orders", nargs=-1, metavar="[ORDER...]")
@click.option("--call", "calls", multiple=True, metavar="CALL", help="The order that a call belongs to.")
@click.option("--agent", "agents", multiple=True, metavar="AGENT", help="All orders with calls of an agent.")
@date_option("--date", "day", help="All orders with calls of a day")
@click.option("--refresh", is_flag=True, help="Judge again first, with today's rules, settings and topics.")
@format_option
@audio_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/reports"),
    show_default=True,
    metavar="DIR",
    help="Folder.",
)
@takes_options
def report(
    options: Options,
    orders: tuple[str, ...],
    calls: tuple[str, ...],
    agents: tuple[str, ...],
    day: datetime | None,
    refresh: bool,
    formats: tuple[str, ...],
    out: Path,
) -> int:
    """Write the report of orders (or of calls that have none) from the store; no model is loaded, no GPU needed.

    \b
    qareport report 20261105000042
    qareport report --agent A017 --date 2026-11-21
    qareport report --call C0001 --refresh --format pdf

    --call, --agent and --date choose calls, together those that are all of it; the reports are of their orders.
    --refresh starts from the stored transcripts, and does nothing where nothing has changed.
    """
    if bool(calls or agents or day) == bool(orders):
        raise click.UsageError("name orders, or choose them by --call, --agent and --date")
    lost: tuple[FailedCall, ...] = ()
    with options.open_workspace() as workspace, ProgressBars() as progress:
        if not orders:
            orders = _choose(workspace, calls=calls, agents=agents, day=day)
        if refresh:
            lost = _refresh(workspace, orders, progress)
        rendering = render_orders(workspace, orders, formats=formats, out_dir=out, on_progress=progress)
    for path in rendering.documents:
        click.echo(path)
    for failure in lost:
        complain(f"{failure.call_id}: {failure.reason}")
    for name, reason in rendering.problems:
        complain(f"{name}: {reason}")
    return len(rendering.problems) + len(lost) > 0


def _choose(
    workspace: Workspace, *, calls: tuple[str, ...], agents: tuple[str, ...], day: datetime | None
) -> tuple[str, ...]:
    from qareport.workflows import select  # it imports what judges calls

    since, until = calendar.bounds(day, day, ZoneInfo(workspace.settings.period.time_zone))
    return select.choose_orders(workspace.store, CallFilter(calls=calls, agents=agents, since=since, until=until))


def _refresh(workspace: Workspace, orders: tuple[str, ...], on_progress: ProgressBars) -> tuple[FailedCall, ...]:
    from qareport.workflows import select

    for order in orders:
        workspace.store.orders.get(order)  # a wrong name is reported before any work is done
    return select.refresh(workspace.store, orders, rule_book_of(workspace), on_progress=on_progress)
