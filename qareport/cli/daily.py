"""`qareport daily` and `qareport mail`: the report of a period, and the state of its mails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from qareport.cli.console import Options, ProgressBars, complain, date_option, notify, takes_options
from qareport.cli.intake_summary import skipped_lines, undated_lines
from qareport.cli.language import SpokenCommand, SpokenGroup
from qareport.delivery.mail import Transport, read_password
from qareport.messages import Message, recall, say
from qareport.model import DeliveryRecord, DeliveryState, PeriodKind, RunState
from qareport.settings.mail import is_address
from qareport.store import Store
from qareport.workflows.daily import Clock, DailyOptions, Mode, Result, post, run_daily, send_test, summary


@click.command(cls=SpokenCommand)
@click.argument("sources", nargs=-1, metavar="[SOURCE...]")
@click.option("--manifest", metavar="FILE", default="", help="Overrides daily.manifest.")
@click.option("--out", metavar="DIR", default="", help="Overrides daily.out.")
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

    New recordings of the configured sources are processed first. Without --send or --dry-run nothing is sent, and
    only the recipients are listed. Without --date, --send catches up on days that were missed.
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
    for line in (*skipped_lines(result.skipped), *undated_lines(result.undated)):
        notify(line)
    if result.mode is Mode.SEND:
        return
    for letter in result.letters:
        notify(
            say(
                "{edition} edition to {recipient}: {subject}",
                edition=letter.edition,
                recipient=letter.recipient,
                subject=letter.subject,
            )
        )
    if not result.letters:
        notify(say("Nobody gets a mail: mail.team, mail.agents and mail.operator in qareport.yaml name no one."))
    elif result.mode is Mode.DRY_RUN:
        notify(say("Nothing was sent: the mails are .eml files in the folder `mail` beside the report."))
    else:
        notify(say("Nothing was sent. --dry-run writes these mails as files, --send sends them."))


def _status(result: Result) -> int:
    open_mails = any(
        mail.state is not DeliveryState.SENT and mail.state is not DeliveryState.FORGOTTEN for mail in result.mails
    )
    return int(result.state is not RunState.DONE or bool(result.failed_calls or result.unknown) or open_mails)


_MEANINGS: Mapping[DeliveryState, Message] = {
    DeliveryState.PLANNED: say("waits to be sent"),
    DeliveryState.SENDING: say("was being sent when its process ended: the next run calls it unknown"),
    DeliveryState.SENT: say("the server has taken it"),
    DeliveryState.RETRY: say("refused for now; the next run of `qareport daily --send` after that time tries again"),
    DeliveryState.FAILED: say("refused permanently: fix the cause, then `qareport mail resend KEY`"),
    DeliveryState.UNKNOWN: say(
        "the connection or the process ended between the text and the server's answer: it may have arrived or not, and "
        "no program can find out. Ask the recipient; then `qareport mail forget KEY` if it arrived, or "
        "`qareport mail resend KEY --yes` if it is not"
    ),
    DeliveryState.FORGOTTEN: say("a person decided that it is not sent again"),
}


@click.group("mail", cls=SpokenGroup)
def mail() -> None:
    """List the mails of `qareport daily`, decide about uncertain ones, test the mail server."""


@mail.command("list", short_help="List mails that are not settled")
@click.option("--all", "everything", is_flag=True, help="Also mails that were sent or forgotten.")
@takes_options
def list_mails(options: Options, everything: bool) -> int:
    """List the mails that are not settled: waiting, refused, or unknown (may or may not have arrived)."""
    states = [
        state for state in DeliveryState if everything or state not in (DeliveryState.SENT, DeliveryState.FORGOTTEN)
    ]
    with options.open_workspace() as workspace:
        zone = ZoneInfo(workspace.settings.period.time_zone)
        records, count = workspace.store.outbox.list(*states), sum(workspace.store.outbox.count().values())
    for record in records:
        changed = f"{record.changed_at.astimezone(zone):%Y-%m-%d %H:%M}"
        mail_of = f"{record.key[:12]} {record.state:<9} {record.period} {record.edition} {record.recipient}"
        tries = say("{changed}, tries: {tries}", changed=changed, tries=record.tries)
        if record.next_try_at:
            again = f"{record.next_try_at.astimezone(zone):%H:%M}"
            tries = say(
                "{changed}, tries: {tries}, next try after {again}", changed=changed, tries=record.tries, again=again
            )
        click.echo(f"{mail_of}  {tries}  {record.reply}".rstrip())
    for state in dict.fromkeys(record.state for record in records):
        notify(f"{state}: {_MEANINGS[state]}")
    if not records:
        notify(say("All {count} mails are settled.", count=count) if count else say("There are no mails yet."))
    return int(any(record.state in (DeliveryState.UNKNOWN, DeliveryState.FAILED) for record in records))


@mail.command("resend", short_help="Send an unknown or refused mail again")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Resend even if it may already have arrived.")
@takes_options
def resend(options: Options, key: str, yes: bool) -> int:
    """Send a mail again whose arrival is unknown, or that was refused."""
    with options.open_workspace() as workspace, workspace.store.lock(), ProgressBars() as progress:
        config, store = workspace.settings, workspace.store
        store.outbox.settle(now=datetime.now(UTC))
        record = _decidable(store, key)
        if record.state is DeliveryState.UNKNOWN and not yes:
            may_have_arrived = say(
                "this mail to {recipient} may have arrived already: ask there first. To send it again all the same: "
                "qareport mail resend {key} --yes",
                recipient=record.recipient,
                key=record.key[:12],
            )
            raise click.UsageError(str(may_have_arrived))
        with Transport(config.mail, read_password(config.mail)) as transport:
            transport.connect()  # what is wrong with the server is said before anything is decided
        store.outbox.decide(record.key, DeliveryState.PLANNED, now=datetime.now(UTC))
        post(store, config.mail, clock=Clock(), on_sent=lambda done, total: progress("send", done, total))
        record = store.outbox.get(record.key)
    click.echo(f"{record.key[:12]} {record.state} {record.recipient} {record.reply}")
    return int(record.state is not DeliveryState.SENT)


@mail.command("forget", short_help="Settle a mail without sending it again")
@click.argument("key")
@takes_options
def forget(options: Options, key: str) -> int:
    """Settle a mail that is not to be sent again: it has arrived, or is not needed any more."""
    with options.open_workspace() as workspace, workspace.store.lock():
        store = workspace.store
        store.outbox.settle(now=datetime.now(UTC))
        record = _decidable(store, key)
        store.outbox.decide(record.key, DeliveryState.FORGOTTEN, now=datetime.now(UTC))
    click.echo(
        say(
            "{key} forgotten: {recipient} gets no further {edition} mail of {period}",
            key=record.key[:12],
            recipient=record.recipient,
            edition=record.edition,
            period=record.period,
        )
    )
    return 0


def _decidable(store: Store, key: str) -> DeliveryRecord:
    record = store.outbox.get(key)
    if record.state in (DeliveryState.SENT, DeliveryState.FORGOTTEN):
        settled = say(
            "mail {key} to {recipient} is settled: {meaning}",
            key=record.key[:12],
            recipient=record.recipient,
            meaning=_MEANINGS[record.state],
        )
        raise click.UsageError(str(settled))
    return record


@mail.command("test", short_help="Send a test mail")
@click.argument("address")
@takes_options
def test(options: Options, address: str) -> int:
    """Send a test mail to ADDRESS, or say what is wrong: name, connection, encryption, log-in, sender, recipient."""
    if not is_address(address):
        wrong = say("{address!r} is not a mail address such as li.lei@example.com", address=address)
        raise click.UsageError(str(wrong))
    with options.open_workspace() as workspace:
        outcome = send_test(address, workspace.settings, templates=workspace.templates)
    click.echo(f"{address}: {outcome.state}, {recall(outcome.reply)}")
    if outcome.state is DeliveryState.SENT:
        notify(say("The server has taken it. If it does not arrive, look into the spam folder and the server's log."))
    return int(outcome.state is not DeliveryState.SENT)
