"""`/login/oidc`: logging in with an account of the organisation, and what becomes of it on the desk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import AuditEntry, User, UserRole
from qareport.settings.oidc import EVERYONE
from qareport.web.dependencies import AnyDesk
from qareport.web.desk import Desk
from qareport.web.oidc import FLOW_LASTS, OidcProvider, ProviderDownError, SignIn, SignInError, claims_at
from qareport.web.pages.login import inside, may_try, missed, retry_later, show_problem, start_session

router = APIRouter()
#: Characters of a name on the desk at most.
_LONGEST = 100
#: Seconds after which a provider that is down may be there again.
_RETRY_S = 10


@router.get("/login/oidc")
def begin(request: Request, desk: AnyDesk, next: str = "/") -> Response:
    """Send the browser to the provider."""
    provider, flow = _provider(desk), SignIn.begin(inside(next))
    try:
        address = provider.address(flow)
    except ProviderDownError as error:
        return _down(request, error, flow.next)
    answer = RedirectResponse(address, status_code=303)
    answer.set_cookie(
        _cookie(request), _seal(desk, flow), max_age=int(FLOW_LASTS.total_seconds()), path="/",
        secure=request.url.scheme == "https", httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


@router.get("/login/oidc/callback")
def come_back(request: Request, desk: AnyDesk) -> Response:
    """Take what the provider says of who logged in there, and log them in here."""
    provider, ip = _provider(desk), request.client.host if request.client else ""
    if not may_try(desk, "", ip):
        headers = retry_later(desk, "", ip)
        return show_problem(request, say("too many failures; try again in 15 minutes"), status=429, headers=headers)
    flow = _unseal(desk, request.cookies.get(_cookie(request), ""))
    try:
        if flow is None:
            raise SignInError(say("this sign-in has ended or began elsewhere"), to_do=say("log in once more"))
        claims = provider.claims(flow, {name: str(value)[:4096] for name, value in request.query_params.items()})
        user = _admit(desk, provider, claims, ip)
    except ProviderDownError as error:
        return _forget(request, _down(request, error, flow.next if flow else "/"))
    except SignInError as error:
        missed(desk, "", ip)
        desk.store.audit.record(_entry(desk, "login", "", ip, outcome="refused", by="oidc", reason=str(error)))
        return _forget(request, show_problem(request, str(error), status=403, next=flow.next if flow else "/"))
    return _forget(request, start_session(request, desk, user, flow.next))


def _provider(desk: Desk) -> OidcProvider:
    if desk.oidc is None:
        raise NotFoundError(say("people of this desk do not log in elsewhere"))
    return desk.oidc


def _down(request: Request, error: ProviderDownError, next: str) -> Response:
    headers = {"retry-after": str(_RETRY_S)}
    return show_problem(request, str(error), status=503, next=next, headers=headers)


# --- who it is on the desk --------------------------------------------------------------------------------------------


def _admit(desk: Desk, provider: OidcProvider, claims: Mapping[str, Any], ip: str) -> User:
    """Return the user that a person is, added or brought in line with the groups.

    Raises:
        SignInError: no group of theirs has a role, or an administrator has disabled them.
    """
    settings, store = provider.settings, desk.store
    groups = _groups(claims_at(claims, settings.groups_claim))
    role = next((role for group, role in settings.roles.items() if group in groups or group == EVERYONE), None)
    identity = hashlib.sha256(f"{settings.issuer}\n{claims['sub']}".encode()).hexdigest()
    user = store.users.find_by_oidc(identity)
    name = user.name if user is not None else _name(desk, claims, settings.name_claim, settings.issuer)
    if role is None:
        if user is not None:
            store.sessions.end_all(user.user_id)
        raise SignInError(
            say("{name} is in no group that may use the desk", name=name), to_do=say("ask an administrator of the desk")
        )
    if user is not None and user.disabled_at is not None:
        raise SignInError(say("{name} is disabled", name=name), to_do=say("ask an administrator of the desk"))
    values = _wanted(claims, role, settings.agent_claim, name)
    teams = [team for group, team in settings.teams.items() if group in groups] if settings.teams else None
    if user is None:
        desk.store.audit.record(_entry(desk, "users.add", name, ip, object=f"user:{name}", by="oidc", role=role))
        user = store.users.add(
            name, role, at=desk.now(), display=values["display"] or name, agent_id=values.get("agent_id"),
            oidc_sub=identity,
        )  # fmt: skip
    else:
        _bring_in_line(desk, user, values, teams, ip)
    if teams is not None:
        store.teams.join(user.user_id, teams)
    store.audit.record(_entry(desk, "login", user.name, ip, by="oidc"))
    return store.users.get(user.user_id)


def _wanted(claims: Mapping[str, Any], role: UserRole, agent_claim: str, name: str) -> dict[str, str | None]:
    """Return what the provider decides of a user."""
    wanted: dict[str, str | None] = {"role": role, "display": _word(claims.get("name")) or name}
    if agent_claim:
        wanted["agent_id"] = _word(claims_at(claims, agent_claim)) or None
    return wanted


def _bring_in_line(desk: Desk, user: User, values: Mapping[str, str | None], teams: list[str] | None, ip: str) -> None:
    """Change what the provider says otherwise now; a new role ends the user's other sessions."""
    changed: dict[str, Any] = {key: value for key, value in values.items() if value != getattr(user, key)}
    told = {key: str(value or "") for key, value in changed.items()}
    if teams is not None and sorted(teams) != sorted(user.teams):
        told["teams"] = " ".join(teams)
    if told:
        desk.store.audit.record(
            _entry(desk, "users.change", user.name, ip, object=f"user:{user.name}", by="oidc", **told)
        )
    if changed:
        desk.store.users.change(user.user_id, **changed)


def _name(desk: Desk, claims: Mapping[str, Any], name_claim: str, issuer: str) -> str:
    """Return a name that nobody has yet: whoever has a local account is not taken over by a name elsewhere."""
    name = next(word for key in (name_claim, "email", "sub") if (word := _word(claims_at(claims, key))))
    if desk.store.users.find(name) is None:
        return name
    host = urlsplit(issuer).hostname or ""
    return f"{name[: _LONGEST - 1 - len(host)]}@{host}"


def _word(value: object) -> str:
    return "".join(char for char in str(value) if char.isprintable()).strip()[:_LONGEST] if value else ""


def _groups(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset([str(value)] if value else [])


def _entry(
    desk: Desk, action: str, name: str, ip: str, *, object: str = "", outcome: str = "done", **details: str
) -> AuditEntry:
    return AuditEntry(
        at=desk.now(), actor=name, actor_kind="person", ip=ip, action=action, object=object, outcome=outcome,
        details=details,
    )  # fmt: skip


# --- what the browser carries -----------------------------------------------------------------------------------------


def _cookie(request: Request) -> str:
    return "__Host-qareport-oidc" if request.url.scheme == "https" else "qareport-oidc"


def _forget(request: Request, answer: Response) -> Response:
    answer.delete_cookie(
        _cookie(request), path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )
    return answer


def _seal(desk: Desk, flow: SignIn) -> str:
    from joserfc.jwk import OctKey
    from joserfc.jwt import encode

    key = OctKey.import_key(desk.key.derive("oidc", 0, 0))
    ends = int((desk.now() + FLOW_LASTS).timestamp())
    return encode({"alg": "HS256"}, {**asdict(flow), "exp": ends}, key)


def _unseal(desk: Desk, text: str) -> SignIn | None:
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey
    from joserfc.jwt import JWTClaimsRegistry, decode

    try:
        claims = decode(text, OctKey.import_key(desk.key.derive("oidc", 0, 0)), algorithms=["HS256"]).claims
        JWTClaimsRegistry(now=int(desk.now().timestamp()), exp={"essential": True}).validate(claims)
        return SignIn(**{name: str(claims[name]) for name in ("state", "nonce", "verifier", "next")})
    except (JoseError, ValueError, KeyError):
        return None
