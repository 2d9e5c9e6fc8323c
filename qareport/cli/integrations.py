"""`qareport integrations` and `qareport notify`: check and try what tells other systems and chat groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from qareport.cli.console import Options, complain, notify, takes_options
from qareport.cli.language import SpokenGroup
from qareport.cli.rules import write_problems
from qareport.delivery.chat import ChatLine, ChatMessage, Robots, client_of
from qareport.delivery.integrations import WrittenRequest, load_integrations, split_secret
from qareport.errors import ConfigError, NotFoundError, redact
from qareport.messages import recall, say, say_count
from qareport.model import DeliveryState
from qareport.presentation.locale import _, speaking
from qareport.workflows.call_event import event_of, previews


@click.group("integrations", cls=SpokenGroup)
def integrations() -> None:
    """Check the integrations in config/integrations, and show what they would send."""


@integrations.command("lint", short_help="Check all integrations")
@click.option("--format", "format_", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@takes_options
def lint(options: Options, format_: str) -> int:
    """Check all integrations: every problem at once, as file:line:col: what; what to do [code]."""
    with options.open_workspace() as workspace:
        try:
            found = load_integrations(workspace.config)
        except ConfigError as error:
            for line in write_problems(error.problems, (), format_):
                click.echo(line)
            notify(say_count("{count} error", "{count} errors", len(error.problems)))
            return 2
        folder = workspace.config / "integrations"
    if format_ == "json":
        click.echo("\n".join(write_problems((), (), format_)))
    for integration in found if format_ == "text" else ():
        events = ", ".join(kind.value for kind in integration.form.on)
        click.echo(f"{integration.name}\t{', '.join(integration.hosts)}\t{len(integration.requests)}\t{events}")
    notify(say("{count} integrations in {folder}: no errors", count=len(found), folder=folder))
    return 0


@integrations.command("try", short_help="Show what an integration would send")
@click.argument("name")
@click.option("--call", "call_id", required=True, metavar="CALL", help="The stored call that it is told of.")
@click.option("--overturned", is_flag=True, help="As if a review had overturned every tag of the call.")
@takes_options
def try_integration(options: Options, name: str, call_id: str, overturned: bool) -> int:
    """Print the requests that would follow from a stored call, masked and without secrets. Nothing is sent."""
    with options.open_workspace() as workspace:
        found = {integration.name: integration for integration in load_integrations(workspace.config)}
        if name not in found:
            known = ", ".join(sorted(found)) or "-"
            raise NotFoundError(
                say("there is no integration {name!r}", name=name), expected=say("one of {choices}", choices=known)
            )
        event = event_of(workspace, call_id, at=datetime.now(UTC), overturned=overturned)
        for request, requests in previews(found[name], event):
            click.echo(f"# {found[name].name_of(request)}")
            if not requests:
                click.echo(str(say("nothing: the conditions do not hold, or the call has no ticket")))
            for written in requests:
                click.echo("\n".join(_lines(written)))
            click.echo()
    notify(say("Nothing was sent, and nothing was read: what only the other system knows is still a template."))
    return 0


def _lines(written: WrittenRequest) -> Iterator[str]:
    yield f"{written.method} {redact(written.url)}"
    for header, value in written.headers.items():
        before, place = split_secret(value)
        yield f"{header}: {before}{f'*** ({place})' if place else ''}"
    if written.body is not None:
        yield ""
        yield written.body


@click.group("notify", cls=SpokenGroup)
def notify_group() -> None:
    """Try the chat robots of notify.robots."""


@notify_group.command("test", short_help="Send a test message to chat groups")
@click.option("--team", metavar="ID", help="Only the robots that tell of this team.")
@takes_options
def test_robots(options: Options, team: str | None) -> int:
    """Send a test message to each robot, or say what is wrong: address, key, connection, what it answered."""
    with options.open_workspace() as workspace:
        settings = workspace.settings
        robots = Robots(settings.notify, client_of(settings), now=lambda: datetime.now(UTC))
        chosen = robots.list(team_id=team)
        if not chosen:
            complain(say("there is no robot for this in notify.robots of qareport.yaml"))
            return 2
        with speaking(settings.report.locale):
            line = ChatLine(text=_("收到这条消息，说明群机器人设置正确。"), url=settings.desk.public_url)
            message = ChatMessage(title=_("质检测试消息"), lines=(line,))
        failed = False
        for robot in chosen:
            outcome = robots.tell(robot.name, message)
            if outcome is not None:
                failed = failed or outcome.state is not DeliveryState.SENT
                click.echo(f"{robot.name} ({robot.kind}): {outcome.state}, {recall(outcome.reply)}")
    return int(failed)
