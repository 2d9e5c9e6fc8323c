"""Who uses the desk, and what each role may do: the one place where that is decided.

A right reaches as far as its `Reach`: everything, the calls of the person's own teams, or the person's own calls. What
lies outside the reach does not exist for that person (404); what lies inside it without the right is refused (403).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class UserRole(StrEnum):
    """What a person is to the desk."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    AGENT = "agent"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """A right; those that a token can carry are named as its scopes."""

    CALLS_READ = "calls:read"
    CALLS_ORIGINAL = "calls:original"
    CALLS_WRITE = "calls:write"
    CALLS_DELETE = "calls:delete"
    REVIEW_WRITE = "review:write"
    #: Acknowledge a call, appeal against a finding.
    APPEALS_WRITE = "appeals:write"
    APPEALS_DECIDE = "appeals:decide"
    #: Decide an appeal that was escalated; the decision is final.
    APPEALS_FINAL = "appeals:final"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    LIVE_READ = "live:read"
    LIVE_WRITE = "live:write"
    LIVE_INGEST = "live:ingest"
    REPORTS_READ = "reports:read"
    EXPORTS_WRITE = "exports:write"
    QA_WRITE = "qa:write"
    #: Users, teams, tokens, webhooks, integrations.
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"
    METRICS_READ = "metrics:read"


class Reach(StrEnum):
    """How far a right reaches."""

    ALL = "all"
    TEAMS = "teams"
    OWN = "own"


def _grants(reach: Reach, *permissions: Permission) -> dict[Permission, Reach]:
    return dict.fromkeys(permissions, reach)


_P = Permission
#: What each role may do, and how far.
GRANTS: Final[Mapping[UserRole, Mapping[Permission, Reach]]] = MappingProxyType(
    {
        UserRole.ADMIN: _grants(Reach.ALL, *(right for right in _P if right is not _P.APPEALS_WRITE)),
        UserRole.SUPERVISOR: {
            **_grants(
                Reach.TEAMS,
                _P.CALLS_READ, _P.CALLS_ORIGINAL, _P.CALLS_WRITE, _P.REVIEW_WRITE, _P.APPEALS_DECIDE, _P.LIVE_READ,
                _P.LIVE_WRITE, _P.REPORTS_READ, _P.EXPORTS_WRITE, _P.QA_WRITE,
            ),
            **_grants(Reach.ALL, _P.RULES_READ, _P.RULES_WRITE),
        },
        UserRole.ANALYST: _grants(
            Reach.ALL,
            _P.CALLS_READ, _P.CALLS_ORIGINAL, _P.CALLS_WRITE, _P.REVIEW_WRITE, _P.APPEALS_DECIDE, _P.APPEALS_FINAL,
            _P.RULES_READ, _P.LIVE_READ, _P.LIVE_WRITE, _P.REPORTS_READ, _P.EXPORTS_WRITE, _P.QA_WRITE,
        ),
        UserRole.AGENT: {
            # An agent reads the rules, and tries none of them on calls: that takes the reach ALL.
            **_grants(Reach.OWN, _P.CALLS_READ, _P.APPEALS_WRITE, _P.REPORTS_READ, _P.RULES_READ),
        },
        UserRole.AUDITOR: _grants(Reach.ALL, _P.AUDIT_READ),
    }
)  # fmt: skip
#: An agent's appeal, what is decided on it and which answers are taught are a person's own word; deleting calls for
#: good, and saying who may do what, are a person's deed.
_OF_PERSONS: Final = frozenset(
    {_P.APPEALS_WRITE, _P.APPEALS_DECIDE, _P.APPEALS_FINAL, _P.QA_WRITE, _P.CALLS_DELETE, _P.SETTINGS_WRITE}
)
#: What a token may carry.
TOKEN_SCOPES: Final = tuple(right for right in Permission if right not in _OF_PERSONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may use the desk."""

    user_id: int
    #: What they log in with.
    name: str
    #: What pages call them.
    display: str
    role: UserRole
    #: The agent that this person is in calls; None for who takes none.
    agent_id: str | None = None
    #: "zh", "en", or None: as the browser says.
    language: str | None = None
    disabled_at: datetime | None = None
    #: Ids of the teams that the person leads or belongs to.
    teams: tuple[str, ...] = ()
    #: Whether they sign in with an account of the organisation, whose groups decide the role.
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group of agents, and the users who look after it."""

    team_id: str
    name: str
    agents: tuple[str, ...] = ()
    users: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A key for programs; its secret was shown once and only its hash is kept."""

    token_id: int
    name: str
    user_id: int
    scopes: tuple[Permission, ...]
    #: Empty: the reach of its maker.
    teams: tuple[str, ...] = ()
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """The agents whose calls may be seen: all of them (None), or these; calls of unknown agents belong to all alone."""

    only: frozenset[str] | None = None

    def holds(self, agent_id: str | None) -> bool:
        """Tell whether a call of an agent may be seen."""
        return self.only is None or (agent_id is not None and agent_id in self.only)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit log: who did what to what, and how it ended."""

    number: int = 0
    at: datetime
    #: Name of the person, of the token, "system", or the command line's user.
    actor: str
    actor_kind: str
    ip: str = ""
    #: `login`, `call.read_original`, `rules.publish` …
    action: str
    #: What it was done to, for example `call:7001`; "" where there is none.
    object: str = ""
    outcome: str = "done"
    #: Masked facts, for example the purpose of hearing an original.
    details: Mapping[str, str] = field(default_factory=dict)
