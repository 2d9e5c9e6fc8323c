"""Users, teams and tokens as an administrator changes them: what is checked, what is logged, for pages and API."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from qareport.errors import BusyError, ConfigError, NotFoundError, Problem
from qareport.messages import say
from qareport.model import TOKEN_SCOPES, ApiToken, Permission, Team, User, UserRole
from qareport.web.access import Access
from qareport.web.passwords import hash_password

_STRICT: Final = ConfigDict(extra="forbid", str_strip_whitespace=True)
_Id = Annotated[str, Field(min_length=1, max_length=100)]
_Scope = Annotated[Permission, WithJsonSchema({"type": "string", "enum": [scope.value for scope in TOKEN_SCOPES]})]


class NewUser(BaseModel):
    """A user who is to be added; the password is made by the desk."""

    model_config = _STRICT

    name: Annotated[str, Field(min_length=1, max_length=100, description="What they log in with.")]
    role: UserRole
    display: Annotated[str, Field(max_length=100, description="What pages call them; empty: the name.")] = ""
    agent_id: Annotated[str, Field(max_length=200, description="The agent that they are in calls.")] = ""
    teams: Annotated[list[_Id], Field(max_length=500, description="Ids of the teams they look after.")] = []


class UserChange(BaseModel):
    """What is to be changed of a user; what is absent stays."""

    model_config = _STRICT

    role: UserRole | None = None
    display: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    agent_id: Annotated[str | None, Field(max_length=200, description="Empty: no agent.")] = None
    teams: Annotated[list[_Id] | None, Field(max_length=500)] = None
    disabled: bool | None = None


class NewTeam(BaseModel):
    """A team that is to be made or replaced."""

    model_config = _STRICT

    team_id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/\\\s]+$")]
    name: Annotated[str, Field(max_length=100, description="Empty: the id.")] = ""
    agents: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=5000)] = []


class NewToken(BaseModel):
    """A token that is to be made."""

    model_config = _STRICT

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[_Scope], Field(min_length=1, description="What it may do.")]
    user: Annotated[str, Field(max_length=100, description="Whose rights it has at most; empty: yours.")] = ""
    teams: Annotated[list[_Id], Field(max_length=500, description="Only calls of these teams.")] = []
    days: Annotated[int, Field(ge=1, le=366, description="It expires after so many days.")] = 90


def list_users(access: Access) -> tuple[User, ...]:
    """Return all users, to an administrator."""
    access.require(Permission.SETTINGS_WRITE)
    return access.desk.store.users.list()


def find_user(access: Access, user_id: int) -> User:
    """Return a user, to an administrator.

    Raises:
        NotFoundError: there is no such user.
    """
    access.require(Permission.SETTINGS_WRITE)
    return access.desk.store.users.get(user_id)


def add_user(access: Access, new: NewUser) -> tuple[User, str]:
    """Add a user. Returns it and its password, which is shown once and kept nowhere.

    Raises:
        BusyError: there is a user of that name already.
    """
    access.require(Permission.SETTINGS_WRITE)
    store = access.desk.store
    if store.users.find(new.name) is not None:
        raise BusyError(say("there is a user {name!r} already", name=new.name))
    password = _make_password()
    access.record("users.add", object=f"user:{new.name}", role=new.role.value, teams=" ".join(new.teams))
    user = store.users.add(
        new.name, new.role, at=access.desk.now(), password=hash_password(password), display=new.display,
        agent_id=new.agent_id or None,
    )  # fmt: skip
    store.teams.join(user.user_id, new.teams)
    return store.users.get(user.user_id), password


def change_user(access: Access, user_id: int, change: UserChange) -> User:
    """Change a user; a new role, or being disabled, ends all of the user's sessions.

    Raises:
        NotFoundError: there is no such user.
        BusyError: nobody could administer the desk any more.
    """
    user = find_user(access, user_id)
    values: dict[str, object] = {}
    if change.role is not None and change.role is not user.role:
        values["role"] = change.role
    if change.display is not None and change.display != user.display:
        values["display"] = change.display
    if change.agent_id is not None and (change.agent_id or None) != user.agent_id:
        values["agent_id"] = change.agent_id or None
    if change.disabled is not None and change.disabled != (user.disabled_at is not None):
        values["disabled_at"] = access.desk.now() if change.disabled else None
    if (values.get("disabled_at") or "role" in values) and _is_last_administrator(access, user):
        raise BusyError(
            say("{name} is the only administrator", name=user.name),
            to_do=say("make somebody else an administrator first"),
        )
    told = {name: str(value or "") for name, value in values.items()}
    if change.teams is not None and tuple(sorted(change.teams)) != user.teams:
        told["teams"] = " ".join(change.teams)
    access.record("users.change", object=f"user:{user.name}", **told)
    if values:
        access.desk.store.users.change(user_id, **values)
    if change.teams is not None:
        access.desk.store.teams.join(user_id, change.teams)
    return access.desk.store.users.get(user_id)


def renew_password(access: Access, user_id: int) -> tuple[User, str]:
    """Give a user a new password, which is shown once; all of the user's sessions end."""
    user = find_user(access, user_id)
    password = _make_password()
    access.record("users.password", object=f"user:{user.name}")
    access.desk.store.users.change(user_id, password=hash_password(password))
    return user, password


def list_teams(access: Access) -> tuple[Team, ...]:
    """Return all teams, to an administrator."""
    access.require(Permission.SETTINGS_WRITE)
    return access.desk.store.teams.list()


def put_team(access: Access, new: NewTeam) -> Team:
    """Make a team or replace its name and agents; who looks after it stays.

    Raises:
        BusyError: teams are kept in a file.
    """
    team = next((team for team in list_teams(access) if team.team_id == new.team_id), None)
    _refuse_file(access)
    access.record("teams.put", object=f"team:{new.team_id}", agents=" ".join(new.agents))
    users = team.users if team else ()
    made = Team(team_id=new.team_id, name=new.name or new.team_id, agents=tuple(dict.fromkeys(new.agents)), users=users)
    access.desk.store.teams.put(made)
    return made


def delete_team(access: Access, team_id: str) -> None:
    """Delete a team; its agents' calls stay.

    Raises:
        NotFoundError: there is no such team.
        BusyError: teams are kept in a file.
    """
    if all(team.team_id != team_id for team in list_teams(access)):
        raise NotFoundError(say("there is no team {id!r}", id=team_id))
    _refuse_file(access)
    access.record("teams.delete", object=f"team:{team_id}")
    access.desk.store.teams.delete(team_id)


def list_tokens(access: Access) -> tuple[ApiToken, ...]:
    """Return all tokens without their secrets, to an administrator."""
    access.require(Permission.SETTINGS_WRITE)
    return access.desk.store.tokens.list()


def add_token(access: Access, new: NewToken) -> tuple[ApiToken, str]:
    """Make a token. Returns it and its secret, which is shown once and kept nowhere.

    Raises:
        ConfigError: a scope that no token carries.
        NotFoundError: there is no such user or team.
    """
    access.require(Permission.SETTINGS_WRITE)
    store = access.desk.store
    user = store.users.find(new.user) if new.user else access.principal.user
    if user is None:
        raise NotFoundError(say("there is no user {name!r}", name=new.user))
    if wrong := sorted(set(new.scopes) - set(TOKEN_SCOPES)):
        raise ConfigError([Problem(what=say("no token may do this: {scope}", scope=wrong[0]))])
    known = {team.team_id for team in store.teams.list()}
    if unknown := sorted(set(new.teams) - known):
        raise NotFoundError(say("there is no team {id!r}", id=unknown[0]))
    access.record("tokens.add", object=f"user:{user.name}", name=new.name, scopes=" ".join(new.scopes))
    lasts = timedelta(days=new.days)
    return store.tokens.add(new.name, user.user_id, new.scopes, at=access.desk.now(), lasts=lasts, teams=new.teams)


def revoke_token(access: Access, token_id: int) -> None:
    """Revoke a token: it opens nothing any more.

    Raises:
        NotFoundError: there is no such token.
    """
    if all(token.token_id != token_id for token in list_tokens(access)):
        raise NotFoundError(say("there is no token {number}", number=token_id))
    access.record("tokens.revoke", object=f"token:{token_id}")
    access.desk.store.tokens.revoke(token_id, at=access.desk.now())


def _make_password() -> str:
    return secrets.token_urlsafe(12)


def _is_last_administrator(access: Access, user: User) -> bool:
    others = (other for other in access.desk.store.users.list() if other.user_id != user.user_id)
    is_admin = user.role is UserRole.ADMIN and user.disabled_at is None
    return is_admin and not any(other.role is UserRole.ADMIN and other.disabled_at is None for other in others)


def _refuse_file(access: Access) -> None:
    if access.desk.teams_in_file:
        raise BusyError(
            say("teams are kept in config/teams.yaml"), to_do=say("change the file and start the desk again")
        )
