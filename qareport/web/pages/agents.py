"""`/agents/{agent_id}`: how one agent's scores went, what cost most, what went well, and which calls to listen to."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from qareport import periods
from qareport.model import PeriodKind
from qareport.report import build_view
from qareport.search import write_field
from qareport.web.dependencies import MyAccess
from qareport.web.documents import pages_of
from qareport.web.templating import render

router = APIRouter()
#: Days that the page is about, today among them.
DAYS = 14


@router.get("/agents/{agent_id:path}")
def show_agent(request: Request, access: MyAccess, agent_id: str) -> Response:
    """Show the last two weeks of an agent."""
    access.agent(agent_id)
    zone = access.desk.settings.period.time_zone
    today = periods.local_day(access.desk.now(), zone)
    report = access.report(
        periods.range_of(today - timedelta(days=DAYS - 1), today, zone),
        agent_id=agent_id,
        trend_of=periods.period_of(PeriodKind.DAY, today, zone),
    )
    view = build_view(report, access.desk.settings.report, pages_of(request, access))
    return render(
        request, "agent.html.j2", agent_id=agent_id, view=view, report=report, query=write_field("agent", agent_id),
        name=next((agent.name for agent in report.people if agent.id == agent_id), ""), days=DAYS,
    )  # fmt: skip
