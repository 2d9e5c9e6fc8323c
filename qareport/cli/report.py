"""`qareport report`: documents of orders, from the store alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from qareport import settings
from qareport.cli.console import ProgressBars, complain
from qareport.cli.options import (
    Options,
    audio_option,
    date_option,
    format_option,
    load_rule_book,
    open_store,
    takes_options,
)
from qareport.model import FailedCall
from qareport.store import Store, Wanted
from qareport.workflows.render import render_orders


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
    config = settings.load(options.config_dir)
    lost: tuple[FailedCall, ...] = ()
    with open_store(options) as store, ProgressBars() as progress:
        if not orders:
            zone = ZoneInfo(config.period.time_zone)
            orders = _choose(store, calls=calls, agents=agents, day=day, zone=zone)
        if refresh:
            lost = _refresh(options, store, orders, progress)
        rendering = render_orders(
            orders,
            store,
            formats=formats,
            out_dir=out,
            templates=options.templates_dir,
            settings=config.report.over(locale=options.locale, audio=options.audio),
            masking=config.privacy,
            period=config.period,
            on_progress=progress,
        )
    for path in rendering.documents:
        click.echo(path)
    for failure in lost:
        complain(f"{failure.call_id}: {failure.reason}")
    for name, reason in rendering.problems:
        complain(f"{name}: {reason}")
    return len(rendering.problems) + len(lost) > 0


def _choose(
    store: Store, *, calls: tuple[str, ...], agents: tuple[str, ...], day: datetime | None, zone: ZoneInfo
) -> tuple[str, ...]:
    from qareport.workflows import select  # it imports what judges calls

    since, until = select.days(day, day, zone)
    return select.choose_orders(store, Wanted(calls=calls, agents=agents, since=since, until=until))


def _refresh(
    options: Options, store: Store, orders: tuple[str, ...], on_progress: ProgressBars
) -> tuple[FailedCall, ...]:
    from qareport.workflows import select

    for order in orders:
        store.order(order)  # a wrong name is reported before any work is done
    return select.refresh(store, orders, load_rule_book(options, store), on_progress=on_progress)
