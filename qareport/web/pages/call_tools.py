"""The tools of a call's page: swap speakers, hear again, correct facts, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from qareport.errors import QareportError
from qareport.messages import say
from qareport.model import CallReport, Permission
from qareport.web import call_tools
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess
from qareport.web.pages.review import names_of
from qareport.web.templating import render
from qareport.web.uploading import LANGUAGES

router = APIRouter()
_Text = Annotated[str, Form(max_length=200)]


@router.post("/calls/{call_id:path}/swap-roles")
def swap_roles(access: MyAccess, call_id: str) -> Response:
    """Let agent and customer change places."""
    call_tools.swap_roles(access, call_id)
    return _return(call_id)


@router.post("/calls/{call_id:path}/rehear")
def hear_again(access: MyAccess, call_id: str, language: Annotated[str, Form(max_length=10)]) -> Response:
    """Have the recording heard again."""
    call_tools.hear_again(access, call_id, language)
    return _return(call_id)


@router.post("/calls/{call_id:path}/facts")
def correct_facts(
    access: MyAccess, call_id: str, order_id: _Text = "", agent_id: _Text = "", started_at: _Text = ""
) -> Response:
    """Correct order, agent and time."""
    facts = {"order_id": order_id, "agent_id": agent_id, "started_at": _read_time(access, call_id, started_at)}
    call_tools.correct_facts(access, call_id, facts)
    return _return(call_id)


@router.get("/calls/{call_id:path}/delete")
def ask_to_delete(request: Request, access: MyAccess, call_id: str) -> Response:
    """Say what would be deleted, and ask for the call's id."""
    report = access.call(call_id, Permission.CALLS_DELETE)
    return render(request, "delete_call.html.j2", call=report, deletion=None, problem="")


@router.post("/calls/{call_id:path}/delete")
def delete_call(request: Request, access: MyAccess, call_id: str, typed: _Text = "") -> Response:
    """Delete the call, and show the proof."""
    report = access.call(call_id, Permission.CALLS_DELETE)
    try:
        deletion = call_tools.delete_call(access, call_id, typed)
    except QareportError as error:
        return render(request, "delete_call.html.j2", status=422, call=report, deletion=None, problem=str(error))
    return render(request, "delete_call.html.j2", call=None, deletion=deletion, problem="")


def tool_values(access: Access, report: CallReport) -> dict[str, Any]:
    """Return what the page of a call shows of its tools: values of `call_tools.html.j2`."""
    call_id = report.call_id
    may_write = access.agents(Permission.CALLS_WRITE).holds(report.agent_id)
    correction = access.desk.store.corrections.find(call_id)
    zone = ZoneInfo(access.desk.settings.period.time_zone)
    return {
        "may_write": may_write,
        "may_delete": access.principal.may(Permission.CALLS_DELETE),
        "may_read_original": access.agents(Permission.CALLS_ORIGINAL).holds(report.agent_id),
        "correction": correction,
        "corrector": names_of(access).get(correction.user_id, "") if correction else "",
        "rehearing": call_tools.rehearing_of(access, call_id) if may_write else None,
        "has_sound": call_tools.has_sound(report),
        "languages": LANGUAGES,
        "step_of": call_tools.step_of,
        "began": report.started_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if report.started_at else "",
    }


def _read_time(access: Access, call_id: str, text: str) -> datetime | None:
    """Read the time of the form; the minute that it showed means the second that is known.

    Raises:
        QareportError: it is none.
    """
    if not text.strip():
        return None
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise QareportError(
            say("{text!r} is no date and time", text=text), expected=say("as 2026-11-21 09:13")
        ) from None
    known = access.call(call_id, Permission.CALLS_WRITE).started_at
    zone = ZoneInfo(access.desk.settings.period.time_zone)
    typed = typed.replace(tzinfo=typed.tzinfo or zone)
    return known if known is not None and known.replace(second=0, microsecond=0) == typed else typed


def _return(call_id: str) -> Response:
    return RedirectResponse(f"/calls/{quote(call_id, safe='')}#tools", status_code=303)
