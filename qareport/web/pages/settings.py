"""`/settings/users`, `/settings/teams`, `/settings/tokens` and `/settings/live`: for administrators."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError

from qareport.errors import QareportError
from qareport.messages import say
from qareport.model import TOKEN_SCOPES, Permission, Signal, UserRole
from qareport.presentation import live_wording, wording
from qareport.presentation.locale import N_, Translated
from qareport.web import live_reading, people
from qareport.web.access import RIGHTS, Access
from qareport.web.dependencies import MyAccess, RowId
from qareport.web.health import engine_state
from qareport.web.templating import render

#: Telephone systems, by the name in their address, and how they show who they are: by a signature, or by a token.
CONVENTIONS: Final = (
    ("twilio", "Twilio", "signature"),
    ("telnyx", "Telnyx", "signature"),
    ("exotel", "Exotel", "signature"),
    ("asterisk", "Asterisk (chan_websocket)", "token"),
    ("freeswitch", "FreeSWITCH (mod_audio_fork, mod_audio_stream)", "token"),
    ("jambonz", "jambonz", "token"),
    ("pcm", "PCM", "token"),
)
#: What the pages call the fields of their forms.
_FIELDS: Final = Translated(
    {
        "name": N_("名称"), "role": N_("角色"), "user": N_("属于哪个用户"), "days": N_("有效天数"),
        "scopes": N_("能做什么"), "team_id": N_("团队编号"), "agents": N_("客服工号"), "agent_id": N_("客服工号"),
        "url": N_("地址"), "types": N_("通知哪些事"),
    }
)  # fmt: skip
router = APIRouter(prefix="/settings")
_M = TypeVar("_M", bound=BaseModel)
_Text = Annotated[str, Form(max_length=300)]
_Names = Annotated[list[str], Form(max_length=500)]


@router.get("")
def show_settings() -> Response:
    """Send to the users."""
    return RedirectResponse("/settings/users", status_code=303)


# --- users --------------------------------------------------------------------------------------------------------


@router.get("/users")
def show_users(request: Request, access: MyAccess) -> Response:
    """List the users, with a form that adds another."""
    return _users(request, access)


@router.post("/users")
def add_user(
    request: Request,
    access: MyAccess,
    name: _Text = "",
    role: _Text = "",
    display: _Text = "",
    agent_id: _Text = "",
    teams: _Names = [],  # noqa: B006 - read by FastAPI
) -> Response:
    """Add a user and show the password, once."""
    people.list_users(access)
    values = {"name": name, "role": role, "display": display, "agent_id": agent_id, "teams": teams}
    try:
        _check_agent(role, agent_id)
        user, password = people.add_user(access, read_form(people.NewUser, values))
    except QareportError as error:
        return _users(request, access, status=422, problem=str(error), entered=values)
    return _users(request, access, made=user.name, secret=password)


@router.get("/users/{user_id}")
def show_user(request: Request, access: MyAccess, user_id: RowId) -> Response:
    """Show the forms that change a user."""
    return _user(request, access, user_id)


@router.post("/users/{user_id}")
def change_user(
    request: Request,
    access: MyAccess,
    user_id: RowId,
    role: _Text = "",
    display: _Text = "",
    agent_id: _Text = "",
    teams: _Names = [],  # noqa: B006 - read by FastAPI
) -> Response:
    """Change role, name on pages, agent and teams of a user."""
    people.find_user(access, user_id)
    values = {"role": role, "display": display, "agent_id": agent_id, "teams": teams}
    try:
        _check_agent(role, agent_id)
        people.change_user(access, user_id, read_form(people.UserChange, values))
    except QareportError as error:
        return _user(request, access, user_id, status=422, problem=str(error))
    return RedirectResponse("/settings/users", status_code=303)


@router.post("/users/{user_id}/password")
def renew_password(request: Request, access: MyAccess, user_id: RowId) -> Response:
    """Give a user a new password and show it, once."""
    user, password = people.renew_password(access, user_id)
    return _users(request, access, made=user.name, secret=password)


@router.post("/users/{user_id}/state")
def disable_user(request: Request, access: MyAccess, user_id: RowId, state: _Text = "") -> Response:
    """Disable a user, or let a disabled one log in again."""
    people.find_user(access, user_id)
    try:
        people.change_user(access, user_id, people.UserChange(disabled=state != "enabled"))
    except QareportError as error:
        return _user(request, access, user_id, status=422, problem=str(error))
    return RedirectResponse("/settings/users", status_code=303)


# --- teams --------------------------------------------------------------------------------------------------------


@router.get("/teams")
def show_teams(request: Request, access: MyAccess) -> Response:
    """List the teams; with forms, unless they are kept in a file."""
    return _teams(request, access)


@router.post("/teams")
def put_team(
    request: Request,
    access: MyAccess,
    team_id: _Text = "",
    name: _Text = "",
    agents: Annotated[str, Form(max_length=200_000)] = "",
    new: Annotated[bool, Form()] = False,
) -> Response:
    """Make a team, or replace its name and agents (separated by spaces, commas or lines); a `new` one replaces none."""
    teams = people.list_teams(access)
    values = {
        "team_id": team_id,
        "name": name,
        "agents": [agent for agent in re.split(r"[\s,，、;；]+", agents) if agent],
    }
    try:
        if new and any(team.team_id == team_id.strip() for team in teams):
            raise QareportError(say("there is already a team {team}", team=team_id.strip()))
        people.put_team(access, read_form(people.NewTeam, values))
    except QareportError as error:
        return _teams(request, access, status=422, problem=str(error))
    return RedirectResponse("/settings/teams", status_code=303)


@router.post("/teams/{team_id}/delete")
def delete_team(access: MyAccess, team_id: str) -> Response:
    """Delete a team."""
    people.delete_team(access, team_id)
    return RedirectResponse("/settings/teams", status_code=303)


# --- tokens -------------------------------------------------------------------------------------------------------


@router.get("/tokens")
def show_tokens(request: Request, access: MyAccess) -> Response:
    """List the tokens, with a form that makes another."""
    return _tokens(request, access)


@router.post("/tokens")
def add_token(
    request: Request,
    access: MyAccess,
    name: _Text = "",
    user: _Text = "",
    days: _Text = "90",
    scopes: _Names = [],  # noqa: B006 - read by FastAPI
    teams: _Names = [],  # noqa: B006 - read by FastAPI
) -> Response:
    """Make a token and show it, once."""
    people.list_tokens(access)
    values = {"name": name, "user": user, "days": days, "scopes": scopes, "teams": teams}
    try:
        made, secret = people.add_token(access, read_form(people.NewToken, values))
    except QareportError as error:
        return _tokens(request, access, status=422, problem=str(error))
    return _tokens(request, access, made=made.name, secret=secret)


@router.post("/tokens/{token_id}/revoke")
def revoke_token(access: MyAccess, token_id: RowId) -> Response:
    """Revoke a token."""
    people.revoke_token(access, token_id)
    return RedirectResponse("/settings/tokens", status_code=303)


def read_form(kind: type[_M], values: dict[str, Any]) -> _M:
    """Check what a form said.

    Raises:
        QareportError: names the field that is wrong.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"][:1])
        label = _FIELDS.get(field, field)
        raise QareportError(say("the field {field} is missing or wrong", field=label)) from None


def _check_agent(role: str, agent_id: str) -> None:
    """Refuse an agent without the number that their calls are under: they would see nothing."""
    if role == UserRole.AGENT and not agent_id.strip():
        raise QareportError(say("whoever is an agent needs the agent's number: by it they see their own calls"))


def _users(request: Request, access: Access, *, status: int = 200, **values: Any) -> Response:
    users, teams = people.list_users(access), people.list_teams(access)
    names = {team.team_id: team.name for team in teams}
    shown = {"problem": "", "made": "", "secret": "", "entered": {}} | values
    return render(
        request, "users.html.j2", status=status, users=users, teams=teams, roles=list(UserRole),
        teams_of={user.user_id: wording.listed(names.get(team, team) for team in user.teams) for user in users},
        **shown,
    )  # fmt: skip


# --- live calls ---------------------------------------------------------------------------------------------------


@router.get("/live")
def show_live_settings(request: Request, access: MyAccess) -> Response:
    """Show where telephone systems send calls, whether anything listens there, and whom alerts go to."""
    access.require(Permission.SETTINGS_WRITE)
    settings, engine = access.desk.settings, engine_state(access.desk)
    ports, live = engine.live_ports, settings.live
    scheme = "wss" if request.url.scheme == "https" else "ws"
    here = f"{scheme}://{request.url.hostname}:{ports.get('live', live.port)}"
    return render(
        request, "live_settings.html.j2", live=live, alerts=settings.alerts, engine=engine.state, ports=ports,
        address=live.public_url.rstrip("/") or here, conventions=CONVENTIONS, scopes=RIGHTS,
        near=[
            ("funasr_port", "FunASR", ports.get("funasr", live.funasr_port)),
            ("audiosocket_port", "Asterisk (AudioSocket)", ports.get("audiosocket", live.audiosocket_port)),
        ],
        signals=[live_wording.SIGNALS[Signal(name)] for name in settings.alerts.signals],
        on=len(live_reading.calls_on(access)),
    )  # fmt: skip


def _user(request: Request, access: Access, user_id: RowId, *, status: int = 200, problem: str = "") -> Response:
    user = people.find_user(access, user_id)
    return render(
        request, "user.html.j2", status=status, user=user, teams=people.list_teams(access), roles=list(UserRole),
        problem=problem,
    )  # fmt: skip


def _teams(request: Request, access: Access, *, status: int = 200, problem: str = "") -> Response:
    names = {user.user_id: user.display for user in people.list_users(access)}
    teams = people.list_teams(access)
    leads = {team.team_id: " ".join(names.get(user, "") for user in team.users) for team in teams}
    return render(
        request, "teams.html.j2", status=status, teams=teams, leads=leads, problem=problem,
        in_file=access.desk.teams_in_file,
    )  # fmt: skip


def _tokens(request: Request, access: Access, *, status: int = 200, **values: Any) -> Response:
    users = {user.user_id: user for user in people.list_users(access)}
    shown = {"problem": "", "made": "", "secret": ""} | values
    return render(
        request, "tokens.html.j2", status=status, tokens=people.list_tokens(access), users=users,
        scopes={scope: RIGHTS[scope] for scope in TOKEN_SCOPES},
        teams=people.list_teams(access), now=access.desk.now(), **shown,
    )  # fmt: skip
