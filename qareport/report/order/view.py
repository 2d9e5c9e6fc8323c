"""Turn an OrderReport into an OrderView: selection, rounding and wording happen here, once, for every format.

The last section says how the report was made and what it cannot say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qareport.model import CallReport, FailedCall, OrderReport, Risk
from qareport.presentation import wording
from qareport.presentation.locale import N_, _, plural
from qareport.presentation.view_types import Metric, Phrase, TextRun, created_at
from qareport.report.order import call_view, history, key_moments
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import CallView, Facts, FailedRow, OrderView, OverviewRow
from qareport.settings import ReportSettings

_RISK_ORDER = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)
_SIGNATURES = (N_("质检员"), N_("班组长"), N_("日期"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One call of the order, processed or failed, with its number by time."""

    number: int
    outcome: CallReport | FailedCall

    @property
    def call(self) -> CallReport | None:
        """The call, if it was processed."""
        return self.outcome if isinstance(self.outcome, CallReport) else None

    @property
    def failed(self) -> FailedCall | None:
        """The call, if it failed."""
        return self.outcome if isinstance(self.outcome, FailedCall) else None


def build_view(report: OrderReport, settings: ReportSettings) -> OrderView:
    """Turn a cleaned report into what its pages say."""
    entries = _entries(report)
    calls = {
        entry.number: call_view.build(
            entry.call,
            entry.number,
            settings.key_moments,
            measures=report.measures.get(entry.call.call_id),
            norm=report.norm,
        )
        for entry in entries
        if entry.call
    }
    changes = {change.call_id: history.brief(change) for change in report.dossier.changes} if report.dossier else {}
    name = report.order_id or (entries[0].outcome.call_id if entries else _(wording.UNKNOWN))
    worst = _worst(entries)
    return OrderView(
        title=_(wording.TITLE),
        subject=(_("订单 {name}") if report.order_id else _("通话 {name}")).format(name=name),
        organisation=settings.organisation,
        badge=call_view.badge(worst.call) if worst and worst.call else _failed(_("无法评分")),
        facts=_facts(report, entries, name),
        demo_notice=wording.demo_notice(_models(report)),
        sentence=_sentence(entries, calls, worst) + _broken(history.broken(report.dossier)),
        several=len(entries) > 1,
        overview=tuple(
            _overview(entry, calls.get(entry.number), changes.get(entry.outcome.call_id, "")) for entry in entries
        ),
        calls=tuple(calls.values()),
        dossier=history.build(report, {entry.outcome.call_id: entry.number for entry in entries}),
        failed=tuple(_failed_row(entry.failed, entry.number) for entry in entries if entry.failed),
        methods=_methods(report, entries),
        signatures=tuple(_(name) for name in _SIGNATURES),
        footer=_footer(report, name),
        created=_created(entries),
    )


def _entries(report: OrderReport) -> list[_Entry]:
    """Number the calls by time; where a time is not known, as they came, failed calls last."""
    everything: list[CallReport | FailedCall] = [*report.calls, *report.failed_calls]
    dated = [(call.started_at, index) for index, call in enumerate(everything) if call.started_at is not None]
    if len(dated) == len(everything):
        everything = [everything[index] for _start, index in sorted(dated)]
    return [_Entry(number=number, outcome=call) for number, call in enumerate(everything, start=1)]


def _worst(entries: Sequence[_Entry]) -> _Entry | None:
    """Find the call that decides the order's verdict: the highest risk, then the lowest score, then the latest."""
    scored = [entry for entry in entries if entry.call and entry.call.score is not None]
    done = scored or [entry for entry in entries if entry.call]

    def rank(entry: _Entry) -> tuple[int, int, int]:
        call = entry.call
        if call is None:
            raise ValueError("a failed call has no verdict")
        return (_RISK_ORDER.index(call.risk), -(call.score or 0), entry.number)

    return max(done, key=rank, default=None)


def _facts(report: OrderReport, entries: Sequence[_Entry], name: str) -> Facts:
    done = [entry for entry in entries if entry.call]
    latest = done[-1] if done else None
    call = latest.call if latest else None
    agents = dict.fromkeys(entry.outcome.agent_id for entry in entries if entry.outcome.agent_id is not None)
    segments = [segment for entry in done if entry.call for segment in entry.call.segments]
    single = len(done) == 1 and call is not None
    return Facts(
        name=report.order_id or _("未知（通话 {name}）").format(name=name),
        calls=_count(entries),
        when=call_view.when(call) if call else _("没有可用的通话"),
        agent=wording.listed(agents) or _(wording.UNKNOWN),
        issue=key_moments.issue([entry.call for entry in done if entry.call]),
        trend=call_view.trend(call.metrics) if single and call else _trends(done),
        roles=Speakers(segments).certainty() if done else _("未判定"),
        hits=call_view.hits(call) if single and call else _hits(done),
    )


def _hits(done: Sequence[_Entry]) -> str:
    findings = [finding for entry in done if entry.call for finding in entry.call.findings]
    if not done:
        return _("未判定")
    return key_moments.count_hits(findings) if findings else _("无")


def _trends(done: Sequence[_Entry]) -> str:
    words = [
        _("{call}{trend}").format(call=wording.nth(entry.number), trend=_trend(entry.call))
        for entry in done
        if entry.call
    ]
    if len(words) > 3:
        words = [words[0], "…", words[-1]]
    return " → ".join(words) or _("未判定")


def _trend(call: CallReport) -> str:
    return wording.trend(call.metrics) or _("不足以判定")


def _count(entries: Sequence[_Entry]) -> str:
    failed = sum(1 for entry in entries if entry.failed)
    remarks = [plural("其中{count}次处理失败", failed, count=failed)] if failed else []
    if len(entries) > 1 and entries[0].outcome.started_at is not None:
        remarks.insert(0, _("首次 {when}").format(when=wording.instant(entries[0].outcome.started_at)[5:]))
    return wording.beside(wording.times(len(entries)), wording.clauses(remarks))


def _sentence(entries: Sequence[_Entry], calls: dict[int, CallView], worst: _Entry | None) -> str:
    if not entries:
        return _("这个订单没有通话。")
    failed = sum(1 for entry in entries if entry.failed)
    if worst is None:
        return plural("{count}次通话都没有处理成功，没有任何判断；原因见下。", failed, count=failed)
    text = calls[worst.number].sentence
    if len(calls) > 1:
        text = _("{count}次来电中，第{number}次风险最高：{text}").format(
            count=len(entries), number=worst.number, text=text
        )
    return text + (plural("另有{count}次通话处理失败，未计入。", failed, count=failed) if failed else "")


def _broken(count: int) -> str:
    return plural("有{count}项承诺到期后客户又来电。", count, count=count) if count else ""


def _failed(text: str) -> Phrase:
    return Phrase(runs=(TextRun(text=text, style="failed"),))


def _overview(entry: _Entry, view: CallView | None, change: str) -> OverviewRow:
    call, failed = entry.call, entry.failed
    agent, when = entry.outcome.agent_id, wording.instant(entry.outcome.started_at)
    if call is None or view is None:
        return OverviewRow(
            number=wording.nth(entry.number),
            when=when,
            length=_(wording.NOT_MEASURED),
            agent=agent or _(wording.UNKNOWN),
            trend="—",
            badge=_failed(_("处理失败")),
            remark=_reason(failed) if failed else "",
            anchor="",
        )
    return OverviewRow(
        number=wording.nth(entry.number),
        when=when,
        length=wording.duration(call.metrics.duration_ms),
        agent=agent or _(wording.UNKNOWN),
        trend=_trend(call),
        badge=view.badge,
        remark=view.facts.issue,
        anchor=view.anchor,
        change=change,
    )


def _reason(failed: FailedCall) -> str:
    return wording.named(wording.STEPS.get(failed.step, failed.step), failed.reason)


def _failed_row(failed: FailedCall, number: int) -> FailedRow:
    return FailedRow(
        number=wording.nth_call(number),
        call_id=failed.call_id,
        when=wording.instant(failed.started_at),
        agent=failed.agent_id or _(wording.UNKNOWN),
        reason=Phrase(runs=(TextRun(text=_("处理失败"), style="failed"), TextRun(text=f" {_reason(failed)}"))),
    )


def _footer(report: OrderReport, name: str) -> str:
    provenance = report.provenance
    audio = provenance.audio_sha256
    parts = [
        (_("订单 {name}") if report.order_id else _("通话 {name}")).format(name=_short(name, 32)),
        _("规则集 {rules}").format(rules=provenance.rules_sha256[:8]),
        _("模型 {model}").format(model=_short(provenance.model, 40)),
    ]
    if audio:
        more = _(" 等{count}个").format(count=len(audio)) if len(audio) > 1 else ""
        parts.append(_("录音 {name}").format(name=audio[0][:8]) + more)
    return " · ".join(parts)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _models(report: OrderReport) -> list[str]:
    return [report.provenance.model, *(call.model.name for call in report.calls if call.model)]


def _created(entries: Sequence[_Entry]) -> str:
    times = [entry.outcome.started_at for entry in entries if entry.outcome.started_at is not None]
    return created_at(max(times) if times else None)


def _methods(report: OrderReport, entries: Sequence[_Entry]) -> tuple[Metric, ...]:
    """Say how emotions, scores and promises are meant, what was not judged, and what all of it was made with."""
    done = [(entry.number, entry.call) for entry in entries if entry.call]
    return (
        *_meanings(report, [call for _number, call in done]),
        *(_call_method(call, number) for number, call in done),
        *_gaps(done, [entry.number for entry in entries if entry.failed]),
        *_made_with(report),
    )


def _meanings(report: OrderReport, calls: Sequence[CallReport]) -> Iterable[Metric]:
    yield Metric(label=_("情绪得分"), value=_("来自模型输出，未经校准，只用于比较，不代表把握有多大。"))
    yield Metric(
        label=_("四种“没有情绪”"),
        value=_("[NEUTRAL] 模型判为中性；[EMO_UNKNOWN] 模型无法判断；[未判定] 没有做判定；处理失败 通话没能分析。"),
    )
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
        parts.append(_("录音 {rate} Hz {layout}").format(rate=call.audio.sample_rate, layout=layout))
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
    for value in provenance.audio_sha256:
        yield Metric(label=_("录音 SHA-256"), value=value)
    yield Metric(
        label=_("程序"),
        value=_("qareport {version}，报告格式第{schema}版").format(
            version=provenance.qareport, schema=report.schema_version
        ),
    )
