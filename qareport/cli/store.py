"""`qareport store`: checks, backups, deletions and upgrades of the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from qareport.calendar import start_of
from qareport.cli.console import Options, ProgressBars, complain, date_option, notify, takes_options
from qareport.cli.language import SpokenGroup
from qareport.codec import to_json
from qareport.delivery import DeskKey
from qareport.errors import ConfigError, DamagedError, InUseError, NoStoreError
from qareport.messages import Message, say, say_count
from qareport.model import Call, Deletion
from qareport.workflows.workspace import Workspace


@click.group("store", cls=SpokenGroup)
def store_group() -> None:
    """Check, back up and clean the store; delete orders and customers for good."""


@store_group.command(short_help="Check every row and page of the store")
@takes_options
def check(options: Options) -> int:
    """Verify every page and row of the store, and the key of the desk.

    Exit status: 0 whole; 1 some rows or the key cannot be read, all else can; 2 the database is damaged.
    """
    with options.open_workspace() as workspace:
        store = workspace.store
        if faults := _complain_of(store.maintenance.verify_pages()):
            notify(
                say("Damaged: {faults}. Keep this store as it is, and continue with the newest backup.", faults=faults)
            )
            return 2
        key_faults = _complain_of(_key_faults(workspace))
        try:
            faults = _complain_of(store.maintenance.verify_rows())
        except InUseError:
            faults = 0
            notify(say("In use: another process writes, so the search index was not checked. All else is whole."))
        if faults:
            notify(
                say(
                    "Rows that cannot be read: {faults}. All others can: run these calls again. Backups may go on.",
                    faults=faults,
                )
            )
        if faults or key_faults:
            return 1
        click.echo(say("{store}: whole, {size:.1f} MiB", store=store.url, size=store.maintenance.size_bytes() / 2**20))
    return 0


def _key_faults(workspace: Workspace) -> Iterator[str]:
    """Yield what is wrong with the key of the desk, from which the secrets of webhooks are derived."""
    try:
        path = workspace.settings.desk.key_path
        if path.exists():
            DeskKey.open(path)
        elif workspace.store.webhooks.list():
            yield str(
                say(
                    "{path}: the desk's key is missing, and webhooks are signed by it; bring it back from a backup",
                    path=path,
                )
            )
    except ConfigError as error:
        yield str(error)


def _complain_of(lines: Iterable[str]) -> int:
    """Write lines of what is wrong as they come. Returns how many they were."""
    number = 0
    for number, line in enumerate(lines, start=1):  # noqa: B007 - counted
        complain(line)
    return number


@store_group.command(short_help="Copy the store to a file while it is in use")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@takes_options
def backup(options: Options, file: Path) -> int:
    """Copy the store to FILE while it is in use. For PostgreSQL: print the command that does it.

    The desk's key goes with it, as FILE.key: without it webhooks have other secrets.
    """
    with options.open_workspace() as workspace:
        workspace.store.maintenance.backup(file)
        click.echo(file)
        key = workspace.settings.desk.key_path
        if key.exists():
            beside = file.with_name(f"{file.name}.key")
            DeskKey.open(key).copy(beside)
            click.echo(beside)
    return 0


@store_group.command("copy", short_help="Copy everything to another database")
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@takes_options
def copy_(options: Options, source: str, target: str) -> int:
    """Copy the store SOURCE into TARGET, an empty store that is made where there is none, and verify it.

    \b
    qareport store copy sqlite:///qareport.db postgresql://qareport@db/qareport

    Stop desk, worker and timers first. Run it again after an interruption: it goes on where it was. SOURCE is left as
    it is.
    """
    from qareport.store import Store
    from qareport.store.store_copy import copy_store

    with Store(source, make=False) as old, Store(target) as new, old.lock(), new.lock(), ProgressBars() as progress:
        copied = copy_store(old.database, new.database, on_progress=progress)
    click.echo(
        say(
            "Copied and verified: {calls} calls, {rows} rows of {tables} tables. From now on: --store {target}",
            calls=copied.calls,
            rows=copied.rows,
            tables=copied.tables,
            target=new.url,
        )
    )
    return 0


@store_group.command(short_help="Delete the calls of an order or customer")
@click.option("--order", metavar="ORDER", help="Everything about an order.")
@click.option("--call", metavar="CALL", help="Everything about one call.")
@click.option("--customer", metavar="PHONE", help="Everything about the calls of a customer's number.")
@date_option("--before", help="Calls that began before that day")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@takes_options
def delete(
    options: Options, order: str | None, call: str | None, customer: str | None, before: datetime | None,
    dry_run: bool, yes: bool,
) -> int:  # fmt: skip
    """Delete calls with transcripts, results and documents, and keep an anonymous proof.

    Recordings that were uploaded to the desk go, too, and exports with these calls. Other recordings, mails that were
    sent and reports of days are not in the store: delete those where they are.
    """
    given = {
        "order": order,
        "call": call,
        "customer": customer,
        "before": before.strftime("%Y-%m-%d") if before else None,
    }
    named = [(by, value) for by, value in given.items() if value is not None]
    if len(named) != 1:
        raise click.UsageError(str(say("give exactly one of --order, --call, --customer and --before")))
    ((by, selector),) = named
    with options.open_workspace() as workspace:
        store = workspace.store
        zone = ZoneInfo(workspace.settings.period.time_zone) if before else None
        from qareport.workflows.deletion import delete_calls  # it imports what writes exports

        border = start_of(before, zone) if before and zone else None
        calls = store.deletion.find_calls(order=order, call=call, customer=customer, before=border)
        _list(calls)
        if not calls:
            store.deletion.tidy()  # of a deletion that was killed
            notify(say("The store knows no such call ({by}): there is nothing to delete.", by=by))
            return 0
        if dry_run:
            notify(say("Calls that would be deleted: {count}. Nothing was changed.", count=len(calls)))
            return 0
        if not yes and not _confirmed(
            say_count("Delete this {count} call for good?", "Delete these {count} calls for good?", len(calls))
        ):
            notify(say("Nothing was deleted."))
            return 0
        return _tell(delete_calls(workspace, calls, by=by, selector=selector, now=datetime.now(UTC)))


def _confirmed(question: Message) -> bool:
    try:
        return click.confirm(str(question), err=True)
    except click.Abort:
        unasked = say("no terminal to confirm on, so nothing was deleted; --yes skips the question")
        raise click.UsageError(str(unasked)) from None


@store_group.command(short_help="Print the proof of each deletion")
@click.option("--order", metavar="ORDER", help="Only those of this order.")
@click.option("--call", metavar="CALL", help="Only those of this call.")
@click.option("--customer", metavar="PHONE", help="Only those of this number.")
@takes_options
def deletions(options: Options, order: str | None, call: str | None, customer: str | None) -> int:
    """Print the proof of each deletion, newest first, as one JSON object a line.

    A proof is anonymous: only who knows the order, the call or the number can find the deletion of it.
    """
    given = {"order": order, "call": call, "customer": customer}
    named = [(by, value) for by, value in given.items() if value is not None]
    if len(named) > 1:
        raise click.UsageError(str(say("give one of --order, --call and --customer")))
    by, selector = named[0] if named else (None, "")
    with options.open_workspace() as workspace:
        store = workspace.store
        deleted = store.deletion.list_proofs(by=by, selector=selector)
    for deletion in deleted:
        click.echo(to_json(deletion))
    if not deleted:
        notify(say("There was no such deletion."))
    return 0


@store_group.command(short_help="Delete what is older than retention.days")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@takes_options
def retain(options: Options, dry_run: bool) -> int:
    """Delete what is older than `retention.days` of the settings: calls, and texts of mails that were never settled.

    Lines of the audit log go after `retention.audit_days`. For a timer, so it does not ask.
    """
    now = datetime.now(UTC)
    with options.open_workspace() as workspace:
        days = workspace.settings.retention.days
        _trim_audit(workspace, now, dry_run=dry_run)
        if days is None:
            notify(say("retention.days is not set: every call is kept."))
            return 0
        from qareport.workflows.deletion import delete_older

        oldest, store = now - timedelta(days=days), workspace.store
        if mails := store.outbox.forget(before=oldest, now=now, dry_run=dry_run):
            if dry_run:
                click.echo(say("Texts of mails that were never settled: {mails} would be deleted.", mails=mails))
            else:
                click.echo(say("Texts of mails that were never settled: {mails} deleted.", mails=mails))
        deletion = None if dry_run else delete_older(workspace, oldest, selector=str(days), now=now)
        if deletion is not None:
            return _tell(deletion)
        calls = store.deletion.find_calls(before=oldest)
        _list(calls)
        notify(say("Calls older than {days} days: {count}.", days=days, count=len(calls)))
        if dry_run:
            notify(say("Nothing was changed."))
        return 0


def _trim_audit(workspace: Workspace, now: datetime, *, dry_run: bool) -> None:
    before = now - timedelta(days=workspace.settings.retention.audit_days)
    try:
        store = workspace.store
    except NoStoreError:  # what is to be said of that is said of the calls
        return
    if lines := store.audit.trim(before, at=now, dry_run=dry_run):
        if dry_run:
            click.echo(say("Lines of the audit log: {lines} would be deleted.", lines=lines))
        else:
            click.echo(say("Lines of the audit log: {lines} deleted.", lines=lines))


@store_group.command(short_help="Bring an older store up to date")
@click.option("--reindex", is_flag=True, help="Rebuild the search index.")
@takes_options
def upgrade(options: Options, reindex: bool) -> int:
    """Bring a store of an older qareport up to date, and its search index. Every command does the first."""
    with options.open_workspace() as workspace, ProgressBars() as progress:
        store = workspace.store
        if reindex:
            store.search_index.clear()
        unread: list[DamagedError] = []
        indexed = store.search_index.index_missing(on_progress=progress, on_damaged=unread.append)
        _complain_of(map(str, unread))
        click.echo(say("{store}: up to date", store=store.url))
        if indexed:
            click.echo(say_count("{count} call indexed", "{count} calls indexed", indexed))
    return int(bool(unread))


def _list(calls: tuple[Call, ...]) -> None:
    for call in calls:
        start = call.started_at.isoformat(timespec="minutes") if call.started_at else say("start unknown")
        click.echo(f"{call.call_id}\t{call.order_id or '-'}\t{start}")


def _tell(deletion: Deletion) -> int:
    click.echo(
        say(
            "Deleted: {calls} calls, {results} results, {transcripts} transcripts, {documents} documents. The proof: "
            "qareport store deletions",
            calls=deletion.calls,
            results=deletion.results,
            transcripts=deletion.transcripts,
            documents=deletion.documents,
        )
    )
    if deletion.files:
        click.echo(say_count("{count} file of the desk deleted", "{count} files of the desk deleted", deletion.files))
    for line in deletion.files_left:
        complain(say("could not be removed, remove it yourself: {file}", file=line))
    return 1 if deletion.files_left else 0
