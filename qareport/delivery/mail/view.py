"""What mail templates can print: plain strings, and rows of the period's own pages, ready to print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from qareport import __version__
from qareport.model import (
    RECORDING_NOTES,
    HeadlineName,
    NoteCode,
    Period,
    PeriodKind,
    PeriodReport,
    Roster,
    RunState,
)
from qareport.presentation import note_wording
from qareport.presentation.locale import _, language, plural
from qareport.presentation.view_types import HeatChart, Phrase
from qareport.report.period import terms
from qareport.report.period.view_types import CallbackRow, CoachView, PeriodView, Tile, WeakView


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRow:
    """One measure over the last periods."""

    #: What is measured.
    label: str
    #: Its values, oldest first.
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """Everything that a mail says."""

    #: Language of the mail (BCP 47): zh-CN or en-US.
    language: str
    #: The setting `report.organisation`; may be empty.
    organisation: str
    #: What the mail is.
    title: str
    #: The days for the subject: 11月21日. For your own templates.
    period_short: str
    #: The days for the body: 2026年11月21日 周六.
    period: str
    #: A few words for the subject. For your own templates.
    headline: str
    #: The first thing in the mail: a phone shows it under the subject.
    sentence: str
    #: The agent's id in an own edition; empty for the team's. For your own templates.
    agent: str = ""
    #: Whether the report lacks calls: the subject says so, too. For your own templates.
    partial: bool = False
    #: What a reader must know before all else: the report is partial, the rules are not today's.
    warnings: tuple[str, ...] = ()
    #: The numbers at the top of the report's first page.
    numbers: tuple[Tile, ...] = ()
    #: Title of the trend.
    trend_title: str = ""
    #: Names of the last periods, at most six.
    trend_heads: tuple[str, ...] = ()
    #: What is measured in them.
    trend: tuple[TrendRow, ...] = ()
    #: Title of the customers to call back.
    callbacks_title: str = ""
    #: At most ten of them.
    callbacks: tuple[CallbackRow, ...] = ()
    #: Says how many more there are; else empty.
    callbacks_more: str = ""
    #: Title of what to coach on.
    coaching_title: str = ""
    #: Whom to coach on what.
    coaching: tuple[CoachView, ...] = ()
    #: Title of the praise.
    praise_title: str = ""
    #: Whom to praise for what.
    praise: tuple[CoachView, ...] = ()
    #: Title of the heat map.
    heat_title: str = ""
    #: The heat map as a table; none when there is nothing to count.
    heat: HeatChart | None = None
    #: Title of the weak links.
    links_title: str = ""
    #: What to improve first.
    links: tuple[WeakView, ...] = ()
    #: What was not judged, where orders' reports are.
    remarks: tuple[str, ...] = ()
    #: What is attached, or where it is; linked where there is an address.
    documents: tuple[Phrase, ...] = ()
    #: Title of what went wrong.
    problems_title: str = ""
    #: What went wrong and what to do (mail to the operator).
    problems: tuple[str, ...] = ()
    #: The origin of this mail, and how its numbers are to be read.
    footer: tuple[str, ...] = ()


#: More rows than these are in the documents only.
ROWS = 10
FAILURES = 5
#: Periods of the trend that a phone has room for.
_TREND = 6
#: What no file name on Windows may hold, and what a mail header may not.
_NO_NAME = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


def period_view(
    report: PeriodReport,
    page: PeriodView,
    *,
    documents: Sequence[Phrase] = (),
    remarks: Sequence[str] = (),
) -> MailView:
    """Word the mail of a period: the team's, or an agent's own when the report is one's own.

    Args:
        report: masked, cleaned, and of the right edition.
        page: what its documents say (`report.build_view`).
        documents: lines that say what is attached, or where it is.
        remarks: further lines for this edition.
    """
    callbacks = (*page.callbacks, *page.callbacks_rest)
    agent = report.agent_id or ""
    known = Roster(report.people).find(agent)
    own = terms.name(known.name if known and known.name else agent)
    return MailView(
        language=language(),
        organisation=page.organisation,
        title=page.title + (_("（{agent}本人）").format(agent=own) if agent else ""),
        period_short=short_period(report.period),
        period=page.subject,
        headline=headline(report),
        sentence=page.sentence,
        agent=agent,
        partial=bool(page.partial),
        warnings=tuple(_warnings(report, page)),
        numbers=page.tiles,
        trend_title=page.trend_title if page.trend else "",
        trend_heads=page.trend[0].heads[-_TREND:] if page.trend else (),
        trend=tuple(TrendRow(label=chart.label, values=chart.texts[-_TREND:]) for chart in page.trend),
        callbacks_title=page.callbacks_title if callbacks else "",
        callbacks=callbacks[:ROWS],
        callbacks_more=_more(report.callbacks_total - min(len(callbacks), ROWS)),
        coaching_title=page.coaching_title if page.coaching else "",
        coaching=page.coaching,
        praise_title=page.praise_title if page.praise else "",
        praise=page.praise,
        heat_title=page.heat_title if page.heat.rows else "",
        heat=page.heat if page.heat.rows else None,
        links_title=page.weak_title if page.weak_links else "",
        links=page.weak_links,
        remarks=(*_remarks(report, page), *remarks),
        documents=tuple(documents),
        footer=(_("情绪得分未经校准，按得分理解，不是概率。引用的话以录音为准。"), _signature()),
    )


def run_view(
    period: Period, problems: Sequence[str], *, organisation: str, state: RunState, sent: int = 0, unsent: int = 0
) -> MailView:
    """Word the mail to the operator: what became of the report, and what needs a person.

    Args:
        period: the period of the run.
        problems: each says where, what, why, and what to do.
        organisation: printed beside the title.
        state: DONE: the report is complete; PARTIAL: it lacks something; FAILED: there is none.
        sent: mails of the report that went out.
        unsent: mails of the report that wait, were refused or may not have arrived.
    """
    sentence = _run_sentence(state, len(problems), sent, unsent)
    return MailView(
        language=language(),
        organisation=organisation,
        title=_("质检运行通知"),
        period_short=short_period(period),
        period=terms.subject(period),
        headline=sentence,
        sentence=sentence,
        problems_title=_("要处理的事"),
        problems=tuple(problems),
        footer=(_("处理好以后再运行一次同样的命令，它会接着做完，不会重复发信。"), _signature()),
    )


def _run_sentence(state: RunState, problems: int, sent: int, unsent: int) -> str:
    if state is RunState.FAILED:
        return plural("报告未能完成，没有发出：有{n}个问题。", problems, n=problems)
    parts = [_("报告已完成") if state is RunState.DONE else _("报告已完成，但不完整")]
    if sent:
        parts.append(plural("寄出{n}封", sent, n=sent))
    if unsent:
        parts.append(plural("{n}封还没有寄到", unsent, n=unsent))
    parts.append(plural("有{n}件事要处理。", problems, n=problems))
    return _("，").join(parts)


def test_view(*, organisation: str, today: date) -> MailView:
    """Word the mail that only tries whether mail works."""
    sentence = _("收到这封信，说明邮件设置正确。")
    return MailView(
        language=language(),
        organisation=organisation,
        title=_("质检测试邮件"),
        period_short=terms.month_day(today),
        period=terms.day(today),
        headline=sentence,
        sentence=sentence,
        footer=(_signature(),),
    )


def desk_view(problems: Sequence[str], *, organisation: str, today: date) -> MailView:
    """Word the mail to the operator about what the desk cannot mend by itself."""
    sentence = plural("工作台有{n}件事要处理。", len(problems), n=len(problems))
    return MailView(
        language=language(),
        organisation=organisation,
        title=_("工作台通知"),
        period_short=terms.month_day(today),
        period=terms.day(today),
        headline=sentence,
        sentence=sentence,
        problems_title=_("要处理的事"),
        problems=tuple(problems),
        footer=(_signature(),),
    )


def headline(report: PeriodReport) -> str:
    """Summarise the period in a few words, the most urgent first, because a phone shows only the start of a subject."""
    coverage = report.coverage
    if not coverage.calls:
        return _("还没有处理完的通话") if report.partial else _("没有通话")
    parts = [plural("{count}通", coverage.calls, count=terms.count(coverage.calls))]
    high = next((number.now.value for number in report.headlines if number.name is HeadlineName.HIGH_RISK), None)
    if high is not None:
        parts.append(_("高风险{count}").format(count=terms.count(high)))
    if report.callbacks_total:
        short = terms.CALLBACKS_SHORT[report.period.kind]
        parts.append(_(short).format(count=report.callbacks_total))
    if coverage.failed:
        parts.append(_("失败{count}").format(count=coverage.failed))
    return _("，").join(parts)


def short_period(period: Period) -> str:
    """11月21日; 11月16日至11月22日; 2026年11月."""
    if period.first == period.last:
        return terms.month_day(period.first)
    if period.kind is PeriodKind.MONTH:
        return terms.subject(period)
    return _("{first}至{last}").format(first=terms.month_day(period.first), last=terms.month_day(period.last))


def attachment_name(report: PeriodReport, ending: str) -> str:
    """Name a document as its reader sees it: 客服质检日报-2026-11-21.docx, with the agent's id for an own edition."""
    days = report.period.first.isoformat()
    if report.period.first != report.period.last:
        days += _("至") + report.period.last.isoformat()
    agent = f"-{_NO_NAME.sub('_', report.agent_id)[:40]}" if report.agent_id else ""
    return f"{_(terms.TITLES[report.period.kind])}-{days}{agent}.{ending}"


def _signature() -> str:
    return _("本邮件由 qareport {version} 自动发出。").format(version=__version__)


def _warnings(report: PeriodReport, page: PeriodView) -> Iterator[str]:
    if page.partial:
        yield _("本报告不完整：") + "".join(page.partial)
    yield from (note_wording.note(note) for note in report.notes if note.code == NoteCode.RULES_LAST_GOOD)
    if page.demo_notice:
        yield page.demo_notice


def _more(count: int) -> str:
    return plural("另有{count}位，见文档。", count, count=count) if count > 0 else ""


def _remarks(report: PeriodReport, page: PeriodView) -> Iterator[str]:
    if report.failed_calls:
        names = _("、").join(terms.name(call.call_id) for call in report.failed_calls[:FAILURES])
        more = _("等") if len(report.failed_calls) > FAILURES else ""
        count = len(report.failed_calls)
        yield plural("{count}通录音处理失败（原因见文档）：{names}{more}。", count, count=count, names=names, more=more)
    if page.not_judged:
        yield page.not_judged
    yield from (note_wording.note(note) for note in report.notes if note.code in RECORDING_NOTES)
