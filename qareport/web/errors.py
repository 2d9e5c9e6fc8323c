"""Errors as answers: a page for people, RFC 9457 `application/problem+json` for programs, with the same words."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from qareport.codec import expected_of, explain_issues, shorten
from qareport.errors import BusyError, ConfigError, NotFoundError, QareportError, QueryError, StoreError, StoreFullError
from qareport.messages import Message, say
from qareport.web.access import (
    EngineStartingError,
    ForbiddenError,
    GoneError,
    PreconditionError,
    UnauthenticatedError,
)
from qareport.web.templating import render
from qareport.workflows.rule_publishing import PublishRefusedError
from qareport.workflows.uploads import UploadRefusedError

#: Every code of an error, with its status and when it comes.
CODES: Final[Mapping[str, tuple[int, Message]]] = {
    "unauthenticated": (401, say("nobody is logged in, or the token is not valid")),
    "forbidden": (403, say("the role or the token may not do this")),
    "not_found": (404, say("there is no such thing, or it may not be seen")),
    "not_allowed": (405, say("the address has no such method")),
    "too_slow": (408, say("the body of the request did not come in time")),
    "conflict": (409, say("it is in another state by now, or something else is under way")),
    "gone": (410, say("it was there, and is no longer")),
    "precondition_failed": (412, say("If-Match names another state than the present one")),
    "too_large": (413, say("the request is too large")),
    "unsupported_media": (415, say("the body is not in a form that is taken here")),
    "invalid": (422, say("something in the request is wrong; `errors` says where")),
    "query_error": (422, say("the query cannot be read; `errors` says where")),
    "idempotency_mismatch": (422, say("the Idempotency-Key came with another request before")),
    "rate_limited": (429, say("too many requests; Retry-After says when to come again")),
    "fault": (500, say("a fault in qareport; the number is in the log")),
    "desk_starting": (503, say("the desk is being loaded")),
    "engine_starting": (503, say("the speech engine is starting")),
    "engine_absent": (503, say("the speech engine is not running")),
    "overload": (503, say("too much is waiting already")),
    "store": (503, say("the store cannot be reached")),
    "store_full": (507, say("the disk is full")),
    "empty": (422, say("the recording is empty")),
    "incomplete": (422, say("more or fewer bytes came than were announced")),
    "reason": (422, say("rules are published with a reason")),
    "own": (422, say("a second person must agree to rules")),
    "read_only": (422, say("the folder of rules cannot be written")),
    "unchanged": (422, say("nothing was changed")),
    "tests": (422, say("rules are not published while their tests fail")),
    "replay": (422, say("rules are published after a replay of exactly this text")),
    "warnings": (422, say("rules with warnings are published by who says that they were seen")),
}
_log = logging.getLogger(__name__)
#: Status and stable code of each kind of error; the first that fits counts.
_CODES: tuple[tuple[type[QareportError], int, str], ...] = (
    (UnauthenticatedError, 401, "unauthenticated"),
    (ForbiddenError, 403, "forbidden"),
    (NotFoundError, 404, "not_found"),
    (QueryError, 422, "query_error"),
    (PreconditionError, 412, "precondition_failed"),
    (GoneError, 410, "gone"),
    (EngineStartingError, 503, "engine_starting"),
    (ConfigError, 422, "invalid"),
    (BusyError, 409, "conflict"),
    (QareportError, 422, "invalid"),
)
#: Characters of an address that the log-in page leads back to.
LONGEST_NEXT: Final = 2000
#: Seconds after which what is not ready now may be.
_RETRY_S = 10
_UPLOAD_STATUS = {"too_large": 413, "store_full": 507, "overload": 503, "conflict": 409}
#: Codes of what the framework itself refuses.
_STATUS_CODES = {
    401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "not_allowed", 408: "too_slow", 409: "conflict",
    413: "too_large", 415: "unsupported_media", 422: "invalid", 429: "rate_limited",
}  # fmt: skip


def install(app: FastAPI) -> None:
    """Let an application answer every error as this module words it."""
    app.add_exception_handler(QareportError, _known)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)


def _known(request: Request, error: Exception) -> Response:
    if not isinstance(error, QareportError):
        raise error
    return answer_error(request, error)


def answer_error(request: Request, error: QareportError) -> Response:
    """Answer an error of the program with its status, its code and its words."""
    if isinstance(error, StoreError):
        return fault(request, error)
    status, code = next((status, code) for kind, status, code in _CODES if isinstance(error, kind))
    if isinstance(error, UploadRefusedError):
        status, code = _UPLOAD_STATUS.get(error.code, 422), error.code
    if isinstance(error, PublishRefusedError):
        status, code = 409 if error.code == "conflict" else 422, error.code
    if status == 401 and not _is_api(request):
        return _to_login(request)
    place = f"q:{error.place}" if isinstance(error, QueryError) and error.place else None
    problems = [
        {
            "at": str(problem.where) if problem.where else place,
            "got": str(problem.what),
            "expected": str(problem.expected) if problem.expected else None,
            "to_do": str(problem.to_do) if problem.to_do else None,
        }
        for problem in error.problems
    ]
    more = {"diff": error.diff} if isinstance(error, PublishRefusedError) and error.diff else {}
    return _answer(request, status, code, str(error), problems, more=more)


def _to_login(request: Request) -> Response:
    """Send who is not logged in to log in, and from there on to where they were.

    What they sent is lost: the log-in page says so, and leads back to the page that it was sent from.
    """
    place, is_lost = request.url, request.method not in ("GET", "HEAD")
    if is_lost:
        sender = urlsplit(request.headers.get("referer", ""))
        path, query = (sender.path, sender.query) if sender.netloc == place.netloc else ("/", "")
    else:
        path, query = place.path, place.query
    whole = quote(f"{path}?{query}" if query else path, safe="/")
    fits = len(whole) <= LONGEST_NEXT
    return RedirectResponse(
        f"/login?next={whole if fits else quote(path, safe='/')}{'&lost=1' if is_lost else ''}", status_code=303
    )


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code, detail = _STATUS_CODES.get(error.status_code, "invalid"), str(error.detail or "")
    if detail in ("", HTTPStatus(error.status_code).phrase):  # the framework's own word, which is English
        is_no_page = error.status_code == HTTPStatus.NOT_FOUND and not request.url.path.startswith("/api/")
        detail = str(say("there is no page {path}", path=request.url.path) if is_no_page else CODES[code][1])
    return _answer(request, error.status_code, code, detail, [], headers=dict(error.headers or {}))


def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    problems = [
        {
            "at": ".".join(map(str, issue["loc"])),
            "got": None if issue["type"] == "missing" else shorten(issue.get("input")),
            "expected": str(expected_of(issue)),
        }
        for issue in error.errors()
    ]
    if _is_api(request):
        detail = str(explain_issues(error.errors()))
    else:
        fields = ", ".join(str(problem["at"]).rpartition(".")[2] for problem in problems)
        detail = str(say("something is missing in the form, or is not as it should be: {fields}", fields=fields))
    return _answer(request, 422, "invalid", detail, problems)


def fault(request: Request, error: Exception) -> Response:
    """Answer a fault of the program, or of its store: with a number, under which the log says what happened."""
    number = secrets.token_hex(4)
    if isinstance(error, StoreError):
        _log.error("store %s at %s %s: %s", number, request.method, request.url.path, error)
        detail = say("the store cannot be used now; the number is {number}, and the log says why", number=number)
        status, code = (507, "store_full") if isinstance(error, StoreFullError) else (503, "store")
        return _answer(request, status, code, str(detail), [])
    _log.error("fault %s at %s %s", number, request.method, request.url.path, exc_info=error)
    detail = say("a fault in qareport; its number is {number}, and the log says more", number=number)
    return _answer(request, 500, "fault", str(detail), [])


def refuse(
    request: Request, status: int, detail: Message, *, retry_s: int | None = None, code: str | None = None,
    more: dict[str, Any] | None = None,
) -> Response:  # fmt: skip
    """Answer a request that is not let in, or that nothing can be done about now.

    Args:
        request: whose answer it is.
        status: 403, 413, 415, 422, 429 or 503.
        detail: why, in words.
        retry_s: in seconds: after this time another try may go well.
        code: why, for programs; None: that of the status.
        more: further facts, for programs.
    """
    headers = {} if retry_s is None else {"retry-after": str(retry_s)}
    return _answer(request, status, code or _STATUS_CODES[status], str(detail), [], headers=headers, more=more)


def _answer(
    request: Request, status: int, code: str, detail: str, problems: list[dict[str, Any]],
    headers: dict[str, str] | None = None, more: dict[str, Any] | None = None,
) -> Response:  # fmt: skip
    title = str(CODES[code][1])
    if status == 503:
        headers = {"retry-after": str(_RETRY_S), **(headers or {})}
    if _is_api(request):
        body = {
            "type": f"/api#{code}", "title": title, "status": status, "detail": detail, "instance": request.url.path,
            "code": code, "errors": problems, **(more or {}),
        }  # fmt: skip
        return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")
    return render(
        request, "error.html.j2", status=status, headers=headers, code=code, detail=detail, back=_page_before(request)
    )


def _page_before(request: Request) -> str:
    """Return the page of the desk that a request was sent from; "" where there is none, or it is the one refused."""
    sender = urlsplit(request.headers.get("referer", ""))
    if sender.netloc != request.url.netloc or not sender.path.startswith("/") or sender.path.startswith("//"):
        return ""
    is_same = request.method in ("GET", "HEAD") and sender.path == request.url.path
    return "" if is_same else sender.path + (f"?{sender.query}" if sender.query else "")


def _is_api(request: Request) -> bool:
    path = request.url.path
    return path.startswith("/api/") or (path == "/readyz" and "text/html" not in request.headers.get("accept", ""))
