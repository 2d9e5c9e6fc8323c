"""Say how the numbers of a period were computed, what could not be judged, and what the report was made with."""

from __future__ import annotations

from collections.abc import Iterator

from qareport.model import (
    CALLBACK_REPEATS,
    CALLBACK_SCORE_WEIGHT,
    CALLBACK_WEIGHTS,
    NOT_JUDGED,
    CallbackReason,
    PeriodReport,
)
from qareport.presentation import note_wording, wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Metric
from qareport.report.period import terms


def footer(report: PeriodReport) -> str:
    """Say at the foot of each page what made the report."""
    provenance = report.provenance
    rules = wording.listed(digest[:8] for digest in provenance.rules_sha256[:2]) or "—"
    models = wording.listed(terms.shorten(model, 40) for model in provenance.models[:2]) or "—"
    days = terms.file_stem(report.period)
    return _("{days} · 规则集 {rules} · 模型 {models} · qareport {version}").format(
        days=days, rules=rules, models=models, version=provenance.qareport
    )


def not_judged(report: PeriodReport) -> str:
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
    return _("，").join(parts) + _("。没有得分的通话不计入得分、合格率和规则统计。")


def methods(report: PeriodReport) -> Iterator[Metric]:
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
    yield Metric(label=_("未能判断"), value=not_judged(report))
    if counted.reviewed:
        yield Metric(
            label=_("人工复核"),
            value=plural(
                "{count}通经人复核。得分、合格率和扣分按机器判定，复核后不同的另写“经复核”",
                counted.reviewed,
                count=counted.reviewed,
            ),
        )
    if not counted.without_agent and not counted.without_order:
        return
    yield Metric(
        label=_("缺少资料"),
        value=_("客服未知{agent}通，订单未知{order}通").format(
            agent=counted.without_agent, order=counted.without_order
        ),
    )


def _meanings(report: PeriodReport) -> Iterator[Metric]:
    yield Metric(
        label=_("比较"),
        value=_(
            "计数与前几期的平均比，占比、得分、时长与前几期全部通话合并比；变化超出偶然范围（95%）才标红绿；"
            "少于{small}通的只写通数或标“{words}”"
        ).format(small=report.small_n, words=_(terms.SMALL)),
    )
    yield Metric(
        label=_("情绪"),
        value=_("情绪来自语音模型的得分，未经校准，不是概率；愤怒等指客户情绪转变的时刻，不是整通电话"),
    )
    yield Metric(
        label=_("客户排序"),
        value=_("按理由的分量合计：承诺过期又来电{broken_promise}、升级{escalation}、放弃{churn_signal}、一票否决{fatal}、"
                "愤怒未平复{angry_unresolved}、高风险{high_risk}、承诺将到期{promise_due}、"
                "每多来电一次{repeated_calls}（至多{most}）、得分越低加至{score}").format(
            **{reason.value: weight for reason, weight in CALLBACK_WEIGHTS.items()},
            most=CALLBACK_WEIGHTS[CallbackReason.REPEATED_CALLS] * CALLBACK_REPEATS,
            score=CALLBACK_SCORE_WEIGHT,
        ),
    )  # fmt: skip
