"""Turn a PeriodReport into a PeriodView: selection, rounding and wording, once for every format.

The last section says how its numbers were computed and what could not be judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

from qareport.model import (
    CALLBACK_REPEATS,
    CALLBACK_SCORE_WEIGHT,
    CALLBACK_WEIGHTS,
    NOT_JUDGED,
    CallbackReason,
    Headline,
    HeadlineName,
    PeriodKind,
    PeriodReport,
    WeakLink,
)
from qareport.presentation import note_wording, wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Metric, Phrase, TextRun, created_at
from qareport.report.period import rows, view_types
from qareport.report.period.view_types import PeriodView, Tile, WeakView
from qareport.settings import ReportSettings

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
    """Turn a cleaned report into what its pages say; tables keep `table_rows` rows and say how many are left out."""
    kind = report.period.kind
    callbacks = [rows.callback_row(callback, report.period) for callback in report.callbacks]
    baseline = _(view_types.BASELINES[kind]).format(count=report.baseline_looked_at)
    rest = len(callbacks) - FIRST_CALLBACKS
    headlines = {headline.name: headline for headline in report.headlines}
    return PeriodView(
        title=_(view_types.TITLES[kind]),
        subject=view_types.subject(report.period),
        organisation=settings.organisation,
        edition=_("客服 {agent} 本人版：只含本人的通话").format(agent=view_types.name(report.agent_id))
        if report.agent_id
        else "",
        demo_notice=wording.demo_notice(report.provenance.models),
        partial=tuple(view_types.prose(note_wording.note(note)) for note in report.partial),
        sentence=_sentence(report),
        tiles=tuple(_tile(headlines[name], report, baseline) for name in _TILES if name in headlines),
        callbacks_title=plural(
            "今天需要回电（按轻重排序，共{count}位）", report.callbacks_total, count=report.callbacks_total
        ),
        callbacks=tuple(callbacks[:FIRST_CALLBACKS]),
        callbacks_rest=tuple(callbacks[FIRST_CALLBACKS:]),
        callbacks_follow=plural("其余{count}位列于后文。", rest, count=rest) if rest > 0 else "",
        callbacks_more=_more_customers(report.callbacks_total - len(callbacks)),
        callbacks_empty=_("没有需要回电的客户。"),
        heat_title=_("问题 × 情绪（通话数；颜色越深越多）"),
        heat=rows.heat(report, table_rows),
        heat_notes=rows.heat_notes(report, table_rows),
        weak_title=_("最该改进的环节"),
        weak_links=tuple(_weak_link(link, number, kind) for number, link in enumerate(report.weak_links, start=1)),
        weak_empty=_("没有扣分的规则命中。"),
        not_judged=_not_judged(report),
        agents=rows.table(report.agents, rows.agent_row, table_rows, _("没有可列的客服。")),
        agents_note=_agents_note(report),
        rules=rows.table(report.rules, rows.rule_row, table_rows, _("没有规则命中。")),
        outcomes=rows.table(
            report.outcomes, rows.outcome_row, table_rows, _("还没有可比的数据：上一期没有给出建议，或缺少之前的通话。")
        ),
        outcomes_note=_(
            "只统计上一期报告里给过这条建议的客服：之前＝更早几期的命中率，之后＝本期的命中率，上一期本身不计。"
            "这是前后对照，不能证明是建议起了作用。"
        ),
        promises=rows.table(
            report.promises,
            lambda promise: rows.promise_row(promise, report.period),
            table_rows,
            _("没有到期的承诺。"),
        ),
        promises_note=_promises_note(report),
        failed=rows.table(
            report.failed_calls,
            lambda call: rows.failed_row(call, report.period),
            table_rows,
            _("没有处理失败的通话。"),
        ),
        previous_head=wording.capital(_(view_types.PREVIOUS[kind])),
        baseline_head=wording.capital(baseline),
        previous_against=_("较{before}").format(before=_(view_types.PREVIOUS[kind])),
        baseline_against=_("较{before}").format(before=baseline),
        methods=tuple(_methods(report)),
        footer=_footer(report),
        created=created_at(datetime.combine(report.period.last, time(), UTC)),
    )


def _more_customers(count: int) -> str:
    return plural("另有{count}位，见 JSON 格式的报告。", count, count=count) if count > 0 else ""


def _sentence(report: PeriodReport) -> str:
    """Summarise the period in one sentence: how many calls, the change of risk, what to improve, whom to call."""
    headlines = {headline.name: headline for headline in report.headlines}
    heard, failed = report.coverage.calls - report.coverage.failed, report.coverage.failed
    if not report.coverage.calls:
        return _("这段时间还没有处理完的通话。") if report.partial else _("这段时间没有通话。")
    if not heard:
        return plural("{count}通电话都没有处理成功，没有任何判断；原因列在下面。", failed, count=failed)
    count = view_types.count(heard)
    parts = [
        plural("{count}通电话听完，{failed}通处理失败。", heard, count=count, failed=failed)
        if failed
        else plural("{count}通电话全部听完。", heard, count=count)
    ]
    risk = headlines[HeadlineName.HIGH_RISK]
    parts.append(_("高风险{count}通").format(count=view_types.count(risk.now.value or 0)) + _against(risk, report))
    if report.weak_links:
        weakest = report.weak_links[0]
        parts.append(
            plural(
                "，失分最多的是“{title}”（{count}通）",
                weakest.now.hits,
                title=view_types.name(weakest.title),
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
    before = _(view_types.PREVIOUS[report.period.kind])
    if not difference:
        return _("，与{before}持平").format(before=before)
    more = _("，比{before}多{count}通") if difference > 0 else _("，比{before}少{count}通")
    return more.format(before=before, count=view_types.count(abs(difference)))


def _tile(headline: Headline, report: PeriodReport, baseline: str) -> Tile:
    label, worse = view_types.HEADLINES[headline.name]
    changes = []
    for name, other in (
        (_(view_types.PREVIOUS[report.period.kind]), headline.previous),
        (baseline, headline.baseline),
    ):
        if other is None or other.value is None or headline.now.value is None:
            continue
        difference = headline.now.value - other.value
        good = worse * difference
        style = (
            ""
            if not worse or view_types.change(headline.name, difference) == _("持平")
            else "worse"
            if good > 0
            else "better"
        )
        size = "" if headline.name is HeadlineName.CALLS else f" N={view_types.count(other.n)}"
        changes.append(
            Phrase(
                runs=(
                    TextRun(text=f"{name} {view_types.headline(headline.name, other)} "),
                    TextRun(text=view_types.change(headline.name, difference), style=style),
                    TextRun(text=size),
                )
            )
        )
    n = "" if headline.name is HeadlineName.CALLS else f"N={view_types.count(headline.now.n)}"
    if headline.now.small and headline.now.n:
        n = f"{n} {_(view_types.SMALL)}".strip()
    return Tile(label=_(label), value=view_types.headline(headline.name, headline.now), n=n, changes=tuple(changes))


def _weak_link(link: WeakLink, number: int, kind: PeriodKind) -> WeakView:
    place = " · ".join(view_types.name(name) for name in (link.issue, link.stage) if name)
    parts = [_("命中 {rate}").format(rate=view_types.rate_in_words(link.now))]
    if link.previous is not None:
        parts.append(f"{_(view_types.PREVIOUS[kind])} {view_types.rate_in_words(link.previous)}")
    parts.append(plural("共失{points}分", link.points_lost, points=link.points_lost))
    for text, rate in ((_("命中后情绪恢复平静"), link.recovered_with_hit), (_("未命中时"), link.recovered_without_hit)):
        if rate.n:
            parts.append(f"{text} {view_types.rate_in_words(rate)}")
    return WeakView(
        number=str(number),
        title=wording.beside(view_types.name(link.title), place),
        story=_("{text}。").format(text=wording.clauses(parts)),
        evidence=tuple(
            f"{view_types.name(item.subject)} {view_types.quoted(item.at_ms, item.quote)}" for item in link.evidence
        ),
        advice=view_types.prose(link.advice),
        rule=view_types.name(link.rule_id),
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


def _footer(report: PeriodReport) -> str:
    provenance = report.provenance
    rules = wording.listed(digest[:8] for digest in provenance.rules_sha256[:2]) or "—"
    models = wording.listed(view_types.shorten(model, 40) for model in provenance.models[:2]) or "—"
    days = view_types.file_stem(report.period)
    return _("{days} · 规则集 {rules} · 模型 {models} · qareport {version}").format(
        days=days, rules=rules, models=models, version=provenance.qareport
    )


def _not_judged(report: PeriodReport) -> str:
    """Say in one line for the first page what could not be judged."""
    counted = report.coverage
    failed, unknown, guessed = counted.failed, counted.emotion_mostly_unknown, counted.roles_guessed
    gaps = (
        (failed, plural("{count}通处理失败（列于后文）", failed, count=failed)),
        (counted.not_judged, plural("{count}通无法评分", counted.not_judged, count=counted.not_judged)),
        (counted.outside_domain, plural("{count}通模型听不懂", counted.outside_domain, count=counted.outside_domain)),
        (unknown, plural("{count}通超过一半的情绪未知", unknown, count=unknown)),
        (guessed, plural("{count}通的说话人由声音或用语推断", guessed, count=guessed)),
    )
    parts = [text for count, text in gaps if count]
    if not parts:
        return _("所有通话都已判定。") if counted.calls else _("没有通话。")
    return _("，").join(parts) + _("。没有得分的通话不计入任何得分和命中率。")


def _methods(report: PeriodReport) -> Iterator[Metric]:
    """Say how the numbers were computed."""
    yield from _counts(report)
    yield from _meanings(report)
    for note in report.notes:
        yield Metric(label=_("说明"), value=note_wording.note(note))
    provenance = report.provenance
    yield Metric(
        label=_("版本"),
        value=_("qareport {version}；模型 {models}").format(
            version=provenance.qareport, models=wording.listed(provenance.models) or "—"
        ),
        remark=_("规则集 {rules}").format(rules=wording.listed(provenance.rules_sha256) or "—"),
    )


def _counts(report: PeriodReport) -> Iterator[Metric]:
    counted, period = report.coverage, report.period
    yield Metric(
        label=_("统计范围"),
        value=_("{first} 至 {last}（{zone}），按通话开始时间").format(
            first=period.first.isoformat(), last=period.last.isoformat(), zone=period.time_zone
        ),
    )
    yield Metric(
        label=_("通话"),
        value=plural(
            "共{calls}通：评分{judged}通，无法评分{not_judged}通，处理失败{failed}通",
            counted.calls,
            calls=counted.calls,
            judged=counted.judged,
            not_judged=counted.not_judged,
            failed=counted.failed,
        ),
    )
    yield Metric(
        label=_("风险分布"),
        value=_("高{high}通，中{medium}通，低{low}通，未判定{unjudged}通").format(
            high=counted.risks.get("high", 0),
            medium=counted.risks.get("medium", 0),
            low=counted.risks.get("low", 0),
            unjudged=counted.risks.get(NOT_JUDGED, 0),
        ),
    )
    yield Metric(label=_("未能判断"), value=_not_judged(report))
    yield Metric(
        label=_("缺少资料"),
        value=_("客服未知{agent}通，订单未知{order}通").format(
            agent=counted.without_agent, order=counted.without_order
        ),
    )


def _meanings(report: PeriodReport) -> Iterator[Metric]:
    yield Metric(
        label=_("比较的基准"),
        value=_("此前{looked}期中有通话的{found}期；计数取每期平均，占比和得分按这些通话合并计算").format(
            looked=report.baseline_looked_at, found=report.baseline_periods
        ),
    )
    yield Metric(
        label=_("小样本"),
        value=_("少于{small}通的比率标“{words}”，表格中标“{mark}”").format(
            small=report.small_n, words=_(view_types.SMALL), mark=_(view_types.SMALL_MARK)
        ),
    )
    yield Metric(
        label=_("情绪"),
        value=_("情绪来自语音模型的得分，未经校准，不是概率；愤怒等指客户情绪转变的时刻，不是整通电话"),
    )
    yield Metric(
        label=_("回电排序"),
        value=_("按理由的分量合计：承诺过期又来电{broken_promise}、升级{escalation}、放弃{churn_signal}、一票否决{fatal}、"
                "愤怒未平复{angry_unresolved}、高风险{high_risk}、承诺将到期{promise_due}、"
                "每多来电一次{repeated_calls}（至多{most}）、得分越低加至{score}").format(
            **{reason.value: weight for reason, weight in CALLBACK_WEIGHTS.items()},
            most=CALLBACK_WEIGHTS[CallbackReason.REPEATED_CALLS] * CALLBACK_REPEATS,
            score=CALLBACK_SCORE_WEIGHT,
        ),
    )  # fmt: skip
