"""The scorecard of a call as rows to print: only categories in which something happened, the others in a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from qareport.model import CallReport, CallReview, CategoryScore, Finding
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import _, plural
from qareport.report.order import key_moments
from qareport.report.order.key_moments import Candidate
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import Deduction, ScoreGroup


def groups(call: CallReport, speakers: Speakers, chosen: Sequence[Candidate]) -> tuple[ScoreGroup, ...]:
    """Word every category in which hits count; a report without a scorecard has those of its hits."""
    card = call.scorecard
    categories = card.categories if card else tuple(_bare(call.findings))
    hits = [finding for finding in call.findings if finding.covered_by is None]
    hit = {finding.category for finding in hits}
    return tuple(_group(category, hits, speakers, chosen) for category in categories if category.name in hit)


def rest(call: CallReport) -> str:
    """Say in a line what the table leaves out.

    Rules that hit a sentence which another rule counts; categories in which nothing happened; how many rules had no
    opportunity.
    """
    covered = list(dict.fromkeys(finding.title for finding in call.findings if finding.covered_by is not None))
    parts = []
    if covered:
        names, count = wording.listed(map(wording.quoted, covered)), len(covered)
        parts.append(plural("一句话只计一次分，另有{count}条规则也命中：{names}", count, count=count, names=names))
    if call.scorecard is not None:
        hit = {finding.category for finding in call.findings}
        quiet = [
            wording.capital(_category(category.name))
            for category in call.scorecard.categories
            if category.name not in hit
        ]
        idle = sum(len(category.not_applicable) for category in call.scorecard.categories)
        parts += [_("其余类别没有命中：{names}").format(names=wording.listed(quiet))] if quiet else []
        parts += [plural("{count}条规则没有机会出现，不扣分也不加分", idle, count=idle)] if idle else []
    return wording.capital(_("{text}。").format(text=wording.clauses(parts))) if parts else ""


def _bare(findings: Sequence[Finding]) -> Iterator[CategoryScore]:
    for name in dict.fromkeys(finding.category for finding in findings):
        points = sum(finding.points for finding in findings if finding.category == name)
        yield CategoryScore(name=name, points=points, judged=0)


def _category(name: str) -> str:
    return topic_wording.named(name) or _("未分类")


def _group(
    category: CategoryScore, findings: Sequence[Finding], speakers: Speakers, chosen: Sequence[Candidate]
) -> ScoreGroup:
    counted = {(item.rule_id, item.at_ms): item.counted for item in category.items}
    hits = tuple(
        _hit(finding, counted.get((finding.rule_id, finding.at_ms)), key_moments.deduction(finding, speakers, chosen))
        for finding in findings
        if finding.category == category.name
    )
    limit = "" if category.limit is None else plural("最多扣{points}分", category.limit, points=category.limit)
    return ScoreGroup(name=_category(category.name), points=wording.points(category.points), limit=limit, hits=hits)


def _hit(finding: Finding, counted: int | None, hit: Deduction) -> Deduction:
    if finding.fatal:
        return dataclasses.replace(hit, points=_("一票否决"))
    if counted is None or counted == finding.points:
        return hit
    return dataclasses.replace(hit, counted=_("封顶后计{points}").format(points=wording.points(counted)))


def score_line(call: CallReport, review: CallReview | None = None) -> str:
    """Say where the score began and ended, and whether the call passed, before and after its review.

    Nothing without a scorecard.
    """
    card = call.scorecard
    if card is None:
        return ""
    titles = {finding.rule_id: finding.title for finding in call.findings}
    names = wording.listed(titles.get(rule_id, rule_id) for rule_id in card.fatal)
    fatal = _("一票否决：{rules}。").format(rules=names) if names else ""
    points = sum(category.points for category in card.categories)
    counted = _("各类合计{points}").format(points=wording.points(points)) if points else _("没有扣分")
    total = _("起始{start}分，{counted}，得{score}分（满分{total}分），{passed}。").format(
        start=card.start,
        counted=counted,
        score=card.score,
        total=card.total,
        passed=_("合格") if card.passed else _("不合格"),
    )
    return total + fatal + (review_line(review) if review else "")


def review_line(review: CallReview) -> str:
    """Say who reviewed a call and when, and the score that is left: 经复核：李主管，2026-11-30，得80分，合格。"""
    who = _("经复核：{names}，{day}").format(
        names=wording.listed(review.reviewers) or _(wording.UNKNOWN), day=review.reviewed_at.date()
    )
    if review.score is None:
        return _("{text}。").format(text=who)
    passed = _("合格") if review.passed else _("不合格")
    return _("{review}，得{score}分，{passed}。").format(review=who, score=review.score, passed=passed)
