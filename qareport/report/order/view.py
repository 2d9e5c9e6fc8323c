"""Turn an OrderReport into an OrderView: selection, rounding and wording happen here, once, for every format."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qareport.model import CallReport, CallReview, FailedCall, OrderReport, Risk, Roster
from qareport.presentation import wording
from qareport.presentation.locale import N_, _, plural
from qareport.presentation.view_types import Phrase, TextRun, created_at
from qareport.report.order import (
    call_view,
    first_page,
    follow_up,
    history,
    key_moments,
    methods,
    scorecard,
    story,
    verdict,
)
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import CallView, Facts, FailedRow, FollowUp, OrderView, OverviewRow
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
    numbers = {entry.outcome.call_id: entry.number for entry in entries}
    worst = _worst(entries)
    sentence, follow_ups = _sentence(entries, worst), follow_up.build(report, numbers)
    name = report.order_id or (entries[0].outcome.call_id if entries else _(wording.UNKNOWN))
    facts = _facts(report, entries, name)
    calls = _calls(report, entries, worst, settings, _room(report, worst, facts, sentence, follow_ups))
    return OrderView(
        title=_(wording.TITLE),
        subject=(_("订单 {name}") if report.order_id else _("通话 {name}")).format(name=name),
        organisation=settings.organisation,
        badge=verdict.badge(worst.call, _review(report, worst)) if worst and worst.call else _failed(_("无法评分")),
        facts=facts,
        demo_notice=wording.demo_notice(_models(report)),
        sentence=sentence,
        follow_up=follow_ups,
        several=len(entries) > 1,
        overview=tuple(_overview(report, entry, calls.get(entry.number)) for entry in entries),
        calls=tuple(calls.values()),
        dossier=history.build(report, numbers),
        failed=tuple(
            _failed_row(entry.failed, entry.number, Roster(report.people)) for entry in entries if entry.failed
        ),
        methods=methods.rows(report, [(entry.number, entry.outcome) for entry in entries]),
        signatures=tuple(_(name) for name in _SIGNATURES),
        reviews=(*_reviews(report, entries), _("客服申诉")),
        footer=_footer(report, name),
        created=_created(entries),
    )


def _calls(
    report: OrderReport, entries: Sequence[_Entry], worst: _Entry | None, settings: ReportSettings, room: float
) -> dict[int, CallView]:
    """Build the chapters by number; only on the first page is there a limit to the room for key moments."""
    calls = {}
    for entry in entries:
        if entry.call is None:
            continue
        calls[entry.number] = call_view.build(
            entry.call,
            entry.number,
            key_moments.choose(
                entry.call,
                settings.key_moments,
                room=room if entry is worst else math.inf,
                height=first_page.height,
            ),
            is_first=entry is worst,
            several=len(entries) > 1,
            norm=report.norm,
            review=report.reviews.get(entry.call.call_id),
            people=Roster(report.people),
        )
    return calls


def _room(
    report: OrderReport, worst: _Entry | None, facts: Facts, sentence: str, follow_ups: Sequence[FollowUp]
) -> float:
    if worst is None or worst.call is None:
        return 0.0
    return first_page.room(
        report,
        facts=facts,
        sentence=sentence,
        follow_up=[line.label + line.text.plain for line in follow_ups],
        notes=len(call_view.notes(worst.call)),
        demo=bool(wording.demo_notice(_models(report))),
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
    people = Roster(report.people)
    agents = dict.fromkeys(
        verdict.agent(entry.outcome.agent_id, people) for entry in entries if entry.outcome.agent_id is not None
    )
    calls = [entry.call for entry in done if entry.call]
    segments = [segment for known in calls for segment in known.segments]
    single = len(done) == 1 and call is not None
    return Facts(
        name=report.order_id or _("未知（通话 {name}）").format(name=name),
        calls=_count(entries),
        when=call_view.when(call) if call else _("没有可用的通话"),
        agent=wording.listed(agents) or _(wording.UNKNOWN),
        issue=verdict.issue_and_stage(calls),
        trend=call_view.trend(call.metrics) if single and call else _trends(done),
        roles=Speakers(segments).certainty() if done else _("未判定"),
        hits=verdict.hits(calls),
    )


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


def _sentence(entries: Sequence[_Entry], worst: _Entry | None) -> str:
    if not entries:
        return _("这个订单没有通话。")
    failed = sum(1 for entry in entries if entry.failed)
    if worst is None or worst.call is None:
        return plural("{count}次通话都没有处理成功，没有任何判断；原因见下。", failed, count=failed)
    text = story.story(worst.call, Speakers(worst.call.segments, worst.call.silences))
    if len(entries) - failed > 1:
        text = _("{count}次来电，最严重的是第{number}次：{text}").format(
            count=len(entries), number=worst.number, text=text
        )
    return text + (plural("另有{count}次通话处理失败，未计入。", failed, count=failed) if failed else "")


def _failed(text: str) -> Phrase:
    return Phrase(runs=(TextRun(text=text, style="failed"),))


def _reviews(report: OrderReport, entries: Sequence[_Entry]) -> Sequence[str]:
    """Say who reviewed which call, and the score that is left; a line for handwriting where nobody did."""
    reviewed = [
        (entry.number, scorecard.review_line(review))
        for entry in entries
        if (review := _review(report, entry)) is not None
    ]
    if len(entries) == 1:
        return [line for _number, line in reviewed] or [_("复核意见")]
    return [wording.named(wording.nth_call(number), line) for number, line in reviewed] or [_("复核意见")]


def _review(report: OrderReport, entry: _Entry) -> CallReview | None:
    return report.reviews.get(entry.call.call_id) if entry.call else None


def _overview(report: OrderReport, entry: _Entry, view: CallView | None) -> OverviewRow:
    call, failed = entry.call, entry.failed
    agent = verdict.agent(entry.outcome.agent_id, Roster(report.people))
    when = wording.instant(entry.outcome.started_at)
    if call is None or view is None:
        return OverviewRow(
            number=wording.nth(entry.number),
            when=when,
            length=_(wording.NOT_MEASURED),
            agent=agent,
            trend="—",
            risk=_failed(_("处理失败")),
            score="—",
            remark=wording.STEPS.get(failed.step, failed.step) if failed else "",
            anchor="",
        )
    return OverviewRow(
        number=wording.nth(entry.number),
        when=when,
        length=wording.duration(call.metrics.duration_ms),
        agent=agent,
        trend=_trend(call),
        risk=verdict.risk(call, is_headed=True),
        score=verdict.score(call, _review(report, entry)) or "—",
        remark=verdict.issue([call]),
        anchor=view.anchor,
    )


def _reason(failed: FailedCall) -> str:
    return wording.named(wording.STEPS.get(failed.step, failed.step), str(failed))


def _failed_row(failed: FailedCall, number: int, people: Roster) -> FailedRow:
    return FailedRow(
        number=wording.nth_call(number),
        call_id=failed.call_id,
        when=wording.instant(failed.started_at),
        agent=verdict.agent(failed.agent_id, people),
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
