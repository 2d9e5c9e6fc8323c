"""`/api/v1/calls`, `/orders`, `/heat`, `/digests`: what pages show, for programs, in contracts of version 1."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from qareport import privacy, search
from qareport.codec import to_data, to_json
from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import CallReport
from qareport.store import CallPageQuery, ListedCall, Scope, Sort
from qareport.web import documents
from qareport.web.access import Access
from qareport.web.api.lists import Listed
from qareport.web.cursors import LONGEST, read_cursor, write_cursor
from qareport.web.dependencies import MyAccess
from qareport.web.pages import sound
from qareport.web.pages.heat import read_query
from qareport.web.period_names import read_period

router = APIRouter(prefix="/api/v1", tags=["reading"])
Kind = Literal["day", "week", "month"]


class CallListQuery(BaseModel):
    """Which calls are listed, and from where on."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    q: Annotated[str, Field(max_length=500, description="A query, as on the command line.")] = ""
    scope: Annotated[Scope, Field(alias="in")] = "sentence"
    sort: Sort = "-started"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    after: Annotated[str, Field(max_length=LONGEST, description="`next` of the page before.")] = ""


class CallHit(BaseModel):
    """A sentence that a search found, masked."""

    at_ms: int
    role: str
    text: str
    tags: list[str]


class CallItem(BaseModel):
    """A call in a list."""

    call_id: str
    order_id: str | None
    agent_id: str | None
    started_at: datetime | None
    score: int | None
    risk: str
    hits: list[CallHit]


class CurvePointAnswer(BaseModel):
    """A point of a role's curve of emotion."""

    at_ms: int
    role: str
    value: float


_MAKING: Final[dict[int | str, dict[str, Any]]] = {202: {"description": "The worker is making it; ask again."}}
_SOUND: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"audio/ogg": {}}}, 206: {"description": "A part of it.", "content": {"audio/ogg": {}}}, **_MAKING,
}  # fmt: skip


@router.get("/calls")
def list_calls(access: MyAccess, asked: Annotated[CallListQuery, Query()]) -> Listed[CallItem]:
    """List calls, or those that a query finds."""
    zone = access.desk.settings.period.time_zone
    page = access.list_calls(
        CallPageQuery(
            node=search.parse(asked.q, time_zone=zone) if asked.q.strip() else None,
            scope=asked.scope,
            sort=asked.sort,
            after=read_cursor(access.desk, f"calls {asked.sort}", asked.after),
            limit=asked.limit,
        ),
        asked=asked.q,
    )
    return Listed(
        items=[_item(call) for call in page.calls],
        next=write_cursor(access.desk, f"calls {asked.sort}", *page.calls[-1].place) if page.more else None,
        total=page.total,
        total_is="exact" if page.exact else "at_least",
    )


def _item(call: ListedCall) -> CallItem:
    return CallItem(
        call_id=call.call_id,
        order_id=call.order_id,
        agent_id=call.agent_id,
        started_at=call.started_at,
        score=call.score,
        risk=call.risk,
        hits=[
            CallHit(at_ms=hit.line.start_ms, role=hit.line.role, text=hit.line.text, tags=list(hit.line.tags))
            for hit in call.hits
        ],
    )


@router.get("/calls/{call_id:path}/transcript")
def get_transcript(
    access: MyAccess, call_id: str, original: bool = False, purpose: Annotated[str, Query(max_length=300)] = ""
) -> Response:
    """Return what was said in a call, masked: its sentences.

    `original=true` with a `purpose` gives what was transcribed, to who may read that; the purpose stands in the audit
    log.
    """
    call = sound.original_of(access, call_id, "call.read_original", purpose) if original else _call(access, call_id)
    return _json([to_data(segment) for segment in call.segments])


@router.get("/calls/{call_id:path}/report")
def get_report(access: MyAccess, call_id: str) -> Response:
    """Return the report of a call alone (`OrderReport` with one call), masked."""
    return _whole(privacy.shorten_paths(access.order(_known(access, call_id), call_id=call_id)))


@router.get("/calls/{call_id:path}/curve")
def get_curve(access: MyAccess, call_id: str) -> list[CurvePointAnswer]:
    """Return the curve of emotion of each role: -5 (most negative) to +5 (most positive)."""
    call = _call(access, call_id)
    return [CurvePointAnswer(at_ms=point.at_ms, role=point.role.value, value=point.value) for point in call.curve]


@router.get("/calls/{call_id:path}/waveform", responses=_MAKING)
def get_waveform(access: MyAccess, call_id: str) -> Response:
    """Return the peaks of a call: `{duration_ms, channels: [[0 … 127]], roles}`; 202 while they are being made."""
    return sound.get_waveform(access, call_id)


@router.get("/calls/{call_id:path}/audio", responses=_SOUND)
def get_audio(
    access: MyAccess, call_id: str, original: bool = False, purpose: Annotated[str, Query(max_length=300)] = ""
) -> Response:
    """Return the sound of a call (Ogg Opus), by ranges; 202 while it is being made.

    Personal data is under a tone. `original=true` with a `purpose` gives what was recorded, to who may hear it; the
    purpose stands in the audit log.
    """
    return sound.get_sound(access, call_id, original=original, purpose=purpose)


@router.get("/calls/{call_id:path}/tags")
def get_tags(access: MyAccess, call_id: str) -> search.CallTags:
    """Return the tags of a call for a ticket, with what each is based on."""
    order = access.order(_known(access, call_id), call_id=call_id, compared=False)
    return search.tags_of(
        _one(order.calls, call_id),
        order_id=order.order_id,
        external_ref=access.desk.store.calls.find_external_ref(call_id),
        review=order.reviews.get(call_id),
    )


@router.get("/calls/{call_id:path}/documents/{format}", responses=documents.DOCUMENTS)
def get_call_document(access: MyAccess, call_id: str, format: str) -> Response:
    """Make a document of a call: docx, pdf, html or json."""
    made_from = access.order(_known(access, call_id), call_id=call_id)
    return documents.download(access, made_from, format, object=f"call:{call_id}")


@router.get("/calls/{call_id:path}")
def get_call(access: MyAccess, call_id: str) -> Response:
    """Return the result of a call (`CallReport`), masked."""
    report = privacy.shorten_paths(access.order(_known(access, call_id), call_id=call_id))
    return _whole(_one(report.calls, call_id))


@router.get("/orders/{order_id:path}/documents/{format}", responses=documents.DOCUMENTS)
def get_order_document(access: MyAccess, order_id: str, format: str) -> Response:
    """Make a document of an order: docx, pdf, html or json."""
    return documents.download(access, access.order(order_id), format, object=f"order:{order_id}")


@router.get("/orders/{order_id:path}")
def get_order(access: MyAccess, order_id: str) -> Response:
    """Return the report of an order (`OrderReport`), masked, with the calls that may be seen."""
    return _whole(privacy.shorten_paths(access.order(order_id)))


@router.get("/heat")
def get_heat(
    access: MyAccess,
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    last: Annotated[str, Query(alias="to", max_length=10)] = "",
    stage: Annotated[str, Query(max_length=200)] = "",
    team: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Return how many calls about each issue had which emotion."""
    query = read_query(access, first, last, stage, team)
    heat = access.heat(query.period, stage=stage, team_id=team)
    return _json({"period": to_data(query.period), "stage": stage, "team": team, "heat": to_data(heat)})


@router.get("/digests/{kind}/{name}")
def get_digest(access: MyAccess, kind: Kind, name: str, team: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Return the report of a day, week or month (`PeriodReport`), made from the calls that may be seen."""
    period = read_period(kind, name, access.desk.settings.period.time_zone)
    return _whole(access.report(period, team_id=team))


@router.get("/digests/{kind}/{name}/documents/{format}", responses=documents.DOCUMENTS)
def get_digest_document(
    request: Request, access: MyAccess, kind: Kind, name: str, format: str,
    team: Annotated[str, Query(max_length=100)] = "",
) -> Response:  # fmt: skip
    """Make a document of a day, week or month: docx, pdf, html, xlsx or json."""
    period = read_period(kind, name, access.desk.settings.period.time_zone)
    made_from = access.report(period, team_id=team)
    return documents.download(
        access, made_from, format, object=f"report:{kind}/{name}", pages=documents.pages_of(request, access)
    )


def _known(access: Access, call_id: str) -> str:
    """Return the id of a call that may be seen; other words than an order's for one that may not."""
    access.call(call_id)
    return call_id


def _call(access: Access, call_id: str) -> CallReport:
    return _one(access.order(_known(access, call_id), call_id=call_id, compared=False).calls, call_id)


def _one(calls: tuple[CallReport, ...], call_id: str) -> CallReport:
    for call in calls:
        if call.call_id == call_id:
            return call
    raise NotFoundError(say("there is no call {call_id!r}", call_id=call_id))


def _whole(value: object) -> Response:
    return Response(to_json(value), media_type="application/json")


def _json(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), media_type="application/json")
