"""`/board`: calls that are on, what is heard in them, and their alerts; current by scripts, readable without."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from qareport import privacy
from qareport.model import AlertState, Permission
from qareport.presentation import live_wording
from qareport.store import AlertQuery
from qareport.web import live_board, live_reading
from qareport.web.access import Access
from qareport.web.cursors import LONGEST, read_cursor, write_cursor
from qareport.web.dependencies import MyAccess, RowId
from qareport.web.health import engine_state
from qareport.web.pages.calls import call_path
from qareport.web.pages.review import names_of
from qareport.web.reviewing import active_rules
from qareport.web.templating import render

router = APIRouter(prefix="/board")
#: Alerts on one page of the history.
PAGE = 50
_Text = Annotated[str, Query(max_length=200)]
_Back = Annotated[str, Form(max_length=500)]
#: The page loads itself anew so often where that was asked for, for browsers without scripts.
_Reload = Annotated[int, Query(ge=5, le=600)]


@router.get("")
def show_board(
    request: Request, access: MyAccess, q: _Text = "", team: _Text = "", reload: _Reload | None = None
) -> Response:
    """Show the calls that are on, and those that ended in the last minutes."""
    on = live_board.rows_on(access, team_id=team, words=q)
    return render(
        request, "board.html.j2", rows=on, ended=live_board.rows_ended(access, team_id=team), q=q, team=team,
        teams=access.teams(), reload=reload, engine=engine_state(access.desk).state, **_values(access),
    )  # fmt: skip


@router.get("/alerts")
def show_alerts(
    request: Request, access: MyAccess, state: _Text = "", rule: _Text = "", agent: _Text = "",
    after: Annotated[str, Query(max_length=LONGEST)] = "",
) -> Response:  # fmt: skip
    """Show all alerts, the newest first, and how many of each rule and signal were right."""
    states = (AlertState(state),) if state in list(AlertState) else ()
    place = read_cursor(access.desk, "alerts", after)
    query = AlertQuery(
        states=states, subject=rule.strip(), agent_id=agent.strip(), before=place[0] if place else None, limit=PAGE + 1
    )
    found = live_reading.list_alerts(access, query)
    further = ""
    if len(found) > PAGE:
        onward = {"state": state, "rule": rule, "agent": agent}
        onward["after"] = write_cursor(access.desk, "alerts", found[PAGE - 1].alert_id)
        further = "/board/alerts?" + urlencode({name: value for name, value in onward.items() if value})
    precisions = live_reading.precisions(access)
    titles = {rule.id: rule.title for rule in active_rules(access.desk)}
    return render(
        request, "alerts.html.j2", alerts=found[:PAGE], further=further, state=state, rule=rule, agent=agent,
        states=list(AlertState), precisions=precisions, titles=titles, **_values(access),
    )  # fmt: skip


@router.get("/{live_id}")
def show_live_call(
    request: Request, access: MyAccess, live_id: str, reload: _Reload | None = None, *, heard: bool = False,
    t: Annotated[int | None, Query(ge=0)] = None,
) -> Response:  # fmt: skip
    """Show a call while it is on; once the result of its recording has taken its place, lead to the call's page.

    `heard`: show what was heard while it was on all the same; `t`: the call's page from this second on.
    """
    call, alerts = live_reading.live_call(access, live_id)
    report = live_board.result_of(access, call)
    if report is not None and not heard:
        return RedirectResponse(call_path(report.call_id) + ("" if t is None else f"?t={t}"), status_code=303)
    row = live_board.row_of(access, call, alerts)
    findings = [
        (finding, None if report is None else live_board.is_in(finding, report))
        for finding in sorted(call.findings, key=lambda finding: finding.at_ms)
    ]
    return render(
        request, "live_call.html.j2", call=call, row=row, alerts=live_board.in_order(alerts), findings=findings,
        report=report, reload=reload, number=privacy.mask_phone(call.customer_phone), **_values(access),
    )  # fmt: skip


@router.post("/alerts/{alert_id}/ack")
def acknowledge(access: MyAccess, alert_id: RowId, back: _Back = "") -> Response:
    """Take an alert on."""
    live_reading.acknowledge(access, alert_id)
    return _return(back)


@router.post("/alerts/{alert_id}/snooze")
def snooze(
    access: MyAccess, alert_id: RowId, minutes: Annotated[int, Form(ge=1, le=120)] = 5, back: _Back = ""
) -> Response:
    """Put an alert off."""
    live_reading.snooze(access, alert_id, minutes)
    return _return(back)


@router.post("/alerts/{alert_id}/false-alarm")
def mark_false(
    access: MyAccess, alert_id: RowId, reason: Annotated[str, Form(min_length=1, max_length=500)], back: _Back = ""
) -> Response:
    """Say that an alert is a false alarm."""
    live_reading.mark_false(access, alert_id, reason)
    return _return(back)


def _values(access: Access) -> dict[str, Any]:
    """Return what the parts of these pages need."""
    return {
        "live_words": live_wording,
        "names": names_of(access),
        "route_of": lambda alert: live_board.route_of(access, alert),
        "may_act": access.principal.may(Permission.LIVE_WRITE),
        "escalate_s": access.desk.settings.alerts.escalate_s,
    }


def _return(back: str) -> Response:
    """Send back to where the button was."""
    own = back == "/board" or back.startswith(("/board/", "/board?", "/board#"))
    return RedirectResponse(back if own else "/board", status_code=303)
