"""The dossier of an order as rows to print: changes from call to call, promises, issue types and stages."""

from __future__ import annotations

from collections.abc import Mapping

from qareport.model import (
    CallChange,
    CallReport,
    Classification,
    Dossier,
    OrderPromise,
    OrderReport,
    PromiseOutcome,
)
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import N_, _, plural
from qareport.presentation.view_types import Phrase, TextRun
from qareport.report.order import key_moments
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import ChangeRow, ClassRow, DossierView, PromiseRow

_OUTCOMES: Mapping[PromiseOutcome, str] = {
    PromiseOutcome.BROKEN: N_("到期后客户又来电"),
    PromiseOutcome.ASKED_AGAIN: N_("到期前客户又来电催问"),
    PromiseOutcome.UNCONFIRMED: N_("已到期，录音中不能确认是否兑现"),
    PromiseOutcome.OPEN: N_("最近一次来电时还没有到期"),
    PromiseOutcome.UNDATED: N_("到期时间不明"),
}
_STYLES: Mapping[PromiseOutcome, str] = {PromiseOutcome.BROKEN: "label"}


def build(report: OrderReport, numbers: Mapping[str, int]) -> DossierView:
    """Word the dossier.

    Args:
        report: the order.
        numbers: which call of the order each is, by call id.
    """
    dossier = report.dossier or Dossier()
    promises = tuple(_promise(promise, numbers) for promise in dossier.promises)
    classes = tuple(row for call in report.calls for row in _classes(call, numbers))
    return DossierView(
        changes=tuple(_change(change, numbers) for change in dossier.changes),
        promises=promises,
        classes=classes,
        no_promises="" if promises else _no_promises(report),
        no_classes="" if classes else _("没有判定出问题类型和环节。"),
    )


def _no_promises(report: OrderReport) -> str:
    return _("没有听到客服承诺办什么事。") if report.dossier else _("这份结果没有汇总承诺。")


def _number(call_id: str, numbers: Mapping[str, int]) -> str:
    return wording.nth(numbers[call_id]) if call_id in numbers else call_id


def _change(change: CallChange, numbers: Mapping[str, int]) -> ChangeRow:
    return ChangeRow(
        number=_number(change.call_id, numbers),
        after=_("距{call} {span}").format(
            call=_number(change.since_call_id, numbers),
            span=_span(change.after_ms) if change.after_ms is not None else "—",
        ),
        score=plural("{points}分", abs(change.score), points=wording.signed(change.score, 0))
        if change.score is not None
        else _("无法比较"),
        feeling=wording.signed(change.sentiment) if change.sentiment is not None else _("无法比较"),
        issues=_issues(change) or _("没有判定出问题类型"),
        agent=_("换了客服") if change.other_agent else "",
    )


def _issues(change: CallChange) -> str:
    parts = (
        (_("同一问题：{names}"), change.same_issues),
        (_("新问题：{names}"), change.new_issues),
        (_("不再提起：{names}"), change.gone_issues),
    )
    return _("；").join(
        text.format(names=wording.listed(topic_wording.named_all(names))) for text, names in parts if names
    )


def _span(length_ms: int) -> str:
    minutes = length_ms // 60_000
    if minutes < 60:
        return plural("{minutes}分钟", minutes, minutes=minutes)
    hours = minutes // 60
    if hours < 48:
        return plural("{hours}小时", hours, hours=hours)
    return plural("{days}天", hours // 24, days=hours // 24)


def outcome(promise: OrderPromise, numbers: Mapping[str, int]) -> str:
    """Say what the order's calls tell about a promise."""
    again = promise.again_call_id
    return wording.beside(_(_OUTCOMES[promise.outcome]), _number(again, numbers) if again is not None else "")


def _promise(promise: OrderPromise, numbers: Mapping[str, int]) -> PromiseRow:
    return PromiseRow(
        number=_number(promise.call_id, numbers),
        at=wording.second(promise.at_ms),
        quote=wording.quoted(promise.quote),
        promise=_("，").join(filter(None, (topic_wording.named(promise.action), promise.by))),
        due=wording.instant(promise.due_at) if promise.due_at else _("不明"),
        outcome=Phrase(runs=(TextRun(text=outcome(promise, numbers), style=_STYLES.get(promise.outcome, "")),)),
    )


def _classes(call: CallReport, numbers: Mapping[str, int]) -> list[ClassRow]:
    speakers = Speakers(call.segments, call.silences)
    number = _number(call.call_id, numbers)
    kinds = ((_("问题类型"), call.issues), (_("环节"), call.stages))
    return [
        ClassRow(
            number=number,
            kind=kind,
            name=_name(classification),
            evidence=(wording.clauses(key_moments.evidence_line(item, speakers) for item in classification.evidence),),
        )
        for kind, classes in kinds
        for classification in classes
    ]


def _name(classification: Classification) -> str:
    return topic_wording.named(classification.name) + (_(wording.FUZZY) if classification.fuzzy else "")
