"""`/appeals`: what agents object to, and the decisions on it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from qareport.model import AppealState, Permission, VerdictReason
from qareport.presentation import review_wording
from qareport.web import appealing
from qareport.web.dependencies import MyAccess, RowId, RowPlace
from qareport.web.pages.review import Comment, names_of, quotes_of
from qareport.web.templating import render

router = APIRouter()
#: Closed appeals on one page.
PAGE = 50


@router.get("/appeals")
def show_appeals(request: Request, access: MyAccess, after: RowPlace = None) -> Response:
    """List appeals, open ones first."""
    found = appealing.list_appeals(access, before=after, limit=PAGE + 1)
    closed = [appeal for appeal in found if appeal.state is not AppealState.OPEN]
    further = f"/appeals?after={closed[PAGE - 1].appeal_id}" if len(closed) > PAGE else ""
    shown = found[:-1] if further else found
    now, days = access.desk.now(), access.desk.settings.review.escalate_days
    own = access.principal.user.user_id if access.principal.may(Permission.APPEALS_WRITE) else None
    return render(
        request, "appeals.html.j2", appeals=shown, further=further, now=now, escalate_days=days, own=own,
        decidable={appeal.appeal_id for appeal in shown if appealing.may_decide(access, appeal)},
        names=names_of(access), words=review_wording, quotes=quotes_of, is_open=AppealState.OPEN,
    )  # fmt: skip


@router.post("/appeals/{appeal_id}/decision")
def decide(
    access: MyAccess, appeal_id: RowId, decision: Annotated[str, Form(pattern="^(upheld|dismissed)$")],
    reason: Annotated[VerdictReason, Form()] = VerdictReason.OTHER, comment: Comment = "",
) -> Response:  # fmt: skip
    """Decide an appeal."""
    appealing.decide(access, appeal_id, upheld=decision == "upheld", comment=comment, reason=reason)
    return _return(appeal_id)


@router.post("/appeals/{appeal_id}/escalate")
def escalate(access: MyAccess, appeal_id: RowId) -> Response:
    """Take a dismissed appeal to the final decision."""
    appealing.escalate(access, appeal_id)
    return _return(appeal_id)


@router.post("/appeals/{appeal_id}/withdraw")
def withdraw(access: MyAccess, appeal_id: RowId) -> Response:
    """Take an appeal back."""
    appealing.withdraw(access, appeal_id)
    return _return(appeal_id)


def _return(appeal_id: RowId) -> Response:
    return RedirectResponse(f"/appeals#appeal-{appeal_id}", status_code=303)
