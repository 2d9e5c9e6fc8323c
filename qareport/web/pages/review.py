"""`/review`, and what reviewers and agents do on the page of a call: verdicts, missed findings, acknowledgements."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from qareport.errors import QareportError
from qareport.messages import say
from qareport.model import CallReport, Finding, Permission, Reach, VerdictKind, VerdictReason
from qareport.presentation import review_wording, wording
from qareport.presentation.locale import _
from qareport.web import appealing, reviewing
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess, RowId
from qareport.web.review_queue import build_queue, context_of
from qareport.web.templating import render

router = APIRouter()
Comment = Annotated[str, Form(max_length=reviewing.MOST_COMMENT)]
Back = Annotated[str, Form(max_length=1000)]


@router.get("/review")
def show_review(
    request: Request, access: MyAccess, day: Annotated[str, Query(max_length=10)] = "",
    at: Annotated[str, Query(max_length=500)] = "", done: Annotated[str, Query(max_length=500)] = "",
) -> Response:  # fmt: skip
    """Show the finding that waits at a place of the queue, and how precise the rules are.

    `done`: the call and the finding, with a space between, that just got its verdict; so it can be looked at again.
    """
    queue = build_queue(access, read_day(day))
    shown: dict[str, Any] = {"item": None, "finding": None, "lines": (), "further": "", "place": 0}
    if queue.items:
        place = queue.place_of(at)
        item, following = queue.items[place], queue.items[(place + 1) % len(queue.items)]
        finding, lines = context_of(access, item)
        where = {"at": following.item_id} | ({"day": day} if day else {})
        shown = {
            "item": item, "finding": finding, "lines": lines, "further": "/review?" + urlencode(where), "place": place,
        }  # fmt: skip
    rules = {rule.id: rule.title for rule in reviewing.active_rules(access.desk)}
    precisions = access.desk.store.reviews.precisions(access.agents(Permission.REVIEW_WRITE))
    return render(
        request, "review.html.j2", queue=queue, precisions=precisions, rules=rules, words=review_wording,
        done=done.partition(" ")[::2], **shown,
    )  # fmt: skip


@router.post("/review/stale/{verdict_id}")
def settle_stale(
    access: MyAccess, verdict_id: RowId, call_id: Annotated[str, Form(max_length=200)],
    verdict: Annotated[VerdictKind, Form()], back: Back = "",
) -> Response:  # fmt: skip
    """Say of a finding that the rules no longer make whether it was right."""
    reviewing.settle_stale(access, call_id, verdict_id, verdict)
    return _return(call_id, back)


@router.post("/calls/{call_id:path}/findings/{finding_id}/verdict")
def give_verdict(
    access: MyAccess, call_id: str, finding_id: str, verdict: Annotated[VerdictKind, Form()],
    reason: Annotated[VerdictReason, Form()] = VerdictReason.OTHER, comment: Comment = "", back: Back = "",
) -> Response:  # fmt: skip
    """Give a verdict on a finding."""
    reviewing.give_verdict(access, call_id, finding_id, verdict, reason=reason, comment=comment)
    return _return(call_id, back, f"finding-{finding_id}")


@router.post("/calls/{call_id:path}/findings/{finding_id}/appeal")
def open_appeal(access: MyAccess, call_id: str, finding_id: str, comment: Comment = "") -> Response:
    """Object to a finding."""
    appealing.open_appeal(access, call_id, finding_id, comment)
    return _return(call_id, "", f"finding-{finding_id}")


@router.get("/calls/{call_id:path}/findings/{finding_id}/counterexample")
def show_counterexample(
    request: Request, access: MyAccess, call_id: str, finding_id: str, download: bool = False
) -> Response:
    """Show the test that a rejected finding makes, to copy or to download."""
    text, rule_id = reviewing.counterexample(access, call_id, finding_id)
    if download:
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(rule_id, safe='')}.test.yaml"}
        return PlainTextResponse(f"schema: 1\ncases:\n{text}", media_type="application/yaml", headers=headers)
    may_draft = access.principal.rights.get(Permission.RULES_READ) is Reach.ALL
    return render(
        request, "counterexample.html.j2", text=text, rule_id=rule_id, call_id=call_id, finding_id=finding_id,
        may_draft=may_draft,
    )  # fmt: skip


@router.post("/calls/{call_id:path}/findings/{finding_id}/counterexample")
def draft_counterexample(access: MyAccess, call_id: str, finding_id: str) -> Response:
    """Write the test into one's draft of the tests beside the rule, and go there."""
    file = reviewing.draft_counterexample(access, call_id, finding_id)
    return RedirectResponse(f"/rules/{quote(file)}?tab=counterexample", status_code=303)


@router.post("/calls/{call_id:path}/findings")
def add_missed(
    access: MyAccess, call_id: str, rule_id: Annotated[str, Form(max_length=200)],
    second: Annotated[str, Form(max_length=20)], comment: Comment = "",
) -> Response:  # fmt: skip
    """Add a finding that the rules missed."""
    at_ms = read_second(second)
    reviewing.add_missed(access, call_id, rule_id, at_ms, comment=comment)
    return _return(call_id, "", f"finding-{rule_id}@{at_ms}")


@router.post("/calls/{call_id:path}/acknowledge")
def acknowledge(access: MyAccess, call_id: str) -> Response:
    """Note that the agent has read what was found."""
    reviewing.acknowledge(access, call_id)
    return _return(call_id, "", "findings")


def review_values(access: Access, masked: CallReport) -> dict[str, Any]:
    """Return what the page of a call shows of its review, from its masked result: values of `findings.html.j2`."""
    call_id = masked.call_id
    call = reviewing.look_at(access, call_id, masked=masked)
    store = access.desk.store
    user, may = access.principal.user, access.principal.may
    store.appeals.expire(access.desk.now())
    appeals = store.appeals.list(call_id=call_id)
    return {
        "review": call,
        "words": review_wording,
        "names": names_of(access),
        "found": [
            (item, shown, [appeal for appeal in appeals if appealing.is_about(appeal, item)])
            for item, shown in zip(call.items, call.shown, strict=True)
        ],
        "may_review": may(Permission.REVIEW_WRITE)
        and access.agents(Permission.REVIEW_WRITE).holds(call.report.agent_id),
        "may_appeal": may(Permission.APPEALS_WRITE),
        "read_by": store.reviews.list_acknowledgements(call_id),
        "have_read": any(item.user_id == user.user_id for item in store.reviews.list_acknowledgements(call_id)),
        "rules": reviewing.active_rules(access.desk) if may(Permission.REVIEW_WRITE) else (),
        "rule_files": _rule_files(access),
        "quotes": quotes_of,
    }


def _rule_files(access: Access) -> dict[str, str]:
    """Return the file of each active rule, to who may try rules on calls."""
    if access.principal.rights.get(Permission.RULES_READ) is not Reach.ALL:
        return {}
    folder = access.desk.rules.desk.path_of("")
    return {rule.id: rule.location.file.removeprefix(folder) for rule in reviewing.active_rules(access.desk)}


def names_of(access: Access) -> dict[int | None, str]:
    """Return what pages call the users, by their id."""
    return {user.user_id: user.display for user in access.desk.store.users.list()}


def quotes_of(finding: Finding) -> tuple[str, ...]:
    """Return what shows a finding, each thing once: words in quotation marks, and how long nobody spoke."""
    shown = []
    for evidence in finding.evidence:
        if evidence.quote == wording.SILENCE_TAG:
            shown.append(_("沉默{length}").format(length=wording.duration(evidence.duration_ms)))
        elif evidence.quote:
            shown.append(wording.quoted(evidence.quote))
    return tuple(dict.fromkeys(shown))


def read_second(text: str) -> int:
    """Read a time in a call, as 1:27, 0:01:27 or 87.5, in milliseconds.

    Raises:
        QareportError: it is none.
    """
    try:
        parts = [float(part) for part in text.strip().replace("：", ":").split(":")]
        seconds = 0.0
        for part in parts:
            seconds = 60 * seconds + part
        if len(parts) > 3 or min(parts) < 0 or not seconds < 1_000_000:
            raise ValueError
    except ValueError:
        what, expected = say("{text!r} is no time in a call", text=text), say("minutes and seconds, as 1:27")
        raise QareportError(what, expected=expected) from None
    return round(seconds * 1000)


def read_day(text: str) -> date | None:
    """Read a day, as 2026-11-21; None for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _return(call_id: str, back: str, anchor: str = "") -> Response:
    """Send back to the queue, if one came from there, which says so; else to the page of the call."""
    if back.startswith("/review?"):
        done = urlencode({"done": f"{call_id} {anchor}"})
        return RedirectResponse(f"{back}&{done}", status_code=303)
    page = f"/calls/{quote(call_id, safe='')}" + (f"#{quote(anchor, safe='@.-')}" if anchor else "")
    return RedirectResponse(page, status_code=303)
