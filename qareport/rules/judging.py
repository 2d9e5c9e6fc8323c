"""The verdict on one call: findings with evidence and advice, a score, a risk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from qareport.model import (
    Analysis,
    Finding,
    Judgement,
    Moment,
    MomentKind,
    Risk,
    Severity,
    Transcript,
)
from qareport.rules.rule import Occurrence, Rule, RuleSet, Status
from qareport.rules.scene import SILENCE_QUOTE, Hit, Scene
from qareport.settings import ScoreSettings

LOWEST, HIGHEST = 0, 100
_ACTIVE = frozenset({Status.ACTIVE})
#: Moments that put an order or a customer at risk by themselves.
_ALARMS = frozenset({MomentKind.CHURN_SIGNAL, MomentKind.ESCALATION})


def judge(
    ruleset: RuleSet,
    transcript: Transcript,
    analysis: Analysis,
    score: ScoreSettings,
    *,
    statuses: Collection[Status] = _ACTIVE,
) -> Judgement:
    """Match rules against one call.

    Args:
        ruleset: the rules.
        transcript: the call.
        analysis: what was found in that transcript.
        score: where the score starts and what makes a risk.
        statuses: only rules of these count.

    Returns:
        Findings in order of time. The score is `start` plus the points of all findings, held within 0 … 100; None when
        nobody speaks, because then nothing could be judged.
    """
    scene = Scene.of(transcript, analysis)
    if not scene.spoken:
        return Judgement(findings=(), score=None, risk=Risk.LOW)
    rules = (rule for rule in ruleset.rules if rule.status in statuses)
    findings = sorted(
        (finding for rule in rules for finding in match(rule, scene)), key=lambda one: (one.at_ms, one.rule_id)
    )
    total = score.start + sum(finding.points for finding in findings)
    value = max(LOWEST, min(HIGHEST, total))
    return Judgement(findings=tuple(findings), score=value, risk=_risk(value, findings, analysis.moments, score))


def match(rule: Rule, scene: Scene) -> Iterator[Finding]:
    """Match one rule: its first hit, or with `occurrence: every` each."""
    for hit in rule.when.find(scene):
        yield _finding(rule, hit, scene.transcript.order_id)
        if rule.occurrence is Occurrence.ONCE:
            return


def _finding(rule: Rule, hit: Hit, order_id: str | None) -> Finding:
    said = next((one.quote for one in hit.evidence if one.quote and one.quote != SILENCE_QUOTE), None)
    span_ms = hit.span_ms if hit.span_ms is not None else hit.end_ms - hit.at_ms
    return Finding(
        rule_id=rule.id,
        rule_version=rule.version,
        title=rule.title,
        category=rule.category,
        severity=rule.severity,
        at_ms=hit.at_ms,
        evidence=hit.evidence,
        advice=rule.advice.render(quote=said, topic=hit.topic, seconds=f"{span_ms / 1000:.1f}", order_id=order_id),
        points=rule.points,
        moment=rule.moment,
    )


def _risk(value: int, findings: Sequence[Finding], moments: Sequence[Moment], score: ScoreSettings) -> Risk:
    """Weigh how likely the order or the customer is lost.

    High: a score below `high_risk_below`, a critical finding, or a signal of churn or escalation that no recovery
    follows. Medium: a score below `medium_risk_below`, a major finding, or such a signal with a recovery after it.
    Else low.
    """
    alarms = [moment.at_ms for moment in moments if moment.kind in _ALARMS]
    recoveries = [moment.at_ms for moment in moments if moment.kind is MomentKind.RECOVERY]
    open_alarm = bool(alarms) and max(alarms) >= max(recoveries, default=-1)
    severities = {finding.severity for finding in findings}
    if value < score.high_risk_below or Severity.CRITICAL in severities or open_alarm:
        return Risk.HIGH
    if value < score.medium_risk_below or Severity.MAJOR in severities or alarms:
        return Risk.MEDIUM
    return Risk.LOW
