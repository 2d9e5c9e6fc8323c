"""`qareport users`, `token` and `audit`: what an administrator does for the desk at a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from qareport.cli.console import Options, complain, notify, takes_options
from qareport.cli.language import SpokenGroup
from qareport.errors import NotFoundError, QareportError
from qareport.files import user_name
from qareport.messages import say
from qareport.model import TOKEN_SCOPES, AuditEntry, Permission, User, UserRole
from qareport.store import Store
from qareport.workflows.workspace import Workspace


@click.group(cls=SpokenGroup)
def users() -> None:
    """Add and change the people who use the desk."""


@users.command("add", short_help="Add a user")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in UserRole]), required=True, help="What they may do.")
@click.option("--display", default="", metavar="TEXT", help="What pages call them [NAME].")
@click.option("--agent", metavar="ID", help="The agent that they are in calls.")
@takes_options
def add_user(options: Options, name: str, role: str, display: str, agent: str | None) -> int:
    """Add a user; the password is asked for."""
    from qareport.web.passwords import hash_password

    with options.open_workspace(make_store=True) as workspace:
        if workspace.store.users.find(name) is not None:
            raise QareportError(say("there is a user {name!r} already", name=name))
        password = hash_password(_ask_password())
        _record(workspace.store, "users.add", f"user:{name}", role=role)
        workspace.store.users.add(name, UserRole(role), at=_now(), password=password, display=display, agent_id=agent)
    notify(str(say("{name} can log in now", name=name)))
    return 0


@users.command("list", short_help="List the users")
@takes_options
def list_users(options: Options) -> int:
    """List the users with their roles."""
    with options.open_workspace() as workspace:
        for user in workspace.store.users.list():
            state = str(say("disabled")) if user.disabled_at else ""
            click.echo("\t".join((user.name, user.role, user.display, user.agent_id or "", state)).rstrip())
    return 0


@users.command("disable", short_help="Disable a user")
@click.argument("name")
@takes_options
def disable_user(options: Options, name: str) -> int:
    """Disable a user: all sessions end; what they did stays in the log."""
    with options.open_workspace() as workspace:
        user = _find(workspace, name)
        _record(workspace.store, "users.disable", f"user:{name}")
        workspace.store.users.change(user.user_id, disabled_at=_now())
    return 0


@users.command("password", short_help="Set a user's password")
@click.argument("name")
@takes_options
def set_password(options: Options, name: str) -> int:
    """Set a user's password, which is asked for; all sessions of the user end."""
    from qareport.web.passwords import hash_password

    with options.open_workspace() as workspace:
        user = _find(workspace, name)
        password = hash_password(_ask_password())
        _record(workspace.store, "users.password", f"user:{name}")
        workspace.store.users.change(user.user_id, password=password, disabled_at=None)
    return 0


@click.group(cls=SpokenGroup)
def token() -> None:
    """Make and revoke the keys with which programs use the API."""


@token.command("add", short_help="Make a token")
@click.argument("name")
@click.option("--user", "owner", required=True, metavar="NAME", help="The user whose rights it has at most.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([scope.value for scope in TOKEN_SCOPES]),
              required=True, help="What it may do; may be repeated.")  # fmt: skip
@click.option("--team", "teams", multiple=True, metavar="ID", help="Only calls of this team; may be repeated.")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="It expires after so many.")
@takes_options
def add_token(
    options: Options, name: str, owner: str, scopes: tuple[str, ...], teams: tuple[str, ...], days: int
) -> int:
    """Make a token and print it, once."""
    with options.open_workspace() as workspace:
        user = _find(workspace, owner)
        _record(workspace.store, "tokens.add", f"user:{owner}", name=name, scopes=" ".join(scopes))
        made, secret = workspace.store.tokens.add(
            name, user.user_id, tuple(map(Permission, scopes)), at=_now(), lasts=timedelta(days=days), teams=teams
        )
    click.echo(secret)
    notify(str(say("token {number}: keep it now, it is shown only once", number=made.token_id)))
    return 0


@token.command("list", short_help="List the tokens")
@takes_options
def list_tokens(options: Options) -> int:
    """List the tokens, without their secrets."""
    with options.open_workspace() as workspace:
        names = {user.user_id: user.name for user in workspace.store.users.list()}
        for made in workspace.store.tokens.list():
            until = str(say("revoked")) if made.revoked_at else made.expires_at.date().isoformat()
            click.echo(f"{made.token_id}\t{made.name}\t{names.get(made.user_id, '')}\t{until}\t{' '.join(made.scopes)}")
    return 0


@token.command("revoke", short_help="Revoke a token")
@click.argument("number", type=int)
@takes_options
def revoke_token(options: Options, number: int) -> int:
    """Revoke a token: it opens nothing any more."""
    with options.open_workspace() as workspace:
        if all(known.token_id != number for known in workspace.store.tokens.list()):
            raise NotFoundError(say("there is no token {number}", number=number))
        _record(workspace.store, "tokens.revoke", f"token:{number}")
        workspace.store.tokens.revoke(number, at=_now())
    return 0


@click.group(cls=SpokenGroup)
def audit() -> None:
    """Read and verify the log of who did what on the desk."""


@audit.command("export", short_help="Write the log as JSON lines")
@takes_options
def export_audit(options: Options) -> int:
    """Write the whole log to standard output, oldest line first, one JSON object each; the last says who did."""
    with options.open_workspace() as workspace:
        _record(workspace.store, "audit.export", "", format="jsonl")
        entries: list[AuditEntry] = []
        before: int | None = None
        while page := workspace.store.audit.list(before=before, limit=1000):
            entries += page
            before = page[-1].number
    for entry in reversed(entries):
        click.echo(json.dumps(asdict(entry) | {"at": entry.at.isoformat()}, ensure_ascii=False))
    return 0


@audit.command("verify", short_help="Check that no line was changed")
@takes_options
def verify_audit(options: Options) -> int:
    """Check the chain of hashes: exit status 1 names the first line that was changed or removed."""
    with options.open_workspace() as workspace:
        wrong = workspace.store.audit.verify()
    if wrong is not None:
        complain(str(wrong))
        return 1
    notify(str(say("The audit log is whole.")))
    return 0


def _ask_password() -> str:
    password: str = click.prompt(str(say("Password")), hide_input=True, err=True)
    if click.prompt(str(say("The same again")), hide_input=True, err=True) != password:
        raise QareportError(say("the two passwords differ"))
    return password


def _find(workspace: Workspace, name: str) -> User:
    user = workspace.store.users.find(name)
    if user is None:
        raise NotFoundError(say("there is no user {name!r}", name=name), to_do=say("run `qareport users list`"))
    return user


def _record(store: Store, action: str, object: str, **details: str) -> None:
    entry = AuditEntry(
        at=_now(), actor=user_name(), actor_kind="command", action=action, object=object, details=details
    )
    store.audit.record(entry)


def _now() -> datetime:
    return datetime.now(UTC)
