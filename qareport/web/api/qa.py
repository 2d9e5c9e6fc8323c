"""`/api/v1/qa-pairs`: question-answer pairs for programs: listed, mined, approved, edited, rejected."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from qareport.model import QaFilter, QaKind, QaPair, QaState
from qareport.web import qa_review
from qareport.web.api.lists import Listed
from qareport.web.cursors import LONGEST, read_cursor, write_cursor
from qareport.web.dependencies import MyAccess, RowId

router = APIRouter(prefix="/api/v1/qa-pairs", tags=["qa"])
_Text = Annotated[str, Field(max_length=qa_review.MOST_TEXT)]


class QaPairDetails(BaseModel):
    """A pair, masked."""

    pair_id: int
    call_id: str
    agent_id: str | None
    kind: QaKind
    state: QaState
    question: str
    answer: str
    #: Of the kind preference: what was said instead.
    rejected: str
    #: Nobody ever said the answer: it is a rule's advice.
    synthetic_chosen: bool
    q_ms: int
    a_ms: int
    issue: str | None
    stage: str | None
    emotion_before: str | None
    emotion_after: str | None
    helped: bool | None
    group_id: int
    #: Pairs that ask nearly the same, and agents who give this answer.
    group_size: int
    support: int
    contradicted: bool
    transcript_key: str
    rules_sha256: str

    @classmethod
    def of(cls, pair: QaPair) -> QaPairDetails:
        """Describe a pair."""
        return cls(synthetic_chosen=pair.synthetic_chosen, **asdict(pair))


class QaPairChange(BaseModel):
    """What becomes of a pair."""

    model_config = ConfigDict(extra="forbid")

    state: QaState
    question: _Text = ""
    answer: _Text = ""


class MiningJob(BaseModel):
    """A job that looks through new calls."""

    job_id: int
    state: str


def _filter(
    state: Annotated[list[QaState] | None, Query()] = None, kind: QaKind | None = None,
    issue: Annotated[str, Query(max_length=200)] = "", q: Annotated[str, Query(max_length=200)] = "",
    contradicted: bool = False, helped: bool = False,
) -> QaFilter:  # fmt: skip
    return QaFilter(
        states=tuple(state or ()), kind=kind, issue=issue, words=q, contradicted=contradicted, helped=helped
    )


@router.get("")
def list_pairs(
    access: MyAccess, wanted: Annotated[QaFilter, Depends(_filter)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=LONGEST, description="`next` of the page before.")] = "",
) -> Listed[QaPairDetails]:  # fmt: skip
    """List groups of pairs, those that are asked most first; pages that follow have the limit of the first."""
    name = f"qa-pairs/{limit}"
    read = read_cursor(access.desk, name, after)
    page = qa_review.read_page(access, wanted, read[0] + 1 if read else 1, limit=limit)
    more = page.number * limit < page.total
    return Listed(
        items=[QaPairDetails.of(pair) for pair in page.pairs], total=page.total,
        next=write_cursor(access.desk, name, page.number) if more else None,
    )  # fmt: skip


@router.post("/mine", status_code=202)
def mine_pairs(access: MyAccess) -> MiningJob:
    """Let the worker look through the calls that are new; while it does, another request makes no second job."""
    job = qa_review.ask_to_mine(access)
    return MiningJob(job_id=job.job_id, state=job.state)


@router.patch("/{pair_id}")
def change_pair(access: MyAccess, pair_id: RowId, body: QaPairChange) -> QaPairDetails:
    """Approve, edit, reject or take back a pair; the same once more changes nothing."""
    return QaPairDetails.of(qa_review.decide(access, pair_id, body.state, question=body.question, answer=body.answer))
