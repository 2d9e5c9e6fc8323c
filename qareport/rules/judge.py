"""The verdict on one call: findings with evidence and advice, a score, a risk."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from qareport.model import Analysis, Finding, Judgement, Note, Risk, Transcript
from qareport.rules.match_context import ConditionHit, MatchContext
from qareport.rules.risk import assess_risk
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
    context = MatchContext.of(transcript, analysis, earlier=earlier, stages=ruleset.stages)
    return judge_context([rule for rule in ruleset.rules if rule.status in statuses], context, score)


def judge_context(rules: Iterable[Rule], context: MatchContext, score: ScoreSettings) -> Judgement:
    """Match rules against a call whose match context exists already. See `judge`."""
    if not context.spoken:
        return Judgement(findings=(), score=None, risk=Risk.LOW)
    began = context.transcript.started_at
    findings: list[Finding] = []
    judged: list[tuple[str, str]] = []
    idle: list[tuple[str, str]] = []
    stopped: list[str] = []
    for rule in rules:
        if not rule.in_effect(began.date() if began else None):
            continue
        try:
            hits = match(rule, context)
        except TimeoutError:  # a regular expression of the rule: what could not be judged is noted, and costs nothing
            stopped.append(rule.id)
            continue
        (idle if hits is None else judged).append((rule.category, rule.id))
        findings += hits or ()
    findings.sort(key=lambda finding: (finding.at_ms, finding.rule_id))
    card = score_card(findings, judged, idle, score)
    return Judgement(
        findings=tuple(findings),
        score=card.score,
        risk=assess_risk(card.score, findings, context.analysis.moments, score).risk,
        scorecard=card,
        notes=(Note(code="rules_not_judged", values={"rules": ", ".join(stopped)}),) if stopped else (),
    )


def match(rule: Rule, context: MatchContext) -> list[Finding] | None:
    """Match one rule: its first hit, or with `occurrence: every` each; None when the rule is not applicable."""
    if rule.applies_when is not None and rule.applies_when.first(context) is None:
        return None
    if rule.occurrence is Occurrence.ONCE:
        hit = rule.when.first(context)
        return [] if hit is None else [_finding(rule, hit, context)]
    return [_finding(rule, hit, context) for hit in rule.when.find(context)]


def _finding(rule: Rule, hit: ConditionHit, context: MatchContext) -> Finding:
    quote = next((evidence.quote for evidence in hit.evidence if evidence.quote and evidence.quote[0] != "["), None)
    span_ms = hit.span_ms if hit.span_ms is not None else hit.end_ms - hit.at_ms
    order_id = context.transcript.order_id
    advice = rule.advice_for(context.stage)
    return Finding(
        rule_id=rule.id,
        rule_version=rule.version,
        title=rule.title,
        category=rule.category,
        severity=rule.severity,
        at_ms=hit.at_ms,
        evidence=hit.evidence,
        advice=advice.render(quote=quote, topic=hit.topic, seconds=f"{span_ms / 1000:.1f}", order_id=order_id),
        points=rule.points,
        moment=rule.moment,
        fatal=rule.fatal,
    )
