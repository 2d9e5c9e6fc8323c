"""Tables of the desk: who uses it, their sessions and tokens, and the audit log."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from qareport.store.schema import Base

#: Length of a SHA-256 in hexadecimal digits.
_HASH = 64
#: Length of an instant: ISO 8601 in UTC with microseconds.
_INSTANT = 32


class UserRow(Base):
    """A person who may use the desk."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    display: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    #: argon2id in its own encoding; None for who logs in elsewhere.
    password: Mapped[str | None] = mapped_column(String(200))
    oidc_sub: Mapped[str | None] = mapped_column(String(200), unique=True)
    agent_id: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str | None] = mapped_column(String(10))
    disabled_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    created_at: Mapped[str] = mapped_column(String(_INSTANT))


class TeamRow(Base):
    """A group of agents."""

    __tablename__ = "teams"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class TeamAgentRow(Base):
    """An agent of a team."""

    __tablename__ = "team_agents"
    __table_args__ = (Index("ix_team_agents_agent", "agent_id"),)

    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[str] = mapped_column(String(200), primary_key=True)


class TeamUserRow(Base):
    """A user who looks after a team."""

    __tablename__ = "team_users"

    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


class SessionRow(Base):
    """A login; the cookie holds the token, the row only its hash."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user", "user_id"),)

    token_sha256: Mapped[str] = mapped_column(String(_HASH), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[str] = mapped_column(String(_INSTANT))
    seen_at: Mapped[str] = mapped_column(String(_INSTANT))
    expires_at: Mapped[str] = mapped_column(String(_INSTANT))
    ip: Mapped[str] = mapped_column(String(60))
    user_agent: Mapped[str] = mapped_column(String(300))


class TokenRow(Base):
    """A key for programs."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(100))
    token_sha256: Mapped[str] = mapped_column(String(_HASH), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    #: JSON lists.
    scopes: Mapped[str] = mapped_column(Text)
    teams: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(_INSTANT))
    expires_at: Mapped[str] = mapped_column(String(_INSTANT))
    used_at: Mapped[str | None] = mapped_column(String(_INSTANT))
    revoked_at: Mapped[str | None] = mapped_column(String(_INSTANT))


class AuditRow(Base):
    """One line of the audit log, chained to the line before it by its hash."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "at"), Index("ix_audit_object", "object"))

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(_INSTANT))
    actor: Mapped[str] = mapped_column(String(200))
    actor_kind: Mapped[str] = mapped_column(String(20))
    ip: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(60))
    object: Mapped[str] = mapped_column(String(300))
    outcome: Mapped[str] = mapped_column(String(30))
    #: A JSON object of masked facts.
    details: Mapped[str] = mapped_column(Text)
    prev_sha256: Mapped[str] = mapped_column(String(_HASH))
    sha256: Mapped[str] = mapped_column(String(_HASH))


class AnswerRow(Base):
    """The answer to a request with an `Idempotency-Key`, kept for a day."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_at", "at"),)

    key_sha256: Mapped[str] = mapped_column(String(_HASH), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(_HASH))
    #: 0 while it is being answered.
    status: Mapped[int] = mapped_column(Integer)
    media_type: Mapped[str] = mapped_column(String(100))
    #: Without the secrets that were told in it.
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[str] = mapped_column(String(_INSTANT))


class JobRow(Base):
    """A piece of work for a worker process."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state", "state", "kind", "id"), Index("ix_jobs_user", "user_id", "id"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    #: JSON objects.
    payload: Mapped[str] = mapped_column(Text)
    progress: Mapped[str] = mapped_column(Text)
    #: The process that works on it, and until when it holds it.
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[str | None] = mapped_column(String(_INSTANT))
    attempts: Mapped[int] = mapped_column(Integer)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    error_code: Mapped[str] = mapped_column(String(40))
    error: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(_INSTANT))
    done_at: Mapped[str | None] = mapped_column(String(_INSTANT))
