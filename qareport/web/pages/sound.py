"""`/calls/{call_id}/sound` and `/waveform`: what the player of the call page plays and draws."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse, JSONResponse

from qareport import privacy
from qareport.messages import say
from qareport.model import CallReport, JobKind, Permission, Role
from qareport.web.access import Access, ForbiddenError
from qareport.web.dependencies import MyAccess
from qareport.web.health import engine_state
from qareport.workflows.call_sound import Listening, find_listening

router = APIRouter()
#: For so long a person hears or reads an original for the same purpose: it is one line of the audit log.
_HEARING: Final = timedelta(minutes=30)


@router.get("/calls/{call_id:path}/sound")
def get_sound(
    access: MyAccess, call_id: str, original: bool = False, purpose: Annotated[str, Query(max_length=300)] = ""
) -> Response:
    """Send the sound of a call, by ranges; 202 while it is being made.

    The unmasked original needs the right and a purpose, which stands in the audit log.
    """
    heard = "call.hear_original"
    call = original_of(access, call_id, heard, purpose) if original else access.call(call_id)
    found = listening(access, call, original=original)
    if not found.sound.is_file():
        return ask_for(access, call_id, original=original)
    kept = "no-store" if original else "private, max-age=3600"
    return FileResponse(found.sound, media_type="audio/ogg", headers={"cache-control": kept})


def original_of(access: Access, call_id: str, action: str, purpose: str) -> CallReport:
    """Return a call that is not masked, to who may read and hear it so, and note the purpose.

    A player asks for many ranges, and a page is loaded again: that is one line of the log.

    Raises:
        NotFoundError, ForbiddenError: as `Access.call`; no purpose.
    """
    call = access.call(call_id, Permission.CALLS_ORIGINAL)
    if not purpose.strip():
        raise ForbiddenError(say("say why you need the original"), expected=say("a purpose"))
    now, of_call, kept = access.desk.now(), f"call:{call_id}", privacy.mask(purpose.strip())[0]
    known = access.desk.store.audit.list(
        limit=1, actor=access.principal.actor, action=action, object=of_call, first=now - _HEARING
    )
    if not known or known[0].details.get("purpose") != kept:
        access.record(action, object=of_call, purpose=kept)
    return call


@router.get("/calls/{call_id:path}/waveform")
def get_waveform(access: MyAccess, call_id: str) -> Response:
    """Send the peaks of a call: `{duration_ms, channels: [[0 … 127]], roles}`; 202 while they are being made."""
    call = access.call(call_id)
    found = listening(access, call)
    if not found.is_made:
        return ask_for(access, call_id)
    drawn = json.loads(found.waveform.read_text("utf-8"))
    return JSONResponse(drawn | {"roles": roles_of(call, len(drawn["channels"]))})


def listening(access: Access, call: CallReport, *, original: bool = False) -> Listening:
    """Find the sound of a call that may be seen."""
    settings = access.desk.settings
    return find_listening(Path(settings.desk.folder) / "sound", call, settings.privacy, original=original)


def ask_for(access: Access, call_id: str, *, original: bool = False) -> Response:
    """Let the worker make the sound, once, and say that it is being made."""
    jobs = access.desk.store.jobs
    payload = {"call_id": call_id, "original": original}
    if not any(job.payload == payload and not job.state.is_over for job in jobs.list(JobKind.SOUND, limit=200)):
        jobs.add(JobKind.SOUND, payload, at=access.desk.now(), user_id=access.principal.user.user_id)
    failed = next((job for job in jobs.list(JobKind.SOUND, limit=200) if job.payload == payload and job.error), None)
    state = engine_state(access.desk).state
    body = {"state": "failed" if failed else "making", "engine": state, "error": failed.error if failed else None}
    return JSONResponse(body, status_code=202)


def roles_of(call: CallReport, channels: int) -> list[str]:
    """Say who speaks on each channel; unknown where both do, or nobody."""
    roles = []
    for channel in range(channels):
        spoken = {segment.role for segment in call.segments if segment.channel == channel}
        roles.append(spoken.pop().value if len(spoken) == 1 else Role.UNKNOWN.value)
    return roles
