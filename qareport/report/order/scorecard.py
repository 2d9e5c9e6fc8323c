"""The scorecard of a call as rows to print: every category, what it cost, and what had no opportunity."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from qareport.model import CallReport, CategoryScore, Finding, Scorecard
from qareport.presentation import wording
from qareport.presentation.locale import _, plural
from qareport.report.order import key_moments
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import Deduction, ScoreGroup


def groups(call: CallReport, speakers: Speakers) -> tuple[ScoreGroup, ...]:
    """Word every category with its hits; a report without a scorecard has those of its hits alone."""
    card = call.scorecard
    categories = card.categories if card else tuple(_bare(call.findings))
    return tuple(_group(one, call.findings, speakers, known=card is not None) for one in categories)


def _bare(findings: Sequence[Finding]) -> Iterator[CategoryScore]:
    for name in dict.fromkeys(finding.category for finding in findings):
        points = sum(finding.points for finding in findings if finding.category == name)
        yield CategoryScore(name=name, points=points, judged=0)


def _group(one: CategoryScore, findings: Sequence[Finding], speakers: Speakers, *, known: bool) -> ScoreGroup:
    counted = {(item.rule_id, item.at_ms): item.counted for item in one.items}
    hits = tuple(
        _hit(finding, counted.get((finding.rule_id, finding.at_ms)), speakers)
        for finding in findings
        if finding.category == one.name
    )
    idle = _("，").join(one.not_applicable)
    limit = _("不封顶") if one.limit is None else plural("最多扣{points}分", one.limit, points=one.limit)
    return ScoreGroup(
        name=one.name or _("未分类"),
        points=wording.points(one.points) if one.points or hits else _("不扣分"),
        limit=limit if known else _("这份结果没有评分卡"),
        judged=plural("判定{rules}条", one.judged, rules=one.judged) if known else _("只列命中"),
        not_applicable=plural(
            "不适用（没有机会出现，不扣分也不加分）{count}条：{rules}",
            len(one.not_applicable),
            count=len(one.not_applicable),
            rules=idle,
        )
        if idle
        else "",
        hits=hits,
        empty="" if hits else _("判定了的规则都没有命中") if one.judged else _("没有一条规则有机会出现"),
    )


def _hit(finding: Finding, counted: int | None, speakers: Speakers) -> Deduction:
    hit = key_moments.deduction(finding, speakers)
    if finding.fatal:
        return dataclasses.replace(hit, points=_("一票否决"))
    if counted is None or counted == finding.points:
        return hit
    return dataclasses.replace(hit, counted=_("封顶后计{points}").format(points=wording.points(counted)))


def line(card: Scorecard | None) -> str:
    """Say where the score began and ended, and whether the call passed; nothing without a scorecard."""
    if card is None:
        return ""
    passed = _("合格") if card.passed else _("不合格")
    fatal = _("一票否决：{rules}。").format(rules=_("，").join(card.fatal)) if card.fatal else ""
    points = sum(one.points for one in card.categories)
    counted = _("各类合计{points}").format(points=wording.points(points)) if points else _("没有扣分")
    total = _("起始{start}分，{counted}，得{score}分（满分{total}分），{passed}。").format(
        start=card.start, counted=counted, score=card.score, total=card.total, passed=passed
    )
    return total + fatal
