"""Repositories of the desk's people: users, teams, sessions and tokens. Secrets are kept as hashes only."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from qareport.errors import NotFoundError, QareportError, StoreError
from qareport.messages import say
from qareport.model import TOKEN_SCOPES, ApiToken, Permission, Team, User, UserRole
from qareport.store.connection import in_utc, upsert
from qareport.store.database import Database
from qareport.store.desk_schema import SessionRow, TeamAgentRow, TeamRow, TeamUserRow, TokenRow, UserRow

#: What every API token begins with, so that people and secret scanners recognise one.
TOKEN_PREFIX = "qar_"  # noqa: S105 - not a secret


class UserRepository:
    """The users of the desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        name: str,
        role: UserRole,
        *,
        at: datetime,
        password: str | None = None,
        display: str = "",
        agent_id: str | None = None,
        oidc_sub: str | None = None,
    ) -> User:
        """Add a user.

        Args:
            name: what they log in with.
            role: what they are to the desk.
            at: now.
            password: its argon2id hash; None for who logs in elsewhere.
            display: what pages call them; "": the name.
            agent_id: the agent that they are in calls.
            oidc_sub: their identity at the provider of OpenID Connect.

        Raises:
            QareportError: there is a user of that name already.
        """
        row = UserRow(
            name=name, display=display or name, role=role, password=password, oidc_sub=oidc_sub, agent_id=agent_id,
            created_at=in_utc(at),
        )  # fmt: skip
        try:
            with self._database.write() as session:
                session.add(row)
                session.flush()
                return _user(row, ())
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise QareportError(say("there is a user {name!r} already", name=name)) from error
            raise

    def count(self) -> int:
        """Count all users, disabled ones too."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(UserRow)) or 0

    def list(self) -> tuple[User, ...]:
        """Return all users by name."""
        with self._database.read() as session:
            rows = session.scalars(select(UserRow).order_by(UserRow.name)).all()
            return tuple(_user(row, _teams_of(session, row.id)) for row in rows)

    def find(self, name: str) -> User | None:
        """Return the user of a name; None if there is none."""
        with self._database.read() as session:
            row = session.scalars(select(UserRow).where(UserRow.name == name)).first()
            return None if row is None else _user(row, _teams_of(session, row.id))

    def find_by_oidc(self, sub: str) -> User | None:
        """Return the user of an identity of OpenID Connect; None if there is none."""
        with self._database.read() as session:
            row = session.scalars(select(UserRow).where(UserRow.oidc_sub == sub)).first()
            return None if row is None else _user(row, _teams_of(session, row.id))

    def get(self, user_id: int) -> User:
        """Return a user.

        Raises:
            NotFoundError: there is no such user.
        """
        with self._database.read() as session:
            row = session.get(UserRow, user_id)
            if row is None:
                raise NotFoundError(say("there is no user {number}", number=user_id))
            return _user(row, _teams_of(session, user_id))

    def password_of(self, name: str) -> str | None:
        """Return the hash of a user's password; None for an unknown or disabled user, or one without a password."""
        with self._database.read() as session:
            query = select(UserRow.password).where(UserRow.name == name, UserRow.disabled_at.is_(None))
            return session.scalars(query).first()

    def change(self, user_id: int, **values: Any) -> None:
        """Change fields of a user; a changed role, password or `disabled_at` ends all of the user's sessions.

        Args:
            user_id: the user.
            values: display, role, password (hash), agent_id, language, oidc_sub, disabled_at (datetime or None).

        Raises:
            NotFoundError: there is no such user.
        """
        if isinstance(values.get("disabled_at"), datetime):
            values["disabled_at"] = in_utc(values["disabled_at"])
        with self._database.write() as session:
            row = session.get(UserRow, user_id)
            if row is None:
                raise NotFoundError(say("there is no user {number}", number=user_id))
            for name, value in values.items():
                setattr(row, name, value)
            if values.keys() & {"role", "password", "disabled_at"}:
                session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))


class TeamRepository:
    """The teams of the desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, team: Team) -> None:
        """Make a team, or replace it with its agents and users."""
        with self._database.write() as session:
            upsert(session, TeamRow, id=team.team_id, name=team.name)
            session.execute(delete(TeamAgentRow).where(TeamAgentRow.team_id == team.team_id))
            session.execute(delete(TeamUserRow).where(TeamUserRow.team_id == team.team_id))
            session.add_all(TeamAgentRow(team_id=team.team_id, agent_id=agent) for agent in dict.fromkeys(team.agents))
            session.add_all(TeamUserRow(team_id=team.team_id, user_id=user) for user in dict.fromkeys(team.users))

    def join(self, user_id: int, teams: Iterable[str]) -> None:
        """Let a user look after these teams, and no others; ids of teams that do not exist are left out."""
        with self._database.write() as session:
            known = session.scalars(select(TeamRow.id).where(TeamRow.id.in_(list(teams)))).all()
            session.execute(delete(TeamUserRow).where(TeamUserRow.user_id == user_id))
            session.add_all(TeamUserRow(team_id=team_id, user_id=user_id) for team_id in known)

    def delete(self, team_id: str) -> None:
        """Delete a team; its agents and users stay."""
        with self._database.write() as session:
            session.execute(delete(TeamRow).where(TeamRow.id == team_id))

    def list(self) -> tuple[Team, ...]:
        """Return all teams by name."""
        with self._database.read() as session:
            rows = session.scalars(select(TeamRow).order_by(TeamRow.name, TeamRow.id)).all()
            agents = _by_team(session, TeamAgentRow.team_id, TeamAgentRow.agent_id)
            users = _by_team(session, TeamUserRow.team_id, TeamUserRow.user_id)
            return tuple(
                Team(
                    team_id=row.id,
                    name=row.name,
                    agents=tuple(agents.get(row.id, ())),
                    users=tuple(users.get(row.id, ())),
                )
                for row in rows
            )

    def agents_of(self, teams: Iterable[str]) -> frozenset[str]:
        """Return the agents of some teams."""
        with self._database.read() as session:
            query = select(TeamAgentRow.agent_id).where(TeamAgentRow.team_id.in_(list(teams)))
            return frozenset(session.scalars(query))


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session of a user, without its secret."""

    #: Hash of the cookie's token: names the session, opens nothing.
    token_sha256: str
    user_id: int
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ip: str
    user_agent: str


class SessionRepository:
    """The logins of the desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, user_id: int, *, at: datetime, lasts: timedelta, ip: str, user_agent: str) -> str:
        """Start a session and return its token (256 bits), which is kept nowhere."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at < in_utc(at)))
            session.add(
                SessionRow(
                    token_sha256=hash_secret(token),
                    user_id=user_id,
                    created_at=in_utc(at),
                    seen_at=in_utc(at),
                    expires_at=in_utc(at + lasts),
                    ip=ip[:60],
                    user_agent=user_agent[:300],
                )
            )
        return token

    def find(self, token: str, *, at: datetime, idle: timedelta) -> User | None:
        """Return whose session a token opens; None when it is unknown, has ended, was idle, or the user is disabled.

        `seen_at` is brought up to date at most once a minute.
        """
        key = hash_secret(token)
        with self._database.read() as session:
            query = select(SessionRow, UserRow).join(UserRow, UserRow.id == SessionRow.user_id)
            found = session.execute(query.where(SessionRow.token_sha256 == key)).first()
            if found is None:
                return None
            login, row = found
            ended = login.expires_at < in_utc(at) or login.seen_at < in_utc(at - idle)
            if ended or row.disabled_at is not None:
                return None
            user, seen_at = _user(row, _teams_of(session, row.id)), login.seen_at
        if seen_at < in_utc(at - timedelta(minutes=1)):
            with self._database.write() as session:
                session.execute(update(SessionRow).where(SessionRow.token_sha256 == key).values(seen_at=in_utc(at)))
        return user

    def list(self, user_id: int) -> tuple[Login, ...]:
        """Return a user's sessions, the newest first."""
        with self._database.read() as session:
            query = select(SessionRow).where(SessionRow.user_id == user_id).order_by(SessionRow.created_at.desc())
            return tuple(
                Login(
                    token_sha256=row.token_sha256, user_id=row.user_id, created_at=_instant(row.created_at),
                    seen_at=_instant(row.seen_at), expires_at=_instant(row.expires_at), ip=row.ip,
                    user_agent=row.user_agent,
                )
                for row in session.scalars(query)
            )  # fmt: skip

    def end(self, token: str) -> None:
        """End the session of a token."""
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.token_sha256 == hash_secret(token)))

    def end_all(self, user_id: int) -> None:
        """End all sessions of a user."""
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))


class TokenRepository:
    """The keys of programs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, name: str, user_id: int, scopes: Sequence[Permission], *, at: datetime, lasts: timedelta,
        teams: Sequence[str] = (),
    ) -> tuple[ApiToken, str]:  # fmt: skip
        """Make a token. Returns it and its secret, which is shown once and kept nowhere."""
        secret = TOKEN_PREFIX + "".join(secrets.choice(_BASE62) for _ in range(40))
        row = TokenRow(
            name=name, token_sha256=hash_secret(secret), user_id=user_id, scopes=json.dumps(list(scopes)),
            teams=json.dumps(list(teams)), created_at=in_utc(at), expires_at=in_utc(at + lasts),
        )  # fmt: skip
        with self._database.write() as session:
            session.add(row)
            session.flush()
            return _token(row), secret

    def find(self, secret: str, *, at: datetime) -> ApiToken | None:
        """Return the token of a secret; None when it is unknown, revoked or has expired."""
        with self._database.read() as session:
            row = session.scalars(select(TokenRow).where(TokenRow.token_sha256 == hash_secret(secret))).first()
            if row is None or row.revoked_at is not None or row.expires_at < in_utc(at):
                return None
            return _token(row)

    def mark_used(self, token_id: int, *, at: datetime) -> None:
        """Note when a token was last used."""
        with self._database.write() as session:
            session.execute(update(TokenRow).where(TokenRow.id == token_id).values(used_at=in_utc(at)))

    def list(self) -> tuple[ApiToken, ...]:
        """Return all tokens, the newest first."""
        with self._database.read() as session:
            return tuple(_token(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.id.desc())))

    def revoke(self, token_id: int, *, at: datetime) -> None:
        """Revoke a token; a second time does nothing.

        Raises:
            NotFoundError: there is no such token.
        """
        with self._database.write() as session:
            row = session.get(TokenRow, token_id)
            if row is None:
                raise NotFoundError(say("there is no token {number}", number=token_id))
            row.revoked_at = row.revoked_at or in_utc(at)


_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def hash_secret(secret: str) -> str:
    """Return what is kept of a session's or a token's secret: it has 200 bits and more, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _teams_of(session: Session, user_id: int) -> tuple[str, ...]:
    query = select(TeamUserRow.team_id).where(TeamUserRow.user_id == user_id).order_by(TeamUserRow.team_id)
    return tuple(session.scalars(query))


def _by_team(session: Session, team: Any, member: Any) -> dict[str, list[Any]]:
    members: dict[str, list[Any]] = {}
    for team_id, name in session.execute(select(team, member).order_by(member)):
        members.setdefault(team_id, []).append(name)
    return members


def _user(row: UserRow, teams: tuple[str, ...]) -> User:
    return User(
        user_id=row.id, name=row.name, display=row.display, role=UserRole(row.role), agent_id=row.agent_id,
        language=row.language, disabled_at=_instant(row.disabled_at) if row.disabled_at else None, teams=teams,
        external=row.oidc_sub is not None,
    )  # fmt: skip


def _token(row: TokenRow) -> ApiToken:
    return ApiToken(
        token_id=row.id, name=row.name, user_id=row.user_id,
        # What tokens could carry once is granted to none any more.
        scopes=tuple(scope for scope in map(Permission, json.loads(row.scopes)) if scope in TOKEN_SCOPES),
        teams=tuple(json.loads(row.teams)), created_at=_instant(row.created_at), expires_at=_instant(row.expires_at),
        used_at=_instant(row.used_at) if row.used_at else None,
        revoked_at=_instant(row.revoked_at) if row.revoked_at else None,
    )  # fmt: skip


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
