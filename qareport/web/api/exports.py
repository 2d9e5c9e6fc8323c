"""`/api/v1/exports`: order tables and texts of calls, and fetch them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from qareport.model import Export
from qareport.store import Scope
from qareport.web import exporting
from qareport.web.api.lists import Listed, page_of
from qareport.web.cursors import LONGEST, read_cursor
from qareport.web.dependencies import MyAccess, RowId

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])


class NewExport(BaseModel):
    """What is to be exported."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: Literal["calls", "segments", "moments", "findings", "text"]
    format: Literal["csv", "xlsx", "parquet", "jsonl", "txt"] = "csv"
    q: Annotated[str, Field(max_length=exporting.MOST_QUERY, description="A query, as for calls; empty: all.")] = ""
    scope: Annotated[Scope, Field(alias="in")] = "sentence"


class ExportState(BaseModel):
    """An export: what is in it, and how far it is."""

    export_id: int
    kind: str
    format: str
    q: str
    state: Annotated[str, Field(description="queued, running, done, failed, cancelled or gone")]
    error: str | None
    calls: int
    rows: int
    size: int
    sha256: str | None
    user_id: int | None
    created_at: datetime
    #: Its file is deleted then.
    expires_at: datetime
    #: Where its file is; None: not made yet, or deleted.
    content_url: str | None

    @classmethod
    def of(cls, export: Export, now: datetime) -> ExportState:
        """Describe an export."""
        names = ("export_id", "kind", "format", "calls", "rows", "size", "user_id", "created_at", "expires_at")
        gone, made = export.is_gone(now), bool(export.file)
        return cls(
            **{name: getattr(export, name) for name in names}, q=export.query, error=export.error or None,
            sha256=export.sha256 or None, state="gone" if gone else export.state.value,
            content_url=f"/api/v1/exports/{export.export_id}/content" if made and not gone else None,
        )  # fmt: skip


@router.get("")
def list_exports(
    access: MyAccess, limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=LONGEST, description="`next` of the page before.")] = "",
) -> Listed[ExportState]:  # fmt: skip
    """List exports: one's own; who may export all calls sees everyone's."""
    before = read_cursor(access.desk, "exports", after)
    found = exporting.list_exports(access, before=before[0] if before else None, limit=limit + 1)
    return page_of(
        access.desk, "exports", found, limit, after=after, place=lambda export: export.export_id,
        word=lambda export: ExportState.of(export, access.desk.now()), count=lambda: exporting.count_exports(access),
    )  # fmt: skip


@router.post("", status_code=202)
def order_export(access: MyAccess, body: NewExport) -> ExportState:
    """Order an export of the calls that a query finds; a worker writes it."""
    export = exporting.order_export(access, body.kind, body.format, body.q, body.scope)
    return ExportState.of(export, access.desk.now())


@router.get("/{export_id}")
def get_export(access: MyAccess, export_id: RowId) -> ExportState:
    """Tell how far an export is."""
    return ExportState.of(exporting.find_export(access, export_id), access.desk.now())


@router.get("/{export_id}/content")
def get_content(access: MyAccess, export_id: RowId) -> FileResponse:
    """Fetch the file of an export."""
    export, path = exporting.open_file(access, export_id)
    return FileResponse(path, media_type=exporting.MEDIA_TYPES[export.format], filename=exporting.name_of_file(export))
