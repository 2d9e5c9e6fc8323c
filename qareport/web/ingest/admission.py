"""Who may send the sound of a call: a token with `live:ingest`, a ticket for one call, or Twilio's signature."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from qareport.messages import say
from qareport.model import Agents, AuditEntry, Permission, Reach, Role
from qareport.settings import LiveSettings
from qareport.store import Store
from qareport.web.access import Principal, is_used_anew
from qareport.web.ingest.conventions import NOT_ALLOWED, Began, FrameError
from qareport.web.ingest.twilio import signature_of

#: Environment variable that holds Twilio's auth token.
TWILIO_VARIABLE: Final = "QAREPORT_TWILIO_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What lets a connection in."""

    #: Agents whose calls may be sent.
    agents: Agents = field(default_factory=Agents)
    #: What is known of the call by its ticket; it counts above what the telephone system says.
    facts: Mapping[str, Any] = field(default_factory=dict)

    def complete(self, began: Began) -> Began:
        """Put what the ticket says in the place of what the connection says.

        Raises:
            FrameError: the call is of an agent outside the reach, or the ticket is for other channels.
        """
        roles = tuple(Role(role) for role in self.facts.get("tracks") or ())
        if roles and len(roles) != len(began.roles):
            raise FrameError("the ticket is for another number of channels", NOT_ALLOWED)
        known = {name: value for name, value in self.facts.items() if name != "tracks" and value}
        whole = replace(began, **known)
        if roles:
            whole = replace(whole, roles=roles, is_half=len(roles) == 1 and roles[0] is not Role.UNKNOWN)
        if not self.agents.holds(whole.agent_id):
            raise FrameError("not a call of your teams", NOT_ALLOWED)
        return whole


class Door:
    """Lets connections in."""

    def __init__(self, store: Store, settings: LiveSettings, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._networks = [ipaddress.ip_network(network, strict=False) for network in settings.allow]

    def is_near(self, address: str) -> bool:
        """Tell whether an address is in one of the networks that may send without a token."""
        try:
            peer = ipaddress.ip_address(address.split("%")[0])
        except ValueError:
            return False
        return any(peer in network for network in self._networks)

    def by_token(self, secret: str, peer: str = "") -> Admitted | None:
        """Let in who has a token with the scope `live:ingest`; its first use of an hour stands in the audit log."""
        now = self._clock()
        token = self._store.tokens.find(secret, at=now)
        if token is None or Permission.LIVE_INGEST not in token.scopes:
            return None
        user = self._store.users.get(token.user_id)
        principal = Principal.of(user, ip=peer, token=token)
        reach = principal.rights.get(Permission.LIVE_INGEST)
        if user.disabled_at is not None or reach is None:
            return None
        if is_used_anew(token, now):
            self._store.audit.record(
                AuditEntry(
                    at=now, actor=principal.actor, actor_kind="token", ip=peer, action="token.use",
                    object=f"token:{token.token_id}",
                )
            )  # fmt: skip
            self._store.tokens.mark_used(token.token_id, at=now)
        if reach is Reach.ALL:
            return Admitted()
        return Admitted(agents=Agents(only=self._store.teams.agents_of(principal.teams)))

    def by_ticket(self, ticket: str) -> Admitted | None:
        """Let in who has a ticket, once."""
        facts = self._store.live_tickets.use(ticket, at=self._clock())
        return None if facts is None else Admitted(facts=facts)

    def by_header(self, authorization: str, peer: str = "") -> Admitted | None:
        """Let in by an `Authorization` header: Bearer with a token, or Basic with the token as password."""
        kind, _, value = authorization.partition(" ")
        if kind.lower() == "bearer":
            return self.by_token(value.strip(), peer)
        if kind.lower() == "basic":
            try:
                password = base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
            except (ValueError, binascii.Error):
                return None
            return self.by_token(password, peer)
        return None

    def by_signature(self, signature: str, host: str, path: str) -> Admitted | None:
        """Let in what Twilio signed with the token in `QAREPORT_TWILIO_TOKEN`."""
        token = os.environ.get(TWILIO_VARIABLE, "")
        base = self._settings.public_url.rstrip("/") or f"wss://{host}"
        if not token or not signature:
            return None
        fits = hmac.compare_digest(signature_of(token, base + path), signature)
        return Admitted() if fits else None


def refusal() -> str:
    """Word why somebody is not let in."""
    return str(say("a token with live:ingest, or a ticket, is needed"))
