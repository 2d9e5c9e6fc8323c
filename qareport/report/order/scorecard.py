"""The scorecard of a call, and its measures beside what is usual in the team, as rows to print."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

from qareport.model import MEASURES, CallReport, CategoryScore, Finding, MetricNorm, Scorecard, TeamNorm, Unit
from qareport.presentation import wording
from qareport.presentation.locale import _, plural
from qareport.report.order import key_moments
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import Compared, Deduction, ScoreGroup


def groups(call: CallReport, speakers: Speakers) -> tuple[ScoreGroup, ...]:
    """Word every category with its hits; a report without a scorecard has those of its hits alone."""
    card = call.scorecard
    categories = card.categories if card else tuple(_bare(call.findings))
    return tuple(_group(category, call.findings, speakers, known=card is not None) for category in categories)


def _bare(findings: Sequence[Finding]) -> Iterator[CategoryScore]:
    for name in dict.fromkeys(finding.category for finding in findings):
        points = sum(finding.points for finding in findings if finding.category == name)
        yield CategoryScore(name=name, points=points, judged=0)


def _group(category: CategoryScore, findings: Sequence[Finding], speakers: Speakers, *, known: bool) -> ScoreGroup:
    counted = {(item.rule_id, item.at_ms): item.counted for item in category.items}
    hits = tuple(
        _hit(finding, counted.get((finding.rule_id, finding.at_ms)), speakers)
        for finding in findings
        if finding.category == category.name
    )
    idle = _("，").join(category.not_applicable)
    limit = _("不封顶") if category.limit is None else plural("最多扣{points}分", category.limit, points=category.limit)
    return ScoreGroup(
        name=category.name or _("未分类"),
        points=wording.points(category.points) if category.points or hits else _("不扣分"),
        limit=limit if known else _("这份结果没有评分卡"),
        judged=plural("判定{rules}条", category.judged, rules=category.judged) if known else _("只列命中"),
        not_applicable=plural(
            "不适用（没有机会出现，不扣分也不加分）{count}条：{rules}",
            len(category.not_applicable),
            count=len(category.not_applicable),
            rules=idle,
        )
        if idle
        else "",
        hits=hits,
        empty="" if hits else _("判定了的规则都没有命中") if category.judged else _("没有一条规则有机会出现"),
    )


def _hit(finding: Finding, counted: int | None, speakers: Speakers) -> Deduction:
    hit = key_moments.deduction(finding, speakers)
    if finding.fatal:
        return dataclasses.replace(hit, points=_("一票否决"))
    if counted is None or counted == finding.points:
        return hit
    return dataclasses.replace(hit, counted=_("封顶后计{points}").format(points=wording.points(counted)))


def score_line(card: Scorecard | None) -> str:
    """Say where the score began and ended, and whether the call passed; nothing without a scorecard."""
    if card is None:
        return ""
    passed = _("合格") if card.passed else _("不合格")
    fatal = _("一票否决：{rules}。").format(rules=_("，").join(card.fatal)) if card.fatal else ""
    points = sum(category.points for category in card.categories)
    counted = _("各类合计{points}").format(points=wording.points(points)) if points else _("没有扣分")
    total = _("起始{start}分，{counted}，得{score}分（满分{total}分），{passed}。").format(
        start=card.start, counted=counted, score=card.score, total=card.total, passed=passed
    )
    return total + fatal


def _length(value: float) -> str:
    return wording.duration(round(value))


def _count(value: float) -> str:
    return plural("{count}次", value, count=f"{value:.1f}".removesuffix(".0"))


def _speed(value: float) -> str:
    return _("{count}字/分").format(count=f"{value:.0f}")


#: Measures that are compared, in the order of the page.
_MEASURES = (
    "first_response_ms",
    "median_response_ms",
    "longest_response_ms",
    "silence_count",
    "silence_ms",
    "silence_share",
    "longest_silence_ms",
    "hold_ms",
    "agent_interruptions",
    "customer_interruptions",
    "agent_characters_per_minute",
    "customer_characters_per_minute",
    "agent_talk_share",
    "duration_ms",
)
_WRITERS: Mapping[Unit, Callable[[float], str]] = {
    Unit.MILLISECONDS: _length,
    Unit.COUNT: _count,
    Unit.SHARE: wording.share,
    Unit.PER_MINUTE: _speed,
}


def compare(measures: Mapping[str, float], norm: TeamNorm | None) -> tuple[Compared, ...]:
    """Word each measure that the call and the team both have."""
    if norm is None:
        return ()
    return tuple(
        _compared(wording.MEASURES[name], measures[name], norm.metrics[name], _WRITERS[MEASURES[name].unit])
        for name in _MEASURES
        if name in measures and name in norm.metrics
    )


def _compared(label: str, value: float, norm: MetricNorm, write: Callable[[float], str]) -> Compared:
    remark = ""
    if value > norm.upper_quartile:
        remark = _("高于四分之三的通话")
    elif value < norm.lower_quartile:
        remark = _("低于四分之三的通话")
    return Compared(
        label=label,
        value=write(value),
        usual=write(norm.median),
        range=_("{low} – {high}").format(low=write(norm.lower_quartile), high=write(norm.upper_quartile)),
        remark=remark,
    )


def comparison_basis(norm: TeamNorm | None) -> str:
    """Say which calls the team's values are from."""
    if norm is None or not norm.calls:
        return _("此前几天没有可比的通话，没有与团队比较。")
    if norm.first is None or norm.last is None:
        return plural("与团队{calls}通电话比较。", norm.calls, calls=norm.calls)
    days = (norm.first.isoformat(), norm.last.isoformat())
    span = days[0] if days[0] == days[1] else _("{first} 至 {last}").format(first=days[0], last=days[1])
    return plural(
        "团队值：{days} 的{calls}通电话的中位数，和其中一半通话所在的范围。", norm.calls, days=span, calls=norm.calls
    )
