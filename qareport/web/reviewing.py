"""Reviewing a call: its findings with the verdicts on them, the reviewed score, and giving verdicts.

Pages and API go through here, so that scope, second looks and the audit log are the same for both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from qareport import privacy, rules
from qareport.errors import BusyError, ConfigError, NotFoundError, QareportError
from qareport.messages import say
from qareport.model import (
    CallReport,
    Evidence,
    Finding,
    Permission,
    ReviewedFinding,
    Scorecard,
    Verdict,
    VerdictKind,
    VerdictReason,
    current_verdicts,
    quote_hash,
    review_findings,
    visible_to,
    wants_second_look,
)
from qareport.model.review import SAME_MS
from qareport.rules import Rule, RuleStatus
from qareport.web.access import Access
from qareport.web.desk import Desk
from qareport.workflows.judge import transcript_of
from qareport.workflows.rule_desk import sibling_of

#: The longest comment, in characters.
MOST_COMMENT: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedCall:
    """A call with the verdicts on it, as far as the person who asks may see them."""

    #: Not masked.
    report: CallReport
    items: tuple[ReviewedFinding, ...]
    #: The findings of `items` in the same order, masked as the settings say.
    shown: tuple[Finding, ...]
    #: Oldest first; without those that a second reviewer must not see.
    verdicts: tuple[Verdict, ...]
    #: Ids of the findings whose verdict is kept from who asks, until the second look is over.
    hidden: frozenset[str]
    #: None: the call has no score.
    card: Scorecard | None

    @property
    def newest(self) -> Verdict | None:
        """The newest verdict that counts."""
        given = [item.verdict for item in self.items if item.verdict is not None]
        return max(given, key=lambda verdict: verdict.verdict_id, default=None)

    def chain(self, item: ReviewedFinding) -> tuple[Verdict, ...]:
        """Return the verdict on a finding and those that it replaced, the newest first."""
        known = {verdict.verdict_id: verdict for verdict in self.verdicts}
        chain, verdict = [], item.verdict
        while verdict is not None:
            chain.append(verdict)
            verdict = known.get(verdict.replaces or 0)
        return tuple(chain)


def look_at(
    access: Access, call_id: str, permission: Permission = Permission.CALLS_READ, *, masked: CallReport | None = None
) -> ReviewedCall:
    """Return a call with the verdicts on it.

    Args:
        access: who asks.
        call_id: the call.
        permission: what for.
        masked: its result, masked as the settings say, where that is known already.

    Raises:
        NotFoundError: there is no such call, or it may not be seen.
        ForbiddenError: the right does not reach it.
    """
    report = access.call(call_id, permission)
    known = access.desk.store.reviews.list(call_id)
    verdicts: Iterable[Verdict] = known
    if access.principal.may(Permission.REVIEW_WRITE):
        verdicts = visible_to(access.principal.user.user_id, known)
    items = review_findings(report.findings, verdicts)
    hidden = _given(review_findings(report.findings, known)) - _given(items)
    masking = access.desk.settings.privacy
    if masked is None or _places(masked) != _places(report):  # it has been judged anew meanwhile
        masked = privacy.mask_report(report, masking.kinds) if masking.enabled else report
    added = tuple(item.finding for item in items[len(report.findings) :])
    card = report.scorecard
    if card is not None:
        card = rules.reviewed_card(card, items, access.desk.settings.score)
    return ReviewedCall(
        report=report, items=items, shown=(*masked.findings, *added), verdicts=tuple(verdicts),
        hidden=frozenset(hidden), card=card,
    )  # fmt: skip


def _places(report: CallReport) -> list[tuple[str, int]]:
    return [(finding.rule_id, finding.at_ms) for finding in report.findings]


def _given(items: Iterable[ReviewedFinding]) -> set[str]:
    return {item.finding_id for item in items if item.verdict is not None}


def find_item(call: ReviewedCall, finding_id: str) -> tuple[ReviewedFinding, Finding]:
    """Return a finding of a call with its verdict, and as it is shown.

    Raises:
        NotFoundError: the call has no such finding, or no longer.
    """
    for item, shown in zip(call.items, call.shown, strict=True):
        if item.finding_id == finding_id:
            return item, shown
    raise NotFoundError(
        say("the call has no finding {finding!r}", finding=finding_id), to_do=say("open the call again")
    )


def give_verdict(
    access: Access, call_id: str, finding_id: str, kind: VerdictKind, *, reason: VerdictReason | None = None,
    comment: str = "",
) -> Verdict:  # fmt: skip
    """Give a verdict on a finding; the same one once more changes nothing.

    Raises:
        NotFoundError, ForbiddenError: as `Access.call`.
        QareportError: a finding that is there cannot be a missed one.
    """
    call = look_at(access, call_id, Permission.REVIEW_WRITE)
    item, shown = find_item(call, finding_id)
    if kind is VerdictKind.MISSED:
        raise QareportError(
            say("the finding is there: say whether it is right"),
            expected=say("confirmed, rejected, not_applicable"),
        )
    verdict = make_verdict(access, call_id, shown, kind, reason=reason, comment=comment)
    verdict = replace(verdict, quote_sha256=quote_hash(item.finding))
    before = item.verdict
    if before is not None and _same(before, verdict):
        return before
    if finding_id in call.hidden:
        before = next(
            known.verdict
            for known in review_findings(call.report.findings, access.desk.store.reviews.list(call_id))
            if known.finding_id == finding_id
        )
    verdict = replace(verdict, replaces=before.verdict_id if before else None, blind=finding_id in call.hidden)
    verdict = replace(verdict, second_wanted=wants_second_look(verdict, access.desk.settings.review.blind_second))
    entry = access.entry(
        "review.verdict", object=f"call:{call_id}", finding=finding_id, verdict=kind.value, reason=verdict.reason or "",
    )  # fmt: skip
    return access.desk.store.reviews.add(verdict, entry)


def settle_stale(access: Access, call_id: str, verdict_id: int, kind: VerdictKind) -> Verdict:
    """Say of a finding that was right, and that the rules no longer make, whether it was right.

    A right one is added by hand; of a wrong one the rules are right by now.

    Raises:
        NotFoundError: no such verdict waits.
    """
    access.call(call_id, Permission.REVIEW_WRITE)
    current = current_verdicts(access.desk.store.reviews.list(call_id))
    before = next((verdict for verdict in current if verdict.verdict_id == verdict_id and verdict.stale), None)
    if before is None:
        raise NotFoundError(say("this verdict does not wait any more"), to_do=say("go on with the next finding"))
    right = kind is VerdictKind.CONFIRMED
    verdict = make_verdict(access, call_id, before.finding, VerdictKind.MISSED if right else kind)
    verdict = replace(verdict, quote_sha256=before.quote_sha256, replaces=verdict_id, stale=not right)
    entry = access.entry(
        "review.verdict", object=f"call:{call_id}", finding=f"{verdict.rule_id}@{verdict.at_ms}",
        verdict=verdict.kind.value,
    )  # fmt: skip
    return access.desk.store.reviews.add(verdict, entry)


def add_missed(access: Access, call_id: str, rule_id: str, at_ms: int, *, comment: str = "") -> Verdict:
    """Add a finding that the rules missed; the same one once more changes nothing.

    Raises:
        NotFoundError, ForbiddenError: as `Access.call`; no such rule counts.
        QareportError: the call is over at that time.
        BusyError: the rule found it.
    """
    call = look_at(access, call_id, Permission.REVIEW_WRITE)
    rule = next((rule for rule in active_rules(access.desk) if rule.id == rule_id), None)
    if rule is None:
        raise NotFoundError(say("no rule {rule!r}", rule=rule_id))
    length_ms = call.report.metrics.duration_ms
    if not 0 <= at_ms <= length_ms:
        what = say("the call is {seconds} seconds long", seconds=length_ms // 1000)
        raise QareportError(what, expected=say("a time within the call"))
    near = (item for item in call.items if item.finding.rule_id == rule_id)
    there = next((item for item in near if abs(item.finding.at_ms - at_ms) <= SAME_MS), None)
    verdict = make_verdict(
        access, call_id, _missed_finding(access, call, rule, at_ms), VerdictKind.MISSED, comment=comment
    )
    if there is not None:
        if there.added and there.verdict is not None and _same(there.verdict, verdict):
            return there.verdict
        raise BusyError(
            say("the rule has a finding there already"), to_do=say("give a verdict on that finding instead")
        )
    entry = access.entry(
        "review.missed", object=f"call:{call_id}", finding=f"{rule_id}@{at_ms}", comment=verdict.comment
    )
    return access.desk.store.reviews.add(verdict, entry)


def make_verdict(
    access: Access, call_id: str, shown: Finding, kind: VerdictKind, *, reason: VerdictReason | None = None,
    comment: str = "",
) -> Verdict:  # fmt: skip
    """Make a verdict of who asks; a reason belongs to findings that do not stand."""
    return Verdict(
        call_id=call_id, rule_id=shown.rule_id, at_ms=shown.at_ms, quote_sha256=quote_hash(shown), kind=kind,
        reason=None if kind.stands else reason or VerdictReason.OTHER, comment=masked_comment(comment),
        user_id=access.principal.user.user_id, at=access.desk.now(), finding=shown,
    )  # fmt: skip


def masked_comment(text: str) -> str:
    """Return a comment as it is kept: without numbers of persons, and not longer than `MOST_COMMENT`."""
    return privacy.mask(text.strip()[:MOST_COMMENT])[0]


def acknowledge(access: Access, call_id: str) -> None:
    """Note that the agent has read what was found in a call of their own."""
    access.call(call_id, Permission.APPEALS_WRITE)
    entry = access.entry("call.acknowledge", object=f"call:{call_id}")
    access.desk.store.reviews.acknowledge(call_id, access.principal.user.user_id, entry)


def counterexample(access: Access, call_id: str, finding_id: str) -> tuple[str, str]:
    """Cut a test from a call whose finding was rejected: the rule must not hit there. Returns its text and the rule.

    Raises:
        BusyError: nobody rejected the finding, or the rules do not make it.
        NotFoundError: the rule is gone.
    """
    call = look_at(access, call_id, Permission.REVIEW_WRITE)
    item, _ = find_item(call, finding_id)
    if item.stands or item.added:
        raise BusyError(
            say("only a finding of the rules that was rejected makes a counterexample"), to_do=say("reject it first")
        )
    book = access.desk.workspace.rule_book
    rule = book.ruleset.find(item.finding.rule_id)
    if rule is None:
        raise NotFoundError(say("no rule {rule!r}", rule=item.finding.rule_id))
    transcript = transcript_of(call.report, access.desk.store.calls.find_order_id(call_id))
    wrong_at_ms = item.finding.at_ms
    text = rules.export_rule_test(transcript, rule, book.ruleset, book.analyse, book.read, wrong_at_ms=wrong_at_ms)
    access.record("review.counterexample", object=f"call:{call_id}", finding=finding_id)
    return text, rule.id


def draft_counterexample(access: Access, call_id: str, finding_id: str) -> str:
    """Write the test that `counterexample` cuts into one's draft of the tests beside the rule. Returns their file.

    Raises:
        BusyError: nobody rejected the finding, or the rules do not make it.
        ConfigError: the draft has no list of tests to which one can be added.
        NotFoundError: the rule is gone.
    """
    access.require_rule_work()
    text, rule_id = counterexample(access, call_id, finding_id)
    desk, user, now = access.desk.rules, access.principal.user, access.desk.now()
    files = desk.desk.list_files(access.agents())
    name = next((file.name for file in files if rule_id in dict(file.rules)), None)
    beside = sibling_of(name) if name is not None else None
    if beside is None:
        raise NotFoundError(say("no rule {rule!r}", rule=rule_id))
    tests = desk.open(beside, user, now=now).text
    desk.save(beside, user, rules.append_rule(tests, f"schema: 1\ncases:\n{text}", "cases"), now=now)
    return beside


def active_rules(desk: Desk) -> tuple[Rule, ...]:
    """Return the rules that count, by category and title; none while the rule files are broken."""
    try:
        known = desk.workspace.rule_book.ruleset.rules
    except ConfigError:
        return ()
    counting = (rule for rule in known if rule.status is RuleStatus.ACTIVE)
    return tuple(sorted(counting, key=lambda rule: (rule.category, rule.title)))


def _same(before: Verdict, after: Verdict) -> bool:
    fields = ("kind", "reason", "comment", "user_id")
    return all(getattr(before, name) == getattr(after, name) for name in fields)


def _missed_finding(access: Access, call: ReviewedCall, rule: Rule, at_ms: int) -> Finding:
    """Make the finding that a reviewer adds, masked, with the sentence that is said then."""
    masking = access.desk.settings.privacy
    segments = call.report.segments
    if masking.enabled:
        segments = privacy.mask_segments(segments, masking.kinds).segments
    said = next((segment for segment in segments if segment.start_ms <= at_ms < segment.end_ms), None)
    evidence = () if said is None else (
        Evidence(at_ms=said.start_ms, end_ms=said.end_ms, role=said.role, quote=said.text),
    )  # fmt: skip
    text = rule.advice.render(quote=said.text if said else None)
    return Finding(
        rule_id=rule.id, rule_version=rule.version, title=rule.title, category=rule.category, severity=rule.severity,
        at_ms=at_ms, evidence=evidence, advice="" if rule.points > 0 else text, praise=text if rule.points > 0 else "",
        points=rule.points, moment=rule.moment, fatal=rule.fatal,
    )  # fmt: skip
