"""What a mail says, worded from a period's report; nothing here counts anything anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from qareport import __version__
from qareport.mail.viewdata import LinkLine, MailView, Number, PictureView, ReturnLine
from qareport.model import (
    CallToReturn,
    Headline,
    HeadlineName,
    Period,
    PeriodKind,
    PeriodReport,
    PromiseState,
    ReturnReason,
    WeakLink,
)
from qareport.report import wording
from qareport.report.locale import N_, _

#: A mail is read in a minute: more rows than these stand in the documents.
ROWS = 10
LINKS = 3
FAILURES = 5
#: The picture's content id; the same in every mail, since each mail is a space of its own.
PICTURE = "overview@qareport"

TITLES: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("客服质检日报"),
    PeriodKind.WEEK: N_("客服质检周报"),
    PeriodKind.MONTH: N_("客服质检月报"),
    PeriodKind.RANGE: N_("客服质检报告"),
}
BEFORE: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("比前一天"),
    PeriodKind.WEEK: N_("比上一周"),
    PeriodKind.MONTH: N_("比上个月"),
    PeriodKind.RANGE: N_("比前一段"),
}
LABELS: Mapping[HeadlineName, str] = {
    HeadlineName.CALLS: N_("通话"),
    HeadlineName.HIGH_RISK: N_("高风险"),
    HeadlineName.ANGRY_SHARE: N_("愤怒通话占比"),
    HeadlineName.UNBRIDGED_SILENCES: N_("沉默未确认"),
    HeadlineName.MEAN_SCORE: N_("平均得分"),
    HeadlineName.PASSED_SHARE: N_("合格率"),
    HeadlineName.NEGATIVE_SHARE: N_("负面情绪通话占比"),
    HeadlineName.FAILED: N_("未能处理"),
}
#: Numbers of which more is better; the count of calls is neither, of the others less is.
_MORE_IS_BETTER = frozenset({HeadlineName.MEAN_SCORE, HeadlineName.PASSED_SHARE})
_SHARES = frozenset({HeadlineName.ANGRY_SHARE, HeadlineName.PASSED_SHARE, HeadlineName.NEGATIVE_SHARE})
REASONS: Mapping[ReturnReason, str] = {
    ReturnReason.BROKEN_PROMISE: N_("承诺过期，客户又来电"),
    ReturnReason.ESCALATION: N_("要求升级或投诉"),
    ReturnReason.CHURN_SIGNAL: N_("流露放弃之意"),
    ReturnReason.HIGH_RISK: N_("高风险"),
    ReturnReason.FATAL: N_("一票否决"),
    ReturnReason.REPEATED_CALLS: N_("多次来电"),
    ReturnReason.PROMISE_DUE: N_("承诺今天到期"),
    ReturnReason.ANGRY_UNRESOLVED: N_("愤怒未平"),
}
_WEEKDAYS = (N_("星期一"), N_("星期二"), N_("星期三"), N_("星期四"), N_("星期五"), N_("星期六"), N_("星期日"))


def period_view(
    report: PeriodReport,
    *,
    language: str,
    organisation: str,
    picture_alt: str = "",
    documents: Sequence[str] = (),
    remarks: Sequence[str] = (),
) -> MailView:
    """Word the mail of a period: the team's, or an agent's own when the report is one's own.

    Args:
        report: masked, and of the right edition.
        language: of the `lang` attribute.
        organisation: stands before the title; "" = none.
        picture_alt: what the picture shows; "" = there is no picture.
        documents: lines that say what is attached, or where it lies.
        remarks: further lines for this edition.
    """
    agent = report.agent_id or ""
    return MailView(
        language=language,
        organisation=organisation,
        title=_(TITLES[report.period.kind]) + (_("（{agent}本人）").format(agent=agent) if agent else ""),
        period_short=short_period(report.period),
        period=long_period(report.period),
        headline=headline(report),
        agent=agent,
        partial=bool(report.partial),
        warnings=tuple(_warnings(report)),
        numbers=tuple(_number(one, report.period.kind) for one in report.headlines),
        returns=tuple(_return(one) for one in report.returns[:ROWS]),
        returns_more=_more_returns(report),
        links=tuple(_link(one) for one in report.weak_links[:LINKS]),
        remarks=(*_remarks(report), *remarks),
        picture=PictureView(cid=PICTURE, alt=picture_alt) if picture_alt else None,
        documents=tuple(documents),
        footer=(
            _("情绪得分未经校准，按得分理解，不是概率。引用的话以录音为准。"),
            _("本邮件由 qareport {version} 自动发出。").format(version=__version__),
        ),
    )


def failure_view(period: Period, problems: Sequence[str], *, language: str, organisation: str, ok: bool) -> MailView:
    """Word the mail to who looks after the machine.

    Args:
        period: what could not be finished.
        problems: each says where, what, and what to do.
        language: of the `lang` attribute.
        organisation: stands before the title.
        ok: the report went out nevertheless; something still needs a person.
    """
    said = _("日报已发出，但有{n}件事要人处理") if ok else _("日报未能完成，有{n}个问题")
    return MailView(
        language=language,
        organisation=organisation,
        title=_("质检运行通知"),
        period_short=short_period(period),
        period=long_period(period),
        headline=said.format(n=len(problems)),
        problems=tuple(problems),
        footer=(
            _("处理好以后再运行一次同样的命令，它会接着做完，不会重复发信。"),
            _("本邮件由 qareport {version} 自动发出。").format(version=__version__),
        ),
    )


def test_view(*, language: str, organisation: str, today: date) -> MailView:
    """Word the mail that only tries whether mail works."""
    return MailView(
        language=language,
        organisation=organisation,
        title=_("质检测试邮件"),
        period_short=_day(today),
        period=_long_day(today),
        headline=_("收到这封信，说明邮件设置正确。"),
        footer=(_("本邮件由 qareport {version} 自动发出。").format(version=__version__),),
    )


def headline(report: PeriodReport) -> str:
    """Say the period in one sentence, the most urgent of it within a phone's preview."""
    coverage = report.coverage
    if not coverage.calls:
        return _("没有通话。")
    parts = [_("{n:,}通电话").format(n=coverage.calls)]
    high = next((one for one in report.headlines if one.name is HeadlineName.HIGH_RISK), None)
    if high is not None and high.now.value is not None:
        change = _change(high)
        against = f"（{_(BEFORE[report.period.kind])}{change}）" if change else ""
        parts.append(_("高风险{n:,.0f}通").format(n=high.now.value) + against)
    if report.returns_total:
        parts.append(_("{n}位客户今天应回电").format(n=report.returns_total))
    if coverage.failed:
        parts.append(_("{n}通未能处理").format(n=coverage.failed))
    return _("，").join(parts) + _("。")


def short_period(period: Period) -> str:
    """11月21日; 11月16日至22日."""
    if period.first == period.last:
        return _day(period.first)
    if period.kind is PeriodKind.MONTH:
        return _("{year}年{month}月").format(year=period.first.year, month=period.first.month)
    return _("{first}至{last}").format(first=_day(period.first), last=_day(period.last))


def long_period(period: Period) -> str:
    """2026年11月21日 星期六."""
    if period.first == period.last:
        return _long_day(period.first)
    return _("{first}至{last}").format(first=_long_day(period.first), last=_long_day(period.last))


def _day(day: date) -> str:
    return _("{month}月{day}日").format(month=day.month, day=day.day)


def _long_day(day: date) -> str:
    written = _("{year}年{month}月{day}日").format(year=day.year, month=day.month, day=day.day)
    return f"{written} {_(_WEEKDAYS[day.weekday()])}"


def _warnings(report: PeriodReport) -> Iterator[str]:
    if report.partial:
        yield _("本报告不完整：") + _("；").join(wording.note(note).rstrip("。") for note in report.partial) + _("。")
    yield from (wording.note(note) for note in report.notes if note.code == "rules_last_good")


def _number(one: Headline, kind: PeriodKind) -> Number:
    change = _change(one)
    trend = ""
    if change and one.name is not HeadlineName.CALLS and one.previous is not None:
        more = (one.now.value or 0) > (one.previous.value or 0)
        trend = "better" if more == (one.name in _MORE_IS_BETTER) else "worse"
    base = one.baseline
    return Number(
        label=_(LABELS[one.name]),
        value=_value(one.name, one.now.value) + (_("（样本少，{n}通）").format(n=one.now.n) if one.now.small else ""),
        change=f"{_(BEFORE[kind])}{change}" if change else "",
        baseline=_("平均 {value}").format(value=_value(one.name, base.value))
        if base and base.value is not None
        else "",
        trend=trend,
    )


def _value(name: HeadlineName, value: float | None) -> str:
    if value is None:
        return wording.NOT_MEASURED
    if name in _SHARES:
        return f"{value:.1%}"
    return f"{value:.1f}" if name is HeadlineName.MEAN_SCORE or value != int(value) else f"{value:,.0f}"


def _change(one: Headline) -> str:
    """▲ 6, ▼ 0.8 个百分点, 持平; "" when there is nothing to compare with."""
    if one.now.value is None or one.previous is None or one.previous.value is None:
        return ""
    difference = one.now.value - one.previous.value
    if one.name in _SHARES:
        text = _("{n:.1f}个百分点").format(n=abs(difference) * 100)
        nothing = abs(difference) < 0.0005
    else:
        text = f"{abs(difference):.1f}" if one.name is HeadlineName.MEAN_SCORE else f"{abs(difference):,.0f}"
        nothing = abs(difference) < 0.05
    if nothing:
        return _("持平")
    return (_("多{n}") if difference > 0 else _("少{n}")).format(n=text)


def _return(one: CallToReturn) -> ReturnLine:
    score = "" if one.score is None else f" {one.score}"
    return ReturnLine(
        rank=str(one.rank),
        order=one.order_id or one.call_id,
        phone=one.customer_phone or _("电话未登记"),
        why=_("、").join(_(REASONS[reason]) for reason in one.reasons),
        quote=wording.quoted(one.quote) if one.quote else "",
        where=" ".join(part for part in (one.call_id, wording.second(one.at_ms), one.agent_id or "") if part),
        risk=f"{wording.RISKS[one.risk]}{score}",
    )


def _more_returns(report: PeriodReport) -> str:
    rest = report.returns_total - min(len(report.returns), ROWS)
    return _("另有{n}位，见附件。").format(n=rest) if rest > 0 else ""


def _link(one: WeakLink) -> LinkLine:
    rate = _("{n}通里有{hits}通").format(n=one.now.n, hits=one.now.hits)
    if one.now.share is not None:
        rate += f"（{wording.share(one.now.share)}）"
    if one.previous is not None and one.previous.share is not None:
        rate += _("，上一期{share}").format(share=wording.share(one.previous.share))
    return LinkLine(title=one.title, rate=rate, advice=one.advice)


def _remarks(report: PeriodReport) -> Iterator[str]:
    due = sum(one.state is PromiseState.DUE_NEXT for one in report.promises)
    broken = sum(one.state is PromiseState.BROKEN for one in report.promises)
    if due or broken:
        yield _("承诺：今天到期{due}项，过期且客户又来电{broken}项。").format(due=due, broken=broken)
    if report.failed_calls:
        names = _("、").join(one.call_id for one in report.failed_calls[:FAILURES])
        more = _("等") if len(report.failed_calls) > FAILURES else ""
        yield _("{n}通录音未能处理（原因见附件）：{names}{more}").format(
            n=len(report.failed_calls), names=names, more=more
        )
    unknown = report.coverage.emotion_mostly_unknown
    if unknown:
        yield _("{n}通电话的情绪多半无法判断，未计入情绪占比。").format(n=unknown)
