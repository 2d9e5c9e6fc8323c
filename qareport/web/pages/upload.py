"""`/upload`: put recordings in. With scripts, lines appear while they are heard; without, the page is loaded again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from qareport.messages import Message, say
from qareport.model import Agents, JobKind, Permission, Role
from qareport.web import uploading
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess
from qareport.web.health import engine_state
from qareport.web.templating import render
from qareport.workflows.uploads import UploadRefusedError

router = APIRouter()
#: Files that one form takes.
MOST_FILES = 50
_PIECE = 1 << 20
#: Who speaks on the left and on the right channel, by the choice of the form.
_SIDES: dict[str, list[Role]] = {
    "": [],
    "agent-left": [Role.AGENT, Role.CUSTOMER],
    "customer-left": [Role.CUSTOMER, Role.AGENT],
}


@router.get("/upload")
def show_upload(request: Request, access: MyAccess) -> Response:
    """Show the form and one's newest uploads."""
    access.require(Permission.CALLS_WRITE)
    return _page(request, access, "")


@router.post("/upload")
async def upload(
    request: Request,
    access: MyAccess,
    files: list[UploadFile],
    language: Annotated[str, Form(max_length=10)] = "auto",
    sides: Annotated[str, Form(max_length=20)] = "",
    order_id: Annotated[str, Form(max_length=200)] = "",
    agent_id: Annotated[str, Form(max_length=200)] = "",
    external_ref: Annotated[str, Form(max_length=200)] = "",
    started_at: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Take the files of the form in, for browsers without scripts."""
    if len(files) > MOST_FILES:
        return _page(request, access, say("at most {count} files at a time", count=MOST_FILES), status=422)
    for file in files:
        try:
            new = uploading.NewUpload(
                file_name=file.filename or "",
                language=language,
                order_id=order_id.strip() or None,
                agent_id=agent_id.strip() or None,
                external_ref=external_ref.strip() or None,
                started_at=started_at.strip() or None,  # pydantic reads it
                channel_roles=_SIDES.get(sides, []),
            )
        except ValidationError:
            wrong = say("choose a file, a language of the list, and a date with a time")
            return _page(request, access, wrong, status=422)
        try:
            await uploading.receive(access, uploading.add(access, new), _pieces(file))
        except UploadRefusedError as error:
            return _page(request, access, f"{file.filename}: {error}", status=422)
    return RedirectResponse("/upload", status_code=303)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece


def _page(request: Request, access: Access, problem: str | Message, status: int = 200) -> Response:
    jobs = access.desk.store.jobs.list(JobKind.UPLOAD, user_id=access.principal.user.user_id, limit=50)
    agents = access.agents(Permission.CALLS_WRITE).only
    values: dict[str, Any] = {
        "uploads": [uploading.state_of(job) for job in jobs],
        "languages": uploading.LANGUAGES,
        "most": MOST_FILES,
        "megabytes": access.desk.settings.desk.upload_megabytes,
        "engine": engine_state(access.desk).state,
        "needs_agent": agents is not None,
        "agents": sorted(agents if agents is not None else access.desk.store.call_pages.list_agents(Agents())),
    }
    return render(request, "upload.html.j2", status=status, problem=problem, **values)
