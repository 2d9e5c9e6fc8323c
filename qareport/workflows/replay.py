"""Replays over the store: reading what is kept, comparing, and on request making the new judgement count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from qareport import periods, rules
from qareport.errors import QareportError
from qareport.model import CallReport, Transcript
from qareport.rules import CallSnapshot, StoredJudgement
from qareport.workflows.judge import replay_key
from qareport.workflows.rule_book import RuleBook

if TYPE_CHECKING:
    from qareport.store import Store, StoredCall

#: When the calls of each order began, as the store writes it.
Starts = Mapping[str, list[str]]
#: Notes that a new judgement makes anew.
_OF_JUDGEMENT = frozenset(("rules_last_good", "rules_not_judged"))


def stored_judgements(store: Store, since: datetime | None = None) -> Iterator[StoredJudgement | None]:
    """Walk through what is stored, in the form a replay takes; None for a call that cannot be read."""
    starts = store.calls.list_starts_by_order()
    versions: dict[str, Mapping[str, str] | None] = {}
    for call in store.results.list_snapshots(since):
        if call.rules_sha256 not in versions:
            versions[call.rules_sha256] = _versions(store, call.rules_sha256)
        snapshot = CallSnapshot.read(call.snapshot) if call.snapshot is not None else None
        snapshot = snapshot or _snapshot_anew(store, call)
        if snapshot is None:
            yield None
            continue
        yield StoredJudgement(
            snapshot=snapshot,
            order_id=call.order_id,
            versions=versions[call.rules_sha256],
            earlier=partial(_earlier, call, starts),
        )


def apply(store: Store, rule_book: RuleBook, since: datetime | None = None) -> int:
    """Judge every stored call anew from what was found in it, and make that its result. Returns how many.

    Results that were there before stay in the store with the hash of their rule set.
    """
    sha256 = rule_book.ruleset.sha256
    starts = store.calls.list_starts_by_order()
    store.rule_sets.put(sha256, rule_book.ruleset.files)
    calls = [call for call in store.results.list_snapshots(since) if call.rules_sha256 != sha256]
    for call in calls:
        before, earlier = store.results.get(call.call_id), _earlier(call, starts)
        report = _judged_anew(before, call.order_id, rule_book, earlier)
        store.results.replace(
            call.call_id,
            replay_key(call.key, rule_book),
            report,
            rules_sha256=sha256,
            snapshot=CallSnapshot.take(report, call.order_id).to_json(),
            summary=periods.summarise_call(report, call.order_id, rules_sha256=sha256),
        )
    return len(calls)


def transcript_of(report: CallReport, order_id: str | None) -> Transcript:
    """Return what was said in a judged call."""
    return Transcript(
        call_id=report.call_id,
        order_id=order_id,
        agent_id=report.agent_id,
        started_at=report.started_at,
        audio=report.audio,
        model=report.model,
        segments=report.segments,
    )


def context_of(store: Store, call_id: str, rule_book: RuleBook) -> rules.MatchContext:
    """Build what rules match against, of a stored call: for explaining.

    Raises:
        NotFoundError: the store knows no such call, or it was not judged.
    """
    report = store.results.get(call_id)
    order_id = store.calls.find_order_id(call_id)
    earlier = _starts_before(order_id, report.started_at, store.calls.list_starts_by_order())
    return CallSnapshot.take(report, order_id).context(rule_book.ruleset.stages, earlier)


def _judged_anew(
    report: CallReport, order_id: str | None, rule_book: RuleBook, earlier: tuple[datetime, ...] | None
) -> CallReport:
    context = CallSnapshot.take(report, order_id).context(rule_book.ruleset.stages, earlier)
    active = [rule for rule in rule_book.ruleset.rules if rule.status is rules.Status.ACTIVE]
    judgement = rules.judge_context(active, context, rule_book.settings.score)
    kept = tuple(note for note in report.notes if note.code not in _OF_JUDGEMENT)
    return replace(
        report,
        findings=judgement.findings,
        score=judgement.score,
        scorecard=judgement.scorecard,
        risk=judgement.risk,
        notes=(*rule_book.notes, *kept, *judgement.notes),
    )


def _versions(store: Store, sha256: str) -> Mapping[str, str] | None:
    files = store.rule_sets.find(sha256)
    if files is None:
        return None
    try:
        return rules.load(rules.RuleFiles.from_texts(files, where="store")).versions
    except QareportError:  # kept by another version of the language: then every rule is matched again
        return None


def _snapshot_anew(store: Store, call: StoredCall) -> CallSnapshot | None:
    """Take a snapshot of a call that was judged before snapshots were kept, or in another form."""
    try:
        return CallSnapshot.take(store.results.get(call.call_id), call.order_id)
    except QareportError:
        return None


def _earlier(call: StoredCall, starts: Starts) -> tuple[datetime, ...] | None:
    began = datetime.fromisoformat(call.started_at) if call.started_at else None
    return _starts_before(call.order_id, began, starts)


def _starts_before(order_id: str | None, began: datetime | None, starts: Starts) -> tuple[datetime, ...] | None:
    if order_id is None or began is None:
        return None
    return tuple(sorted(start for start in map(datetime.fromisoformat, starts.get(order_id, ())) if start < began))
