"""What `qareport serve --demo` opens: a desk of its own over the bundled calls, with a user of each role."""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from qareport import ingest, settings
from qareport.cli.console import Options
from qareport.model import AuditEntry, Call, JobKind, Team, UserRole
from qareport.store import CallFilter, Store
from qareport.workflows.workspace import Workspace

#: Where the desk of the demo keeps everything, and what `qareport demo` made, which is taken over where it is there.
FOLDER, DEMO_STORE = Path("out/desk"), Path("out/demo/qareport.db")
#: The agent whose calls the demo's agent sees; the team that the demo's supervisor looks after has all agents.
_AGENT, _TEAM = "A017", "demo"
#: Users of the demo are named after their roles.
_DISPLAY = {
    UserRole.ADMIN: "管理员", UserRole.SUPERVISOR: "主管", UserRole.ANALYST: "质检员", UserRole.AGENT: "客服 A017",
    UserRole.AUDITOR: "审计员",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLogin:
    """A user of the demo and their password, which is made anew at each start."""

    name: str
    password: str


def demo_options(options: Options) -> Options:
    """Return the options with which the demo's desk runs: its own store and configuration, and the small model."""
    return replace(
        options,
        config=options.config or FOLDER / "config",
        store=options.store or f"sqlite:///{FOLDER / 'qareport.db'}",
        model=options.model or "demo",
    )


def prepare_demo(options: Options) -> tuple[DemoLogin, ...]:
    """Make the demo's desk ready: configuration, store, users, team, and the bundled calls judged or in the queue.

    Args:
        options: as `demo_options` returns them.

    Raises:
        StoreError: the store cannot be made.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    _copy_config(FOLDER / "config")
    _take_over(FOLDER / "qareport.db")
    with options.open_workspace(make_store=True) as workspace:
        store = workspace.store
        logins = tuple(_put_user(store, role) for role in UserRole)
        _put_team(store, workspace)
        return logins


def _copy_config(target: Path) -> None:
    """Copy the default configuration, so that rules edited in the demo change no other."""
    if target.exists():
        return
    shutil.copytree(settings.default_dir("config"), target)
    path = target / "qareport.yaml"
    folder = (FOLDER / "files").resolve().as_posix()
    text = path.read_text("utf-8")
    path.write_text(re.sub(r"(?m)^  folder: desk$", lambda _: f'  folder: "{folder}"', text, count=1), "utf-8")


def _take_over(target: Path) -> None:
    """Copy what `qareport demo` has judged already."""
    if DEMO_STORE.is_file() and not target.exists():
        with Workspace.open(store=f"sqlite:///{DEMO_STORE}") as made:
            made.store.maintenance.backup(target)


def _put_user(store: Store, role: UserRole) -> DemoLogin:
    from qareport.web.passwords import hash_password

    login = DemoLogin(name=role.value, password=secrets.token_urlsafe(9))
    hashed = hash_password(login.password)
    entry = AuditEntry(
        at=_now(), actor="serve --demo", actor_kind="command", action="users.password", object=f"user:{login.name}"
    )
    store.audit.record(entry)
    if (user := store.users.find(login.name)) is not None:
        store.users.change(user.user_id, password=hashed)
    else:
        agent = _AGENT if role is UserRole.AGENT else None
        store.users.add(login.name, role, at=_now(), password=hashed, display=_DISPLAY[role], agent_id=agent)
    return login


def _put_team(store: Store, workspace: Workspace) -> None:
    """Make the team of all bundled agents and, at the first start, let the worker hear what is not judged yet."""
    if any(team.team_id == _TEAM for team in store.teams.list()):
        return
    found = ingest.find_calls(
        (),
        settings.bundled_calls() / "manifest.csv",
        cache=FOLDER / "fetched",
        settings=replace(workspace.settings.ingest, settle_s=0.0),
        audio=workspace.settings.audio,
        time_zone=workspace.settings.period.time_zone,
        wait=lambda _: None,
    )
    people = {user.role: user for user in store.users.list()}
    known = {call_id for call_id, _ in store.calls.list_ids(CallFilter())}
    for call in found.calls:
        if call.call_id not in known:
            store.jobs.add(JobKind.UPLOAD, _payload(call), at=_now(), user_id=people[UserRole.ADMIN].user_id)
    agents = tuple(sorted({call.agent_id for call in found.calls if call.agent_id}))
    leads = (people[UserRole.SUPERVISOR].user_id,)
    store.teams.put(Team(team_id=_TEAM, name="演示组", agents=agents, users=leads))


def _payload(call: Call) -> dict[str, object]:
    path = Path(call.audio_path).resolve()
    return {
        "file_name": path.name,
        "language": "auto",
        "call_id": call.call_id,
        "order_id": call.order_id,
        "agent_id": call.agent_id,
        "customer_phone": call.customer_phone,
        "started_at": call.started_at.isoformat() if call.started_at else None,
        "channel_roles": [role.value for role in call.channel_roles],
        "external_ref": call.external_ref,
        "path": str(path),
        "sha256": "",
    }


def _now() -> datetime:
    return datetime.now(UTC)
