"""`/account`: one's own language, password and sessions."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from qareport.errors import QareportError
from qareport.messages import Message, say
from qareport.presentation.locale import LOCALES, N_, _
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess
from qareport.web.pages.login import start_session
from qareport.web.passwords import hash_password, is_password
from qareport.web.templating import render

router = APIRouter()


@router.get("/account")
def show_account(request: Request, access: MyAccess) -> Response:
    """Show one's own settings and sessions."""
    return _page(request, access, "")


@router.post("/account/language")
def choose_language(access: MyAccess, language: Annotated[str, Form(max_length=5)] = "") -> Response:
    """Choose the language of one's pages; anything else than a known one means: as the browser says."""
    chosen = language if language in LOCALES else None
    access.record("account.language", language=chosen or "")
    access.desk.store.users.change(access.principal.user.user_id, language=chosen)
    return RedirectResponse("/account", status_code=303)


@router.post("/account/password")
def change_password(
    request: Request,
    access: MyAccess,
    current: Annotated[str, Form(max_length=500)] = "",
    password: Annotated[str, Form(max_length=500)] = "",
    again: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Change one's password; all other sessions end."""
    desk, user = access.desk, access.principal.user
    if not is_password(current, desk.store.users.password_of(user.name)):
        access.record("account.password", outcome="refused")
        return _page(request, access, say("the current password is wrong"), status=422)
    if password != again:
        return _page(request, access, say("the two passwords differ"), status=422)
    try:
        hashed = hash_password(password)
    except QareportError as error:
        return _page(request, access, str(error), status=422)
    access.record("account.password")
    desk.store.users.change(user.user_id, password=hashed)
    return start_session(request, desk, user, "/account")


@router.post("/account/sessions/end")
def end_sessions(request: Request, access: MyAccess) -> Response:
    """End all sessions of one's own but start this one anew."""
    access.record("account.end_sessions")
    access.desk.store.sessions.end_all(access.principal.user.user_id)
    return start_session(request, access.desk, access.principal.user, "/account")


#: Browsers and systems by what they call themselves; most name others besides, so the first that fits counts.
_BROWSERS: Final = (
    ("MicroMessenger", N_("微信")), ("Edg", "Edge"), ("OPR/", "Opera"), ("QQBrowser", N_("QQ浏览器")),
    ("Firefox/", "Firefox"), ("FxiOS", "Firefox"), ("Chrome/", "Chrome"), ("CriOS", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"), ("OpenHarmony", "HarmonyOS"), ("Windows", "Windows"), ("Android", "Android"),
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def name_browser(user_agent: str) -> str:
    """Name the browser and the system that a User-Agent header is of: Chrome · Windows; "" where it names neither."""
    known = (next((_(name) for sign, name in names if sign in user_agent), "") for names in (_BROWSERS, _SYSTEMS))
    return " · ".join(filter(None, known))


def _page(request: Request, access: Access, problem: str | Message, status: int = 200) -> Response:
    store, user = access.desk.store, access.principal.user
    return render(
        request, "account.html.j2", status=status, logins=store.sessions.list(user.user_id), problem=problem,
        name_browser=name_browser,
        has_password=not user.external or store.users.password_of(user.name) is not None,
    )  # fmt: skip
