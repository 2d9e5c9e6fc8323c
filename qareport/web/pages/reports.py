"""`/reports`: the days, weeks and months that have calls; a report in a frame, its documents, its mails."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from qareport import periods
from qareport.model import (
    AdviceOutcome,
    BestSaid,
    DeliveryRecord,
    Period,
    PeriodKind,
    Permission,
    Reach,
    WeakLink,
)
from qareport.presentation.links import name_of
from qareport.report.period import terms
from qareport.web import documents
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess
from qareport.web.period_names import read_period
from qareport.web.templating import render
from qareport.workflows.coaching import best_said
from qareport.workflows.daily import period_name

router = APIRouter()
#: Weak links that the page of a week shows.
_WEAKEST = 3


@router.get("/reports")
def list_reports(request: Request, access: MyAccess, month: Annotated[str, Query(max_length=7)] = "") -> Response:
    """List the days, weeks and the month of a month that have calls."""
    access.require(Permission.REPORTS_READ)
    agents, zone = access.agents(Permission.REPORTS_READ), access.desk.settings.period.time_zone
    pages = access.desk.store.call_pages
    now = access.desk.now()
    if month:
        shown = read_period("month", month, zone)
    else:
        newest = pages.find_starts_around(now, now, agents)[0]
        shown = periods.period_of(PeriodKind.MONTH, periods.local_day(newest or now, zone), zone)
    first, last = periods.bounds(shown)
    counts = Counter[date]()
    for start, count in pages.count_starts(first, last, agents):
        counts[periods.local_day(start, zone)] += count
    before, after = pages.find_starts_around(first, last, agents)
    return render(
        request, "reports.html.j2", month=shown, name_of=name_of, subject=terms.subject, total=counts.total(),
        days=[(periods.period_of(PeriodKind.DAY, day, zone), counts[day]) for day in sorted(counts, reverse=True)],
        weeks=_weeks(counts, zone), before=_month_of(before, zone), after=_month_of(after, zone),
    )  # fmt: skip


def _weeks(days: Counter[date], zone: str) -> list[Period]:
    weeks = {periods.period_of(PeriodKind.WEEK, day, zone).first for day in days}
    return [periods.period_of(PeriodKind.WEEK, first, zone) for first in sorted(weeks, reverse=True)]


def _month_of(start: datetime | None, zone: str) -> Period | None:
    return None if start is None else periods.period_of(PeriodKind.MONTH, periods.local_day(start, zone), zone)


@router.get("/reports/{kind}/{name}")
def show_report(
    request: Request, access: MyAccess, kind: str, name: str, team: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Show the report of a day, a week or a month."""
    access.require(Permission.REPORTS_READ)
    access.agents_of(team, Permission.REPORTS_READ)
    period = read_period(kind, name, access.desk.settings.period.time_zone)
    before, after = _neighbours(access, period, team)
    return render(
        request, "report.html.j2", period=period, name=name_of(period), subject=terms.subject, name_of=name_of,
        before=before, after=after, team=team, teams=access.teams(),
        mails=_mails(access, period), weak=_weak_links(access, period, team), verdicts=terms.VERDICTS,
    )  # fmt: skip


def _neighbours(access: Access, period: Period, team: str) -> tuple[Period | None, Period | None]:
    """Return the periods of the same kind with calls next before and after one."""
    zone = access.desk.settings.period.time_zone
    agents = access.agents_of(team, Permission.REPORTS_READ)
    before, after = access.desk.store.call_pages.find_starts_around(*periods.bounds(period), agents)
    now = access.desk.now()

    def around(start: datetime | None) -> Period | None:
        day = None if start is None or start > now else periods.local_day(start, zone)
        return None if day is None else periods.period_of(period.kind, day, zone)

    return around(before), around(after)


@router.get("/reports/{kind}/{name}/document")
def show_document(
    request: Request, access: MyAccess, kind: str, name: str, team: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Show a report as a page in the frame of `/reports/…`."""
    period = read_period(kind, name, access.desk.settings.period.time_zone)
    return documents.framed(access, access.report(period, team_id=team), documents.pages_of(request, access))


@router.get("/reports/{kind}/{name}/document.{format}")
def load_document(
    request: Request, access: MyAccess, kind: str, name: str, format: str,
    team: Annotated[str, Query(max_length=100)] = "",
) -> Response:  # fmt: skip
    """Make a document of a report."""
    period = read_period(kind, name, access.desk.settings.period.time_zone)
    report = access.report(period, team_id=team)
    return documents.download(
        access, report, format, object=f"report:{kind}/{name_of(period)}", pages=documents.pages_of(request, access),
        locale=documents.readers_locale(),
    )  # fmt: skip


def _weak_links(
    access: Access, period: Period, team: str
) -> list[tuple[WeakLink, tuple[BestSaid, ...], AdviceOutcome | None]]:
    """Return a week's weakest links, what good calls answer at the same point, and what became of earlier advice."""
    if period.kind is not PeriodKind.WEEK or not access.principal.may(Permission.EXPORTS_WRITE):
        return []
    report, store = access.report(period, team_id=team), access.desk.store
    agents = access.agents_of(team, Permission.EXPORTS_WRITE)
    outcomes = {outcome.rule_id: outcome for outcome in report.outcomes}
    return [(link, best_said(store, link, agents), outcomes.get(link.rule_id)) for link in report.weak_links[:_WEAKEST]]


def _mails(access: Access, period: Period) -> tuple[DeliveryRecord, ...]:
    """Return the mails of a period, for who may read all reports: they name everyone who gets one."""
    if access.principal.rights.get(Permission.REPORTS_READ) is not Reach.ALL:
        return ()
    return access.desk.store.outbox.list(period=period_name(period))
