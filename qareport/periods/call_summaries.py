"""Summarise judged calls: the summary of a call, the norms of a team, and the changes within an order (dossier)."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from qareport import privacy
from qareport.model import (
    ALARM_KINDS,
    GUESSED_SOURCES,
    MEASURES,
    NEGATIVE_EMOTIONS,
    NORM_MEASURES,
    TROUBLE_KINDS,
    CallChange,
    CallMetrics,
    CallReport,
    CallSummary,
    Dossier,
    Finding,
    MeasuredCall,
    MetricNorm,
    Moment,
    MomentKind,
    Note,
    NoteCode,
    OrderPromise,
    PersonalKind,
    Promise,
    PromiseOutcome,
    Role,
    RuleHit,
    SummaryMoment,
    SummaryPromise,
    TeamNorm,
)
from qareport.periods.scope import local_day
from qareport.search import dominant_emotion, shown_emotions

#: Weightiest moments that a summary keeps.
KEPT_MOMENTS = 5
#: Those that are kept besides: alarms, and what may be praised.
_ALWAYS_KEPT = frozenset((*ALARM_KINDS, MomentKind.RECOVERY))


def summarise_call(
    report: CallReport,
    order_id: str | None,
    *,
    kinds: Collection[PersonalKind] = privacy.ALL_KINDS,
    rules_sha256: str | None = None,
) -> CallSummary:
    """Keep what a period needs of one judged call.

    The complete report is masked first, because a number may be said over several sentences: a summary holds no
    personal data of the given kinds. Emotions: the negative ones that begin a moment, SILENCE where a moment carries
    one, IRONY. Troubled: any of these emotions, or a question asked again or left unanswered, a signal of
    churn or escalation, irony; recovered: such a call with a recovery, after which nothing negative follows
    (`analysis.act_moments`). Dominant emotion: the tag with the largest share of the customer's talk
    time among those that name an emotion.

    Args:
        report: as the rules judged it.
        order_id: the order that the call belongs to.
        kinds: personal data to mask; empty for a report that is masked already.
        rules_sha256: the rule set that judged it.
    """
    masked = privacy.mask_report(report, kinds) if kinds else report
    customer = masked.metrics.roles.get(Role.CUSTOMER) or masked.metrics.roles.get(Role.UNKNOWN)
    shares = {_interned(tag): share for tag, share in customer.emotion_shares.items()} if customer else {}
    codes = tuple(dict.fromkeys(_interned(note.code) for note in masked.notes))
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
        issues=tuple(_interned(issue.name) for issue in masked.issues),
        stages=tuple(_interned(stage.name) for stage in masked.stages),
        emotions=shown_emotions(masked.moments),
        emotion_shares=shares,
        dominant_emotion=dominant_emotion(shares),
        metrics=call_measures(masked.metrics),
        hits=tuple(_hit(finding) for finding in masked.findings),
        not_applicable=_not_applicable(masked),
        unbridged_silences=sum(
            moment.kind is MomentKind.SILENCE and moment.role is not Role.CUSTOMER for moment in masked.moments
        ),
        recovered=_recovered(masked.moments),
        moments=_weightiest(masked.moments),
        promises=tuple(
            SummaryPromise(
                at_ms=promise.at_ms,
                quote=promise.quote,
                action=_interned(promise.action),
                by=promise.by,
                due_at=promise.due_at,
            )
            for promise in masked.promises
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


def _interned(text: str) -> str:
    """Return the one copy of a name that thousands of summaries share."""
    return sys.intern(str(text))


def _recovered(moments: Iterable[Moment]) -> bool | None:
    troubled = recovered = False
    for moment in moments:
        troubled |= moment.kind in TROUBLE_KINDS or (
            moment.kind is MomentKind.EMOTION and not set(NEGATIVE_EMOTIONS).isdisjoint(moment.tags)
        )
        recovered |= moment.kind is MomentKind.RECOVERY
    return recovered if troubled else None


def _weightiest(moments: Iterable[Moment]) -> tuple[SummaryMoment, ...]:
    ranked = sorted(moments, key=lambda moment: (-moment.salience, moment.at_ms))
    kept = [moment for index, moment in enumerate(ranked) if index < KEPT_MOMENTS or moment.kind in _ALWAYS_KEPT]
    return tuple(
        SummaryMoment(
            at_ms=moment.at_ms,
            kind=moment.kind,
            role=moment.role,
            label_code=moment.label_code,
            label=_interned(moment.label),
            quote=moment.quote,
            issue=moment.issue,
            salience=moment.salience,
        )
        for moment in kept
    )


def _hit(finding: Finding) -> RuleHit:
    shown = next(
        (evidence for evidence in finding.evidence if evidence.quote and not evidence.quote.startswith("[")), None
    )
    return RuleHit(
        rule_id=_interned(finding.rule_id),
        title=_interned(finding.title),
        category=_interned(finding.category),
        severity=finding.severity,
        points=finding.points,
        fatal=finding.fatal,
        at_ms=finding.at_ms,
        role=shown.role if shown else Role.UNKNOWN,
        quote=shown.quote if shown else "",
        advice=_interned(finding.team_advice or finding.advice),
    )


def _not_applicable(report: CallReport) -> tuple[str, ...]:
    """Name the rules that say nothing of this call: no opportunity, or they could not be judged."""
    names = [
        name
        for category in (report.scorecard.categories if report.scorecard else ())
        for name in category.not_applicable
    ]
    return tuple(_interned(name) for name in (*names, *_stopped(report.notes)))


def _stopped(notes: Iterable[Note]) -> Iterable[str]:
    for note in notes:
        if note.code == NoteCode.RULES_NOT_JUDGED:
            yield from (name.strip() for name in note.values.get("rules", "").split(",") if name.strip())


def team_norm(calls: Iterable[CallSummary | MeasuredCall], time_zone: str) -> TeamNorm:
    """Find median and quartiles of each measure over the calls that have it.

    Quartiles: linear interpolation between order statistics (definition 7 of Hyndman and Fan 1996, the `inclusive`
    method of Python's statistics); of one call all three are its value. Calls outside the model's domain are left out:
    their words and speakers are not known.

    Args:
        calls: those of the team, usually of the days before the call that is compared.
        time_zone: IANA name of the zone in which `first` and `last` are days.
    """
    inside = [call for call in calls if not call.outside_domain]
    starts = [call.started_at for call in inside if call.started_at is not None]
    values: dict[str, list[float]] = {name: [] for name in NORM_MEASURES}
    for call in inside:
        for name, value in call.metrics.items():
            if name in values:
                values[name].append(value)
    return TeamNorm(
        first=local_day(min(starts), time_zone) if starts else None,
        last=local_day(max(starts), time_zone) if starts else None,
        calls=len(inside),
        metrics={name: _norm(measured) for name, measured in values.items() if measured},
    )


def _norm(values: list[float]) -> MetricNorm:
    lower = middle = upper = values[0]
    if len(values) > 1:
        lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return MetricNorm(n=len(values), lower_quartile=lower, median=middle, upper_quartile=upper)


def dossier(calls: Sequence[CallReport]) -> Dossier:
    """Compare each call with the one before it, and find the outcome of each promise.

    Only calls whose start is known can be put in order; others change nothing and confirm nothing. A call is about a
    promise when it shares an issue type with the call of the promise, or the same action is promised in it again: the
    rule of the daily ledger (docs/guide/daily-report.md). Nothing is measured against today's clock, so the same calls
    always give the same dossier.

    Args:
        calls: the calls of one order, masked already.
    """
    dated = sorted(
        ((call.started_at, call.call_id, call) for call in calls if call.started_at), key=lambda item: item[:2]
    )
    ordered = [call for *_, call in dated]
    undated = [call for call in calls if call.started_at is None]
    return Dossier(
        changes=tuple(_change(earlier, later) for earlier, later in pairwise(ordered)),
        promises=tuple(_outcome(call, promise, ordered) for call in (*ordered, *undated) for promise in call.promises),
    )


def _change(earlier: CallReport, later: CallReport) -> CallChange:
    before, now = ([issue.name for issue in call.issues] for call in (earlier, later))
    scores = None if later.score is None or earlier.score is None else later.score - earlier.score
    sentiment_before, sentiment_now = _sentiment(earlier), _sentiment(later)
    return CallChange(
        call_id=later.call_id,
        since_call_id=earlier.call_id,
        after_ms=_after_ms(earlier.started_at, later.started_at),
        score=scores,
        sentiment=None if sentiment_before is None or sentiment_now is None else sentiment_now - sentiment_before,
        same_issues=tuple(name for name in now if name in before),
        new_issues=tuple(name for name in now if name not in before),
        gone_issues=tuple(name for name in before if name not in now),
        other_agent=None not in (earlier.agent_id, later.agent_id) and earlier.agent_id != later.agent_id,
    )


def _after_ms(earlier: datetime | None, later: datetime | None) -> int | None:
    return None if earlier is None or later is None else round((later - earlier).total_seconds() * 1000)


def _sentiment(call: CallReport) -> float | None:
    customer = call.metrics.roles.get(Role.CUSTOMER.value)
    return customer.sentiment if customer else None


def _outcome(call: CallReport, promise: Promise, ordered: Sequence[CallReport]) -> OrderPromise:
    outcome, again = _judged(call, promise, ordered)
    return OrderPromise(
        call_id=call.call_id,
        at_ms=promise.at_ms,
        quote=promise.quote,
        action=promise.action,
        by=promise.by,
        due_at=promise.due_at,
        outcome=outcome,
        again_call_id=again.call_id if again else None,
    )


def _judged(
    call: CallReport, promise: Promise, ordered: Sequence[CallReport]
) -> tuple[PromiseOutcome, CallReport | None]:
    made_at, due_at = call.started_at, promise.due_at
    if made_at is None or due_at is None:
        return PromiseOutcome.UNDATED, None
    later = [
        (other, other.started_at) for other in ordered if other.started_at is not None and other.started_at > made_at
    ]
    again = [(other, at) for other, at in later if _is_about(other, call, promise)]
    late = next((other for other, at in again if at > due_at), None)
    if late is not None:
        return PromiseOutcome.BROKEN, late
    if again:
        return PromiseOutcome.ASKED_AGAIN, again[0][0]
    past = any(at > due_at for _, at in later)
    return (PromiseOutcome.UNCONFIRMED if past else PromiseOutcome.OPEN), None


def _is_about(later: CallReport, call: CallReport, promise: Promise) -> bool:
    again = any(other.action == promise.action for other in later.promises)
    return again or not {issue.name for issue in call.issues}.isdisjoint(issue.name for issue in later.issues)
