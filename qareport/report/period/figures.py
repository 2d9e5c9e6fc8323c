"""Word the numbers at the top of a period's report, its trend and its heat map."""

from __future__ import annotations

from collections.abc import Callable

from qareport.model import Figure, Headline, HeadlineName, HeatCell, HeatRow, PeriodKind, PeriodReport, TrendPoint
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import N_, _, plural
from qareport.presentation.view_types import HeatChart, HeatChartCell, HeatChartRow, Phrase, TextRun, TrendChart
from qareport.report.period import terms
from qareport.report.period.rows import more_rows
from qareport.report.period.view_types import Tile

#: Tiles at the top, in this order.
TILES = (
    HeadlineName.CALLS,
    HeadlineName.HIGH_RISK,
    HeadlineName.ANGRY_SHARE,
    HeadlineName.REPEAT_SHARE,
    HeadlineName.UNBRIDGED_SILENCES,
    HeadlineName.MEAN_SCORE,
    HeadlineName.PASSED_SHARE,
    HeadlineName.FATAL,
    HeadlineName.HANDLING_TIME,
    HeadlineName.FAILED,
)
_COUNTS = frozenset(
    {
        HeadlineName.CALLS,
        HeadlineName.HIGH_RISK,
        HeadlineName.UNBRIDGED_SILENCES,
        HeadlineName.FATAL,
        HeadlineName.FAILED,
    }
)
#: Fewer calls than these never make the darkest square.
_DARK_FROM = 5
_Measure = Callable[[TrendPoint], float | None]
#: What the trend shows.
_TRENDS: tuple[tuple[str, _Measure, bool], ...] = (
    (N_("平均得分"), lambda point: point.mean_score, False),
    (N_("高风险占比"), lambda point: point.high_risk_share, True),
    (N_("重复来电率"), lambda point: point.repeat_share, True),
)


def baseline_name(report: PeriodReport) -> str:
    """Name what the earlier periods are compared as, by how many there are: 前4天日均; one alone by what it is."""
    if report.baseline_periods == 1:
        only = terms.PREVIOUS if has_previous(report) else terms.ONLY_BASELINES
        return _(only[report.period.kind])
    kind = report.period.kind if report.baseline_periods else PeriodKind.RANGE
    return _(terms.BASELINES[kind]).format(count=report.baseline_periods)


def against(report: PeriodReport) -> str:
    """Head a column of differences from that mean: 较前4天, 较前一天."""
    if report.baseline_periods == 1:
        return _("较{before}").format(before=baseline_name(report))
    kind = report.period.kind if report.baseline_periods else PeriodKind.RANGE
    return _(terms.AGAINST[kind]).format(count=report.baseline_periods)


def has_previous(report: PeriodReport) -> bool:
    """Tell whether the period just before has calls."""
    return any(headline.previous is not None for headline in report.headlines)


def has_baseline(report: PeriodReport) -> bool:
    """Tell whether the mean of the earlier periods says something that the period before does not say by itself."""
    return report.baseline_periods > 1 or (report.baseline_periods == 1 and not has_previous(report))


def tiles(report: PeriodReport) -> tuple[Tile, ...]:
    """Word the numbers at the top."""
    by_name = {headline.name: headline for headline in report.headlines}
    return tuple(_tile(by_name[name], report) for name in TILES if name in by_name)


def _tile(headline: Headline, report: PeriodReport) -> Tile:
    before = _(terms.PREVIOUS[report.period.kind])
    changes = [_change(headline, before, headline.previous, clear=headline.previous_clear)]
    if has_baseline(report):
        changes.append(_change(headline, baseline_name(report), headline.baseline, clear=headline.baseline_clear))
    small = headline.now.small and headline.now.n and headline.name not in _COUNTS
    reviewed = ""
    if headline.reviewed is not None and headline.reviewed.value != headline.now.value:
        reviewed = _("经复核{score}").format(score=terms.headline(headline.name, headline.reviewed))
    return Tile(
        label=wording.capital(_(terms.HEADLINES[headline.name][0])),
        value=terms.headline(headline.name, headline.now),
        remark=wording.clauses(text for text in (reviewed, _(terms.SMALL) if small else "") if text),
        changes=tuple(change for change in changes if change is not None),
    )


def _change(headline: Headline, before: str, other: Figure | None, *, clear: bool) -> Phrase | None:
    """Word a difference; it has a colour only where it is larger than chance makes it."""
    if other is None or other.value is None or headline.now.value is None:
        return None
    difference = headline.now.value - other.value
    good = terms.HEADLINES[headline.name][1] * difference
    style = ("worse" if good > 0 else "better") if clear and good else ""
    return Phrase(
        runs=(
            TextRun(text=f"{before} {terms.headline(headline.name, other)} "),
            TextRun(text=terms.change(headline.name, difference), style=style),
        )
    )


def trend(report: PeriodReport) -> tuple[TrendChart, ...]:
    """Make a small chart for each measure of the trend; none for fewer than two periods."""
    if len(report.trend) < 2:
        return ()
    return tuple(_trend_chart(report, _(label), measure, share=share) for label, measure, share in _TRENDS)


def _trend_chart(report: PeriodReport, label: str, measure: _Measure, *, share: bool) -> TrendChart:
    values = tuple(measure(point) for point in report.trend)
    texts = tuple("—" if value is None else terms.percent(value) if share else f"{value:.1f}" for value in values)
    heads = tuple(terms.trend_head(point.first, report.period.kind) for point in report.trend)
    said = _("，").join(f"{head} {text}" for head, text in zip(heads, texts, strict=True))
    return TrendChart(label=label, values=values, texts=texts, heads=heads, alt=wording.named(label, said))


def heat(report: PeriodReport, limit: int) -> HeatChart:
    """Make the heat map issue × emotion; `limit` issues at most, and a row of totals."""
    shown = _troubled(report)[:limit]
    most = max(_DARK_FROM, *(cell.calls for row in shown for cell in row.cells)) if shown else 0
    rows = [_heat_row(row, most) for row in shown]
    if rows:
        rows.append(_heat_row(report.heat.total, 0, total=True))
    heads = (
        _("问题类型"),
        *(wording.capital(wording.tag_name(name)) for name in report.heat.emotions),
        _("主要环节"),
        _("有情绪的通话"),
    )
    message = _("所有通话里都没有出现这些情绪") if report.heat.rows else _("没有可统计的通话")
    return HeatChart(heads=heads, rows=tuple(rows), message=message, alt=_alt(report))


def _troubled(report: PeriodReport) -> list[HeatRow]:
    """Leave out the issues about which nobody was troubled; `heat_notes` counts them."""
    return [row for row in report.heat.rows if row.troubled]


def _heat_row(row: HeatRow, most: int, *, total: bool = False) -> HeatChartRow:
    name = (
        _("合计")
        if total
        else topic_wording.named(terms.name(row.issue))
        if row.issue is not None
        else _("（未识别问题）")
    )
    share = terms.percent(row.troubled / row.calls) if row.calls and not row.small else ""
    return HeatChartRow(
        label=name,
        cells=tuple(_heat_cell(cell, most, small=row.small) for cell in row.cells),
        stage=topic_wording.named(terms.name(row.stages[0][0])) if row.stages and not total else "—",
        troubled=wording.beside(f"{row.troubled:,} / {row.calls:,}", share),
        total=total,
    )


def _heat_cell(cell: HeatCell, most: int, *, small: bool) -> HeatChartCell:
    remark = terms.percent(cell.share) if cell.share and not small else ""
    return HeatChartCell(figure=f"{cell.calls:,}", remark=remark, heat=cell.calls / most if most else 0.0)


def _alt(report: PeriodReport) -> str:
    """Describe the heat map in words, for readers who cannot see it."""
    lines = []
    for row in (*_troubled(report), report.heat.total):
        issue = topic_wording.named(terms.prose(row.issue)) if row.issue is not None else _("未识别问题")
        name = _("合计") if row is report.heat.total else issue
        cells = [cell for cell in row.cells if cell.calls]
        said = _("，").join(f"{wording.tag_name(cell.emotion)} {_cell_words(cell, row)}" for cell in cells) or "0"
        lines.append(_("{name} 共{calls}通：{cells}").format(name=name, calls=row.calls, cells=said))
    return _("问题与情绪的通话数。{lines}").format(lines=wording.clauses(lines))


def _cell_words(cell: HeatCell, row: HeatRow) -> str:
    share = terms.percent(cell.share) if cell.share is not None and not row.small else ""
    said = wording.beside(str(cell.calls), share)
    if not cell.stage:
        return said
    return _("{said}，{stage}{count}").format(
        said=said, stage=topic_wording.named(terms.name(cell.stage)), count=cell.stage_calls
    )


def heat_notes(report: PeriodReport, limit: int, with_workbook: bool) -> tuple[str, ...]:
    """Say what the squares count."""
    troubled = len(_troubled(report))
    if not troubled:
        return ()
    notes = [
        plural(
            "一通可属于几类问题、出现几种情绪，合计行只数一次。少于{small}通的只写通数，不算占比。",
            report.small_n,
            small=report.small_n,
        )
    ]
    calm = len(report.heat.rows) - troubled
    if calm:
        notes.append(plural("另有{count}类问题的通话里没有出现这些情绪。", calm, count=calm))
    return (*notes, *filter(None, [more_rows(troubled - limit, with_workbook)]))
