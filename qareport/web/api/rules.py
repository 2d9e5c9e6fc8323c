"""`/api/v1/rules`: rule files for programs and for the editor: read, lint, test, explain, replay, publish."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from qareport import rules
from qareport.codec import to_json
from qareport.errors import Diagnostic, NotFoundError, Problem, QareportError, SourceLocation
from qareport.messages import say
from qareport.model import Permission
from qareport.web.access import Access
from qareport.web.dependencies import MyAccess
from qareport.workflows.rule_background import ReplayRun, ReplayState
from qareport.workflows.rule_desk import Edit, check_name
from qareport.workflows.rule_publishing import changed_meanwhile, normalised, sha256_of

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])
_Text = Annotated[str, Field(max_length=1_000_000, description="YAML, as the file would hold it.")]
_Name = Annotated[str, Field(max_length=200, description="Path below the folder of rules: logistics.yaml.")]


class RuleFileListed(BaseModel):
    """A rule file of the list."""

    name: str
    kind: str
    rules: list[dict[str, str]]
    errors: int
    warnings: int
    hits: Annotated[int | None, Field(description="In the 30 days before the newest call; null: not counted yet.")]
    published_at: datetime | None
    published_by: str | None


class RuleFileList(BaseModel):
    """All rule files."""

    items: list[RuleFileListed]
    next: None = None
    total: int
    total_is: Literal["exact"] = "exact"
    writable: Annotated[bool, Field(description="Whether files can be published here.")]


class RuleFileContent(BaseModel):
    """A rule file."""

    name: str
    text: str
    sha256: Annotated[str | None, Field(description="Also the ETag; null: there is no such file yet.")]


class RuleEdit(BaseModel):
    """Texts in place of files; the others are as the folder has them."""

    model_config = ConfigDict(extra="forbid")

    files: Annotated[dict[_Name, _Text], Field(max_length=20, description="Texts by file name.")] = {}


class RuleProblem(BaseModel):
    """What lint found."""

    severity: str
    code: str | None
    file: str | None
    line: int | None
    column: int | None
    text: str


class LintAnswer(BaseModel):
    """What lint says of all files with the edit in place."""

    problems: list[RuleProblem]
    rules_sha256: Annotated[str | None, Field(description="Hash of the rule set; null while it has errors.")]


class ExplainQuestion(RuleEdit):
    """Why a rule hit a call, or missed it."""

    call_id: Annotated[str, Field(max_length=200)]
    rule_id: Annotated[str | None, Field(max_length=200, description="Without: all rules that hit.")] = None


class ReplayQuestion(RuleEdit):
    """What an edit changes in stored calls."""

    first: Annotated[date | None, Field(description="Only calls from this day on.")] = None
    last: Annotated[date | None, Field(description="Only calls up to this day.")] = None


class ReplayProgress(BaseModel):
    """A replay that goes on by itself, or what came of it."""

    id: str
    state: ReplayState
    done: Annotated[int, Field(description="Calls that were walked through so far.")]
    total: int
    rules_sha256: Annotated[str, Field(description="Hash of the rule set that is replayed.")]
    result: Annotated[dict[str, Any] | None, Field(description="As `POST /replay` answers; null before the end.")]
    problem: str | None


class PublishOrder(BaseModel):
    """A text to publish."""

    model_config = ConfigDict(extra="forbid")

    text: _Text
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    accept_warnings: bool = False


class DraftText(BaseModel):
    """A draft."""

    model_config = ConfigDict(extra="forbid")

    text: _Text


@router.get("/files")
def list_rule_files(access: MyAccess) -> RuleFileList:
    """List the rule files."""
    access.require(Permission.RULES_READ)
    desk = access.desk.rules.desk
    latest = access.desk.store.rule_proposals.list_latest()
    names = {user.user_id: user.display for user in access.desk.store.users.list()}
    items = [
        RuleFileListed(
            name=entry.name,
            kind=entry.kind,
            rules=[{"id": rule_id, "title": title} for rule_id, title in entry.rules],
            errors=entry.errors,
            warnings=entry.warnings,
            hits=entry.hits,
            published_at=latest[entry.name].at if entry.name in latest else None,
            published_by=names.get(latest[entry.name].user_id or 0) if entry.name in latest else None,
        )
        for entry in desk.list_files(access.agents())
    ]
    return RuleFileList(items=items, total=len(items), writable=desk.is_writable)


@router.get("/files/{name:path}")
def get_rule_file(access: MyAccess, response: Response, name: str) -> RuleFileContent:
    """Return a rule file; its hash is the ETag."""
    access.require(Permission.RULES_READ)
    file = access.desk.rules.desk.read(name)
    if file.sha256 is not None:
        response.headers["etag"] = f'"{file.sha256}"'
    return RuleFileContent(name=name, text=file.text, sha256=file.sha256)


@router.put("/files/{name:path}")
def publish_rule_file(
    access: MyAccess, name: str, order: PublishOrder, if_match: Annotated[str, Header(max_length=100)] = ""
) -> Response:
    """Publish a rule file: lint clean, tests passed, replay of exactly this text seen (`POST /replay`), a reason.

    `If-Match` names the file that was edited by its ETag, `*` stands for a new file; 409 with what changed when it is
    another one by now. The text is kept as your draft in any case.
    """
    access.require(Permission.RULES_WRITE)
    desk, user, now = access.desk.rules, access.principal.user, access.desk.now()
    base, current = if_match.strip().removeprefix("W/").strip('"'), desk.desk.read(name)
    draft = desk.save(name, user, order.text, now=now)
    if base == (current.sha256 or "*") and current.sha256 != draft.base_sha256:
        draft = desk.rebase(name, user, now=now)  # the text follows the file as it is now
    elif base != (draft.base_sha256 or "*"):
        raise changed_meanwhile(name, draft.text, current.text)
    text = sha256_of(draft.text)
    entry = access.entry("rules.publish", object=f"rules:{name}", sha256=text, reason=order.reason)
    drafts = [draft, *desk.drafts_of(name, user, now=now)[1:]]
    state = desk.publish(drafts, user, entry, reason=order.reason, accept_warnings=order.accept_warnings, now=now)
    return JSONResponse({"name": name, "state": state.value, "sha256": text}, headers={"etag": f'"{text}"'})


@router.put("/drafts/{name:path}", status_code=204)
def save_rule_draft(access: MyAccess, name: str, draft: DraftText) -> Response:
    """Keep a draft of a rule file, in the place of an earlier one of yours."""
    access.require_rule_work()
    access.desk.rules.save(name, access.principal.user, draft.text, now=access.desk.now())
    return Response(status_code=204)


@router.post("/lint")
def lint_rules(access: MyAccess, edit: RuleEdit) -> LintAnswer:
    """Check all rule files with an edit in place."""
    access.require_rule_work()
    desk = access.desk.rules.desk
    check = desk.check(_edit(edit))
    found = problems_of(check.errors, check.warnings, desk.path_of(""))
    return LintAnswer(problems=found, rules_sha256=check.sha256)


@router.post("/test")
def test_rules(access: MyAccess, edit: RuleEdit) -> dict[str, Any]:
    """Run the tests beside the rules with an edit in place."""
    access.require_rule_work()
    desk = access.desk.rules.desk
    results = desk.test(_edit(edit), access.principal.user.user_id)
    failed = [
        {"name": result.name, "line": result.location.line, "file": _name_of(result.location.file, desk.path_of("")),
         "failures": list(result.failures)}
        for result in results
        if not result.passed
    ]  # fmt: skip
    return {"passed": len(results) - len(failed), "failed": failed}


@router.post("/explain")
def explain_rules(access: MyAccess, question: ExplainQuestion) -> dict[str, list[str]]:
    """Tell why rules hit a call, or why one hit or missed it, with an edit in place; lines of a tree."""
    access.require_rule_work()
    access.call(question.call_id)
    lines = access.desk.rules.desk.explain(_edit(question), question.call_id, question.rule_id)
    return {"lines": list(lines)}


@router.post("/replay", responses={202: {"model": ReplayProgress}})
def replay_rules(
    access: MyAccess, question: ReplayQuestion, prefer: Annotated[str, Header(max_length=100)] = ""
) -> Response:
    """Match an edit against the stored calls that you may see: hits gained and lost, scores by agent.

    One at a time. Texts are kept as your drafts, and that you have seen what they change. With the header `Prefer:
    respond-async` the answer is 202 with the address of the replay, which goes on by itself.
    """
    access.require_rule_work()
    run = start_replay(access, _edit(question), question.first, question.last)
    if "respond-async" in prefer:
        headers = {"location": f"{router.prefix}/replays/{run.run_id}"}
        return JSONResponse(_progress(access, run).model_dump(mode="json"), status_code=202, headers=headers)
    run.wait()
    if (result := see_replay(access, run)) is None:
        raise run.problem or QareportError(say("the replay was stopped"))
    return JSONResponse({"rules_sha256": run.sha256, **json.loads(to_json(result))})


@router.get("/replays/{replay_id}")
def get_replay(access: MyAccess, replay_id: str) -> ReplayProgress:
    """Tell how far a replay of yours is, or what came of it; your newest is kept until the desk is started again."""
    access.require_rule_work()
    return _progress(access, _own_replay(access, replay_id))


@router.delete("/replays/{replay_id}", status_code=204)
def stop_replay(access: MyAccess, replay_id: str) -> Response:
    """Stop a replay of yours."""
    access.require_rule_work()
    _own_replay(access, replay_id).stop()
    return Response(status_code=204)


@router.get("/schema", responses={200: {"content": {"application/schema+json": {}}}})
def get_rule_schema(access: MyAccess, kind: Annotated[rules.FileKind, Query()] = "rules") -> Response:
    """Return the JSON Schema of a kind of file, with English and Chinese words."""
    access.require(Permission.RULES_READ)
    return JSONResponse(rules.json_schema(kind), media_type="application/schema+json")


def start_replay(access: Access, edit: Edit, first: date | None, last: date | None) -> ReplayRun:
    """Begin to replay an edit as far as calls may be seen; its texts are kept as drafts."""
    desk, user = access.desk.rules, access.principal.user
    for name, text in edit.items():
        desk.save(name, user, text, now=access.desk.now())
    return desk.desk.start_replay(edit, user.user_id, first=first, last=last, agents=access.agents())


def see_replay(access: Access, run: ReplayRun) -> rules.Replay | None:
    """Return what came of a replay, and note with the drafts that it was seen; None: nothing, or not yet."""
    if run.result is not None and not run.is_seen:
        for name in run.files:
            access.desk.rules.mark_replay(name, access.principal.user, run.sha256, now=access.desk.now())
        run.is_seen = True
    return run.result


def _own_replay(access: Access, replay_id: str) -> ReplayRun:
    run = access.desk.rules.desk.find_replay(access.principal.user.user_id)
    if run is None or run.run_id != replay_id:
        raise NotFoundError(say("there is no replay {replay!r} of yours", replay=replay_id[:40]))
    return run


def _progress(access: Access, run: ReplayRun) -> ReplayProgress:
    result = see_replay(access, run)
    return ReplayProgress(
        id=run.run_id, state=run.state, done=run.done, total=run.total, rules_sha256=run.sha256,
        result=None if result is None else json.loads(to_json(result)),
        problem=None if run.problem is None else str(run.problem),
    )  # fmt: skip


def problem_of(problem: Problem, severity: str, folder: str) -> RuleProblem:
    """Word a problem; its file is named as below the folder of rules."""
    where = problem.where
    place = where if isinstance(where, SourceLocation) else None
    file = place.file if place is not None else str(where) if where is not None else None
    return RuleProblem(
        severity=severity,
        code=problem.code if isinstance(problem, Diagnostic) else None,
        file=None if file is None else _name_of(file, folder),
        line=place.line if place is not None else None,
        column=place.column if place is not None else None,
        text=str(Problem(what=problem.what, expected=problem.expected, to_do=problem.to_do)),
    )


def problems_of(errors: Iterable[Problem], warnings: Iterable[Problem], folder: str) -> list[RuleProblem]:
    """Word errors and warnings."""
    return [problem_of(problem, "error", folder) for problem in errors] + [
        problem_of(problem, "warning", folder) for problem in warnings
    ]


def _edit(edit: RuleEdit) -> dict[str, str]:
    return {check_name(name): normalised(text) for name, text in edit.files.items()}


def _name_of(path: str, folder: str) -> str:
    return path.removeprefix(folder)
