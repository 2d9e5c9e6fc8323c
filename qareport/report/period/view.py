"""PeriodReport -> PeriodView: what is shown of a period, rounded and worded once for every format."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from qareport.model import (
    AdviceOutcome,
    AgentRow,
    FailedCall,
    Headline,
    HeadlineName,
    PeriodKind,
    PeriodReport,
    PromiseDue,
    PromiseState,
    RuleRow,
    WeakLink,
)
from qareport.presentation import wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Phrase, Piece
from qareport.report.period import period_wording
from qareport.report.period.method_notes import methods, not_judged
from qareport.report.period.rows import callback_row, heat, heat_notes
from qareport.report.period.view_types import PeriodView, Table, Tile, WeakView
from qareport.settings import ReportSettings

T = TypeVar("T")

#: Customers to call back that the first page has room for; the others follow in a table of their own.
FIRST_CALLBACKS = 5
#: Tiles at the top, in this order.
_TILES = (
    HeadlineName.CALLS,
    HeadlineName.HIGH_RISK,
    HeadlineName.ANGRY_SHARE,
    HeadlineName.UNBRIDGED_SILENCES,
    HeadlineName.MEAN_SCORE,
    HeadlineName.PASSED_SHARE,
    HeadlineName.NEGATIVE_SHARE,
    HeadlineName.FAILED,
)


def build_period_view(report: PeriodReport, settings: ReportSettings, *, table_rows: int = 50) -> PeriodView:
    """Turn a cleaned report into what stands on its pages; tables keep `table_rows` rows and say how many follow."""
    kind = report.period.kind
    callbacks = [callback_row(one, report.period) for one in report.callbacks]
    baseline = _(period_wording.BASELINES[kind]).format(count=report.baseline_looked_at)
    rest = len(callbacks) - FIRST_CALLBACKS
    return PeriodView(
        title=_(period_wording.TITLES[kind]),
        subject=period_wording.subject(report.period),
        organisation=settings.organisation,
        edition=_("客服 {agent} 本人版：只含本人的通话").format(agent=period_wording.name(report.agent_id))
        if report.agent_id
        else "",
        demo_notice=_(wording.DEMO_NOTICE) if _is_demo(report) else "",
        partial=tuple(period_wording.prose(wording.note(note)) for note in report.partial),
        sentence=_sentence(report),
        tiles=tuple(_tile(one, report, baseline) for name in _TILES for one in report.headlines if one.name is name),
        callbacks_title=plural(
            "今天需要回电（按轻重排序，共{count}位）", report.callbacks_total, count=report.callbacks_total
        ),
        callbacks=tuple(callbacks[:FIRST_CALLBACKS]),
        callbacks_rest=tuple(callbacks[FIRST_CALLBACKS:]),
        callbacks_follow=plural("其余{count}位列于后文。", rest, count=rest) if rest > 0 else "",
        callbacks_more=_more_customers(report.callbacks_total - len(callbacks)),
        callbacks_empty=_("没有需要回电的客户。"),
        heat_title=_("问题 × 情绪（通话数；颜色越深越多）"),
        heat=heat(report, table_rows),
        heat_notes=heat_notes(report, table_rows),
        weak_title=_("最该改进的环节"),
        weak_links=tuple(_weak(one, number, kind) for number, one in enumerate(report.weak_links, start=1)),
        weak_empty=_("没有扣分的规则命中。"),
        not_judged=not_judged(report),
        agents=_table(report.agents, _agent, table_rows, _("没有可列的客服。")),
        agents_note=_agents_note(report),
        rules=_table(report.rules, _rule, table_rows, _("没有规则命中。")),
        outcomes=_table(
            report.outcomes, _outcome, table_rows, _("还没有可比的数据：上一期没有给出建议，或缺少之前的通话。")
        ),
        outcomes_note=_(
            "只统计上一期报告里给过这条建议的客服：之前＝更早几期的命中率，之后＝本期的命中率，上一期本身不计。"
            "这是前后对照，不能证明是建议起了作用。"
        ),
        promises=_table(report.promises, lambda one: _promise(one, report), table_rows, _("没有到期的承诺。")),
        promises_note=_promises_note(report),
        failed=_table(report.failed_calls, lambda one: _failed(one, report), table_rows, _("没有处理失败的通话。")),
        previous_head=wording.capital(_(period_wording.PREVIOUS[kind])),
        baseline_head=wording.capital(baseline),
        previous_against=_("较{before}").format(before=_(period_wording.PREVIOUS[kind])),
        baseline_against=_("较{before}").format(before=baseline),
        methods=tuple(methods(report)),
        footer=_footer(report),
        created=_created(report),
    )


def _table(items: Sequence[T], row: Callable[[T], tuple[Phrase, ...]], limit: int, empty: str) -> Table:
    hidden = len(items) - limit
    more = plural("另有{count}行，见 JSON 格式的报告。", hidden, count=hidden) if hidden > 0 else ""
    return Table(rows=tuple(row(one) for one in items[:limit]), more=more, empty=empty)


def _more_customers(count: int) -> str:
    return plural("另有{count}位，见 JSON 格式的报告。", count, count=count) if count > 0 else ""


def _sentence(report: PeriodReport) -> str:
    """Say the period in a breath: how much was heard, the risk against before, what to mend, whom to call."""
    made = {one.name: one for one in report.headlines}
    heard, failed = report.coverage.calls - report.coverage.failed, report.coverage.failed
    if not report.coverage.calls:
        return _("这段时间还没有处理完的通话。") if report.partial else _("这段时间没有通话。")
    if not heard:
        return plural("{count}通电话都没有处理成功，没有任何判断；原因列在下面。", failed, count=failed)
    count = period_wording.count(heard)
    parts = [
        plural("{count}通电话听完，{failed}通处理失败。", heard, count=count, failed=failed)
        if failed
        else plural("{count}通电话全部听完。", heard, count=count)
    ]
    risk = made[HeadlineName.HIGH_RISK]
    parts.append(_("高风险{count}通").format(count=period_wording.count(risk.now.value or 0)) + _against(risk, report))
    if report.weak_links:
        weakest = report.weak_links[0]
        parts.append(
            plural(
                "，失分最多的是“{title}”（{count}通）",
                weakest.now.hits,
                title=period_wording.name(weakest.title),
                count=weakest.now.hits,
            )
        )
    parts.append(
        plural("；有{count}位客户今天应回电。", report.callbacks_total, count=report.callbacks_total)
        if report.callbacks_total
        else _("；没有需要回电的客户。")
    )
    return "".join(parts)


def _against(risk: Headline, report: PeriodReport) -> str:
    if risk.previous is None or risk.previous.value is None or risk.now.value is None:
        return ""
    difference = risk.now.value - risk.previous.value
    before = _(period_wording.PREVIOUS[report.period.kind])
    if not difference:
        return _("，与{before}持平").format(before=before)
    more = _("，比{before}多{count}通") if difference > 0 else _("，比{before}少{count}通")
    return more.format(before=before, count=period_wording.count(abs(difference)))


def _tile(one: Headline, report: PeriodReport, baseline: str) -> Tile:
    label, worse = period_wording.HEADLINES[one.name]
    changes = []
    for name, other in ((_(period_wording.PREVIOUS[report.period.kind]), one.previous), (baseline, one.baseline)):
        if other is None or other.value is None or one.now.value is None:
            continue
        difference = one.now.value - other.value
        good = worse * difference
        style = (
            ""
            if not worse or period_wording.change(one.name, difference) == _("持平")
            else "worse"
            if good > 0
            else "better"
        )
        size = "" if one.name is HeadlineName.CALLS else f" N={period_wording.count(other.n)}"
        changes.append(
            Phrase(
                pieces=(
                    Piece(text=f"{name} {period_wording.headline(one.name, other)} "),
                    Piece(text=period_wording.change(one.name, difference), style=style),
                    Piece(text=size),
                )
            )
        )
    n = "" if one.name is HeadlineName.CALLS else f"N={period_wording.count(one.now.n)}"
    if one.now.small and one.now.n:
        n = f"{n} {_(period_wording.SMALL)}".strip()
    return Tile(label=_(label), value=period_wording.headline(one.name, one.now), n=n, changes=tuple(changes))


def _weak(one: WeakLink, number: int, kind: PeriodKind) -> WeakView:
    place = " · ".join(period_wording.name(name) for name in (one.issue, one.stage) if name)
    parts = [_("命中 {rate}").format(rate=period_wording.rate_in_words(one.now))]
    if one.previous is not None:
        parts.append(f"{_(period_wording.PREVIOUS[kind])} {period_wording.rate_in_words(one.previous)}")
    parts.append(plural("共失{points}分", one.points_lost, points=one.points_lost))
    for text, rate in ((_("命中后情绪恢复平静"), one.recovered_with_hit), (_("未命中时"), one.recovered_without_hit)):
        if rate.n:
            parts.append(f"{text} {period_wording.rate_in_words(rate)}")
    return WeakView(
        number=str(number),
        title=wording.beside(period_wording.name(one.title), place),
        story=_("{text}。").format(text=wording.clauses(parts)),
        evidence=tuple(
            f"{period_wording.name(item.subject)} {period_wording.quoted(item.at_ms, item.quote)}"
            for item in one.evidence
        ),
        advice=period_wording.prose(one.advice),
        rule=period_wording.name(one.rule_id),
    )


def _cells(*texts: str | Phrase) -> tuple[Phrase, ...]:
    return tuple(text if isinstance(text, Phrase) else Phrase(pieces=(Piece(text=text),)) for text in texts)


def _agent(row: AgentRow) -> tuple[Phrase, ...]:
    now = row.mean_score.value
    against = []
    for other in (row.previous_score, row.baseline_score):
        if other is None or other.value is None or now is None:
            against.append("—")
        else:
            against.append(wording.beside(wording.signed(now - other.value), f"N={other.n}"))
    mark = Phrase(pieces=(Piece(text="—"),))
    if row.sigma is not None:
        text = f"{wording.signed(row.sigma)}σ"
        if row.outlier:
            text += _(" 明显偏低") if row.sigma < 0 else _(" 明显偏高")
        mark = Phrase(pieces=(Piece(text=text, style="outlier" if row.outlier else ""),))
    return _cells(
        period_wording.name(row.agent_id) if row.agent_id is not None else _("（客服未知）"),
        f"{row.calls:,}",
        period_wording.mean(row.mean_score),
        *against,
        period_wording.rate(row.passed),
        f"{row.high_risk}",
        f"{row.points_lost}",
        mark,
    )


def _rule(row: RuleRow) -> tuple[Phrase, ...]:
    name = Phrase(
        pieces=(
            Piece(text=period_wording.name(row.title)),
            Piece(text=f" {period_wording.name(row.rule_id)}", style="muted"),
        )
    )
    return _cells(
        name,
        wording.SEVERITIES[row.severity],
        period_wording.rate(row.now),
        period_wording.rate(row.previous),
        period_wording.rate(row.baseline),
        f"{row.hits}",
        wording.points(row.points),
    )


def _outcome(one: AdviceOutcome) -> tuple[Phrase, ...]:
    change = "—"
    if one.change is not None and one.change_low is not None and one.change_high is not None:
        low, high = (wording.signed(value * 100) for value in (one.change_low, one.change_high))
        change = _("{change}（{low} 至 {high}）").format(change=wording.signed(one.change * 100), low=low, high=high)
    name = Phrase(
        pieces=(
            Piece(text=period_wording.name(one.title)),
            Piece(text=" " + wording.named(_("建议"), period_wording.prose(one.advice)), style="muted"),
        )
    )
    return _cells(
        name,
        plural("{count}人", len(one.agents), count=len(one.agents)),
        period_wording.rate(one.before),
        period_wording.rate(one.after),
        change,
        _(period_wording.VERDICTS[one.verdict]),
    )


def _promise(one: PromiseDue, report: PeriodReport) -> tuple[Phrase, ...]:
    said = wording.named(period_wording.name(one.action), period_wording.quoted(one.at_ms, one.quote))
    if one.again_call_id:
        said += _("；又来电：{call}").format(call=period_wording.name(one.again_call_id))
    state = Phrase(
        pieces=(
            Piece(
                text=_(period_wording.STATES[one.state]), style="outlier" if one.state is PromiseState.BROKEN else ""
            ),
        )
    )
    return _cells(
        state,
        f"{period_wording.name(one.subject)} {period_wording.name(one.customer_phone or '')}".strip(),
        said,
        wording.beside(period_wording.moment_of(one.due_at, report.period), period_wording.name(one.by)),
        period_wording.name(one.agent_id or _(wording.UNKNOWN)),
    )


def _failed(one: FailedCall, report: PeriodReport) -> tuple[Phrase, ...]:
    when = period_wording.moment_of(one.started_at, report.period) if one.started_at else _("时间未知")
    step = wording.STEPS.get(one.step, one.step)
    return _cells(
        period_wording.name(one.call_id),
        when,
        period_wording.name(one.agent_id or _(wording.UNKNOWN)),
        period_wording.prose(wording.named(step, one.reason)),
    )


def _agents_note(report: PeriodReport) -> str:
    return _(
        "σ＝客服平均得分与全组平均的差，以标准误差为单位（全组每通得分的标准差÷√N）；超过 {sigma:g}σ 标出。"
        "人多时约二十人中有一人会偶然超出，标记只表示值得看一看。通话少于{small}通不计 σ。"
    ).format(sigma=report.outlier_sigma, small=report.small_n)


def _promises_note(report: PeriodReport) -> str:
    return _(
        "录音只能说明客户有没有再来电，不能证明承诺已经兑现。本期另有{open}条承诺之后才到期，{undated}条到期时间不明。"
    ).format(open=report.promises_open, undated=report.promises_undated)


def _is_demo(report: PeriodReport) -> bool:
    return any(name.startswith("demo") for name in report.provenance.models)


def _footer(report: PeriodReport) -> str:
    provenance = report.provenance
    rules = wording.listed(one[:8] for one in provenance.rules_sha256[:2]) or "—"
    models = wording.listed(period_wording.shorten(one, 40) for one in provenance.models[:2]) or "—"
    days = period_wording.file_stem(report.period)
    return _("{days} · 规则集 {rules} · 模型 {models} · qareport {version}").format(
        days=days, rules=rules, models=models, version=provenance.qareport
    )


def _created(report: PeriodReport) -> str:
    """Date the document by SOURCE_DATE_EPOCH, else by the day after the period: the same input gives the same bytes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        return datetime.fromtimestamp(int(epoch), tz=UTC).isoformat()
    last = report.period.last
    return datetime(last.year, last.month, last.day, tzinfo=UTC).isoformat()
