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
)
from qareport.presentation import emotion_chart, heatmap_chart, note_wording
from qareport.presentation.locale import _, language, plural
from qareport.report.period import view_types
from qareport.report.period.view_types import CallbackRow, PeriodView, Tile, WeakView


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureView:
    """A picture inside the mail: its content id and what it shows, in words."""

    #: Its content id: `<img src="cid:…">`.
    cid: str
    #: Its title.
    title: str
    #: The picture in words.
    alt: str


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
    #: The headline numbers, as on the first page of the report.
    numbers: tuple[Tile, ...] = ()
    #: Title of the customers to call back.
    callbacks_title: str = ""
    #: At most ten of them.
    callbacks: tuple[CallbackRow, ...] = ()
    #: Says how many more there are; else empty.
    callbacks_more: str = ""
    #: Title of the weak links.
    links_title: str = ""
    #: What to improve first.
    links: tuple[WeakView, ...] = ()
    #: What was not judged, where orders' reports are.
    remarks: tuple[str, ...] = ()
    #: The heat map; none when there is nothing to draw.
    picture: PictureView | None = None
    #: Names of what is attached, or where it is.
    documents: tuple[str, ...] = ()
    #: What went wrong and what to do (mail to the operator).
    problems: tuple[str, ...] = ()
    #: The origin of this mail, and how its numbers are to be read.
    footer: tuple[str, ...] = ()


#: More rows than these are in the documents only.
ROWS = 10
FAILURES = 5
#: The picture's content id; the same in every mail, since each mail is a space of its own.
PICTURE = "overview@qareport"
#: What no file name on Windows may hold, and what a mail header may not.
_NO_NAME = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


def period_view(
    report: PeriodReport,
    page: PeriodView,
    *,
    documents: Sequence[str] = (),
    remarks: Sequence[str] = (),
) -> tuple[MailView, bytes | None]:
    """Word the mail of a period: the team's, or an agent's own when the report is one's own.

    Args:
        report: masked, cleaned, and of the right edition.
        page: what its documents say (`report.build_view`).
        documents: lines that say what is attached, or where it is.
        remarks: further lines for this edition.

    Returns:
        The mail's content and its picture as PNG, None when there is nothing to draw.

    Raises:
        DocumentError: there is a picture, and no font with Chinese characters is installed.
    """
    picture = emotion_chart.rasterise(heatmap_chart.svg(page.heat), zoom=2.0) if page.heat.rows else None
    callbacks = (*page.callbacks, *page.callbacks_rest)
    agent = report.agent_id or ""
    view = MailView(
        language=language(),
        organisation=page.organisation,
        title=page.title + (_("（{agent}本人）").format(agent=view_types.name(agent)) if agent else ""),
        period_short=short_period(report.period),
        period=page.subject,
        headline=headline(report),
        sentence=page.sentence,
        agent=agent,
        partial=bool(page.partial),
        warnings=tuple(_warnings(report, page)),
        numbers=page.tiles,
        callbacks_title=page.callbacks_title if callbacks else "",
        callbacks=callbacks[:ROWS],
        callbacks_more=_more(report.callbacks_total - min(len(callbacks), ROWS)),
        links_title=page.weak_title if page.weak_links else "",
        links=page.weak_links,
        remarks=(*_remarks(report, page), *remarks),
        picture=PictureView(cid=PICTURE, title=page.heat_title, alt=page.heat.alt) if picture else None,
        documents=tuple(documents),
        footer=(_("情绪得分未经校准，按得分理解，不是概率。引用的话以录音为准。"), _signature()),
    )
    return view, picture


def failure_view(period: Period, problems: Sequence[str], *, organisation: str, ok: bool) -> MailView:
    """Word the mail to the operator.

    Args:
        period: the period of the run.
        problems: each says where, what, and what to do.
        organisation: printed beside the title.
        ok: the report is complete nevertheless; something still needs a person.
    """
    n = len(problems)
    sentence = (
        plural("报告已完成，但有{n}件事要人处理。", n, n=n) if ok else plural("报告未能完成，有{n}个问题。", n, n=n)
    )
    return MailView(
        language=language(),
        organisation=organisation,
        title=_("质检运行通知"),
        period_short=short_period(period),
        period=view_types.subject(period),
        headline=sentence,
        sentence=sentence,
        problems=tuple(problems),
        footer=(_("处理好以后再运行一次同样的命令，它会接着做完，不会重复发信。"), _signature()),
    )


def test_view(*, organisation: str, today: date) -> MailView:
    """Word the mail that only tries whether mail works."""
    sentence = _("收到这封信，说明邮件设置正确。")
    return MailView(
        language=language(),
        organisation=organisation,
        title=_("质检测试邮件"),
        period_short=view_types.month_day(today),
        period=view_types.day(today),
        headline=sentence,
        sentence=sentence,
        footer=(_signature(),),
    )


def headline(report: PeriodReport) -> str:
    """Summarise the period in a few words, the most urgent first, because a phone shows only the start of a subject."""
    coverage = report.coverage
    if not coverage.calls:
        return _("还没有处理完的通话") if report.partial else _("没有通话")
    parts = [plural("{count}通", coverage.calls, count=view_types.count(coverage.calls))]
    high = next((number.now.value for number in report.headlines if number.name is HeadlineName.HIGH_RISK), None)
    if high is not None:
        parts.append(_("高风险{count}").format(count=view_types.count(high)))
    if report.callbacks_total:
        parts.append(_("今天应回电{count}").format(count=report.callbacks_total))
    if coverage.failed:
        parts.append(_("失败{count}").format(count=coverage.failed))
    return _("，").join(parts)


def short_period(period: Period) -> str:
    """11月21日; 11月16日至11月22日; 2026年11月."""
    if period.first == period.last:
        return view_types.month_day(period.first)
    if period.kind is PeriodKind.MONTH:
        return view_types.subject(period)
    return _("{first}至{last}").format(first=view_types.month_day(period.first), last=view_types.month_day(period.last))


def attachment_name(report: PeriodReport, ending: str) -> str:
    """Name a document as its reader sees it: 客服质检日报-2026-11-21.docx, with the agent's id for an own edition."""
    days = report.period.first.isoformat()
    if report.period.first != report.period.last:
        days += _("至") + report.period.last.isoformat()
    agent = f"-{_NO_NAME.sub('_', report.agent_id)[:40]}" if report.agent_id else ""
    return f"{_(view_types.TITLES[report.period.kind])}-{days}{agent}.{ending}"


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
        names = _("、").join(view_types.name(call.call_id) for call in report.failed_calls[:FAILURES])
        more = _("等") if len(report.failed_calls) > FAILURES else ""
        count = len(report.failed_calls)
        yield plural("{count}通录音处理失败（原因见文档）：{names}{more}。", count, count=count, names=names, more=more)
    if page.not_judged:
        yield page.not_judged
    yield from (note_wording.note(note) for note in report.notes if note.code in RECORDING_NOTES)
