"""`/api/v1/me`, `/users`, `/teams`, `/tokens` and `/audit`."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from qareport.messages import say
from qareport.model import ApiToken, Team, User
from qareport.store import MOST_COUNTED
from qareport.web import auditing, people
from qareport.web.access import PreconditionError
from qareport.web.api.lists import AnyPage, Listed, part_of
from qareport.web.cursors import LONGEST, read_cursor, write_cursor
from qareport.web.dependencies import MyAccess, RowId
from qareport.web.pages.audit import Wanted

router = APIRouter(prefix="/api/v1", tags=["people"])
T = TypeVar("T")


class Me(BaseModel):
    """Who is asking."""

    name: str
    display: str
    role: str
    rights: Annotated[dict[str, str], Field(description="What may be done, and how far: all, teams or own.")]
    teams: list[str]
    agent_id: str | None
    token: Annotated[str | None, Field(description="Name of the token; null for a person.")]


class UserAnswer(BaseModel):
    """A user."""

    user_id: int
    name: str
    display: str
    role: str
    agent_id: str | None
    teams: list[str]
    disabled: bool

    @classmethod
    def of(cls, user: User, **more: Any) -> UserAnswer:
        """Word a user."""
        return cls(
            user_id=user.user_id, name=user.name, display=user.display, role=user.role.value, agent_id=user.agent_id,
            teams=list(user.teams), disabled=user.disabled_at is not None, **more,
        )  # fmt: skip


class AddedUser(UserAnswer):
    """A user with the password, which is told this once."""

    password: Annotated[str | None, Field(description="Null when the request is repeated.")]


class TeamAnswer(BaseModel):
    """A team."""

    team_id: str
    name: str
    agents: list[str]
    users: Annotated[list[int], Field(description="Ids of the users who look after it.")]

    @classmethod
    def of(cls, team: Team) -> TeamAnswer:
        """Word a team."""
        return cls(team_id=team.team_id, name=team.name, agents=list(team.agents), users=list(team.users))


class TokenAnswer(BaseModel):
    """A token, without its secret."""

    token_id: int
    name: str
    user_id: int
    scopes: list[str]
    teams: list[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: ApiToken, **more: Any) -> TokenAnswer:
        """Word a token."""
        return cls(
            token_id=token.token_id, name=token.name, user_id=token.user_id, scopes=[*token.scopes],
            teams=[*token.teams], created_at=token.created_at, expires_at=token.expires_at, used_at=token.used_at,
            revoked_at=token.revoked_at, **more,
        )  # fmt: skip


class AddedToken(TokenAnswer):
    """A token with its secret, which is told this once."""

    secret: Annotated[str | None, Field(description="Null when the request is repeated.")]


class AuditAnswer(BaseModel):
    """A line of the audit log."""

    number: int
    at: datetime
    actor: str
    actor_kind: str
    ip: str
    action: str
    object: str
    outcome: str
    details: dict[str, str]


class Chain(BaseModel):
    """Whether the audit log is whole."""

    whole: bool
    problem: Annotated[str | None, Field(description="What is wrong with it first.")]


@router.get("/me")
def get_me(access: MyAccess) -> Me:
    """Tell who is asking and what they may do."""
    principal = access.principal
    return Me(
        name=principal.user.name, display=principal.user.display, role=principal.user.role.value,
        rights={right.value: reach.value for right, reach in principal.rights.items()}, teams=list(principal.teams),
        agent_id=principal.user.agent_id, token=principal.token.name if principal.token else None,
    )  # fmt: skip


@router.get("/users")
def get_users(access: MyAccess, page: AnyPage) -> Listed[UserAnswer]:
    """List the users."""
    users = people.list_users(access)
    return part_of(access.desk, "users", users, page, word=UserAnswer.of, key=lambda user: user.user_id)


@router.post("/users", status_code=201)
def add_user(access: MyAccess, new: people.NewUser) -> AddedUser:
    """Add a user."""
    user, password = people.add_user(access, new)
    return AddedUser(**UserAnswer.of(user).model_dump(), password=password)


@router.get("/users/{user_id}")
def get_user(access: MyAccess, response: Response, user_id: RowId) -> UserAnswer:
    """Return a user; its state is the ETag."""
    user = UserAnswer.of(people.find_user(access, user_id))
    response.headers["etag"] = _etag(user)
    return user


@router.patch("/users/{user_id}")
def change_user(
    access: MyAccess, response: Response, user_id: RowId, change: people.UserChange,
    if_match: Annotated[str, Header(max_length=100)] = "",
) -> UserAnswer:  # fmt: skip
    """Change role, name on pages, agent or teams of a user, or disable them.

    `If-Match` names the user as it was read, by its ETag; 412 when it is another by now.
    """
    known = _etag(UserAnswer.of(people.find_user(access, user_id)))
    if if_match and if_match.strip() not in ("*", known):
        raise PreconditionError(say("this user was changed meanwhile"), to_do=say("read it again"))
    user = UserAnswer.of(people.change_user(access, user_id, change))
    response.headers["etag"] = _etag(user)
    return user


@router.post("/users/{user_id}/password")
def renew_password(access: MyAccess, user_id: RowId) -> AddedUser:
    """Give a user a new password, which is told once; all sessions of the user end."""
    user, password = people.renew_password(access, user_id)
    return AddedUser(**UserAnswer.of(user).model_dump(), password=password)


@router.get("/teams")
def get_teams(access: MyAccess, page: AnyPage) -> Listed[TeamAnswer]:
    """List the teams."""
    teams = people.list_teams(access)
    return part_of(access.desk, "teams", teams, page, word=TeamAnswer.of, key=lambda team: team.team_id)


@router.post("/teams", status_code=201)
def put_team(access: MyAccess, new: people.NewTeam) -> TeamAnswer:
    """Make a team, or replace its name and agents."""
    return TeamAnswer.of(people.put_team(access, new))


@router.delete("/teams/{team_id}", status_code=204)
def delete_team(access: MyAccess, team_id: str) -> Response:
    """Delete a team; its agents' calls stay."""
    people.delete_team(access, team_id)
    return Response(status_code=204)


@router.get("/tokens")
def get_tokens(access: MyAccess, page: AnyPage) -> Listed[TokenAnswer]:
    """List the tokens."""
    tokens = people.list_tokens(access)
    return part_of(access.desk, "tokens", tokens, page, word=TokenAnswer.of, key=lambda token: token.token_id)


@router.post("/tokens", status_code=201)
def add_token(access: MyAccess, new: people.NewToken) -> AddedToken:
    """Make a token."""
    token, secret = people.add_token(access, new)
    return AddedToken(**TokenAnswer.of(token).model_dump(), secret=secret)


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(access: MyAccess, token_id: RowId) -> Response:
    """Revoke a token."""
    people.revoke_token(access, token_id)
    return Response(status_code=204)


@router.get("/audit")
def get_audit(
    access: MyAccess,
    wanted: Wanted,
    after: Annotated[str, Query(max_length=LONGEST, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Listed[AuditAnswer]:
    """List the audit log, the newest first."""
    before = read_cursor(access.desk, "audit", after)
    entries = auditing.read_page(access, wanted, before=before[0] if before else None, limit=limit + 1)
    items = [AuditAnswer.model_validate(auditing.as_json(entry)) for entry in entries[:limit]]
    further = write_cursor(access.desk, "audit", items[-1].number) if len(entries) > limit else None
    total = auditing.count(access, wanted)
    return Listed[AuditAnswer](
        items=items, next=further, total=min(total, MOST_COUNTED),
        total_is="exact" if total <= MOST_COUNTED else "at_least",
    )  # fmt: skip


def _etag(user: UserAnswer) -> str:
    return f'"{hashlib.sha256(user.model_dump_json().encode()).hexdigest()[:32]}"'


@router.get("/audit/verify")
def verify_audit(access: MyAccess) -> Chain:
    """Check that no line of the audit log was changed or removed."""
    wrong = auditing.verify(access)
    return Chain(whole=wrong is None, problem=None if wrong is None else str(wrong))
