"""`/`, `/calls`, `/calls/{call_id}` and `/orders/{order_id}`: finding calls and reading them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from qareport import search
from qareport.errors import NotFoundError, QueryError
from qareport.messages import say
from qareport.model import Permission
from qareport.report import build_view
from qareport.store import CallPage, CallPageQuery, ListedCall, Scope, Sort
from qareport.web.dependencies import MyAccess
from qareport.web.templating import render

router = APIRouter()
#: Calls on one page of the list.
PAGE = 50


@router.get("/")
def show_home(access: MyAccess) -> Response:
    """Send to the list of calls; who may see none, to the audit log."""
    return RedirectResponse("/calls" if access.principal.may(Permission.CALLS_READ) else "/audit", status_code=303)


@router.get("/calls")
def show_calls(
    request: Request,
    access: MyAccess,
    q: Annotated[str, Query(max_length=500)] = "",
    scope: Annotated[Scope, Query(alias="in")] = "sentence",
    sort: Sort = "-started",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """List calls, or those that a search finds."""
    try:
        node = search.parse(q, time_zone=access.desk.settings.period.time_zone) if q.strip() else None
    except QueryError as error:
        empty = CallPage(calls=(), more=False, total=0, exact=True)
        values: dict[str, Any] = {
            "q": q,
            "scope": scope,
            "sort": sort,
            "page": empty,
            "problem": str(error),
            "further": "",
        }
        return render(request, "calls.html.j2", status=422, **values)
    query = CallPageQuery(node=node, scope=scope, sort=sort, after=read_cursor(after), limit=PAGE)
    page = access.list_calls(query)
    further = ""
    if page.more:
        further = "/calls?" + urlencode({"q": q, "in": scope, "sort": sort, "after": cursor(page.calls[-1])})
    return render(request, "calls.html.j2", q=q, scope=scope, sort=sort, page=page, problem="", further=further)


@router.get("/calls/{call_id:path}")
def show_call(request: Request, access: MyAccess, call_id: str) -> Response:
    """Show one call: its verdicts, moments, findings, transcript."""
    access.call(call_id)
    order = access.order(call_id)
    settings = access.desk.settings
    view = build_view(order, settings.report)
    place = next((place for place, call in enumerate(order.calls) if call.call_id == call_id), None)
    if place is None:
        raise NotFoundError(say("there is no call {call_id!r}", call_id=call_id))
    marks = [{"number": node.number, "at_ms": node.at_ms} for node in view.calls[place].key_moments]
    return render(
        request, "call.html.j2", call=order.calls[place], view=view.calls[place], marks=marks, order_id=order.order_id,
        siblings=[call.call_id for call in order.calls if call.call_id != call_id],
    )  # fmt: skip


def cursor(call: ListedCall) -> str:
    """Write where a page of the list ended."""
    return f"{call.place[1]}~{call.place[0]}"


def read_cursor(text: str) -> tuple[str, int] | None:
    """Read where a page of the list ended; what is no such place starts from the beginning."""
    number, tilde, value = text.partition("~")
    return (value, int(number)) if tilde and number.isdigit() else None


def call_path(call_id: str) -> str:
    """Return the path of a call's page."""
    return f"/calls/{quote(call_id, safe='')}"
