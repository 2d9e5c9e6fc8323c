"""Take recordings in: what is said of them is checked, their bytes are kept by hash, a job is added for the worker."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field

from qareport import privacy
from qareport.errors import NotFoundError
from qareport.messages import Message, keep, say
from qareport.model import Job, JobKind, JobState, NoteCode, Permission, Role
from qareport.web.access import Access, ForbiddenError
from qareport.web.desk import Desk
from qareport.web.live_feed import BYE, LOOK_S
from qareport.workflows.uploads import UploadFolder, UploadRefusedError, call_of

#: Languages that SenseVoice knows; auto finds out for each sentence.
LANGUAGES: Final = ("auto", "zh", "yue", "en", "ja", "ko")


#: Uploads that are looked through for others of the same recording.
_NEWEST: Final = 1000
#: So long an announced upload waits for its bytes.
OPEN: Final = timedelta(hours=24)


class NewUpload(BaseModel):
    """A recording that is to be uploaded, and what is known of its call."""

    model_config = ConfigDict(extra="forbid")

    file_name: Annotated[str, Field(min_length=1, max_length=255, description="Name of the file.")]
    size: Annotated[int | None, Field(ge=1, le=1 << 40, description="Its bytes: another number is refused.")] = None
    language: Annotated[str, Field(pattern="^(auto|zh|yue|en|ja|ko)$", description="What is spoken.")] = "auto"
    call_id: Annotated[str | None, Field(max_length=200, description="Id of the call; made from the name.")] = None
    order_id: Annotated[str | None, Field(max_length=200)] = None
    agent_id: Annotated[str | None, Field(max_length=200)] = None
    shop: Annotated[str | None, Field(max_length=200, description="The shop that the customer bought from.")] = None
    customer_phone: Annotated[str | None, Field(max_length=40)] = None
    started_at: Annotated[datetime | None, Field(description="When the call began; without a zone: the desk's.")] = None
    channel_roles: Annotated[
        list[Role], Field(max_length=2, description="Who speaks on the left and on the right channel.")
    ] = []
    external_ref: Annotated[str | None, Field(max_length=200, description="Number of a ticket elsewhere.")] = None


class UploadLine(BaseModel):
    """A sentence of a recording that is being heard, masked."""

    start_ms: int
    end_ms: int
    role: str
    channel: int | None
    text: str
    emotion: str | None
    events: list[str]


class UploadState(BaseModel):
    """How far an upload is."""

    upload_id: int
    file_name: str
    state: Annotated[str, Field(description="receiving, queued, decoding, hearing, judging, done, failed or cancelled")]
    created_at: datetime
    lines: list[UploadLine]
    call_id: Annotated[str | None, Field(description="The call that it became, once it is done.")]
    code: Annotated[str | None, Field(description="Why it failed, for programs.")]
    error: Annotated[str | None, Field(description="Why it failed, in words.")]
    note: Annotated[str | None, Field(description="What must be known of the result, in words.")]
    note_codes: Annotated[list[str], Field(description="The same for programs: no_speech, other_voice.")]


#: Facts of a call that the person who uploads it states.
_FACTS: Final = (
    "order_id", "agent_id", "shop", "customer_phone", "external_ref", "started_at", "channel_roles"
)  # fmt: skip
#: What programs are told of the results of recordings, and what people are.
_NOTE_CODES: Final[Mapping[str, str]] = {
    NoteCode.NO_SPEECH: "no_speech", NoteCode.OUTSIDE_MODEL_DOMAIN: "other_voice"
}  # fmt: skip
_NOTES: Final[Mapping[str, Message]] = {
    NoteCode.NO_SPEECH: say("nobody is heard speaking; check that it is the right recording and that it has sound"),
    NoteCode.OUTSIDE_MODEL_DOMAIN: say(
        "the bundled model does not know such voices: do not rely on words and emotions"
    ),
}


def folder_of(desk: Desk) -> UploadFolder:
    """Return where uploaded recordings are kept."""
    settings = desk.settings.desk
    return UploadFolder(path=Path(settings.folder) / "uploads", most_bytes=settings.upload_megabytes * 1_000_000)


def add(access: Access, new: NewUpload) -> Job:
    """Add an upload whose bytes are still to come.

    Raises:
        ForbiddenError: no calls may be added, or not for this agent, or for nobody by whom the call could be seen.
        UploadRefusedError: it is too large, too many wait already, or there is a call of this id.
    """
    access.require(Permission.CALLS_WRITE)
    agents = access.agents(Permission.CALLS_WRITE)
    if agents.only is not None and not agents.holds(new.agent_id):
        if new.agent_id is None:
            raise ForbiddenError(
                say("nobody of your teams would see this call"), to_do=say("give the number of the agent who spoke")
            )
        raise ForbiddenError(say("agent {agent} is in none of your teams", agent=new.agent_id))
    desk = access.desk
    if new.size is not None and new.size > (most := folder_of(desk).most_bytes):
        raise UploadRefusedError("too_large", say("larger than {limit} MB", limit=most // 1_000_000))
    if new.call_id is not None and _is_taken(desk, new.call_id):
        raise UploadRefusedError("conflict", say("there is already a call {call_id}", call_id=new.call_id))
    if desk.store.jobs.count_waiting(JobKind.UPLOAD) >= desk.settings.desk.upload_queue:
        raise UploadRefusedError("overload", say("too many recordings wait already; try again in some minutes"))
    payload = new.model_dump(mode="json")
    if new.started_at is not None:
        zone = ZoneInfo(desk.settings.period.time_zone)
        at = new.started_at
        payload["started_at"] = (at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)).isoformat()
    payload |= {"call_id": new.call_id or _make_id(new.file_name), "is_named": new.call_id is not None}
    user = access.principal.user
    access.record("upload", object=f"call:{payload['call_id']}", file=new.file_name)
    return desk.store.jobs.add(JobKind.UPLOAD, payload, at=desk.now(), user_id=user.user_id, state=JobState.RECEIVING)


async def receive(access: Access, job: Job, pieces: AsyncIterator[bytes]) -> None:
    """Take the bytes of an upload in, and let the worker have it, unless they are those of a call that is there.

    Raises:
        UploadRefusedError: the file is empty, too large or not as large as announced, or the disk is full; the upload
            has then failed.
    """
    desk = access.desk
    folder, announced = folder_of(desk), job.payload.get("size")
    try:
        with folder.open(Path(str(job.payload["file_name"])).suffix) as receiving:
            async for piece in pieces:
                await anyio.to_thread.run_sync(receiving.write, piece)
            if announced not in (None, receiving.size):
                what = say("{bytes} bytes came, {announced} were announced", bytes=receiving.size, announced=announced)
                raise UploadRefusedError("incomplete", what, to_do=say("announce it and send it again"))
            path, sha256 = await anyio.to_thread.run_sync(receiving.keep)
    except UploadRefusedError as error:
        desk.store.jobs.refuse(job.job_id, at=desk.now(), error_code=error.code, error=keep(error))
        raise
    payload = dict(job.payload) | {"path": str(path.resolve()), "sha256": sha256}
    same = await anyio.to_thread.run_sync(_find_same, access, replace(job, payload=payload))
    if same is None:
        desk.store.jobs.release(job.job_id, payload)
    else:
        desk.store.jobs.settle(job.job_id, payload | {"call_id": same}, {"call_id": same}, at=desk.now())


def _find_same(access: Access, job: Job) -> str | None:
    """Return the stored call that has the recording and the facts of an upload, if who uploads may see it.

    Facts that people corrected do not count: the upload says what it said the first time.
    """
    if job.payload.get("is_named"):
        return None
    new, store = call_of(job), access.desk.store
    for call in store.calls.list_by_audio(str(job.payload["sha256"])):
        correction = store.corrections.find(call.call_id)
        corrected = set(correction.facts) if correction else set()
        if correction and (correction.channel_roles or correction.swapped_key):
            corrected.add("channel_roles")
        is_same = all(getattr(call, name) == getattr(new, name) for name in _FACTS if name not in corrected)
        if is_same and access.agents().holds(call.agent_id):
            return call.call_id
    return None


def find(access: Access, upload_id: int) -> Job:
    """Return an upload of one's own; who may read all calls sees everyone's.

    Raises:
        NotFoundError: there is none, or it is someone else's.
    """
    access.require(Permission.CALLS_WRITE)
    job = access.desk.store.jobs.get(upload_id)
    own = job.user_id == access.principal.user.user_id
    if job.kind is not JobKind.UPLOAD or not (own or access.agents(Permission.CALLS_WRITE).only is None):
        raise NotFoundError(say("there is no job {number}", number=upload_id))
    return job


def cancel(access: Access, upload_id: int) -> None:
    """Cancel an upload; a recording that no worker has begun to hear, and that no call has, is removed.

    Raises:
        NotFoundError: as `find`.
        UploadRefusedError: it is over.
    """
    job, store = find(access, upload_id), access.desk.store
    if job.state.is_over:
        raise UploadRefusedError("conflict", say("this upload is over"))
    access.record("upload.cancel", object=f"call:{job.payload['call_id']}")
    store.jobs.cancel(upload_id, at=access.desk.now())
    sha256, path = job.payload.get("sha256"), job.payload.get("path")
    if not path or store.jobs.get(upload_id).attempts or store.calls.list_by_audio(str(sha256)):
        return
    others = (other for other in store.jobs.list(JobKind.UPLOAD, limit=_NEWEST) if other.job_id != upload_id)
    if not any(other.payload.get("path") == path and other.state is not JobState.CANCELLED for other in others):
        Path(str(path)).unlink(missing_ok=True)


_HEARD_BEFORE: Final = say(
    "this recording was heard before, as the call that is linked here: it is not heard again, and what was entered now "
    "is not written there; correct it, or have it heard again, on the page of the call"
)


def state_of(job: Job) -> UploadState:
    """Word how far an upload is."""
    call_id = job.progress.get("call_id") or None
    notes = [_NOTES[note] for note in job.progress.get("notes", ()) if note in _NOTES]
    if call_id is not None and call_id != job.payload.get("call_id"):
        notes.append(_HEARD_BEFORE)
    file_name = str(job.payload.get("file_name", ""))
    step = str(job.progress.get("step") or "decoding")
    return UploadState(
        upload_id=job.job_id,
        file_name=file_name,
        state=step if job.state is JobState.RUNNING else job.state.value,
        created_at=job.created_at,
        lines=[UploadLine(**line) for line in job.progress.get("lines", [])],
        call_id=call_id,
        code=job.error_code or None,
        # Where the desk keeps the recording says nothing to who sent it.
        error=job.error.replace(str(job.payload.get("path") or file_name), file_name) or None,
        note_codes=[_NOTE_CODES[note] for note in job.progress.get("notes", ()) if note in _NOTE_CODES],
        note="; ".join(map(str, notes)) or None,
    )


async def events_of(access: Access, upload_id: int, last: int) -> AsyncIterator[str]:
    """Yield the server-sent events of an upload: `line` for each sentence, `state` for each change, then `done`.

    They end with the session of who asks, and with `bye` where the desk ends.

    Args:
        access: who is asking.
        upload_id: the upload.
        last: number of the last event that was seen; lines up to it are not sent again.
    """
    told, sent_state, idle = last, "", 0.0
    looked_s = anyio.current_time()
    while True:
        if access.desk.live.is_leaving:
            yield BYE
            return
        if anyio.current_time() - looked_s >= LOOK_S:
            looked_s = anyio.current_time()
            if not await anyio.to_thread.run_sync(access.principal.still):
                return
        state = state_of(await anyio.to_thread.run_sync(find, access, upload_id))
        for number, line in enumerate(state.lines[told:], start=told + 1):
            yield _event("line", line.model_dump(), number)
            idle = 0.0
        told = max(told, len(state.lines))
        if state.state != sent_state:
            sent_state = state.state
            yield _event("state", state.model_dump(mode="json", exclude={"lines"}))
            idle = 0.0
        if state.state in ("done", "failed", "cancelled"):
            yield _event("done", state.model_dump(mode="json", exclude={"lines"}))
            return
        await anyio.sleep(_POLL_S)
        idle += _POLL_S
        if idle >= _COMMENT_S:  # keeps proxies from hanging up
            yield ": waiting\n\n"
            idle = 0.0


_POLL_S, _COMMENT_S = 0.25, 15.0


def _event(name: str, data: Any, number: int | None = None) -> str:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _is_taken(desk: Desk, call_id: str) -> bool:
    return desk.store.calls.has(call_id) or desk.store.jobs.is_awaited(call_id)


def _make_id(file_name: str) -> str:
    return f"{privacy.shorten_numbers(Path(file_name).stem)[:150]}-{secrets.token_hex(3)}"
