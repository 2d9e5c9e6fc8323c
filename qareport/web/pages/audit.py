"""`/audit`: who did what to what, for auditors; as CSV or JSON lines too."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from qareport.web import auditing
from qareport.web.auditing import AuditFilter
from qareport.web.dependencies import MyAccess, RowPlace
from qareport.web.templating import render

router = APIRouter(prefix="/audit")
#: Lines on one page.
PAGE = 100
_MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_Text = Annotated[str, Query(max_length=300)]
_Day = Annotated[str, Query(max_length=10)]


def read_filter(
    actor: _Text = "", action: _Text = "", object: _Text = "", since: _Day = "", until: _Day = ""
) -> AuditFilter:
    """Read which lines are wanted; a day that is none does not count."""
    return AuditFilter(
        actor=actor.strip(), action=action.strip(), object=object.strip(), since=_day(since), until=_day(until)
    )


Wanted = Annotated[AuditFilter, Depends(read_filter)]


@router.get("")
def show_audit(request: Request, access: MyAccess, wanted: Wanted, before: RowPlace = None) -> Response:
    """List the log, with a filter, and whether its chain holds."""
    entries = auditing.read_page(access, wanted, before=before, limit=PAGE + 1)
    link = wanted.as_query()
    further = "/audit?" + urlencode(link | {"before": entries[PAGE - 1].number}) if len(entries) > PAGE else ""
    return render(
        request, "audit.html.j2", entries=entries[:PAGE], wanted=wanted, further=further,
        exported={name: f"/audit/export?{urlencode(link | {'format': name})}" for name in _MEDIA},
        wrong=None if before else auditing.verify_recently(access), checked=before is None, audit=auditing,
        links={name: functools.partial(_narrowed, link, name) for name in ("actor", "object")},
    )  # fmt: skip


@router.get("/export")
def export_audit(access: MyAccess, wanted: Wanted, format: Literal["csv", "jsonl"] = "csv") -> Response:
    """Send all wanted lines as a file."""
    return StreamingResponse(
        auditing.export(access, wanted, format),
        media_type=_MEDIA[format],
        headers={"content-disposition": f'attachment; filename="audit.{format}"'},
    )


def _narrowed(link: Mapping[str, str], name: str, value: str) -> str:
    """Return the address of the lines of one actor or one object among those that are shown."""
    return "/audit?" + urlencode({**link, name: value})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
