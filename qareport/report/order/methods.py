"""How an order's report was made, and what it cannot say: the last section of the document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qareport.model import CallReport, FailedCall, OrderReport
from qareport.presentation import wording
from qareport.presentation.locale import _, plural, unbroken
from qareport.presentation.view_types import Metric
from qareport.report.order.transcript_lines import Speakers, is_guess


def rows(report: OrderReport, entries: Sequence[tuple[int, CallReport | FailedCall]]) -> tuple[Metric, ...]:
    """Say how emotions, scores and promises are meant, what was not judged, and what all of it was made with.

    Args:
        report: the order.
        entries: its calls with their numbers, failed ones too.
    """
    done = [(number, call) for number, call in entries if isinstance(call, CallReport)]
    failed = [(number, call) for number, call in entries if isinstance(call, FailedCall)]
    return (
        *_meanings(report, [call for _number, call in done]),
        *(_call_method(call, number) for number, call in done),
        *(Metric(label=wording.nth_call(number), value=_("处理失败"), remark=call.call_id) for number, call in failed),
        *_gaps(done, [number for number, _call in failed]),
        *_made_with(report),
    )


def _meanings(report: OrderReport, calls: Sequence[CallReport]) -> Iterable[Metric]:
    yield Metric(label=_("情绪得分"), value=_("来自模型输出，未经校准，只用于比较，不代表把握有多大。"))
    yield Metric(
        label=_("四种“没有情绪”"),
        value=_("[NEUTRAL] 模型判为中性；[EMO_UNKNOWN] 模型无法判断；[未判定] 没有做判定；处理失败 通话没能分析。"),
    )
    if any(is_guess(segment) for call in calls for segment in call.segments):
        yield Metric(label=_("推断的说话人"), value=_("标有“（推断）”的客户、客服是按声音或用语猜测的，可能有误。"))
    if any(call.scorecard for call in calls):
        yield Metric(
            label=_("评分"),
            value=_("起始分加各规则的分值；没有机会出现的规则记“不适用”，与没有做到是两回事，不扣分也不加分。"),
        )
    if _has_fuzzy(calls):
        yield Metric(
            label=_("读音相近"), value=_("标有“（读音相近）”的词只是读音与词表相同，写法不同（识别常见），请核对原话。")
        )
    if report.norm is not None and report.norm.calls:
        yield Metric(label=_("团队值"), value=_("各指标在有这项指标的通话中的中位数与上下四分位数，不分组别。"))
    if report.dossier is not None and report.dossier.promises:
        yield Metric(
            label=_("承诺的结果"),
            value=_("只按本订单各次来电判断：到期后同一问题又来电，记为未兑现；录音不能证明已经兑现。"),
        )


def _has_fuzzy(calls: Sequence[CallReport]) -> bool:
    return any(
        any(moment.fuzzy for moment in call.moments)
        or any(name.fuzzy for name in (*call.issues, *call.stages))
        or any(item.fuzzy for finding in call.findings for item in finding.evidence)
        for call in calls
    )


def _call_method(call: CallReport, number: int) -> Metric:
    share = call.metrics.unknown_emotion_share
    parts = [_("说话人{certainty}").format(certainty=Speakers(call.segments).certainty())]
    parts.append(_("未知情绪占{share}").format(share=wording.share(share)) if share is not None else _("没有情绪判定"))
    if call.customer_phone:
        parts.append(_("客户电话 {phone}").format(phone=call.customer_phone))
    if call.audio:
        channels = call.audio.channels
        layout = {1: _("单声道"), 2: _("双声道")}.get(channels, _("{count}声道").format(count=channels))
        sampled = _("录音 {rate} Hz {layout}").format(rate=call.audio.sample_rate, layout=layout)
        parts.append(unbroken(sampled))
    if call.masked:
        parts.append(plural("遮住个人信息{count}处", len(call.masked), count=len(call.masked)))
    return Metric(label=wording.nth_call(number), value=wording.clauses(parts), remark=call.call_id)


def _gaps(done: Sequence[tuple[int, CallReport]], failed: Sequence[int]) -> Iterable[Metric]:
    unscored = [number for number, call in done if call.score is None]
    unfelt = [
        number for number, call in done if call.segments and not any(segment.emotion for segment in call.segments)
    ]
    parts = [
        text.format(calls=_("、").join(str(number) for number in numbers))
        for text, numbers in (
            (_("第{calls}次来电没有评分"), unscored),
            (_("第{calls}次来电没有判定情绪"), unfelt),
            (_("第{calls}次来电处理失败，不在任何数字里"), failed),
        )
        if numbers
    ]
    yield Metric(label=_("未能判定"), value=_("；").join(parts) + _("。") if parts else _("没有。"))


def _made_with(report: OrderReport) -> Iterable[Metric]:
    provenance = report.provenance
    yield Metric(label=_("模型"), value=provenance.model)
    yield Metric(label=_("规则集 SHA-256"), value=provenance.rules_sha256)
    if provenance.audio_sha256:
        yield Metric(label=_("录音 SHA-256"), value=wording.listed(provenance.audio_sha256))
    yield Metric(
        label=_("程序"),
        value=_("qareport {version}，报告格式第{schema}版").format(
            version=provenance.qareport, schema=report.schema_version
        ),
    )
