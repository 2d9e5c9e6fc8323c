"""Replays over the store: reading what is kept, comparing, and on request making the new judgement count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from qareport import periods, rules
from qareport.codec import from_json
from qareport.errors import QareportError
from qareport.model import CallReport, Transcript
from qareport.rules import Packed, StoredJudgement
from qareport.store import Store, StoredCall
from qareport.workflows import judge
from qareport.workflows.rule_book import RuleBook

#: When the calls of each order began, as the store writes it.
Starts = Mapping[str, list[str]]


def stored_judgements(store: Store, since: datetime | None = None) -> Iterator[StoredJudgement | None]:
    """Walk through what is stored, in the form a replay takes; None for a call that cannot be read."""
    starts = store.starts_by_order()
    versions: dict[str, Mapping[str, str] | None] = {}
    for call in store.judged_calls(since):
        if call.rules_sha256 not in versions:
            versions[call.rules_sha256] = _versions(store, call.rules_sha256)
        packed = Packed.read(call.scene) if call.scene is not None else None
        packed = packed or _packed_anew(store, call)
        if packed is None:
            yield None
            continue
        yield StoredJudgement(
            packed=packed,
            order_id=call.order_id,
            versions=versions[call.rules_sha256],
            earlier=partial(_earlier, call, starts),
        )


def apply(store: Store, rule_book: RuleBook, since: datetime | None = None) -> int:
    """Judge every stored call anew from what was found in it, and make that its result. Returns how many.

    Results that were there before stay in the store with the hash of their rule set.
    """
    starts = store.starts_by_order()
    store.put_rule_set(rule_book.ruleset.sha256, rule_book.ruleset.files)
    calls = [call for call in store.judged_calls(since) if call.rules_sha256 != rule_book.ruleset.sha256]
    for call in calls:
        report = _judged_anew(store.report_of_call(call.call_id), call, rule_book, _earlier(call, starts))
        key = judge.replay_key(call.key, rule_book)
        scene = rules.pack(report, call.order_id)
        store.replace_report(
            call.call_id,
            key,
            report,
            rules_sha256=rule_book.ruleset.sha256,
            scene=scene,
            digest=periods.summarise_call(report, call.order_id, rules_sha256=rule_book.ruleset.sha256),
        )
    return len(calls)


def transcript_of(report: CallReport, order_id: str | None) -> Transcript:
    """Return what was heard in a judged call."""
    return Transcript(
        call_id=report.call_id,
        order_id=order_id,
        agent_id=report.agent_id,
        started_at=report.started_at,
        audio=report.audio,
        model=report.model,
        segments=report.segments,
    )


def scene_of(store: Store, call_id: str, rule_book: RuleBook) -> rules.Scene:
    """Lay out a stored call for explaining.

    Raises:
        NotFoundError: the store knows no such call, or it was not judged.
    """
    report = store.report_of_call(call_id)
    order_id = store.order_of_call(call_id)
    packed = Packed.read(rules.pack(report, order_id))
    if packed is None:
        raise QareportError("a scene was packed in another form than it is read", where=call_id)
    starts = store.starts_by_order()
    earlier = _starts_before(order_id, report.started_at, starts)
    return packed.scene(rule_book.ruleset.stages, earlier)


def _judged_anew(
    report: CallReport, call: StoredCall, rule_book: RuleBook, earlier: tuple[datetime, ...] | None
) -> CallReport:
    packed = Packed.read(rules.pack(report, call.order_id))
    if packed is None:
        return report
    scene = packed.scene(rule_book.ruleset.stages, earlier)
    active = [rule for rule in rule_book.ruleset.rules if rule.status is rules.Status.ACTIVE]
    judged = rules.judge_scene(active, scene, rule_book.settings.score)
    kept = tuple(note for note in report.notes if note.code not in ("rules_last_good", "rules_not_judged"))
    return replace(
        report,
        findings=judged.findings,
        score=judged.score,
        scorecard=judged.scorecard,
        risk=judged.risk,
        notes=(*rule_book.notes, *kept, *judged.notes),
    )


def _versions(store: Store, sha256: str) -> Mapping[str, str] | None:
    files = store.find_rule_set(sha256)
    if files is None:
        return None
    try:
        return rules.load_files({name: text.encode() for name, text in files.items()}, where="store").versions
    except QareportError:  # kept by another version of the language: then every rule is matched again
        return None


def _packed_anew(store: Store, call: StoredCall) -> Packed | None:
    """Pack a call that was judged before scenes were kept, or in another form."""
    try:
        report = from_json(CallReport, store.report_text(call.key), where=call.call_id)
        return Packed.read(rules.pack(report, call.order_id))
    except QareportError:
        return None


def _earlier(call: StoredCall, starts: Starts) -> tuple[datetime, ...] | None:
    began = datetime.fromisoformat(call.started_at) if call.started_at else None
    return _starts_before(call.order_id, began, starts)


def _starts_before(order_id: str | None, began: datetime | None, starts: Starts) -> tuple[datetime, ...] | None:
    if order_id is None or began is None:
        return None
    return tuple(sorted(one for one in map(datetime.fromisoformat, starts.get(order_id, ())) if one < began))
