"""The customers to call back and the heat map, worded."""

from __future__ import annotations

from qareport.model import Callback, CallbackReason, HeatCell, HeatRow, Period, PeriodReport, PromiseState, Risk
from qareport.presentation import wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import HeatChart, HeatChartCell, HeatChartRow, Phrase, Piece
from qareport.report.period import period_wording
from qareport.report.period.view_types import CallbackRow

_RISK_STYLES = {Risk.HIGH: "risk-high", Risk.MEDIUM: "risk-medium", Risk.LOW: "risk-low"}


def callback_row(one: Callback, period: Period) -> CallbackRow:
    """Word one customer to call back."""
    # High risk stands in a column of its own.
    reasons = [_reason(reason, one) for reason in one.reasons if reason is not CallbackReason.HIGH_RISK]
    score = plural("{points}分", one.score, points=one.score) if one.score is not None else _("未判定")
    return CallbackRow(
        rank=str(one.rank),
        order=period_wording.name(one.subject),
        phone=period_wording.name(one.customer_phone or "") or _("电话未知"),
        agent=period_wording.name(one.agent_id or _(wording.UNKNOWN)),
        why=wording.clauses(reasons) or _("高风险"),
        listen=period_wording.quoted(one.at_ms, one.quote),
        promise=_promise(one, period),
        risk=Phrase(
            pieces=(Piece(text=wording.RISKS[one.risk], style=_RISK_STYLES[one.risk]), Piece(text=f" {score}"))
        ),
    )


def _reason(reason: CallbackReason, one: Callback) -> str:
    if reason is CallbackReason.REPEATED_CALLS and len(one.call_ids) > 1:
        return _("本期来电{count}次").format(count=len(one.call_ids))
    return _(period_wording.REASONS[reason])


def _promise(one: Callback, period: Period) -> str:
    if one.promise is None:
        return "—"
    when = period_wording.moment_of(one.promise.due_at, period)
    if one.promise.state is PromiseState.BROKEN:
        return _("{action} {when} 已过期").format(action=period_wording.name(one.promise.action), when=when)
    return _("{action} {when} 到期").format(action=period_wording.name(one.promise.action), when=when)


def heat(report: PeriodReport, limit: int) -> HeatChart:
    """Make the picture issue × feeling; `limit` issues at most, and a row of the whole."""
    shown = report.heat.rows[:limit]
    most = max((cell.calls for row in shown for cell in row.cells), default=0)
    rows = [_heat_row(row, most) for row in shown]
    if rows:
        rows.append(_heat_row(report.heat.total, 0, total=True))
    heads = (
        _("问题类型"),
        *(wording.capital(wording.tag_name(name)) for name in report.heat.emotions),
        _("主要环节"),
        _("有情绪的通话"),
    )
    return HeatChart(heads=heads, rows=tuple(rows), message=_("没有可统计的通话"), alt=_alt(report))


def _heat_row(row: HeatRow, most: int, *, total: bool = False) -> HeatChartRow:
    name = _("合计") if total else period_wording.name(row.issue) if row.issue is not None else _("（未识别问题）")
    share = period_wording.percent(row.troubled / row.calls) if row.calls else "—"
    return HeatChartRow(
        label=name + (_(period_wording.SMALL_MARK) if row.small else ""),
        cells=tuple(_heat_cell(cell, most) for cell in row.cells),
        stage=period_wording.name(row.stages[0][0]) if row.stages and not total else "—",
        troubled=wording.beside(f"{row.troubled:,} / {row.calls:,}", share),
        total=total,
    )


def _heat_cell(cell: HeatCell, most: int) -> HeatChartCell:
    remark = period_wording.percent(cell.share) if cell.share is not None else "—"
    return HeatChartCell(figure=f"{cell.calls:,}", remark=remark, heat=cell.calls / most if most else 0.0)


def _alt(report: PeriodReport) -> str:
    """Say the whole picture in words, for readers who cannot see it."""
    lines = []
    for row in (*report.heat.rows, report.heat.total):
        issue = period_wording.prose(row.issue) if row.issue is not None else _("未识别问题")
        name = _("合计") if row is report.heat.total else issue
        cells = _("，").join(f"{wording.tag_name(cell.emotion)} {_cell_words(cell)}" for cell in row.cells)
        lines.append(_("{name} 共{calls}通：{cells}").format(name=name, calls=row.calls, cells=cells))
    return _("问题与情绪的通话数。{lines}").format(lines=wording.clauses(lines))


def _cell_words(cell: HeatCell) -> str:
    share = period_wording.percent(cell.share) if cell.share is not None else ""
    said = wording.beside(str(cell.calls), share)
    if not cell.stage:
        return said
    return _("{said}，{stage}{count}").format(said=said, stage=period_wording.name(cell.stage), count=cell.stage_calls)


def heat_notes(report: PeriodReport, limit: int) -> tuple[str, ...]:
    """Say what the squares count and where each feeling happens most."""
    if not report.heat.rows:
        return ()
    notes = [
        _("一通可属于几类问题、出现几种情绪，合计行只数一次；情绪占比的分母是判定出情绪的通话，沉默、反讽是全部通话。")
    ]
    if any(row.small for row in report.heat.rows):
        notes.append(_("＊ 少于{small}通，占比可能只是偶然。").format(small=report.small_n))
    stages = _stages(report, limit)
    if stages:
        notes.append(_("最集中的环节：{stages}。").format(stages=wording.clauses(stages)))
    hidden = len(report.heat.rows) - limit
    if hidden > 0:
        notes.append(plural("另有{count}类问题，见 JSON 格式的报告。", hidden, count=hidden))
    return tuple(notes)


def _stages(report: PeriodReport, limit: int) -> list[str]:
    found = []
    for row in report.heat.rows[:limit]:
        worst = max(row.cells, key=lambda cell: cell.calls)
        if row.issue is not None and worst.stage and worst.stage_calls > 1:
            issue, stage = period_wording.name(row.issue), period_wording.name(worst.stage)
            found.append(
                _("{issue}{feeling} {stage}{hits}/{calls}").format(
                    issue=issue,
                    feeling=wording.tag_name(worst.emotion),
                    stage=stage,
                    hits=worst.stage_calls,
                    calls=worst.calls,
                )
            )
    return found[:3]
