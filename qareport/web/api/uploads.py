"""`/api/v1/uploads`: put recordings in and follow them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from qareport.messages import say
from qareport.model import JobState
from qareport.web import uploading
from qareport.web.access import GoneError
from qareport.web.dependencies import MyAccess, RowId
from qareport.web.uploading import NewUpload, UploadState
from qareport.workflows.uploads import UploadRefusedError

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"])


_THERE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": UploadState, "description": "It is there already: `call_id` names the call."}
}  # fmt: skip


class Added(BaseModel):
    """An upload that waits for its bytes."""

    upload_id: int
    put_url: str
    expires_at: Annotated[datetime, Field(description="The bytes are taken until then.")]


@router.post("", status_code=201)
def add_upload(access: MyAccess, new: NewUpload) -> Added:
    """Announce a recording; then PUT its bytes to `put_url`."""
    job = uploading.add(access, new)
    expires_at = job.created_at + uploading.OPEN
    return Added(upload_id=job.job_id, put_url=f"/api/v1/uploads/{job.job_id}/content", expires_at=expires_at)


@router.put("/{upload_id}/content", status_code=202, responses=_THERE)
async def put_content(request: Request, access: MyAccess, response: Response, upload_id: RowId) -> UploadState:
    """Send the bytes of a recording.

    Where a stored call has the same recording and the same facts, the answer is 200 with that call, and nothing is
    heard again.
    """
    job = uploading.find(access, upload_id)
    if job.state is not JobState.RECEIVING:
        raise UploadRefusedError("conflict", say("this upload has its file already"))
    if access.desk.now() > job.created_at + uploading.OPEN:
        raise GoneError(say("this upload waited too long for its file"), to_do=say("announce it again"))
    await uploading.receive(access, job, request.stream())
    state = uploading.state_of(uploading.find(access, upload_id))
    if state.state == JobState.DONE:
        response.status_code = 200
    return state


@router.get("/{upload_id}")
def get_upload(access: MyAccess, upload_id: RowId) -> UploadState:
    """Tell how far an upload is."""
    return uploading.state_of(uploading.find(access, upload_id))


@router.delete("/{upload_id}", status_code=204)
def cancel_upload(access: MyAccess, upload_id: RowId) -> Response:
    """Cancel an upload that is not over."""
    uploading.cancel(access, upload_id)
    return Response(status_code=204)


@router.get(
    "/{upload_id}/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
def follow_upload(
    access: MyAccess, upload_id: RowId, last_event_id: Annotated[str, Header(max_length=20)] = ""
) -> StreamingResponse:
    """Follow an upload: server-sent events `line`, `state` and `done`."""
    uploading.find(access, upload_id)
    last = int(last_event_id) if last_event_id.isdigit() else 0
    return StreamingResponse(
        uploading.events_of(access, upload_id, last),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )
