"""One judged call to its digest."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping

from qareport import privacy
from qareport.model import (
    ALARM_KINDS,
    GUESSED_SOURCES,
    MEASURES,
    NEGATIVE_EMOTIONS,
    NORM_MEASURES,
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    TAG_IRONY,
    TROUBLE_KINDS,
    CallMetrics,
    CallReport,
    CallSummary,
    Emotion,
    Finding,
    Moment,
    MomentKind,
    Note,
    NoteCode,
    PersonalKind,
    Role,
    RuleHit,
    SummaryMoment,
    SummaryPromise,
)

#: Weightiest moments that a digest keeps.
KEPT_MOMENTS = 5
#: Tags that say that no emotion is known.
_NO_EMOTION = frozenset({Emotion.EMO_UNKNOWN.value, Emotion.OTHER.value, STATE_NOT_JUDGED})


def summarise_call(
    report: CallReport,
    order_id: str | None,
    *,
    kinds: Collection[PersonalKind] = privacy.ALL_KINDS,
    rules_sha256: str | None = None,
) -> CallSummary:
    """Keep what a period needs of one judged call.

    The report is masked first, whole, because a number may be said over several sentences: a digest holds no personal
    data of the given kinds. What the customer felt: the negative emotions that begin a moment, SILENCE where a moment
    carries one, IRONY. Troubled: any of these emotions, or a question asked again or left unanswered, a signal of
    churn or escalation, irony; recovered: such a call with a recovery, after which nothing negative follows
    (`analysis.feelings.recovery_moments`). Dominant emotion: the tag with the largest share of the customer's talk
    time among those that name an emotion.

    Args:
        report: as the rules judged it.
        order_id: the order that the call belongs to.
        kinds: personal data to mask; empty for a report that is masked already.
        rules_sha256: the rule set that judged it.
    """
    masked = privacy.mask_report(report, kinds) if kinds else report
    customer = masked.metrics.roles.get(Role.CUSTOMER) or masked.metrics.roles.get(Role.UNKNOWN)
    shares = {_kept(tag): share for tag, share in customer.emotion_shares.items()} if customer else {}
    codes = tuple(dict.fromkeys(_kept(note.code) for note in masked.notes))
    return CallSummary(
        call_id=masked.call_id,
        order_id=order_id,
        agent_id=masked.agent_id,
        started_at=masked.started_at,
        customer_phone=masked.customer_phone,
        duration_ms=masked.metrics.duration_ms,
        score=masked.score,
        passed=masked.scorecard.passed if masked.scorecard else None,
        risk=masked.risk,
        issues=tuple(_kept(one.name) for one in masked.issues),
        stages=tuple(_kept(one.name) for one in masked.stages),
        feelings=_feelings(masked.moments),
        emotion_shares=shares,
        dominant_emotion=_dominant(shares),
        metrics=call_measures(masked.metrics),
        hits=tuple(_hit(finding) for finding in masked.findings),
        not_applicable=_not_applicable(masked),
        unbridged_silences=sum(moment.kind is MomentKind.SILENCE for moment in masked.moments),
        recovered=_recovered(masked.moments),
        moments=_weightiest(masked.moments),
        promises=tuple(
            SummaryPromise(at_ms=one.at_ms, quote=one.quote, action=_kept(one.action), by=one.by, due_at=one.due_at)
            for one in masked.promises
        ),
        trend=masked.metrics.trend,
        model=masked.model,
        unknown_emotion_share=masked.metrics.unknown_emotion_share,
        outside_domain=NoteCode.OUTSIDE_MODEL_DOMAIN in codes,
        roles_guessed=any(segment.role_source in GUESSED_SOURCES for segment in masked.segments),
        notes=codes,
        rules_sha256=rules_sha256,
    )


def call_measures(metrics: CallMetrics) -> dict[str, float]:
    """Return the measures of one call that norms compare, by the names of `NORM_MEASURES`.

    A measure that there was nothing to take from is absent: an unanswered call has no response delay.
    """
    values = ((name, MEASURES[name].of(metrics)) for name in NORM_MEASURES)
    return {name: float(value) for name, value in values if value is not None}


def _kept(text: str) -> str:
    """Keep one copy of a name that thousands of digests share."""
    return sys.intern(str(text))


def _feelings(moments: Iterable[Moment]) -> tuple[str, ...]:
    felt: set[str] = set()
    for moment in moments:
        if moment.kind is MomentKind.EMOTION:
            felt.update(moment.tags)
        elif moment.kind is MomentKind.IRONY:
            felt.add(TAG_IRONY)
        if STATE_SILENCE in moment.tags or moment.kind is MomentKind.SILENCE:
            felt.add(STATE_SILENCE)
    return tuple(str(tag) for tag in (*NEGATIVE_EMOTIONS, STATE_SILENCE, TAG_IRONY) if tag in felt)


def _dominant(shares: Mapping[str, float]) -> str | None:
    named = {tag: share for tag, share in shares.items() if tag not in _NO_EMOTION and share > 0}
    return max(named, key=lambda tag: (named[tag], tag)) if named else None


def _recovered(moments: Iterable[Moment]) -> bool | None:
    troubled = recovered = False
    for moment in moments:
        troubled |= moment.kind in TROUBLE_KINDS or (
            moment.kind is MomentKind.EMOTION and not set(NEGATIVE_EMOTIONS).isdisjoint(moment.tags)
        )
        recovered |= moment.kind is MomentKind.RECOVERY
    return recovered if troubled else None


def _weightiest(moments: Iterable[Moment]) -> tuple[SummaryMoment, ...]:
    ranked = sorted(moments, key=lambda one: (-one.salience, one.at_ms))
    kept = [one for index, one in enumerate(ranked) if index < KEPT_MOMENTS or one.kind in ALARM_KINDS]
    return tuple(
        SummaryMoment(
            at_ms=one.at_ms,
            kind=one.kind,
            role=one.role,
            label_code=one.label_code,
            label=_kept(one.label),
            quote=one.quote,
            issue=one.issue,
            salience=one.salience,
        )
        for one in kept
    )


def _hit(finding: Finding) -> RuleHit:
    shown = next((one for one in finding.evidence if one.quote and not one.quote.startswith("[")), None)
    return RuleHit(
        rule_id=_kept(finding.rule_id),
        title=_kept(finding.title),
        category=_kept(finding.category),
        severity=finding.severity,
        points=finding.points,
        fatal=finding.fatal,
        at_ms=finding.at_ms,
        role=shown.role if shown else Role.UNKNOWN,
        quote=shown.quote if shown else "",
        advice=_kept(finding.advice),
    )


def _not_applicable(report: CallReport) -> tuple[str, ...]:
    """Name the rules that say nothing of this call: no opportunity, or they could not be judged."""
    idle = [name for one in (report.scorecard.categories if report.scorecard else ()) for name in one.not_applicable]
    return tuple(_kept(name) for name in (*idle, *_stopped(report.notes)))


def _stopped(notes: Iterable[Note]) -> Iterable[str]:
    for note in notes:
        if note.code == NoteCode.RULES_NOT_JUDGED:
            yield from (name.strip() for name in note.values.get("rules", "").split(",") if name.strip())
