"""Word the rows of a period's tables, and its heat map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from qareport.model import (
    AdviceOutcome,
    AgentRow,
    Callback,
    CallbackReason,
    FailedCall,
    HeatCell,
    HeatRow,
    Period,
    PeriodReport,
    PromiseDue,
    PromiseState,
    Risk,
    RuleRow,
)
from qareport.presentation import wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import HeatChart, HeatChartCell, HeatChartRow, Phrase, TextRun
from qareport.report.period import view_types
from qareport.report.period.view_types import CallbackRow, PeriodTable

T = TypeVar("T")

_RISK_STYLES = {Risk.HIGH: "risk-high", Risk.MEDIUM: "risk-medium", Risk.LOW: "risk-low"}


def callback_row(callback: Callback, period: Period) -> CallbackRow:
    """Word one customer to call back."""
    # High risk has a column of its own.
    reasons = [_reason(reason, callback) for reason in callback.reasons if reason is not CallbackReason.HIGH_RISK]
    score = _("未判定")
    if callback.score is not None:
        score = plural("客服{points}分", callback.score, points=callback.score)
    return CallbackRow(
        rank=str(callback.rank),
        order=view_types.name(callback.subject),
        phone=view_types.name(callback.customer_phone or "") or _("电话未知"),
        agent=view_types.name(callback.agent_id or _(wording.UNKNOWN)),
        why=wording.clauses(reasons) or _("高风险"),
        listen=view_types.quoted(callback.at_ms, callback.quote),
        promise=_callback_promise(callback, period),
        risk=Phrase(
            runs=(
                TextRun(text=wording.RISKS[callback.risk], style=_RISK_STYLES[callback.risk]),
                TextRun(text=f" {score}"),
            )
        ),
    )


def _reason(reason: CallbackReason, callback: Callback) -> str:
    if reason is CallbackReason.REPEATED_CALLS and len(callback.call_ids) > 1:
        return _("本期来电{count}次").format(count=len(callback.call_ids))
    return _(view_types.REASONS[reason])


def _callback_promise(callback: Callback, period: Period) -> str:
    if callback.promise is None:
        return "—"
    when = view_types.moment_of(callback.promise.due_at, period)
    if callback.promise.state is PromiseState.BROKEN:
        return _("{action} {when} 已过期").format(action=view_types.name(callback.promise.action), when=when)
    return _("{action} {when} 到期").format(action=view_types.name(callback.promise.action), when=when)


def heat(report: PeriodReport, limit: int) -> HeatChart:
    """Make the heat map issue × emotion; `limit` issues at most, and a row of totals."""
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
    name = _("合计") if total else view_types.name(row.issue) if row.issue is not None else _("（未识别问题）")
    share = view_types.percent(row.troubled / row.calls) if row.calls else "—"
    return HeatChartRow(
        label=name + (_(view_types.SMALL_MARK) if row.small else ""),
        cells=tuple(_heat_cell(cell, most) for cell in row.cells),
        stage=view_types.name(row.stages[0][0]) if row.stages and not total else "—",
        troubled=wording.beside(f"{row.troubled:,} / {row.calls:,}", share),
        total=total,
    )


def _heat_cell(cell: HeatCell, most: int) -> HeatChartCell:
    remark = view_types.percent(cell.share) if cell.share is not None else "—"
    return HeatChartCell(figure=f"{cell.calls:,}", remark=remark, heat=cell.calls / most if most else 0.0)


def _alt(report: PeriodReport) -> str:
    """Describe the heat map in words, for readers who cannot see it."""
    lines = []
    for row in (*report.heat.rows, report.heat.total):
        issue = view_types.prose(row.issue) if row.issue is not None else _("未识别问题")
        name = _("合计") if row is report.heat.total else issue
        cells = _("，").join(f"{wording.tag_name(cell.emotion)} {_cell_words(cell)}" for cell in row.cells)
        lines.append(_("{name} 共{calls}通：{cells}").format(name=name, calls=row.calls, cells=cells))
    return _("问题与情绪的通话数。{lines}").format(lines=wording.clauses(lines))


def _cell_words(cell: HeatCell) -> str:
    share = view_types.percent(cell.share) if cell.share is not None else ""
    words = wording.beside(str(cell.calls), share)
    if not cell.stage:
        return words
    return _("{said}，{stage}{count}").format(said=words, stage=view_types.name(cell.stage), count=cell.stage_calls)


def heat_notes(report: PeriodReport, limit: int) -> tuple[str, ...]:
    """Say what the squares count and where each emotion happens most."""
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
    stages = []
    for row in report.heat.rows[:limit]:
        worst = max(row.cells, key=lambda cell: cell.calls)
        if row.issue is not None and worst.stage and worst.stage_calls > 1:
            issue, stage = view_types.name(row.issue), view_types.name(worst.stage)
            stages.append(
                _("{issue}{feeling} {stage}{hits}/{calls}").format(
                    issue=issue,
                    feeling=wording.tag_name(worst.emotion),
                    stage=stage,
                    hits=worst.stage_calls,
                    calls=worst.calls,
                )
            )
    return stages[:3]


def table(items: Sequence[T], row: Callable[[T], tuple[Phrase, ...]], limit: int, empty: str) -> PeriodTable:
    """Make a table of the first rows, and say how many more there are."""
    hidden = len(items) - limit
    more = plural("另有{count}行，见 JSON 格式的报告。", hidden, count=hidden) if hidden > 0 else ""
    return PeriodTable(rows=tuple(row(item) for item in items[:limit]), more=more, empty=empty)


def _cells(*texts: str | Phrase) -> tuple[Phrase, ...]:
    return tuple(text if isinstance(text, Phrase) else Phrase(runs=(TextRun(text=text),)) for text in texts)


def agent_row(row: AgentRow) -> tuple[Phrase, ...]:
    """Word one agent."""
    now = row.mean_score.value
    against = []
    for other in (row.previous_score, row.baseline_score):
        if other is None or other.value is None or now is None:
            against.append("—")
        else:
            against.append(wording.beside(wording.signed(now - other.value), f"N={other.n}"))
    mark = Phrase(runs=(TextRun(text="—"),))
    if row.sigma is not None:
        text = f"{wording.signed(row.sigma)}σ"
        if row.outlier:
            text += _(" 明显偏低") if row.sigma < 0 else _(" 明显偏高")
        mark = Phrase(runs=(TextRun(text=text, style="outlier" if row.outlier else ""),))
    return _cells(
        view_types.name(row.agent_id) if row.agent_id is not None else _("（客服未知）"),
        f"{row.calls:,}",
        view_types.mean(row.mean_score),
        *against,
        view_types.rate(row.passed),
        f"{row.high_risk}",
        f"{row.points_lost}",
        mark,
    )


def rule_row(row: RuleRow) -> tuple[Phrase, ...]:
    """Word one rule with its hits."""
    name = Phrase(
        runs=(
            TextRun(text=view_types.name(row.title)),
            TextRun(text=f" {view_types.name(row.rule_id)}", style="muted"),
        )
    )
    return _cells(
        name,
        wording.SEVERITIES[row.severity],
        view_types.rate(row.now),
        view_types.rate(row.previous),
        view_types.rate(row.baseline),
        f"{row.hits}",
        wording.points(row.points),
    )


def outcome_row(outcome: AdviceOutcome) -> tuple[Phrase, ...]:
    """Word the outcome of a rule's advice."""
    change = "—"
    if outcome.change is not None and outcome.change_low is not None and outcome.change_high is not None:
        low, high = (wording.signed(value * 100) for value in (outcome.change_low, outcome.change_high))
        change = _("{change}（{low} 至 {high}）").format(
            change=wording.signed(outcome.change * 100), low=low, high=high
        )
    name = Phrase(
        runs=(
            TextRun(text=view_types.name(outcome.title)),
            TextRun(text=" " + wording.named(_("建议"), view_types.prose(outcome.advice)), style="muted"),
        )
    )
    return _cells(
        name,
        plural("{count}人", len(outcome.agents), count=len(outcome.agents)),
        view_types.rate(outcome.before),
        view_types.rate(outcome.after),
        change,
        _(view_types.VERDICTS[outcome.verdict]),
    )


def promise_row(promise: PromiseDue, period: Period) -> tuple[Phrase, ...]:
    """Word a promise that fell or falls due."""
    words = wording.named(view_types.name(promise.action), view_types.quoted(promise.at_ms, promise.quote))
    if promise.again_call_id:
        words += _("；又来电：{call}").format(call=view_types.name(promise.again_call_id))
    state = Phrase(
        runs=(
            TextRun(
                text=_(view_types.STATES[promise.state]),
                style="outlier" if promise.state is PromiseState.BROKEN else "",
            ),
        )
    )
    order, phone = promise.subject, promise.customer_phone or ""
    return _cells(
        state,
        f"{view_types.name(order)} {view_types.name(phone)}".strip(),
        words,
        wording.beside(view_types.moment_of(promise.due_at, period), view_types.name(promise.by)),
        view_types.name(promise.agent_id or _(wording.UNKNOWN)),
    )


def failed_row(call: FailedCall, period: Period) -> tuple[Phrase, ...]:
    """Word a call that could not be processed."""
    when = view_types.moment_of(call.started_at, period) if call.started_at else _("时间未知")
    step = wording.STEPS.get(call.step, call.step)
    return _cells(
        view_types.name(call.call_id),
        when,
        view_types.name(call.agent_id or _(wording.UNKNOWN)),
        view_types.prose(wording.named(step, call.reason)),
    )
