"""`/`: the day before in a few numbers, whom to call back, what went wrong: each leads to where it is dealt with."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from qareport import periods
from qareport.calendar import DAY
from qareport.delivery import why_off
from qareport.messages import Message
from qareport.model import AlertState, Job, JobKind, JobState, OffReason, PeriodKind, Permission
from qareport.presentation import live_wording, review_wording
from qareport.presentation.links import name_of
from qareport.report import build_view
from qareport.web import appealing, live_reading, uploading
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess
from qareport.web.documents import pages_of
from qareport.web.review_queue import count_waiting
from qareport.web.templating import render

router = APIRouter()
#: Customers to call back that are shown.
MOST = 10


@router.get("/")
def show_today(request: Request, access: MyAccess) -> Response:
    """Show what the day before left to do."""
    if not access.principal.may(Permission.REPORTS_READ):
        own = "/audit" if access.principal.may(Permission.AUDIT_READ) else "/account"
        return RedirectResponse(own, status_code=303)
    zone = access.desk.settings.period.time_zone
    today = periods.local_day(access.desk.now(), zone)
    yesterday = today - DAY
    period = periods.period_of(PeriodKind.DAY, yesterday, zone)
    report = access.brief(period)
    latest = None
    if not report.coverage.calls:
        now, agents = access.desk.now(), access.agents(Permission.REPORTS_READ)
        midnight = datetime.combine(today, time(), ZoneInfo(zone))
        starts = access.desk.store.call_pages
        # A day that is over, rather than the first calls of today.
        newest = starts.find_starts_around(midnight, now, agents)[0] or starts.find_starts_around(now, now, agents)[0]
        latest = None if newest is None else periods.local_day(newest, zone)
    if latest is not None:
        period = periods.period_of(PeriodKind.DAY, latest, zone)
        report = access.brief(period)
    view = build_view(report, access.desk.settings.report, pages_of(request, access))
    failed = report.failed_calls if access.principal.may(Permission.CALLS_WRITE) else ()
    told = {call.call_id for call in failed}
    return render(
        request, "today.html.j2", view=view, latest=latest, report_calls=report.coverage.calls,
        address=f"/reports/day/{name_of(period)}",
        callbacks=[*view.callbacks, *view.callbacks_rest][:MOST], callbacks_total=report.callbacks_total,
        appeals=appealing.notices_of(access), now=access.desk.now(), words=review_wording,
        uploads=[uploading.state_of(job) for job in _failed_uploads(access) if job.payload.get("call_id") not in told],
        failed=failed, own_agent=access.principal.user.agent_id,
        webhooks=_webhooks_off(access), today=today, in_work=_uploads_in_work(access),
        waiting_alerts=_waiting_alerts(access), to_review=_to_review(access),
    )  # fmt: skip


def _to_review(access: Access) -> int:
    """Count the calls that wait in the queue of the review, for who reviews."""
    if not access.principal.may(Permission.REVIEW_WRITE):
        return 0
    key = ("to review", access.principal.user.user_id, access.agents(Permission.REVIEW_WRITE))
    return access.desk.recently(key, lambda: count_waiting(access))


def _waiting_alerts(access: Access) -> list[str]:
    """Word the alerts of calls that are on which nobody has taken on, the gravest first."""
    if not access.principal.may(Permission.LIVE_READ):
        return []
    new = [alert for alert in live_reading.open_alerts(access) if alert.state is AlertState.NEW]
    on = {call.live_id for call in live_reading.calls_on(access)} if new else set()  # those of the board
    shown = (alert for alert in new if alert.live_id in on)
    return [" ".join(filter(None, (alert.agent_id, live_wording.alert_title(alert)))) for alert in shown]


def _webhooks_off(access: Access) -> list[tuple[int, Message]]:
    """Return the webhooks that their receivers switched off, with what to do, to who looks after them."""
    if not access.principal.may(Permission.SETTINGS_WRITE):
        return []
    off = (hook for hook in access.desk.store.webhooks.list() if hook.off not in (None, OffReason.PERSON))
    return [(hook.webhook_id, why_off(hook)) for hook in off]


def _uploads_in_work(access: Access) -> int:
    """Count the recordings that wait or are being heard, for who may upload."""
    if not access.principal.may(Permission.CALLS_WRITE):
        return 0
    return access.desk.store.jobs.count_waiting(JobKind.UPLOAD)


def _failed_uploads(access: Access) -> list[Job]:
    """Return the newest uploads that failed: one's own, or everyone's for who may read all calls."""
    if not access.principal.may(Permission.CALLS_WRITE):
        return []
    every = access.agents(Permission.CALLS_WRITE).only is None
    jobs = access.desk.store.jobs.list(
        JobKind.UPLOAD, user_id=None if every else access.principal.user.user_id, limit=50
    )
    return [job for job in jobs if job.state is JobState.FAILED]
