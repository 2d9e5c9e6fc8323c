"""`/exports`: order a table or the text of the calls that a query finds, and fetch it for a week."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from qareport.errors import QareportError
from qareport.store import Scope
from qareport.web import exporting
from qareport.web.access import Access, ForbiddenError
from qareport.web.dependencies import MyAccess, RowId, RowPlace
from qareport.web.health import engine_state
from qareport.web.pages.review import names_of
from qareport.web.templating import render
from qareport.workflows.export.jobs import formats_of

router = APIRouter()
#: Exports on one page.
PAGE = 50


@router.get("/exports")
def show_exports(
    request: Request,
    access: MyAccess,
    q: Annotated[str, Query(max_length=exporting.MOST_QUERY)] = "",
    scope: Annotated[Scope, Query(alias="in")] = "sentence",
    after: RowPlace = None,
) -> Response:
    """Show the form, filled with a query of the list of calls, and the newest exports."""
    return _page(request, access, q, scope, after=after)


@router.post("/exports")
def order_export(
    request: Request,
    access: MyAccess,
    kind: Annotated[str, Form(max_length=20)] = "calls",
    format: Annotated[str, Form(max_length=20)] = "csv",
    q: Annotated[str, Form(max_length=exporting.MOST_QUERY)] = "",
    scope: Annotated[Scope, Form(alias="in")] = "sentence",
) -> Response:
    """Order an export."""
    try:
        exporting.order_export(access, kind, "txt" if kind == "text" else format, q, scope)
    except ForbiddenError:
        raise
    except QareportError as error:
        return _page(request, access, q, scope, problem=str(error), status=422)
    return RedirectResponse("/exports#orders", status_code=303)


@router.get("/exports/{export_id}/content")
def get_content(access: MyAccess, export_id: RowId) -> Response:
    """Fetch the file of an export."""
    export, path = exporting.open_file(access, export_id)
    return FileResponse(path, media_type=exporting.MEDIA_TYPES[export.format], filename=exporting.name_of_file(export))


def _page(
    request: Request, access: Access, query: str, scope: Scope, *, after: int | None = None, problem: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    found = exporting.list_exports(access, before=after, limit=PAGE + 1)
    shown = found[:PAGE]
    return render(
        request, "exports.html.j2", status=status, exports=shown, query=query, scope=scope, problem=problem,
        kinds=exporting.EXPORT_KINDS, formats=formats_of("calls"), now=access.desk.now(), names=names_of(access),
        engine=engine_state(access.desk).state,
        further=f"/exports?after={shown[-1].export_id}#orders" if len(found) > PAGE else "",
    )  # fmt: skip
