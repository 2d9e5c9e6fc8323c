"""Turn a PeriodReport into a PeriodView: selection, rounding and wording, once for every format."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

from qareport.model import (
    AdviceOutcome,
    AgentRow,
    Headline,
    HeadlineName,
    OutcomeVerdict,
    PeriodKind,
    PeriodReport,
    PromiseDue,
    PromiseState,
    WeakLink,
)
from qareport.presentation import note_wording, topic_wording, wording
from qareport.presentation.links import Links
from qareport.presentation.locale import N_, _, plural
from qareport.presentation.view_types import created_at
from qareport.report.period import figures, methods, terms
from qareport.report.period.rows import RowWriter, outcome_row, rule_row
from qareport.report.period.view_types import CoachView, PeriodTable, PeriodView, WeakView
from qareport.settings import PeriodSettings, ReportSettings

#: Customers that the first page has room for; the others follow in a table of their own.
FIRST_CALLBACKS = 5
#: Agents to coach and to praise.
_COACHED, _PRAISED = 5, 3
#: What costs less, in a single call, is no reason to coach anybody, and nothing to open a report with.
_WORTH_COACHING = 10
_CHANGED = frozenset({OutcomeVerdict.FEWER, OutcomeVerdict.MORE})
_NOBODY = Links()


def build_period_view(
    report: PeriodReport,
    settings: ReportSettings,
    period: PeriodSettings | None = None,
    *,
    links: Links = _NOBODY,
    with_workbook: bool = False,
) -> PeriodView:
    """Turn a cleaned report into what its pages say.

    Args:
        report: everything it says.
        settings: what documents show.
        period: how many rows a table has; None: the defaults.
        links: where orders and calls can be opened.
        with_workbook: a workbook of the same name that has all rows is beside the document.
    """
    kind, period = report.period.kind, period or PeriodSettings()
    rows, limit = RowWriter(report, links), period.table_rows
    callbacks = [rows.callback(callback) for callback in report.callbacks[: period.callbacks]]
    rest = len(callbacks) - FIRST_CALLBACKS
    coaching, praise = _coaching(report, rows), _praise(report, rows)
    coaching_title = _("先改这一点") if report.agent_id else _("先辅导谁，练什么")
    baseline = figures.baseline_name(report)
    previous = _(terms.PREVIOUS[kind])
    return PeriodView(
        title=_(terms.TITLES[kind]),
        subject=terms.subject(report.period),
        organisation=settings.organisation,
        edition=_("客服 {agent} 本人版：只含本人的通话").format(agent=rows.agent(report.agent_id))
        if report.agent_id
        else "",
        demo_notice=wording.demo_notice(report.provenance.models),
        partial=tuple(terms.prose(note_wording.note(note)) for note in report.partial),
        sentence=_sentence(report),
        tiles=figures.tiles(report),
        trend_title=_(terms.TREND_TITLES[kind]).format(count=len(report.trend)),
        trend=figures.trend(report),
        callbacks_title=_(terms.CALLBACKS_TITLES[kind]).format(count=report.callbacks_total),
        callbacks=tuple(callbacks[:FIRST_CALLBACKS]),
        callbacks_rest_title=_("需要回电（续）") if kind is PeriodKind.DAY else _("仍未解决的客户（续）"),
        callbacks_rest=tuple(callbacks[FIRST_CALLBACKS:]),
        callbacks_follow=plural("其余{count}位列于后文。", rest, count=rest) if rest > 0 else "",
        callbacks_more=_more_customers(report.callbacks_total - len(callbacks), with_workbook),
        callbacks_empty=_(terms.CALLBACKS_NONE[kind][1]),
        coaching_title=coaching_title,
        coaching=coaching,
        coaching_empty=_("没有值得专门辅导的失分。"),
        praise_title=_("做得好的地方") if report.agent_id else _("值得表扬"),
        praise=praise,
        heat_title=_("问题 × 情绪（通话数；颜色越深越多）"),
        heat=figures.heat(report, limit),
        heat_notes=figures.heat_notes(report, limit, with_workbook),
        weak_title=_("最该改进的环节"),
        weak_links=_weak_links(report, rows, {item.advice for item in coaching}, coaching_title),
        weak_empty=_("没有规则扣分。"),
        not_judged=methods.not_judged(report),
        agents=rows.table(report.agents, rows.agent_row, limit, _("没有可列的客服。"), with_workbook),
        agents_note=_agents_note(report),
        groups=rows.table(report.groups, rows.group_row, limit, "", with_workbook),
        rules=rows.table(
            [row for row in report.rules if row.hits], rule_row, limit, _("没有规则出现。"), with_workbook
        ),
        outcomes=_outcomes(report, rows, limit, with_workbook),
        outcomes_note=_(
            "只统计上个月报告里给过这条建议的客服：之前＝更早几个月的出现率，之后＝本月的，上个月本身不计。"
            "这是前后对照，不能证明是建议起了作用。"
        ),
        promises=_promises(report, rows, limit, with_workbook),
        promises_note=_promises_note(report, with_workbook),
        failed=rows.table(report.failed_calls, rows.failed_row, limit, _("没有处理失败的通话。"), with_workbook),
        has_previous=figures.has_previous(report),
        has_baseline=figures.has_baseline(report),
        previous_head=wording.capital(previous),
        baseline_head=wording.capital(baseline),
        against=figures.against(report),
        methods=tuple(methods.methods(report)),
        footer=methods.footer(report),
        created=created_at(datetime.combine(report.period.last, time(), UTC)),
    )


def _more_customers(count: int, with_workbook: bool) -> str:
    if count <= 0:
        return ""
    if not with_workbook:
        return plural("另有{count}位没有列出。", count, count=count)
    return plural("另有{count}位，见同名的 xlsx 明细表。", count, count=count)


# --- sentences --------------------------------------------------------------------------------------------------------


def _sentence(report: PeriodReport) -> str:
    """Summarise the period in one sentence: how many calls, the change of risk, what to improve, whom to call."""
    headlines = {headline.name: headline for headline in report.headlines}
    heard, failed = report.coverage.calls - report.coverage.failed, report.coverage.failed
    if not report.coverage.calls:
        return _("这段时间还没有处理完的通话。") if report.partial else _("这段时间没有通话。")
    if not heard:
        return plural("{count}通电话都没有处理成功，没有任何判断；原因列在下面。", failed, count=failed)
    count = terms.count(heard)
    parts = [
        plural("{count}通电话听完，{failed}通处理失败。", heard, count=count, failed=failed)
        if failed
        else plural("{count}通电话全部听完。", heard, count=count)
    ]
    risk = headlines[HeadlineName.HIGH_RISK]
    parts.append(_("高风险{count}通").format(count=terms.count(risk.now.value or 0)) + _against(risk, report))
    weakest = next(iter(report.weak_links), None)
    if weakest is not None and weakest.points_lost >= _WORTH_COACHING:
        title, hits = terms.name(weakest.title), weakest.now.hits
        parts.append(plural("，失分最多的是“{title}”（{count}通）", hits, title=title, count=hits))
    total, kind = report.callbacks_total, report.period.kind
    parts.append(_(terms.CALLBACKS_SENTENCES[kind]).format(count=total) if total else _(terms.CALLBACKS_NONE[kind][0]))
    return "".join(parts)


def _against(risk: Headline, report: PeriodReport) -> str:
    if risk.previous is None or risk.previous.value is None or risk.now.value is None:
        return ""
    difference = risk.now.value - risk.previous.value
    before = _(terms.PREVIOUS[report.period.kind])
    if not difference:
        return _("，与{before}持平").format(before=before)
    more = _("，比{before}多{count}通") if difference > 0 else _("，比{before}少{count}通")
    return more.format(before=before, count=terms.count(abs(difference)))


def _weak_links(
    report: PeriodReport, rows: RowWriter, given: Collection[str], coaching_title: str
) -> tuple[WeakView, ...]:
    """Word the weak links; advice that coaching has `given` already is not said again: its section is named."""
    above = _("建议见“{title}”").format(title=coaching_title)
    return tuple(
        _weak_link(link, number, rows, above if link.advice and terms.prose(link.advice) in given else "")
        for number, link in enumerate(report.weak_links, start=1)
    )


def _weak_link(link: WeakLink, number: int, rows: RowWriter, above: str) -> WeakView:
    place = " · ".join(topic_wording.named(terms.name(name)) for name in (link.issue, link.stage) if name)
    now, before = link.now, link.previous
    said = plural("{n}通里{hits}通", now.n, n=f"{now.n:,}", hits=f"{now.hits:,}")
    if before is not None and before.n:
        name = _(terms.PREVIOUS[rows.report.period.kind])
        earlier = plural("{n}通里{hits}通", before.n, n=f"{before.n:,}", hits=f"{before.hits:,}")
        said = wording.beside(said, f"{name} {earlier}")
    parts = [said, plural("共失{points}分", link.points_lost, points=link.points_lost)]
    with_hit, without_hit = link.recovered_with_hit.share, link.recovered_without_hit.share
    if link.recovery_clear and with_hit is not None and without_hit is not None:
        parts.append(
            _("这些通话里{hit}的客户平静下来，其余是{other}").format(
                hit=terms.percent(with_hit), other=terms.percent(without_hit)
            )
        )
    return WeakView(
        number=str(number),
        title=wording.beside(terms.name(link.title), place),
        story=_("{text}。").format(text=wording.clauses([*parts, above] if above else parts)),
        evidence=tuple(rows.place(item) for item in link.evidence),
        advice="" if above else terms.prose(link.advice),
    )


# --- agents -----------------------------------------------------------------------------------------------------------


def _coaching(report: PeriodReport, rows: RowWriter) -> tuple[CoachView, ...]:
    """Choose whom to coach: the agents whose main fault cost most. The same advice is given once, then referred to."""
    faults = [
        (row, row.main_fault)
        for row in report.agents
        if row.agent_id is not None and row.main_fault is not None and row.main_fault.points_lost >= _WORTH_COACHING
    ]
    faults.sort(key=lambda item: (-item[1].points_lost, item[0].agent_id or ""))
    given: dict[str, str] = {}
    shown = []
    for item in (rows.coaching(row, fault) for row, fault in faults[:_COACHED]):
        first = given.setdefault(item.advice, item.agent)
        if item.advice and first != item.agent:
            what = wording.beside(item.what, _("建议同{agent}").format(agent=first))
            item = replace(item, what=what, advice="")
        shown.append(item)
    return tuple(shown)


def _praise(report: PeriodReport, rows: RowWriter) -> tuple[CoachView, ...]:
    """Choose whom to praise: of those who did something well, the highest mean scores."""
    praised = [(row, row.praise) for row in report.agents if row.praise is not None]
    praised.sort(key=lambda item: (_low_last(item[0]), item[0].agent_id or ""))
    return tuple(rows.praise(row, praise) for row, praise in praised[:_PRAISED])


def _low_last(row: AgentRow) -> float:
    return -(row.mean_score.value or 0.0)


def _agents_note(report: PeriodReport) -> str:
    if not any(row.outlier for row in report.agents):
        return ""
    return _("“明显”：与全组平均的差超出偶然范围；各人接到的电话不一样，标记只表示值得看一看。")


# --- tables -----------------------------------------------------------------------------------------------------------


def _outcomes(report: PeriodReport, rows: RowWriter, limit: int, with_workbook: bool) -> PeriodTable:
    """Show the rules that changed after their advice, in monthly reports: shorter ones have too few calls to tell."""
    changed: Sequence[AdviceOutcome] = ()
    if report.period.kind is PeriodKind.MONTH:
        changed = [outcome for outcome in report.outcomes if outcome.verdict in _CHANGED]
    return rows.table(changed, outcome_row, limit, "", with_workbook)


def _promises(report: PeriodReport, rows: RowWriter, limit: int, with_workbook: bool) -> PeriodTable:
    """Show the promises that somebody must act on; of the others only the number is told."""
    open_ones: Sequence[PromiseDue] = [
        promise for promise in report.promises if promise.state is not PromiseState.UNCONFIRMED
    ]
    return rows.table(open_ones, rows.promise_row, limit, _("没有过期又来电、或次日到期的承诺。"), with_workbook)


def _promises_note(report: PeriodReport, with_workbook: bool) -> str:
    unconfirmed = sum(promise.state is PromiseState.UNCONFIRMED for promise in report.promises)
    others = (
        (report.promises_open, N_("{count}条之后才到期")),
        (report.promises_undated, N_("{count}条到期时间不明")),
        (unconfirmed, N_("{count}条已到期、客户没有再来电")),
    )
    said = wording.clauses(_(text).format(count=count) for count, text in others if count)
    proof = _("录音只能说明客户有没有再来电，不能证明承诺已经兑现。")
    if not said:
        return proof
    workbook = _("见 xlsx 明细表") if with_workbook and unconfirmed else ""
    return proof + _("另有承诺：{others}。").format(others=wording.beside(said, workbook))
