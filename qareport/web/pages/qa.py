"""`/qa`: question-answer pairs that calls teach; approved, edited and rejected by button or key, and taken out."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from qareport.model import Permission, QaFilter, QaKind, QaState
from qareport.presentation.locale import _
from qareport.web import qa_review
from qareport.web.dependencies import MyAccess, RowId
from qareport.web.templating import render

router = APIRouter(prefix="/qa")
_Text = Annotated[str, Form(max_length=qa_review.MOST_TEXT)]
QaFormatName = Literal["jsonl", "alpaca", "sharegpt", "dpo", "csv"]


def read_filter(
    state: Annotated[str, Query(max_length=60)] = "", kind: Annotated[str, Query(max_length=20)] = "",
    issue: Annotated[str, Query(max_length=200)] = "", q: Annotated[str, Query(max_length=200)] = "",
    contradicted: bool = False, helped: bool = False,
) -> QaFilter:  # fmt: skip
    """Read which pairs are wanted; what does not exist does not count."""
    states = tuple(QaState(name) for name in state.split(",") if name in list(QaState))
    return QaFilter(
        states=states, kind=QaKind(kind) if kind in list(QaKind) else None, issue=issue.strip(), words=q.strip(),
        contradicted=contradicted, helped=helped,
    )  # fmt: skip


Wanted = Annotated[QaFilter, Depends(read_filter)]


def kinds() -> dict[str, str]:
    """Return what pages call the kinds of pairs."""
    return {
        QaKind.ANSWER: _("问与答"),
        QaKind.SILENCE_CHECK_IN: _("沉默后主动询问"),
        QaKind.PREFERENCE: _("换一种说法"),
    }


def states() -> dict[str, str]:
    """Return what pages call the states of pairs."""
    return {
        QaState.MINED: _("待审"), QaState.APPROVED: _("已通过"), QaState.EDITED: _("改后通过"),
        QaState.REJECTED: _("不要"),
    }  # fmt: skip


@router.get("")
def show_pairs(
    request: Request, access: MyAccess, wanted: Wanted, page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    at: Annotated[int | None, Query()] = None,
) -> Response:  # fmt: skip
    """Show the pair that waits at a place, what else its group answers, and the list of groups."""
    shown = qa_review.read_page(access, wanted, page)
    place = next((place for place, pair in enumerate(shown.pairs) if pair.pair_id == at), 0)
    pair = shown.pairs[place] if shown.pairs else None
    store, agents = access.desk.store, access.agents(Permission.EXPORTS_WRITE)
    link = wanted.as_query()
    following = shown.pairs[place + 1].pair_id if place + 1 < len(shown.pairs) else None
    onward = link | ({"page": page, "at": following} if following else {"page": page + 1} if shown.has_more else {})
    return render(
        request, "qa.html.j2", shown=shown, pair=pair, others=qa_review.group_of(access, pair) if pair else (),
        wanted=wanted, kinds=kinds(), states=states(), counts=store.qa_pairs.count_states(agents),
        issues=store.qa_pairs.list_issues(agents), link=urlencode(link), onward="/qa?" + urlencode(onward),
        stay="/qa?" + urlencode(link | {"page": page}), may_approve=access.principal.may(Permission.QA_WRITE),
        most=qa_review.MOST_TEXT, mining=qa_review.is_mining(access),
        further="/qa?" + urlencode(link | {"page": page + 1}),
    )  # fmt: skip


@router.post("/mine")
def mine(access: MyAccess) -> Response:
    """Let the worker look through the calls that are new."""
    qa_review.ask_to_mine(access)
    return RedirectResponse("/qa", status_code=303)


@router.get("/export/{format}")
def export_pairs(access: MyAccess, wanted: Wanted, format: QaFormatName, anonymous: bool = False) -> Response:
    """Send the approved pairs of the filter, with what they are, as a ZIP file."""
    packed = qa_review.export(access, wanted, format, anonymous=anonymous)
    headers = {"content-disposition": f'attachment; filename="qa-{format}.zip"'}
    return Response(packed, media_type="application/zip", headers=headers)


@router.post("/{pair_id}")
def decide(
    access: MyAccess, pair_id: RowId, state: Annotated[QaState, Form()], question: _Text = "", answer: _Text = "",
    back: Annotated[str, Form(max_length=1000)] = "",
) -> Response:  # fmt: skip
    """Approve, edit, reject or take back a pair."""
    qa_review.decide(access, pair_id, state, question=question, answer=answer)
    return RedirectResponse(back if back.startswith("/qa?") else "/qa", status_code=303)
