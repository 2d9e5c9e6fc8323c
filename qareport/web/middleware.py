"""What every request passes through (who is asking, in which language, from which site), and what answers carry."""

from __future__ import annotations

import secrets
import time
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qareport import events, messages
from qareport.errors import StoreError
from qareport.messages import say
from qareport.model import User
from qareport.presentation import locale
from qareport.web import errors
from qareport.web.access import Access, Principal, is_used_anew
from qareport.web.desk import Desk
from qareport.web.limiting import MOST_BODY, RequestLimits, counted, is_recording, is_too_large
from qareport.web.templating import STATIC, static_address

_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-src 'self'; frame-ancestors {ancestors}"
)
#: Scripts and styles.
_NAMES: Final = frozenset(file.name for file in STATIC.iterdir())
#: Methods whose requests `/metrics` counts.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def cookie_name(scheme: str) -> str:
    """Return the name of the session's cookie: with the `__Host-` prefix, which only encrypted pages may set."""
    return "__Host-qareport" if scheme == "https" else "qareport"


class DeskMiddleware:
    """Authentication, language, protection against forged requests, security headers and the request log, as ASGI."""

    def __init__(self, app: ASGIApp, *, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._limits = RequestLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, began, nonce = Request(scope), time.monotonic(), secrets.token_urlsafe(16)
        state = scope.setdefault("state", {})
        state["nonce"], status = nonce, 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), nonce, request)
            await send(message)

        state["principal"] = principal = broken = None
        is_forged = forged(request.method, request.headers, self._desk.settings.desk.public_url)
        try:
            if not is_forged:
                state["principal"] = principal = await self._authenticate(request)
        except StoreError as error:
            broken = error
        language = _language(request.headers, principal)
        with locale.speaking(language), messages.speaking(language):
            refused = self._refuse(request, principal, is_forged=is_forged)
            if broken is not None and refused is None:
                refused = errors.fault(request, broken)
            try:
                if refused is None:
                    await self._app(scope, counted(receive, request), answer)
                else:
                    await refused(scope, receive, answer)
            except Exception as error:
                if status:  # the answer has begun
                    raise
                await errors.fault(request, error)(scope, receive, answer)
        taken_s = time.monotonic() - began
        if request.method in METHODS:  # a made-up one is no line of the figures
            known = self._desk.requests
            count, seconds = known.get((request.method, status), (0, 0.0))
            known[request.method, status] = count + 1, seconds + taken_s
        events.happened(
            "request", str(status), duration_ms=round(taken_s * 1000), method=request.method,
            route=getattr(scope.get("route"), "path", None), actor=principal.user.user_id if principal else None,
        )  # fmt: skip

    def _refuse(self, request: Request, principal: Principal | None, *, is_forged: bool) -> Response | None:
        """Return the answer to who is not let in at all."""
        if is_forged:
            return errors.refuse(request, 403, say("this request came from another site"))
        most_recording = self._desk.settings.desk.upload_megabytes * 1_000_000
        if is_too_large(request, most_recording):
            limit = most_recording // 1_000_000 if is_recording(request) else MOST_BODY >> 20
            return errors.refuse(request, 413, say("larger than {limit} MB", limit=limit))
        if "\0" in request.url.path or "%00" in request.url.query or "%00" in request.scope["path"]:
            return errors.refuse(request, 422, say("a zero byte is in no name"))
        if wait := self._limits.wait_s(request, principal):
            return errors.refuse(
                request, 429, say("too many requests; try again in {seconds} s", seconds=wait), retry_s=wait
            )
        return None

    async def _authenticate(self, request: Request) -> Principal | None:
        if request.url.path.startswith("/static/"):
            return None
        bearer = request.headers.get("authorization", "")
        if bearer.lower().startswith("bearer "):
            return await anyio.to_thread.run_sync(self._of_token, bearer[7:].strip(), _ip(request))
        token = request.cookies.get(cookie_name(request.url.scheme))
        if not token:
            return None
        return await anyio.to_thread.run_sync(self._of_session, token, _ip(request))

    def _of_session(self, token: str, ip: str) -> Principal | None:
        desk = self._desk
        user = desk.store.sessions.find(token, at=desk.now(), idle=desk.idle_lasts)
        if user is None:
            return None
        return Principal.of(user, ip=ip, still=lambda: _still_is(user, self._of_session(token, ip)))

    def _of_token(self, secret: str, ip: str) -> Principal | None:
        desk = self._desk
        token = desk.store.tokens.find(secret, at=desk.now())
        if token is None:
            return None
        user = desk.store.users.get(token.user_id)
        if user.disabled_at is not None:
            return None
        principal = Principal.of(
            user, ip=ip, token=token, still=lambda: _still_is(user, self._of_token(secret, ip))
        )  # fmt: skip
        now = desk.now()
        if is_used_anew(token, now):
            Access(desk, principal).record("token.use", object=f"token:{token.token_id}")
            desk.store.tokens.mark_used(token.token_id, at=now)
        return principal


def _still_is(user: User, now: Principal | None) -> bool:
    """Tell whether a session or a token still opens the desk to a user with the same role, teams and agent."""
    return now is not None and now.user == user


def forged(method: str, headers: Headers, public_url: str) -> bool:
    """Tell whether a request that changes something comes from another site with this site's cookie.

    `Sec-Fetch-Site` is what browsers say themselves; where it is absent, `Origin` must be this site's. A bearer token
    is no cookie: no browser sends it by itself.
    """
    if method in _SAFE or headers.get("authorization", "").lower().startswith("bearer "):
        return False
    if "cookie" not in headers or not SimpleCookie(headers["cookie"]):
        return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    if not public_url:
        return urlsplit(origin).netloc != headers.get("host", "")
    return _place(origin) != _place(public_url)


def _place(url: str) -> tuple[str, str | None, int | None]:
    """Return what makes the origin of an address: scheme, host and port."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:  # no address at all
        port = -1
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)


def _ip(request: Request) -> str:
    return request.client.host if request.client else ""


def _language(headers: Headers, principal: Principal | None) -> str:
    if principal is not None and principal.user.language in locale.LOCALES:
        return principal.user.language
    for part in headers.get("accept-language", "").split(","):
        wanted = part.split(";")[0].strip().lower()[:2]
        if wanted in locale.LOCALES:
            return wanted
    return locale.LOCALES[0]


def _add_headers(headers: MutableHeaders, nonce: str, request: Request) -> None:
    framed = "'self'" if request.url.path.endswith("/document") else "'none'"
    headers.setdefault("content-security-policy", _POLICY.format(nonce=nonce, ancestors=framed))
    headers.setdefault("x-content-type-options", "nosniff")
    headers.setdefault("referrer-policy", "same-origin")
    headers.setdefault("cross-origin-opener-policy", "same-origin")
    headers.setdefault("cross-origin-resource-policy", "same-origin")
    if request.url.scheme == "https":
        headers.setdefault("strict-transport-security", "max-age=31536000")
    headers.setdefault("cache-control", _caching(request))


def _caching(request: Request) -> str:
    """Say for how long a browser may keep an answer: for good only what is named by its hash."""
    path, query = request.url.path, request.url.query
    if not path.startswith("/static/"):
        return "no-store"
    name = path.removeprefix("/static/")
    is_named = query.startswith("v=") and name in _NAMES and f"{path}?{query}" == static_address(name)
    return "public, max-age=31536000, immutable" if is_named else "no-cache"
