"""`/api/v1/calls/{call_id}/findings` and `/api/v1/appeals`: verdicts, missed findings and appeals for programs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from qareport.model import Appeal, Finding, ReviewedFinding, Verdict, VerdictKind, VerdictReason
from qareport.store import MOST_COUNTED
from qareport.web import appealing, reviewing
from qareport.web.cursors import LONGEST, read_cursor, write_cursor
from qareport.web.dependencies import MyAccess, RowId

router = APIRouter(prefix="/api/v1", tags=["review"])
#: A day: no call is longer.
MOST_MS = 24 * 3600 * 1000
Comment = Annotated[str, Field(max_length=reviewing.MOST_COMMENT)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewVerdict(_Body):
    """What a reviewer says of a finding."""

    verdict: Literal["confirmed", "rejected", "not_applicable"]
    reason: VerdictReason | None = None
    comment: Comment = ""


class NewFinding(_Body):
    """A finding that the rules missed."""

    rule_id: Annotated[str, Field(max_length=200)]
    at_ms: Annotated[int, Field(ge=0, le=MOST_MS)]
    comment: Comment = ""


class NewAppeal(_Body):
    """An objection to a finding."""

    call_id: Annotated[str, Field(max_length=200)]
    finding_id: Annotated[str, Field(max_length=300)]
    comment: Annotated[str, Field(min_length=1, max_length=reviewing.MOST_COMMENT)]


class Decision(_Body):
    """A decision on an appeal."""

    decision: Literal["upheld", "dismissed"]
    reason: VerdictReason | None = None
    comment: Annotated[str, Field(min_length=1, max_length=reviewing.MOST_COMMENT)]


class VerdictState(BaseModel):
    """A verdict."""

    verdict_id: int
    verdict: VerdictKind
    reason: VerdictReason | None
    comment: str
    user_id: int | None
    at: datetime
    replaces: int | None
    blind: bool

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictState:
        """Describe a verdict."""
        return cls(verdict=verdict.kind, **{name: getattr(verdict, name) for name in _OF_VERDICT})


_OF_VERDICT = ("verdict_id", "reason", "comment", "user_id", "at", "replaces", "blind")


class FindingState(BaseModel):
    """A finding with the verdict that counts."""

    finding_id: str
    rule_id: str
    title: str
    category: str
    at_ms: int
    points: int
    fatal: bool
    quotes: list[str]
    advice: str
    #: A reviewer added it.
    added: bool
    #: Its points count.
    stands: bool
    verdict: VerdictState | None

    @classmethod
    def of(cls, item: ReviewedFinding, shown: Finding) -> FindingState:
        """Describe a finding as it is shown."""
        return cls(
            finding_id=item.finding_id, rule_id=shown.rule_id, title=shown.title, category=shown.category,
            at_ms=shown.at_ms, points=shown.points, fatal=shown.fatal, advice=shown.advice, added=item.added,
            quotes=[evidence.quote for evidence in shown.evidence], stands=item.stands,
            verdict=VerdictState.of(item.verdict) if item.verdict else None,
        )  # fmt: skip


class CallFindings(BaseModel):
    """The findings of a call, with both scores."""

    call_id: str
    score: int | None
    #: With the verdicts; None: the call has no score.
    reviewed_score: int | None
    reviewed: bool
    findings: list[FindingState]


class AppealDetails(BaseModel):
    """An appeal."""

    appeal_id: int
    call_id: str
    rule_id: str
    at_ms: int
    title: str
    state: str
    level: int
    user_id: int | None
    comment: str
    opened_at: datetime
    due_at: datetime
    decided_by: int | None
    decided_at: datetime | None
    decision_comment: str

    @classmethod
    def of(cls, appeal: Appeal) -> AppealDetails:
        """Describe an appeal."""
        return cls(**asdict(appeal) | {"title": appeal.finding.title})


class AppealPage(BaseModel):
    """Appeals: open ones first, all on the first page; closed ones follow, the newest first."""

    items: list[AppealDetails]
    next: str | None
    total: int
    total_is: Literal["exact", "at_least"]


@router.get("/calls/{call_id:path}/findings")
def get_findings(access: MyAccess, call_id: str) -> CallFindings:
    """List the findings of a call with the verdicts that count."""
    call = reviewing.look_at(access, call_id)
    return CallFindings(
        call_id=call_id, score=call.report.score, reviewed_score=call.card.score if call.card else None,
        reviewed=call.newest is not None,
        findings=[FindingState.of(item, shown) for item, shown in zip(call.items, call.shown, strict=True)],
    )  # fmt: skip


@router.put("/calls/{call_id:path}/findings/{finding_id}/verdict")
def put_verdict(access: MyAccess, call_id: str, finding_id: str, body: NewVerdict) -> VerdictState:
    """Give a verdict on a finding; the same one once more changes nothing."""
    kind = VerdictKind(body.verdict)
    verdict = reviewing.give_verdict(access, call_id, finding_id, kind, reason=body.reason, comment=body.comment)
    return VerdictState.of(verdict)


@router.post("/calls/{call_id:path}/findings", status_code=201)
def add_finding(access: MyAccess, call_id: str, body: NewFinding) -> VerdictState:
    """Add a finding that the rules missed; the same one once more changes nothing."""
    return VerdictState.of(reviewing.add_missed(access, call_id, body.rule_id, body.at_ms, comment=body.comment))


@router.post("/calls/{call_id:path}/acknowledge", status_code=204)
def acknowledge_call(access: MyAccess, call_id: str) -> Response:
    """Note that you have read what was found in a call of your own."""
    reviewing.acknowledge(access, call_id)
    return Response(status_code=204)


@router.get("/appeals")
def list_appeals(
    access: MyAccess,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=LONGEST)] = "",
) -> AppealPage:
    """List appeals, `limit` closed ones at a time."""
    before = read_cursor(access.desk, "appeals", after)
    found = appealing.list_appeals(access, before=before[0] if before else None, limit=limit + 1)
    total = access.desk.store.appeals.count(appealing.scope_of(access), most=MOST_COUNTED + 1)
    closed = [appeal for appeal in found if appeal.state != "open"]
    more = len(closed) > limit
    shown = found[:-1] if more else found
    return AppealPage(
        items=[AppealDetails.of(appeal) for appeal in shown],
        next=write_cursor(access.desk, "appeals", closed[limit - 1].appeal_id) if more else None,
        total=min(total, MOST_COUNTED),
        total_is="exact" if total <= MOST_COUNTED else "at_least",
    )


@router.post("/appeals", status_code=201)
def add_appeal(access: MyAccess, body: NewAppeal) -> AppealDetails:
    """Object to a finding of an own call; the same words once more change nothing."""
    return AppealDetails.of(appealing.open_appeal(access, body.call_id, body.finding_id, body.comment))


@router.post("/appeals/{appeal_id}/decision")
def decide_appeal(access: MyAccess, appeal_id: RowId, body: Decision) -> AppealDetails:
    """Decide an open appeal; an upheld one rejects the finding."""
    upheld = body.decision == "upheld"
    return AppealDetails.of(
        appealing.decide(access, appeal_id, upheld=upheld, comment=body.comment, reason=body.reason)
    )


@router.post("/appeals/{appeal_id}/escalate")
def escalate_appeal(access: MyAccess, appeal_id: RowId) -> AppealDetails:
    """Take a dismissed appeal to the final decision, once and in time."""
    return AppealDetails.of(appealing.escalate(access, appeal_id))


@router.post("/appeals/{appeal_id}/withdraw")
def withdraw_appeal(access: MyAccess, appeal_id: RowId) -> AppealDetails:
    """Take an open appeal back; once more changes nothing."""
    return AppealDetails.of(appealing.withdraw(access, appeal_id))
