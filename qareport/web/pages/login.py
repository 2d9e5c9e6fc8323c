"""`/setup`, `/login` and `/logout`."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from limits import RateLimitItemPerMinute

from qareport.errors import QareportError
from qareport.messages import Message, say
from qareport.model import AuditEntry, User, UserRole
from qareport.web.dependencies import AnyDesk, MyAccess
from qareport.web.desk import Desk
from qareport.web.errors import LONGEST_NEXT
from qareport.web.middleware import cookie_name
from qareport.web.passwords import hash_password, is_password
from qareport.web.templating import render

router = APIRouter()
#: Wrong passwords in 15 minutes: of one name, and from one address.
_OF_NAME, _OF_ADDRESS = RateLimitItemPerMinute(5, 15), RateLimitItemPerMinute(30, 15)


@router.get("/login")
def show_login(request: Request, desk: AnyDesk, next: str = "/", lost: bool = False) -> Response:
    """Show the log-in page; to who is logged in, the desk. `lost`: what was sent without a session was not kept."""
    if request.state.principal is not None:
        return RedirectResponse(inside(next), status_code=303)
    return _page(request, desk, next=next, lost=lost)


@router.post("/login")
def log_in(
    request: Request,
    desk: AnyDesk,
    name: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=500)] = "",
    next: Annotated[str, Form(max_length=LONGEST_NEXT)] = "/",
) -> Response:
    """Log in by name and password. An unknown name and a wrong password get the same answer, as slowly."""
    ip = request.client.host if request.client else ""
    if not may_try(desk, name, ip):
        problem, headers = say("too many wrong passwords; try again in 15 minutes"), retry_later(desk, name, ip)
        return _page(request, desk, status=429, next=next, name=name, problem=problem, headers=headers)
    user = desk.store.users.find(name)
    if not is_password(password, desk.store.users.password_of(name)) or user is None:
        missed(desk, name, ip)
        _record(desk, "login", name, ip, outcome="refused")
        return _page(request, desk, status=401, next=next, name=name, problem=say("name or password is wrong"))
    _record(desk, "login", name, ip)
    return start_session(request, desk, user, inside(next))


@router.post("/logout")
def log_out(request: Request, access: MyAccess) -> Response:
    """End the session."""
    name = cookie_name(request.url.scheme)
    access.record("logout")
    access.desk.store.sessions.end(request.cookies.get(name, ""))
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(name, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax")
    return answer


@router.get("/setup")
def show_setup(request: Request, desk: AnyDesk, ticket: str = "") -> Response:
    """Show the page that makes the first administrator, to who has the ticket of the first start."""
    if not desk.is_ticket(ticket):
        return render(request, "setup.html.j2", status=410, ticket="", name="", problem="")
    return render(request, "setup.html.j2", ticket=ticket, name="", problem="")


@router.post("/setup")
def set_up(
    request: Request,
    desk: AnyDesk,
    ticket: Annotated[str, Form(max_length=100)] = "",
    name: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=500)] = "",
    again: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Make the first administrator, and log them in."""
    if not desk.is_ticket(ticket):
        return render(request, "setup.html.j2", status=410, ticket="", name="", problem="")
    problem, hashed = _check(name, password, again)
    if problem is not None:
        return render(request, "setup.html.j2", status=422, ticket=ticket, name=name, problem=problem)
    if not desk.use_ticket(ticket):
        return render(request, "setup.html.j2", status=410, ticket="", name="", problem="")
    user = desk.store.users.add(name.strip(), UserRole.ADMIN, at=desk.now(), password=hashed)
    _record(desk, "setup", user.name, request.client.host if request.client else "")
    return start_session(request, desk, user, "/")


def _check(name: str, password: str, again: str) -> tuple[str | Message | None, str]:
    """Return what is wrong with a new user's name and password, and the password's hash."""
    if not name.strip():
        return say("a name is missing"), ""
    if password != again:
        return say("the two passwords differ"), ""
    try:
        return None, hash_password(password)
    except QareportError as error:
        return str(error), ""


def start_session(request: Request, desk: Desk, user: User, next: str) -> Response:
    """Start a session of a user and send the browser on; an earlier session of this browser ends."""
    name = cookie_name(request.url.scheme)
    if earlier := request.cookies.get(name):
        desk.store.sessions.end(earlier)
    token = desk.store.sessions.start(
        user.user_id,
        at=desk.now(),
        lasts=desk.session_lasts,
        ip=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
    )
    answer = RedirectResponse(next, status_code=303)
    answer.set_cookie(
        name,
        token,
        max_age=int(desk.session_lasts.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def _record(desk: Desk, action: str, name: str, ip: str, *, outcome: str = "done") -> None:
    entry = AuditEntry(at=desk.now(), actor=name, actor_kind="person", ip=ip, action=action, outcome=outcome)
    desk.store.audit.record(entry)


def may_try(desk: Desk, name: str, ip: str) -> bool:
    """Tell whether another try to log in is taken, by name ("": none yet) and address."""
    return desk.login_limits.test(_OF_ADDRESS, "ip", ip) and (
        not name or desk.login_limits.test(_OF_NAME, "name", name)
    )


def retry_later(desk: Desk, name: str, ip: str) -> dict[str, str]:
    """Return the header that says when the next try to log in is taken."""
    limits = desk.login_limits
    windows = [limits.get_window_stats(_OF_ADDRESS, "ip", ip), limits.get_window_stats(_OF_NAME, "name", name)]
    until = max((window.reset_time for window in windows if window.remaining == 0), default=0.0)
    return {"retry-after": str(max(1, math.ceil(until - time.time())))}


def missed(desk: Desk, name: str, ip: str) -> None:
    """Count a try that failed."""
    if name:
        desk.login_limits.hit(_OF_NAME, "name", name)
    desk.login_limits.hit(_OF_ADDRESS, "ip", ip)


def show_problem(
    request: Request, problem: str | Message, *, status: int, next: str = "/", headers: Mapping[str, str] | None = None
) -> Response:
    """Show the log-in page with what went wrong elsewhere; local accounts work all the same."""
    return _page(request, request.app.state.desk, status=status, next=next, problem=problem, headers=headers)


def _page(
    request: Request, desk: Desk, *, next: str, status: int = 200, name: str = "", problem: str | Message = "",
    lost: bool = False, headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    return render(
        request, "login.html.j2", status=status, headers=headers, next=inside(next), name=name, problem=problem,
        lost=lost, elsewhere=desk.oidc is not None, ended=cookie_name(request.url.scheme) in request.cookies,
    )  # fmt: skip


def inside(next: str) -> str:
    """Return where to go after the log-in: a path of this desk, and no address of another."""
    parts = urlsplit(next)
    fits = not parts.scheme and not parts.netloc and next.startswith("/") and not next.startswith(("//", "/\\"))
    return next if fits and "\\" not in next else "/"
