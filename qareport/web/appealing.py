"""Appeals: agents object to findings of their own calls; supervisors decide, and once more the analyst, finally."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from qareport.errors import BusyError, NotFoundError, QareportError
from qareport.messages import say
from qareport.model import (
    Agents,
    Appeal,
    AppealState,
    AuditEntry,
    Permission,
    ReviewedFinding,
    Verdict,
    VerdictKind,
    VerdictReason,
    quote_hash,
    review_findings,
)
from qareport.model.review import SAME_MS
from qareport.web.access import Access, ForbiddenError
from qareport.web.reviewing import ReviewedCall, find_item, look_at, make_verdict, masked_comment

#: So long people are told of what became of an appeal.
NOTICED = timedelta(days=7)
#: Appeals after which the finding may be objected to once more.
_WITHOUT_DECISION = (AppealState.WITHDRAWN, AppealState.EXPIRED)


def list_appeals(access: Access, *, before: int | None = None, limit: int = 50) -> tuple[Appeal, ...]:
    """Return the appeals that may be seen: open ones first, the one due soonest at the top.

    Raises:
        ForbiddenError: no appeals may be seen at all.
    """
    agents = scope_of(access)
    access.desk.store.appeals.expire(access.desk.now())
    return access.desk.store.appeals.list(agents, before=before, limit=limit)


def scope_of(access: Access) -> Agents:
    """Return the agents whose appeals may be seen.

    Raises:
        ForbiddenError: no appeals may be seen at all.
    """
    rights = (Permission.APPEALS_DECIDE, Permission.APPEALS_WRITE, Permission.APPEALS_FINAL)
    right = next((right for right in rights if access.principal.may(right)), Permission.APPEALS_DECIDE)
    access.require(right)
    return access.agents(right)


def find_appeal(access: Access, appeal_id: int) -> Appeal:
    """Return an appeal that may be seen; one whose time is over is closed first.

    Raises:
        NotFoundError: there is none, or it may not be seen.
    """
    agents, appeals = scope_of(access), access.desk.store.appeals
    appeals.expire(access.desk.now())
    appeal = appeals.get(appeal_id)
    if not agents.holds(appeals.agent_of(appeal)):
        raise NotFoundError(say("there is no appeal {number}", number=appeal_id))
    return appeal


def open_appeal(access: Access, call_id: str, finding_id: str, comment: str) -> Appeal:
    """Object to a finding of an own call; the same words once more change nothing.

    Raises:
        QareportError: nothing is said; the finding costs nothing.
        BusyError: there is an appeal already; it is too late.
    """
    call = look_at(access, call_id, Permission.APPEALS_WRITE)
    item, shown = find_item(call, finding_id)
    user, now, words = access.principal.user, access.desk.now(), masked_comment(comment)
    if not words:
        raise QareportError(say("say why the finding is wrong"))
    if not item.stands or item.finding.is_praise:
        raise QareportError(say("this finding costs nothing"))
    access.desk.store.appeals.expire(now)
    for known in access.desk.store.appeals.list(call_id=call_id):
        if is_about(known, item) and known.state not in _WITHOUT_DECISION:
            if known.user_id == user.user_id and known.comment == words:
                return known
            raise BusyError(say("there is an appeal against this finding already"))
    days = access.desk.settings.review.appeal_days
    since = appealable_since(access, call, item)
    if since is not None and now >= since + timedelta(days=days):
        raise BusyError(say("the {days} days in which you could appeal are over", days=days))
    appeal = Appeal(
        call_id=call_id, rule_id=shown.rule_id, at_ms=shown.at_ms, user_id=user.user_id, comment=words, opened_at=now,
        verdict_id=item.verdict.verdict_id if item.verdict else None, due_at=now + timedelta(days=days), finding=shown,
    )  # fmt: skip
    entry = access.entry("appeal.open", object=f"call:{call_id}", finding=finding_id, comment=words)
    return access.desk.store.appeals.add(appeal, entry)


def appealable_since(access: Access, call: ReviewedCall, item: ReviewedFinding) -> datetime | None:
    """Return since when a finding is known: its call was judged, or a person reviewed it later. None: not known."""
    known = [call.report.started_at, access.desk.store.reviews.find_judged_at(call.report.call_id)]
    if item.verdict is not None:
        known.append(item.verdict.at)
    return max((instant for instant in known if instant is not None), default=None)


def is_about(appeal: Appeal, item: ReviewedFinding) -> bool:
    """Tell whether an appeal is about a finding, also after the call was judged anew."""
    finding = item.finding
    return appeal.rule_id == finding.rule_id and (
        abs(appeal.at_ms - finding.at_ms) <= SAME_MS or "" != quote_hash(finding) == quote_hash(appeal.finding)
    )


def decide(
    access: Access, appeal_id: int, *, upheld: bool, comment: str, reason: VerdictReason | None = None
) -> Appeal:
    """Decide an open appeal; an upheld one rejects the finding. A decision of level 2 is final.

    Raises:
        NotFoundError: there is no such appeal.
        ForbiddenError: the right is lacking, or it would be a decision on one's own verdict or decision.
        QareportError: no reason is given.
        BusyError: it is not open.
    """
    appeal = find_appeal(access, appeal_id)
    final = appeal.level == 2
    access.call(appeal.call_id, Permission.APPEALS_FINAL if final else Permission.APPEALS_DECIDE)
    words = masked_comment(comment)
    if not words:
        raise QareportError(say("say why you decide so"))
    _require_open(appeal)
    item = _find_item(access, appeal)
    _require_other_eyes(access, appeal, item)
    state = (AppealState.FINAL_UPHELD if upheld else AppealState.FINAL_DISMISSED) if final else (
        AppealState.UPHELD if upheld else AppealState.DISMISSED
    )  # fmt: skip
    after = replace(
        appeal, state=state, decided_by=access.principal.user.user_id, decided_at=access.desk.now(),
        decision_comment=words,
    )  # fmt: skip
    verdict = _rejection(access, appeal, item, reason, words) if upheld and item is not None else None
    entry = _entry(access, "appeal.decide", appeal, decision=state.value, comment=words)
    return access.desk.store.appeals.step(appeal, after, entry, verdict=verdict)


def escalate(access: Access, appeal_id: int) -> Appeal:
    """Take a dismissed appeal to the final decision, once and in time.

    Raises:
        NotFoundError, ForbiddenError: as `decide`; only who appealed may.
        BusyError: it was not dismissed, was escalated already, or it is too late.
    """
    appeal = _own_appeal(access, appeal_id)
    settings, now = access.desk.settings.review, access.desk.now()
    if not appeal.may_escalate(now, settings.escalate_days):
        what = say("only a dismissed appeal can be escalated, once and within {days} days", days=settings.escalate_days)
        raise BusyError(what)
    after = replace(appeal, state=AppealState.OPEN, level=2, due_at=now + timedelta(days=settings.appeal_days))
    return access.desk.store.appeals.step(appeal, after, _entry(access, "appeal.escalate", appeal))


def withdraw(access: Access, appeal_id: int) -> Appeal:
    """Take an open appeal back.

    Raises:
        NotFoundError, ForbiddenError: as `escalate`.
        BusyError: it is not open.
    """
    appeal = _own_appeal(access, appeal_id)
    if appeal.state is AppealState.WITHDRAWN:
        return appeal
    _require_open(appeal)
    after = replace(appeal, state=AppealState.WITHDRAWN)
    return access.desk.store.appeals.step(appeal, after, _entry(access, "appeal.withdraw", appeal))


def may_decide(access: Access, appeal: Appeal) -> bool:
    """Tell whether who asks has the right to decide an appeal now, other eyes aside."""
    right = Permission.APPEALS_FINAL if appeal.level == 2 else Permission.APPEALS_DECIDE
    agents = access.agents(right)
    return appeal.state is AppealState.OPEN and agents.holds(access.desk.store.appeals.agent_of(appeal))


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealNotices:
    """What a person must know of appeals."""

    #: Open ones that the person may decide, the one due soonest first.
    waiting: tuple[Appeal, ...]
    #: Those that somebody else settled, or that expired, in the last days; the newest first.
    settled: tuple[Appeal, ...]


def notices_of(access: Access) -> AppealNotices:
    """Return what is new of the appeals that may be seen: agents see what became of their own, deciders of all."""
    rights = (Permission.APPEALS_DECIDE, Permission.APPEALS_WRITE, Permission.APPEALS_FINAL)
    if not any(map(access.principal.may, rights)):
        return AppealNotices(waiting=(), settled=())
    now, mine = access.desk.now(), access.principal.user.user_id
    found = list_appeals(access)
    settled = [appeal for appeal in found if _settled_at(appeal) is not None and appeal.decided_by != mine]
    return AppealNotices(
        waiting=tuple(appeal for appeal in found if may_decide(access, appeal)),
        settled=tuple(appeal for appeal in settled if now - (_settled_at(appeal) or now) < NOTICED),
    )


def _settled_at(appeal: Appeal) -> datetime | None:
    """Return when an appeal was decided or expired; None: it is open, or was taken back by who made it."""
    return appeal.due_at if appeal.state is AppealState.EXPIRED else (
        None if appeal.state in (AppealState.OPEN, AppealState.WITHDRAWN) else appeal.decided_at
    )  # fmt: skip


def _own_appeal(access: Access, appeal_id: int) -> Appeal:
    appeal = find_appeal(access, appeal_id)
    access.require(Permission.APPEALS_WRITE)
    if appeal.user_id != access.principal.user.user_id:
        raise ForbiddenError(say("only who appealed may do this"))
    return appeal


def _require_open(appeal: Appeal) -> None:
    if appeal.state is not AppealState.OPEN:
        raise BusyError(say("this appeal is closed"), to_do=say("look at it again"))


def _require_other_eyes(access: Access, appeal: Appeal, item: ReviewedFinding | None) -> None:
    """Refuse a decision on one's own verdict or decision where `review.four_eyes` is set."""
    mine = access.principal.user.user_id
    verdict_by = item.verdict.user_id if item is not None and item.verdict is not None else None
    if access.desk.settings.review.four_eyes and mine in (verdict_by, appeal.decided_by):
        raise ForbiddenError(
            say("you gave the verdict that this appeal is about"), to_do=say("let somebody else decide")
        )


def _find_item(access: Access, appeal: Appeal) -> ReviewedFinding | None:
    """Find what an appeal is about, with all verdicts; None: the rules do not find it any more."""
    report = access.call(appeal.call_id)
    items = review_findings(report.findings, access.desk.store.reviews.list(appeal.call_id))
    about = [item for item in items if is_about(appeal, item)]
    return min(about, key=lambda item: abs(item.finding.at_ms - appeal.at_ms), default=None)


def _rejection(
    access: Access, appeal: Appeal, item: ReviewedFinding, reason: VerdictReason | None, words: str
) -> Verdict:
    kind, before = VerdictKind.REJECTED, item.verdict
    verdict = make_verdict(access, appeal.call_id, appeal.finding, kind, reason=reason, comment=words)
    return replace(
        verdict, at_ms=item.finding.at_ms, quote_sha256=quote_hash(item.finding),
        replaces=before.verdict_id if before else None,
    )  # fmt: skip


def _entry(access: Access, action: str, appeal: Appeal, **details: str) -> AuditEntry:
    return access.entry(action, object=f"call:{appeal.call_id}", appeal=str(appeal.appeal_id), **details)
