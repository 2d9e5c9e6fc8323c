"""OrderReport -> OrderView: selection, rounding and wording happen here, once, for every format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from qareport.model import CallReport, FailedCall, OrderReport, Risk
from qareport.presentation import wording
from qareport.presentation.locale import N_, _, plural
from qareport.presentation.view_types import Phrase, Piece
from qareport.report.order import call_view, history, key_moments
from qareport.report.order.method_notes import methods
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import CallRow, CallView, Facts, FailedRow, OrderView
from qareport.settings import ReportSettings

_RISK_ORDER = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)
_SIGNATURES = (N_("质检员"), N_("班组长"), N_("日期"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One call of the order, worked on or failed, with its number by time."""

    number: int
    one: CallReport | FailedCall

    @property
    def call(self) -> CallReport | None:
        """The call, if it was worked on."""
        return self.one if isinstance(self.one, CallReport) else None

    @property
    def failed(self) -> FailedCall | None:
        """The call, if it failed."""
        return self.one if isinstance(self.one, FailedCall) else None


def build_view(report: OrderReport, settings: ReportSettings) -> OrderView:
    """Turn a cleaned report into what stands on its pages."""
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
    changes = {one.call_id: history.brief(one) for one in report.dossier.changes} if report.dossier else {}
    name = report.order_id or (entries[0].one.call_id if entries else _(wording.UNKNOWN))
    worst = _worst(entries)
    return OrderView(
        title=_(wording.TITLE),
        subject=(_("订单 {name}") if report.order_id else _("通话 {name}")).format(name=name),
        organisation=settings.organisation,
        badge=call_view.badge(worst.call.score, worst.call.risk) if worst and worst.call else _failed(_("无法评分")),
        facts=_facts(report, entries, name),
        demo_notice=_(wording.DEMO_NOTICE) if _is_demo(report) else "",
        sentence=_sentence(entries, calls, worst) + _broken(history.broken(report.dossier)),
        several=len(entries) > 1,
        overview=tuple(
            _overview(entry, calls.get(entry.number), changes.get(entry.one.call_id, "")) for entry in entries
        ),
        calls=tuple(calls.values()),
        dossier=history.build(report, {entry.one.call_id: entry.number for entry in entries}),
        failed=tuple(_failed_row(entry.failed, entry.number) for entry in entries if entry.failed),
        methods=methods(report, [(entry.number, entry.one) for entry in entries]),
        signatures=tuple(_(name) for name in _SIGNATURES),
        footer=_footer(report, name),
        created=_created(entries),
    )


def _entries(report: OrderReport) -> list[_Entry]:
    """Number the calls by time; where a time is not known, as they came, failed calls last."""
    everything: list[CallReport | FailedCall] = [*report.calls, *report.failed_calls]
    dated = [(one.started_at, index) for index, one in enumerate(everything) if one.started_at is not None]
    if len(dated) == len(everything):
        everything = [everything[index] for _start, index in sorted(dated)]
    return [_Entry(number=number, one=one) for number, one in enumerate(everything, start=1)]


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
    agents = dict.fromkeys(entry.one.agent_id for entry in entries if entry.one.agent_id is not None)
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
    if len(entries) > 1 and entries[0].one.started_at is not None:
        remarks.insert(0, _("首次 {when}").format(when=wording.instant(entries[0].one.started_at)[5:]))
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
    return Phrase(pieces=(Piece(text=text, style="failed"),))


def _overview(entry: _Entry, view: CallView | None, change: str) -> CallRow:
    call, failed = entry.call, entry.failed
    agent, when = entry.one.agent_id, wording.instant(entry.one.started_at)
    if call is None or view is None:
        return CallRow(
            number=wording.nth(entry.number),
            when=when,
            length=_(wording.NOT_MEASURED),
            agent=agent or _(wording.UNKNOWN),
            trend="—",
            badge=_failed(_("处理失败")),
            remark=_reason(failed) if failed else "",
            anchor="",
        )
    return CallRow(
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
        reason=Phrase(pieces=(Piece(text=_("处理失败"), style="failed"), Piece(text=f" {_reason(failed)}"))),
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


def _is_demo(report: OrderReport) -> bool:
    names = [report.provenance.model, *(call.model.name for call in report.calls if call.model)]
    return any(name.startswith("demo") for name in names)


def _created(entries: Sequence[_Entry]) -> str:
    """Date the document by SOURCE_DATE_EPOCH, else by its latest call: the same input gives the same bytes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        return datetime.fromtimestamp(int(epoch), tz=UTC).isoformat()
    times = [entry.one.started_at for entry in entries if entry.one.started_at is not None]
    return max(times).astimezone(UTC).isoformat(timespec="seconds") if times else ""
