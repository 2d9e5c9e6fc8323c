"""`/calls` and `/calls/{call_id}`: finding calls and reading them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from qareport import search
from qareport.errors import NotFoundError, QueryError
from qareport.messages import say
from qareport.model import CallReport, Permission
from qareport.presentation import live_wording, wording
from qareport.report import build_view
from qareport.report.order.view_types import CallView
from qareport.store import CallPage, CallPageQuery
from qareport.web import live_reading
from qareport.web.access import names_person
from qareport.web.cursors import read_cursor, write_cursor
from qareport.web.dependencies import MyAccess
from qareport.web.facets import LANGUAGES, SOURCES, FacetChoice, offers_of
from qareport.web.pages.call_tools import tool_values
from qareport.web.pages.review import review_values
from qareport.web.pages.sound import original_of
from qareport.web.templating import render
from qareport.web.webhooks import told_of

router = APIRouter()
#: Calls on one page of the list.
PAGE = 50


@router.get("/calls")
def show_calls(
    request: Request,
    access: MyAccess,
    choice: Annotated[FacetChoice, Query()],
) -> Response:
    """List calls, or those that a search finds."""
    access.require(Permission.CALLS_READ)
    whole = choice.query()
    values: dict[str, Any] = {
        "choice": choice, "whole": whole, "offers": offers_of(access), "by_number": names_person(whole),
    }  # fmt: skip
    try:
        node = search.parse(whole, time_zone=access.desk.settings.period.time_zone) if whole else None
    except QueryError as error:
        empty = CallPage(calls=(), more=False, total=0, exact=True)
        return render(request, "calls.html.j2", status=422, page=empty, problem=str(error), further="", **values)
    list_name, desk = f"calls {choice.sort}", access.desk
    after = read_cursor(desk, list_name, choice.after)
    query = CallPageQuery(node=node, scope=choice.scope, sort=choice.sort, after=after, limit=PAGE)
    page = access.list_calls(query, asked=whole)
    further = choice.address(after=write_cursor(desk, list_name, *page.calls[-1].place)) if page.more else ""
    return render(request, "calls.html.j2", page=page, problem="", further=further, **values)


@router.get("/calls/{call_id:path}/original")
def show_original(
    request: Request, access: MyAccess, call_id: str, purpose: Annotated[str, Query(max_length=300)] = ""
) -> Response:
    """Ask what the unmasked original is needed for; then show and play it. The purpose stands in the audit log."""
    if purpose.strip():
        report = original_of(access, call_id, "call.read_original", purpose)
    else:
        report = access.call(call_id, Permission.CALLS_ORIGINAL)
    return render(request, "original.html.j2", call=report, purpose=purpose.strip())


@router.get("/calls/{call_id:path}")
def show_call(
    request: Request, access: MyAccess, call_id: str, t: Annotated[int | None, Query(ge=0)] = None
) -> Response:
    """Show one call: its verdicts, moments, findings, transcript; `t`: from this second on."""
    report = access.call(call_id)
    order = access.order(call_id, compared=False)
    settings = access.desk.settings
    view = build_view(order, settings.report)
    place = next((place for place, call in enumerate(order.calls) if call.call_id == call_id), None)
    if place is None:
        raise NotFoundError(say("there is no call {call_id!r}", call_id=call_id))
    if t is not None:
        said = [
            line.at_ms for line in view.calls[place].transcript if line.kind != "silence" and line.at_ms // 1000 <= t
        ]
        return RedirectResponse(f"{call_path(call_id)}#t{max(said, default=0)}", status_code=303)
    return render(
        request, "call.html.j2", call=order.calls[place], view=view.calls[place], order_id=order.order_id,
        marks=_marks(order.calls[place], view.calls[place]), demo_notice=view.demo_notice,
        told=told_of(access, call_id), external_ref=access.desk.store.calls.find_external_ref(call_id),
        siblings=[call.call_id for call in order.calls if call.call_id != call_id],
        **review_values(access, order.calls[place]),
        spoken=wording.listed(LANGUAGES.get(name, name) for name in search.spoken_languages(report.segments)) or "—",
        alerts=live_reading.alerts_of_call(access, call_id), heard=live_reading.heard_live(access, call_id),
        live_words=live_wording,
        source=SOURCES.get(access.desk.store.calls.find_source(call_id) or "", "—"), **tool_values(access, report),
    )  # fmt: skip


def _marks(call: CallReport, view: CallView) -> dict[str, Any]:
    """Return what is drawn on the wave: numbered moments, the other findings, and where nobody speaks."""
    moments = {node.at_ms: node.number for node in view.key_moments}
    others = {finding.at_ms for finding in call.findings if finding.points < 0} - moments.keys()
    marks = [{"number": str(moments.get(at_ms, "")), "at_ms": at_ms} for at_ms in sorted(moments.keys() | others)]
    return {"marks": marks, "silences": view.chart.silences}


def call_path(call_id: str) -> str:
    """Return the path of a call's page."""
    return f"/calls/{quote(call_id, safe='')}"
