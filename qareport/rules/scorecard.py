"""The scorecard: every point that counts, traceable to the finding that took or gave it.

Where points come from: `points:` of a rule (`rule_schema.RuleForm.points`) become `Finding.points` when the rule hits,
and this module adds them up:

    score = start + sum over categories of the points that count, kept within 0 … total
    of a category no more than its `limit` is lost, in order of time; gains and fatal findings have no limit
    one fatal finding: score no higher than `fatal_score`, and not passed
    passed = score >= `pass_score`

`start`, `total`, `limit`, `fatal_score` and `pass_score` are `ScoreSettings` (`score:` in qareport.yaml).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from qareport.model import CategoryScore, Finding, Scorecard, ScoreItem
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
