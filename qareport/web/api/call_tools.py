"""`/api/v1/calls/{call_id}`: facts, speakers, hearing again and deletion, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from qareport.errors import NotFoundError
from qareport.messages import say
from qareport.model import CallReport, Deletion, Job
from qareport.web import call_tools, reviewing
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess

router = APIRouter(prefix="/api/v1", tags=["calls"])


class CallFacts(BaseModel):
    """Facts of a call that are to be corrected; what is not given stays, null is "not known"."""

    model_config = ConfigDict(extra="forbid")

    order_id: Annotated[str | None, Field(max_length=200)] = None
    agent_id: Annotated[str | None, Field(max_length=200)] = None
    started_at: Annotated[datetime | None, Field(description="Without a zone: the desk's.")] = None


class RehearLanguage(BaseModel):
    """In which language a call is heard again."""

    model_config = ConfigDict(extra="forbid")

    language: Annotated[str, Field(pattern="^(auto|zh|yue|en|ja|ko)$")]


class CallState(BaseModel):
    """A call after it was changed."""

    call_id: str
    order_id: str | None
    agent_id: str | None
    started_at: datetime | None
    score: int | None
    #: With the verdicts, which followed their findings; None: the call has no score.
    reviewed_score: int | None
    risk: str
    #: Names of the facts that people corrected.
    corrected: list[str]
    #: Who speaks on each channel, where people said so.
    channel_roles: list[str]
    #: In which language it was heard again; None: it was not.
    language: str | None

    @classmethod
    def of(cls, access: Access, report: CallReport) -> CallState:
        """Describe a call, also one that its new agent took out of who asks's reach."""
        store = access.desk.store
        correction = store.corrections.find(report.call_id)
        card = reviewing.look_at(access, report.call_id).card
        return cls(
            call_id=report.call_id, order_id=store.calls.find_order_id(report.call_id), agent_id=report.agent_id,
            started_at=report.started_at, score=report.score, reviewed_score=card.score if card else None,
            risk=report.risk.value, corrected=sorted(correction.facts) if correction else [],
            channel_roles=list(correction.channel_roles) if correction else [],
            language=(correction.language or None) if correction else None,
        )  # fmt: skip


class RehearState(BaseModel):
    """How far the hearing of a call in another language is."""

    call_id: str
    language: str
    state: Annotated[str, Field(description="queued, decoding, hearing, judging, done, failed or cancelled")]
    code: Annotated[str | None, Field(description="Why it failed, for programs.")]
    error: Annotated[str | None, Field(description="Why it failed, in words.")]

    @classmethod
    def of(cls, job: Job) -> RehearState:
        """Describe a job."""
        return cls(
            call_id=str(job.payload["call_id"]), language=str(job.payload["language"]), state=call_tools.step_of(job),
            code=job.error_code or None, error=job.error or None,
        )  # fmt: skip


class DeletionProof(BaseModel):
    """The proof that a call was deleted. It names no order, number or person."""

    deleted_at: datetime
    by: str
    selector_hash: str
    calls: int
    results: int
    transcripts: int
    documents: int
    files: int
    audio_sha256: list[str]
    files_left: list[str]

    @classmethod
    def of(cls, deletion: Deletion) -> DeletionProof:
        """Describe a deletion."""
        return cls(**{name: getattr(deletion, name) for name in cls.model_fields})


@router.post("/calls/{call_id:path}/swap-roles")
def swap_roles(access: MyAccess, call_id: str) -> CallState:
    """Let agent and customer change places; the call is judged anew from its transcript."""
    return CallState.of(access, call_tools.swap_roles(access, call_id))


@router.post("/calls/{call_id:path}/rehear", status_code=202)
def hear_again(access: MyAccess, call_id: str, body: RehearLanguage) -> RehearState:
    """Have the recording heard again in another language; the result replaces the call's."""
    return RehearState.of(call_tools.hear_again(access, call_id, body.language))


@router.get("/calls/{call_id:path}/rehear")
def get_rehearing(access: MyAccess, call_id: str) -> RehearState:
    """Tell how far the newest hearing in another language is."""
    job = call_tools.rehearing_of(access, call_id)
    if job is None:
        raise NotFoundError(say("this call was not heard again"))
    return RehearState.of(job)


@router.patch("/calls/{call_id:path}")
def correct_facts(access: MyAccess, call_id: str, body: CallFacts) -> CallState:
    """Correct order, agent or time of a call; the correction stays whatever a manifest says later."""
    return CallState.of(
        access, call_tools.correct_facts(access, call_id, body.model_dump(include=body.model_fields_set))
    )


@router.delete("/calls/{call_id:path}")
def delete_call(
    access: MyAccess, call_id: str,
    confirm: Annotated[str, Query(max_length=200, description="The id of the call once more.")],
) -> DeletionProof:  # fmt: skip
    """Delete a call for good, with everything that was made from it. The answer is the proof."""
    return DeletionProof.of(call_tools.delete_call(access, call_id, confirm))
