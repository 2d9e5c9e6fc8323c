"""Rules matched against one call, and its scorecard.

Where points come from: `points:` of a rule (`loader.RuleForm.points`) become `Finding.points` when the rule hits,
and this module adds them up:

    score = start + sum over categories of the points that count, kept within 0 … total
    a sentence costs once: of several findings on it the heaviest counts (`fairness`)
    a rule costs no more than its `most`
    of a category no more than its `limit` is lost, in order of time; gains and fatal findings have no limit
    one fatal finding: score no higher than `fatal_score`, and not passed
    passed = score >= `pass_score`

`start`, `total`, `limit`, `fatal_score` and `pass_score` are `ScoreSettings` (`score:` in qareport.yaml).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, tzinfo

from qareport.model import (
    Analysis,
    CategoryScore,
    Finding,
    Judgement,
    Note,
    NoteCode,
    Risk,
    Role,
    Scorecard,
    ScoreItem,
    Transcript,
)
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.fairness import charge_once, limit_rules, without_untimely_praise
from qareport.rules.match_context import MatchContext
from qareport.rules.risk import assess_risk
from qareport.rules.rule import Occurrence, Rule, RuleSet, RuleStatus
from qareport.settings import ScoreSettings


def score_card(
    findings: Sequence[Finding],
    judged: Iterable[tuple[str, str]],
    not_applicable: Iterable[tuple[str, str]],
    settings: ScoreSettings,
) -> Scorecard:
    """Add up the findings of one call.

    Args:
        findings: in order of time; that order decides which of them a category's limit still counts.
        judged: category and id of each rule that was judged.
        not_applicable: the same of each rule that had no opportunity.
        settings: start, total, limits and thresholds.
    """
    categories = _categories(findings, judged, not_applicable, settings)
    fatal = tuple(dict.fromkeys(finding.rule_id for finding in findings if finding.fatal))
    score = max(0, min(settings.total, settings.start + sum(category.points for category in categories)))
    score = min(score, settings.fatal_score) if fatal else score
    return Scorecard(
        start=settings.start,
        total=settings.total,
        score=score,
        passed=not fatal and score >= settings.pass_score,
        fatal=fatal,
        categories=categories,
    )


def _categories(
    findings: Sequence[Finding],
    judged: Iterable[tuple[str, str]],
    not_applicable: Iterable[tuple[str, str]],
    settings: ScoreSettings,
) -> tuple[CategoryScore, ...]:
    judged_in = Counter(category for category, _ in judged)
    idle: dict[str, list[str]] = {}
    for category, rule_id in not_applicable:
        idle.setdefault(category, []).append(rule_id)
    limits = {category.name: category.limit for category in settings.categories}
    names = dict.fromkeys([*limits, *judged_in, *idle, *(finding.category for finding in findings)])
    categories = []
    for name in names:
        items = _items([finding for finding in findings if finding.category == name], limits.get(name))
        categories.append(
            CategoryScore(
                name=name,
                limit=limits.get(name),
                points=sum(item.counted for item in items),
                items=items,
                judged=judged_in[name],
                not_applicable=tuple(idle.get(name, ())),
            )
        )
    return tuple(categories)


def _items(findings: Iterable[Finding], limit: int | None) -> tuple[ScoreItem, ...]:
    """Count each finding's points until the category has lost its limit. A fatal finding has no limit."""
    items, lost = [], 0
    for finding in findings:
        counted = finding.points
        if counted < 0 and limit is not None and not finding.fatal:
            counted = -min(-counted, limit - lost)
            lost -= counted
        items.append(ScoreItem(rule_id=finding.rule_id, at_ms=finding.at_ms, points=finding.points, counted=counted))
    return tuple(items)


_ACTIVE = frozenset({RuleStatus.ACTIVE})


def judge(
    ruleset: RuleSet,
    transcript: Transcript,
    analysis: Analysis,
    score: ScoreSettings,
    *,
    statuses: Collection[RuleStatus] = _ACTIVE,
    earlier: tuple[datetime, ...] | None = None,
    time_zone: tzinfo | None = None,
) -> Judgement:
    """Match rules against one call.

    Args:
        ruleset: the rules.
        transcript: the call.
        analysis: what was found in that transcript.
        score: where the score starts and what limits it.
        statuses: only rules of these count.
        earlier: when the earlier calls of the order began; None: not known.
        time_zone: by whose clock days and hours count; None: by that of the call's own start.

    Returns:
        Findings in order of time, and the score as the scorecard adds it up; None when nobody speaks, or when too many
        sentences have no known speaker (`unknown_speakers` of the settings, with a note).
    """
    context = MatchContext.of(transcript, analysis, earlier=earlier, stages=ruleset.stages, time_zone=time_zone)
    return judge_context([rule for rule in ruleset.rules if rule.status in statuses], context, score)


def judge_context(rules: Iterable[Rule], context: MatchContext, score: ScoreSettings) -> Judgement:
    """Match rules against a call whose match context exists already. See `judge`."""
    if not context.spoken:
        return Judgement(findings=(), score=None, risk=Risk.LOW)
    findings: list[Finding] = []
    judged: list[tuple[str, str]] = []
    idle: list[tuple[str, str]] = []
    stopped: list[str] = []
    day = context.day
    most: dict[str, int] = {}
    for rule in rules:
        if not rule.in_effect(day):
            continue
        try:
            hits = match(rule, context)
        except TimeoutError:  # a regular expression of the rule: what could not be judged is noted, and costs nothing
            stopped.append(rule.id)
            continue
        if rule.most is not None:
            most[rule.id] = rule.most
        (idle if hits is None else judged).append((rule.category, rule.id))
        findings += hits or ()
    findings.sort(key=lambda finding: (finding.at_ms, finding.rule_id))
    findings = limit_rules(charge_once(without_untimely_praise(findings, context)), most)
    notes = [Note(code=NoteCode.RULES_NOT_JUDGED, values={"rules": ", ".join(stopped)})] if stopped else []
    unknown = sum(segment.role is Role.UNKNOWN for segment in context.spoken) / len(context.spoken)
    if unknown > score.unknown_speakers:
        notes.append(Note(code=NoteCode.NOT_SCORED_SPEAKERS, values={"share": f"{unknown:.2f}"}))
    card = None if unknown > score.unknown_speakers else score_card(findings, judged, idle, score)
    assessed = assess_risk(findings, context.analysis.moments, context.spoken)
    return Judgement(
        findings=tuple(findings),
        score=card.score if card is not None else None,
        risk=assessed.risk,
        risk_reasons=assessed.reasons,
        scorecard=card,
        notes=tuple(notes),
    )


def match(rule: Rule, context: MatchContext) -> list[Finding] | None:
    """Match one rule: its first hit, or with `occurrence: every` each; None when the rule is not applicable."""
    if rule.applies_when is not None and rule.applies_when.first(context) is None:
        return None
    if rule.occurrence is Occurrence.ONCE:
        hit = rule.when.first(context)
        return [] if hit is None else [finding_of(rule, hit, context)]
    return [finding_of(rule, hit, context) for hit in rule.when.find(context)]


def finding_of(rule: Rule, hit: ConditionHit, context: MatchContext) -> Finding:
    """Word a hit of a rule."""
    quote = next((evidence.quote for evidence in hit.evidence if evidence.quote and evidence.quote[0] != "["), None)
    span_ms = hit.span_ms if hit.span_ms is not None else hit.end_ms - hit.at_ms
    order_id = context.transcript.order_id
    advice = rule.advice_for(context.stage)
    text = advice.render(quote=quote, topic=hit.topic, seconds=f"{span_ms / 1000:.1f}", order_id=order_id)
    return Finding(
        rule_id=rule.id,
        rule_version=rule.version,
        title=rule.title,
        category=rule.category,
        severity=rule.severity,
        at_ms=hit.at_ms if hit.opening_ms is None else hit.opening_ms,
        evidence=hit.evidence,
        advice="" if rule.points > 0 else text,
        team_advice="" if rule.points > 0 else advice.for_team(hit.topic),
        praise=text if rule.points > 0 else "",
        points=rule.points,
        moment=rule.moment,
        fatal=rule.fatal,
    )
