"""`qareport daily`: the report of a day, a week or a month, and the mails about it."""

from __future__ import annotations

from datetime import datetime

import click

from qareport.cli.console import ProgressBars, complain, say
from qareport.cli.options import Options, date_option, takes_options
from qareport.model import DeliveryState, PeriodKind, RunState
from qareport.workflows.daily import DailyOptions, Mode, Result, run_daily, summary


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE...]")
@click.option("--manifest", metavar="FILE", default="", help="In place of daily.manifest.")
@click.option("--out", metavar="DIR", default="", help="In place of daily.out.")
@date_option("--date", "day", help="The day [yesterday]")
@click.option("--week", "kind", flag_value="week", help="The week (Monday first) instead [last week].")
@click.option("--month", "kind", flag_value="month", help="The month instead [last month].")
@click.option("--send", "mode", flag_value="send", help="Send the mails.")
@click.option("--dry-run", "mode", flag_value="dry-run", help="Write the mails as .eml files; send nothing.")
@takes_options
def daily(
    options: Options,
    sources: tuple[str, ...],
    manifest: str,
    out: str,
    day: datetime | None,
    kind: str | None,
    mode: str | None,
) -> int:
    """Make the report of a day and mail it, once: safe to run twice, safe to kill.

    New recordings of the configured sources are worked on first. Without --send or --dry-run nothing is sent, and it
    is said who would get a mail. Without --date, --send makes up for days that were missed.
    """
    wanted = DailyOptions(
        kind=PeriodKind(kind or "day"),
        day=day.date() if day else None,
        mode=Mode(mode or "plan"),
        sources=sources,
        manifest=manifest,
        out=out,
    )
    status = 0
    with options.open_workspace(make_store=True) as workspace, ProgressBars() as progress:
        for result in run_daily(workspace, wanted, on_progress=progress):
            click.echo(summary(result))
            _explain(result)
            status = max(status, _status(result))
    return status


def _explain(result: Result) -> None:
    for problem in result.problems:
        complain(problem)
    if result.mode is Mode.SEND:
        return
    for letter in result.letters:
        say(f"{letter.edition} to {letter.recipient}: {letter.subject}")
    if not result.letters:
        say("Nobody gets a mail: mail.team, mail.agents and mail.operator in qareport.yaml name no one.")
    elif result.mode is Mode.DRY_RUN:
        say("Nothing was sent: the mails are .eml files in the folder `mail` beside the report.")
    else:
        say("Nothing was sent. --dry-run writes these mails as files, --send sends them.")


def _status(result: Result) -> int:
    open_mails = any(
        mail.state is not DeliveryState.SENT and mail.state is not DeliveryState.FORGOTTEN for mail in result.mails
    )
    return int(result.state is not RunState.DONE or bool(result.failed_calls or result.unknown) or open_mails)
