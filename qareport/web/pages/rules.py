"""`/rules` and `/rules/{file}`: the list of rule files, and the editor, which works without scripts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import anyio.to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from qareport import rules
from qareport.errors import BusyError, ConfigError, NotFoundError, QareportError
from qareport.messages import Message, say
from qareport.model import JobKind, Permission, ProposalState, Reach, Severity
from qareport.presentation import live_wording, wording
from qareport.presentation.locale import LOCALES, current
from qareport.rules.slots import Tongue
from qareport.rules.translation import slot_of
from qareport.text.differences import merge_lines, unified_diff
from qareport.web import live_reading
from qareport.web.access import Access, ForbiddenError
from qareport.web.api.rules import problems_of, see_replay, start_replay
from qareport.web.dependencies import MyAccess
from qareport.web.pages.rule_actions import MOST_NUMBER, RuleAction, change, to_publish
from qareport.web.templating import render
from qareport.workflows.rule_background import ReplayRun, ReplayState
from qareport.workflows.rule_desk import category_of, check_name
from qareport.workflows.rule_publishing import PublishRefusedError

router = APIRouter()
#: Hits that a page lists on each side; the API has all.
SHOWN = 30
#: A replay that has ended after so long is answered with its result; of a longer one the page says how far it is.
_AT_ONCE_S = 0.7
#: Lists of shared words that the form names.
_LISTS = 4


@router.get("/rules")
def show_rules(request: Request, access: MyAccess, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """List the rule files and what waits for consent, or the rules whose title or id holds some words."""
    access.require(Permission.RULES_READ)
    store, desk = access.desk.store, access.desk.rules.desk
    waiting = [text for text in store.rule_proposals.list_open() if text.state is ProposalState.PROPOSED]
    jobs = store.jobs.list(JobKind.REPLAY, limit=1) if access.principal.may(Permission.RULES_WRITE) else ()
    files = desk.list_files(access.agents())
    words = q.casefold().split()
    found = [
        (file.name, rule_id, title)
        for file in files
        for rule_id, title in file.rules
        if all(word in f"{title} {rule_id}".casefold() for word in words)
    ]
    return render(
        request, "rules.html.j2", files=files, q=q.strip(), found=found, latest=store.rule_proposals.list_latest(),
        names=_names(access), writable=desk.is_writable, waiting=waiting, job=jobs[0] if jobs else None, problem="",
        run=desk.find_replay(access.principal.user.user_id), may_work=_works(access),
        precisions=_precisions(access, {file.name: {rule_id for rule_id, _title in file.rules} for file in files}),
    )  # fmt: skip


@router.post("/rules")
def judge_again(access: MyAccess) -> Response:
    """Let the worker judge all stored calls again by the rules as they are now."""
    access.require(Permission.RULES_WRITE)
    access.record("rules.apply", object="rules")
    access.desk.rules.judge_stored(access.principal.user, now=access.desk.now())
    return RedirectResponse("/rules", status_code=303)


@router.get("/rules/{name:path}")
def show_rule_file(
    request: Request,
    access: MyAccess,
    name: str,
    tab: Annotated[str, Query(max_length=20)] = "",
    rule: Annotated[str, Query(max_length=200)] = "",
    call: Annotated[str, Query(max_length=200)] = "",
    version: int = 0,
    download: bool = False,
) -> Response:
    """Show the editor of a file, with one's own draft; `call`: with why a rule hit a call or missed it."""
    access.require(Permission.RULES_READ)
    _require_known(access, name)
    if download:
        headers = {"content-disposition": f'attachment; filename="{quote(name.rsplit("/", 1)[-1])}"'}
        return PlainTextResponse(
            access.desk.rules.desk.read(name).text, media_type="application/yaml", headers=headers
        )  # fmt: skip
    if call and tab == RuleAction.EXPLAIN:
        return work_on_rule_file(request, access, name, RuleAction.EXPLAIN, call_id=call, rule_id=rule)
    return page(request, access, name, tab=tab, rule=rule, version=version)


def _require_known(access: Access, name: str) -> None:
    """Refuse a name that no file, draft or earlier text has; examples may begin beside any file of rules.

    Raises:
        NotFoundError: nothing is known by this name.
    """
    desk, proposals = access.desk.rules.desk, access.desk.store.rule_proposals
    if desk.read(name).sha256 is not None or (rules.kind_of(name) == "tests" and desk.partner_of(name)):
        return
    draft = proposals.find_draft(name, access.principal.user.user_id)
    if draft is None and not proposals.list_open(name) and not proposals.list_history(name, limit=1):
        raise NotFoundError(say("there is no rule file {name!r}", name=name[:100]))


@router.post("/rules/{name:path}")
def work_on_rule_file(
    request: Request,
    access: MyAccess,
    name: str,
    action: Annotated[RuleAction, Form()],
    text: Annotated[str | None, Form(max_length=1_000_000)] = None,
    call_id: Annotated[str, Form(max_length=200)] = "",
    rule_id: Annotated[str, Form(max_length=200)] = "",
    first: Annotated[str, Form(max_length=10)] = "",
    last: Annotated[str, Form(max_length=10)] = "",
    reason: Annotated[str, Form(max_length=1000)] = "",
    accept_warnings: Annotated[bool, Form()] = False,
    batch: Annotated[int, Form(ge=0, le=MOST_NUMBER)] = 0,
) -> Response:
    """Keep the text as a draft, and do what the button says."""
    access.require_rule_work()
    check_name(name)
    desk, user, now = access.desk.rules, access.principal.user, access.desk.now()
    asked = {"call_id": call_id, "rule_id": rule_id, "first": first, "last": last, "reason": reason}
    try:
        if text is not None:
            desk.save(name, user, text, now=now)
        if action in (RuleAction.PUBLISH, RuleAction.AGREE, RuleAction.REFUSE):
            state = to_publish(access, name, action, reason=reason, accept_warnings=accept_warnings, batch=batch)
            return RedirectResponse(f"/rules/{quote(name)}?" + urlencode({"tab": state}), status_code=303)
        edit = {draft.file: draft.text for draft in desk.drafts_of(name, user, now=now)}
        return page(request, access, name, tab=action.value, asked=asked, **_answer(access, action, edit, asked))
    except PublishRefusedError as error:
        status = 409 if error.code == "conflict" else 422
        return page(
            request, access, name, tab=action.value, asked=asked, problem=str(error), conflict=error.diff, status=status
        )
    except ForbiddenError:
        raise
    except QareportError as error:
        status = 404 if isinstance(error, NotFoundError) else 409 if isinstance(error, BusyError) else 422
        return page(request, access, name, tab=action.value, asked=asked, problem=str(error), status=status)


@router.post("/rule-forms/{name:path}")
async def change_rule(request: Request, access: MyAccess, name: str) -> Response:
    """Change the draft through a form: fields of a rule, a new rule, an older text, or none any more."""
    access.require_rule_work()
    check_name(name)
    fields = {key: str(value) for key, value in (await request.form(max_fields=500)).items()}
    return await anyio.to_thread.run_sync(_change, request, access, name, fields)


def _change(request: Request, access: Access, name: str, fields: dict[str, str]) -> Response:
    try:
        return RedirectResponse(change(access, name, fields), status_code=303)
    except QareportError as error:
        what = "; ".join(str(replace(problem, where=None)) for problem in error.problems)
        tab = "new" if fields.get("form") == "add" else "form"
        rule = fields.get("rule_id", "")
        return page(request, access, name, tab=tab, rule=rule, problem=what, typed=fields, status=422)


def page(
    request: Request, access: Access, name: str, *, tab: str = "", rule: str = "", version: int = 0,
    asked: dict[str, str] | None = None, problem: str | Message = "", conflict: str = "", status: int = 200,
    typed: dict[str, str] | None = None, **answers: Any,
) -> Response:  # fmt: skip
    """Fill the editor's page with what was asked for; `typed`: what was filled in for a new rule."""
    desk, store, now = access.desk.rules, access.desk.store, access.desk.now()
    user, file = access.principal.user, desk.desk.read(name)
    works = _works(access)
    draft = desk.open(name, user, now=now)
    shown, stale = draft.text if works else file.text, draft.base_sha256 != file.sha256
    try:
        editable = rules.read_rules(shown) if rules.kind_of(name) == "rules" else ()
    except ConfigError:
        editable = ()
    history = store.rule_proposals.list_history(name, limit=50) if works else ()
    titles = {entry.rule_id: entry.title for entry in editable}
    alerts = live_reading.precisions(access) if access.principal.may(Permission.LIVE_READ) else ()
    chosen = next((text for text in history if text.proposal_id == version), None)
    others = [text for text in store.rule_proposals.list_open(name) if text.user_id != user.user_id]
    writes = access.principal.may(Permission.RULES_WRITE)
    run = _replay_to_show(access, name, tab)
    days = {"first": run.first, "last": run.last} if run else {}
    first, last = ((asked or {}).get(key) or str(days.get(key) or "") for key in ("first", "last"))
    replayed = see_replay(access, run) if run else None  # noted before it is asked what is outstanding
    return render(
        request, "rule_file.html.j2", status=status, name=name, kind=rules.kind_of(name), file=file, draft=draft,
        category=category_of(editable), partner=desk.desk.partner_of(name),
        shown=shown, works=works, writes=writes, writable=desk.desk.is_writable, editable=editable,
        chosen=next((entry for entry in editable if entry.rule_id == rule), None), tab=tab,
        draft_diff=unified_diff(file.text, draft.text, name), stale=stale,
        base_diff=unified_diff(draft.base_text, file.text, name) if stale else "",
        own_diff=unified_diff(draft.base_text, draft.text, name) if stale else "",
        clashes=[each for each in merge_lines(draft.base_text, draft.text, file.text) if stale and each.is_conflict],
        version=chosen, version_diff=unified_diff(file.text, chosen.text, name) if chosen else "", history=history,
        others=[(text, unified_diff(file.text, text.text, name)) for text in others] if writes else [],
        alert_precisions=[item for item in alerts if item.rule_id in titles], titles=titles, live_words=live_wording,
        names=_names(access), need_second=access.desk.settings.desk.rules_need_second, spelt=_spelt,
        templates=list(rules.RuleTemplate), severities=list(Severity), statuses=list(rules.RuleStatus),
        asked=asked or {"call_id": "", "rule_id": rule, "reason": ""}, first=first, last=last, problem=problem,
        conflict=conflict, new_id=rules.next_id(name.rsplit("/", 1)[-1].removesuffix(".yaml"), _ids(editable)),
        run=run, replayed=replayed, needs=desk.outstanding(name, user, now=now) if writes else None,
        lists=_lists(access), typed=defaultdict(str, typed or {}),
        **({"check": None, "tests": None, "lines": None} | answers),
    )  # fmt: skip


def _answer(access: Access, action: RuleAction, edit: dict[str, str], asked: dict[str, str]) -> dict[str, Any]:
    """Do what a button asks for that changes nothing."""
    desk, user = access.desk.rules.desk, access.principal.user
    if action is RuleAction.CHECK:
        found = desk.check(edit)
        return {"check": problems_of(found.errors, found.warnings, desk.path_of(""))}
    if action is RuleAction.TEST:
        return {"tests": desk.test(edit, user.user_id)}
    if action is RuleAction.EXPLAIN:
        access.call(asked["call_id"])
        return {"lines": desk.explain(edit, asked["call_id"], asked["rule_id"] or None)}
    if action is RuleAction.REPLAY:
        start_replay(access, edit, _day(asked["first"]), _day(asked["last"])).wait(_AT_ONCE_S)
    if action is RuleAction.STOP and (run := desk.find_replay(user.user_id)) is not None:
        run.stop()
        run.wait(_AT_ONCE_S)
    return {}


def _replay_to_show(access: Access, name: str, tab: str) -> ReplayRun | None:
    """Return the person's replay of a file that goes on, or whose result they ask for or have not seen."""
    run = access.desk.rules.desk.find_replay(access.principal.user.user_id)
    if run is None or name not in run.files:
        return None
    asked = tab in (RuleAction.REPLAY, RuleAction.STOP)
    return run if asked or (not tab and not run.is_seen and run.state is not ReplayState.STOPPED) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        what = say("no date: {text}", text=text)
        raise QareportError(what, expected=say("a date such as 2026-11-01")) from None


def _works(access: Access) -> bool:
    """Whether rules may be drafted and tried, rather than read alone."""
    return access.principal.rights.get(Permission.RULES_READ) is Reach.ALL


def _precisions(access: Access, files: Mapping[str, Container[str]]) -> dict[str, tuple[int, int]]:
    """Count, of the findings of each file's rules that people reviewed, how many were right, and how many there are."""
    if not access.principal.may(Permission.REVIEW_WRITE):
        return {}
    known = access.desk.store.reviews.precisions(access.agents(Permission.REVIEW_WRITE))
    counted = {
        name: [(rule.confirmed, rule.reviewed) for rule in known if rule.rule_id in ids and rule.reviewed]
        for name, ids in files.items()
    }
    return {name: (sum(right for right, _ in of), sum(all_ for _, all_ in of)) for name, of in counted.items() if of}


def _lists(access: Access) -> str:
    """Name some lists of words that rules share, as rules name them: `$道歉、$安抚`."""
    shared = access.desk.rules.desk.shared_lists()
    return wording.listed(f"${name}" for name in shared[:_LISTS])


def _names(access: Access) -> dict[int | None, str]:
    return {user.user_id: user.display for user in access.desk.store.users.list()}


def _ids(editable: tuple[rules.EditableRule, ...]) -> dict[str, None]:
    return {rule.rule_id: None for rule in editable}


def _spelt(key: str, value: str = "") -> str:
    """Write a key of rules, or one of its values, in the language of the page."""
    tongue: Tongue = "chinese" if current() == LOCALES[0] else "english"
    slot = slot_of("rules").at(("rules", 0))
    if value:
        return slot.child(key).spell_value(value, tongue)
    heads = slot.child("when")
    return heads.spell_key(key, tongue) if key in heads.keys else heads.child("customer says").spell_key(key, tongue)
