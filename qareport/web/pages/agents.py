"""`/agents/{agent_id}`: how one agent's scores went, what cost most, what went well, and which calls to listen to."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from qareport import periods
from qareport.model import CoachingSheet, PeriodKind, PeriodReport, Permission
from qareport.report import build_view
from qareport.report.formats.coaching_docx import change_words, praise_words, render_coaching
from qareport.search import write_field
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess
from qareport.web.documents import pages_of
from qareport.web.templating import render
from qareport.workflows.coaching import make_sheet

router = APIRouter()
#: Days that the page is about, today among them.
DAYS: Final = 14
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@router.get("/agents/{agent_id:path}/coaching.docx")
def download_coaching(access: MyAccess, agent_id: str) -> Response:
    """Send the coaching sheet of an agent as a Word document."""
    sheet = _sheet(access, agent_id, _report(access, agent_id))
    access.record("agent.coaching", object=f"agent:{agent_id}")
    name = quote(f"coaching-{agent_id}.docx", safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(render_coaching(sheet), media_type=DOCX, headers=headers)


@router.get("/agents/{agent_id:path}")
def show_agent(request: Request, access: MyAccess, agent_id: str) -> Response:
    """Show the last two weeks of an agent."""
    report = _report(access, agent_id)
    sheet = _sheet(access, agent_id, report)
    view = build_view(report, access.desk.settings.report, pages_of(request, access))
    return render(
        request, "agent.html.j2", agent_id=agent_id, view=view, report=report, query=write_field("agent", agent_id),
        name=sheet.name, days=DAYS, sheet=sheet, change=change_words(sheet), well=praise_words(sheet),
    )  # fmt: skip


def _report(access: Access, agent_id: str) -> PeriodReport:
    access.agent(agent_id)
    zone = access.desk.settings.period.time_zone
    today = periods.local_day(access.desk.now(), zone)
    return access.report(
        periods.range_of(today - timedelta(days=DAYS - 1), today, zone),
        agent_id=agent_id,
        trend_of=periods.period_of(PeriodKind.DAY, today, zone),
    )


def _sheet(access: Access, agent_id: str, report: PeriodReport) -> CoachingSheet:
    """Make the coaching sheet; an agent sees no answers of others."""
    return make_sheet(access.desk.store, report, access.agents(Permission.EXPORTS_WRITE))
