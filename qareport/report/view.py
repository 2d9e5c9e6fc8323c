"""OrderReport -> OrderView: selection, rounding and wording happen here, once, for every format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from qareport.model import CallReport, FailedCall, OrderReport, Risk
from qareport.report import chapter, dossier, nodes, wording
from qareport.report.locale import _
from qareport.report.methods import methods
from qareport.report.speech import Speakers
from qareport.report.viewdata import CallRow, CallView, Facts, FailedRow, OrderView, Phrase, Piece
from qareport.settings import ReportSettings

_RISK_ORDER = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)
_SIGNATURES = ("质检员", "班组长", "日期")


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
        entry.number: chapter.build(
            entry.call,
            entry.number,
            settings.key_moments,
            measures=report.measures.get(entry.call.call_id),
            norm=report.norm,
        )
        for entry in entries
        if entry.call
    }
    changes = {one.call_id: dossier.brief(one) for one in report.dossier.changes} if report.dossier else {}
    name = report.order_id or (entries[0].one.call_id if entries else wording.UNKNOWN)
    worst = _worst(entries)
    return OrderView(
        title=wording.TITLE,
        subject=f"订单 {report.order_id}" if report.order_id else f"通话 {name}",
        organisation=settings.organisation,
        badge=chapter.badge(worst.call.score, worst.call.risk) if worst and worst.call else _failed("无法评分"),
        facts=_facts(report, entries, name),
        demo_notice=wording.DEMO_NOTICE if _is_demo(report) else "",
        sentence=_sentence(entries, calls, worst) + _broken(dossier.broken(report.dossier)),
        several=len(entries) > 1,
        overview=tuple(
            _overview(entry, calls.get(entry.number), changes.get(entry.one.call_id, "")) for entry in entries
        ),
        calls=tuple(calls.values()),
        dossier=dossier.build(report, {entry.one.call_id: entry.number for entry in entries}),
        failed=tuple(_failed_row(entry.failed, entry.number) for entry in entries if entry.failed),
        methods=methods(report, [(entry.number, entry.one) for entry in entries]),
        signatures=_SIGNATURES,
        footer=_footer(report, name),
        created=_created(entries),
    )


def _entries(report: OrderReport) -> list[_Entry]:
    """Number the calls by time; where a time is not known, as they came, failed calls last."""
    everything: list[CallReport | FailedCall] = [*report.calls, *report.failed_calls]
    dated = [(one.started_at, index) for index, one in enumerate(everything) if one.started_at is not None]
    if len(dated) == len(everything):
        everything = [everything[index] for _, index in sorted(dated)]
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
        name=report.order_id or f"未知（通话 {name}）",
        calls=_count(entries),
        when=chapter.when(call) if call else "没有可用的通话",
        agent="、".join(agents) or wording.UNKNOWN,
        issue=nodes.issue([entry.call for entry in done if entry.call]),
        trend=chapter.trend(call.metrics) if single and call else _trends(done),
        roles=Speakers(segments).certainty() if done else "未判定",
        hits=chapter.hits(call) if single and call else _hits(done),
    )


def _hits(done: Sequence[_Entry]) -> str:
    findings = [finding for entry in done if entry.call for finding in entry.call.findings]
    if not done:
        return "未判定"
    return f"{len(findings)}条，{nodes.total_points(findings)}" if findings else "无"


def _trends(done: Sequence[_Entry]) -> str:
    words = [
        f"第{entry.number}次{wording.TRENDS.get(entry.call.metrics.trend or '', '不足以判定')}"
        for entry in done
        if entry.call
    ]
    if len(words) > 3:
        words = [words[0], "…", words[-1]]
    return " → ".join(words) or "未判定"


def _count(entries: Sequence[_Entry]) -> str:
    failed = sum(1 for entry in entries if entry.failed)
    text = f"{len(entries)}次"
    remarks = [f"其中{failed}次处理失败"] if failed else []
    if len(entries) > 1 and entries[0].one.started_at is not None:
        remarks.insert(0, f"首次 {wording.instant(entries[0].one.started_at)[5:]}")
    return f"{text}（{'；'.join(remarks)}）" if remarks else text


def _sentence(entries: Sequence[_Entry], calls: dict[int, CallView], worst: _Entry | None) -> str:
    if not entries:
        return "这个订单没有通话。"
    failed = sum(1 for entry in entries if entry.failed)
    if worst is None:
        return f"{failed}次通话都没有处理成功，没有任何判断；原因见下。"
    text = calls[worst.number].sentence
    if len(calls) > 1:
        text = f"{len(entries)}次来电中，第{worst.number}次风险最高：{text}"
    return text + (f"另有{failed}次通话处理失败，未计入。" if failed else "")


def _broken(count: int) -> str:
    return _("有{count}项承诺到期后客户又来电。").format(count=count) if count else ""


def _failed(text: str) -> Phrase:
    return Phrase(pieces=(Piece(text=text, style="failed"),))


def _overview(entry: _Entry, view: CallView | None, change: str) -> CallRow:
    call, failed = entry.call, entry.failed
    agent, when = entry.one.agent_id, wording.instant(entry.one.started_at)
    if call is None or view is None:
        return CallRow(
            number=f"第{entry.number}次",
            when=when,
            length=wording.NOT_MEASURED,
            agent=agent or wording.UNKNOWN,
            trend="—",
            badge=_failed("处理失败"),
            remark=_reason(failed) if failed else "",
            anchor="",
        )
    return CallRow(
        number=f"第{entry.number}次",
        when=when,
        length=wording.duration(call.metrics.duration_ms),
        agent=agent or wording.UNKNOWN,
        trend=wording.TRENDS.get(call.metrics.trend or "", "不足以判定"),
        badge=view.badge,
        remark=view.facts.issue,
        anchor=view.anchor,
        change=change,
    )


def _reason(failed: FailedCall) -> str:
    return f"{wording.STEPS.get(failed.step, failed.step)}：{failed.reason}"


def _failed_row(failed: FailedCall, number: int) -> FailedRow:
    return FailedRow(
        number=f"第{number}次",
        call_id=failed.call_id,
        when=wording.instant(failed.started_at),
        agent=failed.agent_id or wording.UNKNOWN,
        reason=Phrase(pieces=(Piece(text="处理失败", style="failed"), Piece(text=f" {_reason(failed)}"))),
    )


def _footer(report: OrderReport, name: str) -> str:
    provenance = report.provenance
    audio = provenance.audio_sha256
    parts = [
        f"{'订单' if report.order_id else '通话'} {_short(name, 32)}",
        f"规则集 {provenance.rules_sha256[:8]}",
        f"模型 {_short(provenance.model, 40)}",
    ]
    if audio:
        parts.append(f"录音 {audio[0][:8]}" + (f" 等{len(audio)}个" if len(audio) > 1 else ""))
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
