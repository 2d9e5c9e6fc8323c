"""The verdict on one call: findings with evidence and advice, a score, a risk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from qareport.model import (
    ALARM_KINDS,
    Analysis,
    Finding,
    Judgement,
    Moment,
    MomentKind,
    Note,
    NoteCode,
    Risk,
    Severity,
    Transcript,
)
from qareport.rules.match_context import Hit, Scene
from qareport.rules.rule import Occurrence, Rule, RuleSet, Status
from qareport.rules.scorecard import score_card
from qareport.settings import ScoreSettings

_ACTIVE = frozenset({Status.ACTIVE})


def judge(
    ruleset: RuleSet,
    transcript: Transcript,
    analysis: Analysis,
    score: ScoreSettings,
    *,
    statuses: Collection[Status] = _ACTIVE,
    earlier: tuple[datetime, ...] | None = None,
) -> Judgement:
    """Match rules against one call.

    Args:
        ruleset: the rules.
        transcript: the call.
        analysis: what was found in that transcript.
        score: where the score starts, what limits it and what makes a risk.
        statuses: only rules of these count.
        earlier: when the earlier calls of the order began; None: not known.

    Returns:
        Findings in order of time, and the score as the scorecard adds it up; None when nobody speaks, because then
        nothing could be judged.
    """
    scene = Scene.of(transcript, analysis, earlier=earlier, stages=ruleset.stages)
    return judge_scene([rule for rule in ruleset.rules if rule.status in statuses], scene, score)


def judge_scene(rules: Iterable[Rule], scene: Scene, score: ScoreSettings) -> Judgement:
    """Match rules against a call that is laid out already. See `judge`."""
    if not scene.spoken:
        return Judgement(findings=(), score=None, risk=Risk.LOW)
    began = scene.transcript.started_at
    findings: list[Finding] = []
    judged: list[tuple[str, str]] = []
    idle: list[tuple[str, str]] = []
    stopped: list[str] = []
    for rule in rules:
        if not rule.in_effect(began.date() if began else None):
            continue
        try:
            found = match(rule, scene)
        except TimeoutError:  # a regular expression of the rule: what could not be judged is told, and costs nothing
            stopped.append(rule.id)
            continue
        (idle if found is None else judged).append((rule.category, rule.id))
        findings += found or ()
    findings.sort(key=lambda one: (one.at_ms, one.rule_id))
    card = score_card(findings, judged, idle, score)
    return Judgement(
        findings=tuple(findings),
        score=card.score,
        risk=_risk(card.score, findings, scene.analysis.moments, score),
        scorecard=card,
        notes=(Note(code=NoteCode.RULES_NOT_JUDGED, values={"rules": ", ".join(stopped)}),) if stopped else (),
    )


def match(rule: Rule, scene: Scene) -> list[Finding] | None:
    """Match one rule: its first hit, or with `occurrence: every` each; None when the rule is not applicable."""
    if rule.applies_when is not None and rule.applies_when.first(scene) is None:
        return None
    if rule.occurrence is Occurrence.ONCE:
        hit = rule.when.first(scene)
        return [] if hit is None else [_finding(rule, hit, scene)]
    return [_finding(rule, hit, scene) for hit in rule.when.find(scene)]


def _finding(rule: Rule, hit: Hit, scene: Scene) -> Finding:
    said = next((one.quote for one in hit.evidence if one.quote and one.quote[0] != "["), None)
    span_ms = hit.span_ms if hit.span_ms is not None else hit.end_ms - hit.at_ms
    order_id = scene.transcript.order_id
    advice = rule.advice_for(scene.stage)
    return Finding(
        rule_id=rule.id,
        rule_version=rule.version,
        title=rule.title,
        category=rule.category,
        severity=rule.severity,
        at_ms=hit.at_ms,
        evidence=hit.evidence,
        advice=advice.render(quote=said, topic=hit.topic, seconds=f"{span_ms / 1000:.1f}", order_id=order_id),
        points=rule.points,
        moment=rule.moment,
        fatal=rule.fatal,
    )


def _risk(value: int, findings: Sequence[Finding], moments: Sequence[Moment], score: ScoreSettings) -> Risk:
    """Weigh how likely the order or the customer is lost.

    High: a score below `high_risk_below`, a critical or fatal finding, or a signal of churn or escalation that no
    recovery follows. Medium: a score below `medium_risk_below`, a major finding, or such a signal with a recovery
    after it. Else low.
    """
    alarms = [moment.at_ms for moment in moments if moment.kind in ALARM_KINDS]
    recoveries = [moment.at_ms for moment in moments if moment.kind is MomentKind.RECOVERY]
    open_alarm = bool(alarms) and max(alarms) >= max(recoveries, default=-1)
    severities = {finding.severity for finding in findings}
    fatal = any(finding.fatal for finding in findings)
    if value < score.high_risk_below or Severity.CRITICAL in severities or open_alarm or fatal:
        return Risk.HIGH
    if value < score.medium_risk_below or Severity.MAJOR in severities or alarms:
        return Risk.MEDIUM
    return Risk.LOW
