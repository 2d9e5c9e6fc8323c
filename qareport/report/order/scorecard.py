"""The scorecard of a call as rows to print: only categories in which something happened, the others in a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from qareport.model import CallReport, CategoryScore, Finding
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import _, plural
from qareport.report.order import key_moments
from qareport.report.order.key_moments import Candidate
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import Deduction, ScoreGroup


def groups(call: CallReport, speakers: Speakers, chosen: Sequence[Candidate]) -> tuple[ScoreGroup, ...]:
    """Word every category in which rules hit; a report without a scorecard has those of its hits."""
    card = call.scorecard
    categories = card.categories if card else tuple(_bare(call.findings))
    hit = {finding.category for finding in call.findings}
    return tuple(_group(category, call.findings, speakers, chosen) for category in categories if category.name in hit)


def rest(call: CallReport) -> str:
    """Name the categories in which nothing happened, and count the rules that had no opportunity."""
    if call.scorecard is None:
        return ""
    hit = {finding.category for finding in call.findings}
    quiet = [_category(category.name) for category in call.scorecard.categories if category.name not in hit]
    idle = sum(len(category.not_applicable) for category in call.scorecard.categories)
    parts = [_("其余类别没有命中：{names}").format(names=wording.listed(quiet))] if quiet else []
    parts += [plural("{count}条规则没有机会出现，不扣分也不加分", idle, count=idle)] if idle else []
    return _("{text}。").format(text=wording.clauses(parts)) if parts else ""


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
    titles = {finding.rule_id: finding.title for finding in findings}
    hits = tuple(
        _hit(
            finding,
            counted.get((finding.rule_id, finding.at_ms)),
            key_moments.deduction(finding, speakers, chosen),
            titles,
        )
        for finding in findings
        if finding.category == category.name
    )
    limit = "" if category.limit is None else plural("最多扣{points}分", category.limit, points=category.limit)
    return ScoreGroup(name=_category(category.name), points=wording.points(category.points), limit=limit, hits=hits)


def _hit(finding: Finding, counted: int | None, hit: Deduction, titles: Mapping[str, str]) -> Deduction:
    if finding.fatal:
        return dataclasses.replace(hit, points=_("一票否决"))
    if finding.covered_by is not None:
        taken = titles.get(finding.covered_by, finding.covered_by)
        return dataclasses.replace(hit, counted=_("同一句话已按“{title}”计分").format(title=taken))
    if counted is None or counted == finding.points:
        return hit
    return dataclasses.replace(hit, counted=_("封顶后计{points}").format(points=wording.points(counted)))


def score_line(call: CallReport) -> str:
    """Say where the score began and ended, and whether the call passed; nothing without a scorecard."""
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
    return total + fatal
