"""What templates of a period's report can print, and how its values are worded: plain strings, ready to print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from qareport.model import (
    CallbackReason,
    Figure,
    HeadlineName,
    OutcomeVerdict,
    Period,
    PeriodKind,
    PromiseState,
    Rate,
)
from qareport.presentation import wording
from qareport.presentation.locale import N_, _
from qareport.presentation.view_types import HeatChart, Metric, Phrase

TITLES: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("客服质检日报"),
    PeriodKind.WEEK: N_("客服质检周报"),
    PeriodKind.MONTH: N_("客服质检月报"),
    PeriodKind.RANGE: N_("客服质检报告（多日）"),
}
#: Beginnings of file names.
FILES: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("日报"),
    PeriodKind.WEEK: N_("周报"),
    PeriodKind.MONTH: N_("月报"),
    PeriodKind.RANGE: N_("区间报告"),
}
#: The period before, and the mean of those before, as the heads of columns.
PREVIOUS: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("前一天"),
    PeriodKind.WEEK: N_("前一周"),
    PeriodKind.MONTH: N_("前一月"),
    PeriodKind.RANGE: N_("此前同样天数"),
}
BASELINES: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("{count}日均"),
    PeriodKind.WEEK: N_("{count}周均"),
    PeriodKind.MONTH: N_("{count}个月均"),
    PeriodKind.RANGE: N_("此前均值"),
}
_WEEKDAYS = (N_("周一"), N_("周二"), N_("周三"), N_("周四"), N_("周五"), N_("周六"), N_("周日"))

#: Name, and whether more of it is worse (+1), better (-1) or neither (0).
HEADLINES: Mapping[HeadlineName, tuple[str, int]] = {
    HeadlineName.CALLS: (N_("听完的通话"), 0),
    HeadlineName.HIGH_RISK: (N_("高风险"), 1),
    HeadlineName.ANGRY_SHARE: (N_("客户愤怒的占比"), 1),
    HeadlineName.UNBRIDGED_SILENCES: (N_("提问后无人应答的沉默"), 1),
    HeadlineName.MEAN_SCORE: (N_("平均得分"), -1),
    HeadlineName.PASSED_SHARE: (N_("合格率"), -1),
    HeadlineName.NEGATIVE_SHARE: (N_("有负面情绪的占比"), 1),
    HeadlineName.FAILED: (N_("处理失败"), 1),
}
SHARES = frozenset({HeadlineName.ANGRY_SHARE, HeadlineName.PASSED_SHARE, HeadlineName.NEGATIVE_SHARE})
REASONS: Mapping[CallbackReason, str] = {
    CallbackReason.BROKEN_PROMISE: N_("承诺到期后又来电"),
    CallbackReason.ESCALATION: N_("要求升级或投诉"),
    CallbackReason.CHURN_SIGNAL: N_("流露放弃之意"),
    CallbackReason.FATAL: N_("触发一票否决"),
    CallbackReason.ANGRY_UNRESOLVED: N_("愤怒没有平复"),
    CallbackReason.HIGH_RISK: N_("高风险"),
    CallbackReason.PROMISE_DUE: N_("承诺即将到期"),
    CallbackReason.REPEATED_CALLS: N_("多次来电"),
}
STATES: Mapping[PromiseState, str] = {
    PromiseState.BROKEN: N_("到期后又来电"),
    PromiseState.DUE_NEXT: N_("次日到期"),
    PromiseState.UNCONFIRMED: N_("已到期，是否兑现未知"),
}
VERDICTS: Mapping[OutcomeVerdict, str] = {
    OutcomeVerdict.FEWER: N_("命中减少"),
    OutcomeVerdict.MORE: N_("命中增多"),
    OutcomeVerdict.NO_CLEAR_CHANGE: N_("看不出变化"),
    OutcomeVerdict.TOO_FEW: N_("样本太少"),
}
SMALL = N_("样本少")
#: The same where there is no room for words.
SMALL_MARK = N_("＊")

#: Most characters of a name, of a quotation (15 s of fast speech) and of longer text.
_NAME, _QUOTE, _PROSE = 48, 120, 400


def subject(period: Period) -> str:
    """Name the days of a period: 2026年11月21日 周六; 2026年第47周（11月16日至11月22日）; 2026年11月."""
    first, last = period.first, period.last
    if period.kind is PeriodKind.DAY:
        return _("{day} {weekday}").format(day=day(first), weekday=_(_WEEKDAYS[first.weekday()]))
    if period.kind is PeriodKind.WEEK:
        year, week, _weekday = first.isocalendar()
        return _("{year}年第{week}周（{first}至{last}）").format(
            year=year, week=week, first=month_day(first), last=month_day(last)
        )
    if period.kind is PeriodKind.MONTH:
        return _("{year}年{month}月").format(year=first.year, month=first.month)
    return _("{first}至{last}").format(first=day(first), last=day(last))


def file_stem(period: Period) -> str:
    """Name the file of a period's report: 日报-2026-11-21, 周报-2026-W47, 月报-2026-11, 区间报告-…"""
    first = period.first
    year, week, _weekday = first.isocalendar()
    days = {
        PeriodKind.DAY: first.isoformat(),
        PeriodKind.WEEK: f"{year}-W{week:02d}",
        PeriodKind.MONTH: f"{first:%Y-%m}",
        PeriodKind.RANGE: f"{first.isoformat()}-{period.last.isoformat()}",
    }
    return f"{_(FILES[period.kind])}-{days[period.kind]}"


def day(value: date) -> str:
    """2026-11-21 → 2026年11月21日."""
    return _("{year}年{month}月{day}日").format(year=value.year, month=value.month, day=value.day)


def month_day(value: date) -> str:
    """Write a day without its year: 11月21日."""
    return _("{month}月{day}日").format(month=value.month, day=value.day)


def moment_of(value: datetime, period: Period) -> str:
    """Write an instant in the period's time zone, without the year: 11-21 18:00."""
    return value.astimezone(ZoneInfo(period.time_zone)).strftime("%m-%d %H:%M")


def count(value: float) -> str:
    """2984 → 2,984; a mean of counts keeps one digit below a hundred."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def headline(name: HeadlineName, figure: Figure | None) -> str:
    """Write a headline's value: 2,984, 7.3%, 86.1; nothing to make it from is a dash."""
    if figure is None or figure.value is None:
        return "—"
    if name in SHARES:
        return percent(figure.value)
    return f"{figure.value:.1f}" if name is HeadlineName.MEAN_SCORE else count(figure.value)


def change(name: HeadlineName, difference: float) -> str:
    """Write a change with its direction: ▲6, ▼0.8 (percentage points of a share), or that there is none."""
    scale = 100 if name in SHARES else 1
    size = round(abs(difference) * scale, 1)
    if not size:
        return _("持平")
    counted = name not in SHARES and name is not HeadlineName.MEAN_SCORE
    return ("▲" if difference > 0 else "▼") + (count(size) if counted else f"{size:.1f}")


def percent(value: float) -> str:
    """0.0734 → 7.3%."""
    return f"{value:.1%}"


def rate(value: Rate | None) -> str:
    """Write a rate with what it is of: 16.5%（68/412）; nothing to make it from is a dash."""
    return _rate(value, _(SMALL_MARK))


def rate_in_words(value: Rate | None) -> str:
    """Write a rate for a sentence, where a small sample is said in words."""
    return _rate(value, f" {_(SMALL)}")


def _rate(value: Rate | None, small: str) -> str:
    if value is None or value.share is None:
        return "—"
    return wording.beside(percent(value.share), f"{value.hits:,}/{value.n:,}") + (small if value.small else "")


def mean(value: Figure | None) -> str:
    """Write a mean score with its N: 86.1（N=75）."""
    if value is None or value.value is None:
        return "—"
    return wording.beside(f"{value.value:.1f}", f"N={value.n}") + (_(SMALL_MARK) if value.small else "")


def shorten(text: str, length: int) -> str:
    """Cut text that a table has no room for, and show that it is cut; JSON carries all of it."""
    return text if len(text) <= length else text[: length - 1] + "…"


def name(text: str) -> str:
    """Write an order number, an agent, an issue; a longer one than any real one is cut."""
    return shorten(text, _NAME)


def prose(text: str) -> str:
    """Write a title, advice or a reason; text that is too long for any page is cut."""
    return shorten(text, _PROSE)


def quoted(at_ms: int, text: str) -> str:
    """Say where to listen and what is said there: 第87秒“你们是不是压单”."""
    second = wording.second(at_ms)
    return _("{second}{quote}").format(second=second, quote=wording.quoted(shorten(text, _QUOTE))) if text else second


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One headline number: its value, what it is of, and what it is against."""

    #: What is counted.
    label: str
    #: The number.
    value: str
    #: What it is of, and whether that is a small sample; empty for the count of calls.
    n: str
    #: What it was before: one line for the period before, one for the mean of several.
    changes: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRow:
    """One customer to call back."""

    #: 1 for the most urgent.
    rank: str
    #: The order, or the call where no order is known.
    order: str
    #: The customer's number, masked.
    phone: str
    #: Whose call it was.
    agent: str
    #: The reasons.
    why: str
    #: Where to listen, and the words there.
    listen: str
    #: What falls due when, or "—".
    promise: str
    #: Risk and score.
    risk: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakView:
    """One weak link."""

    #: 1 for the weakest.
    number: str
    #: What to improve, with issue and stage.
    title: str
    #: How often it happened, and what it cost.
    story: str
    #: Where to hear it, one line each.
    evidence: tuple[str, ...]
    #: What to say instead; may be empty.
    advice: str
    #: The rule's id.
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTable:
    """One table of a report: as many rows as a page can hold, and a line that says how many more there are."""

    #: Rows of cells; the columns are named at each table.
    rows: tuple[tuple[Phrase, ...], ...]
    #: How many more rows there are; empty when all are shown.
    more: str
    #: Printed when there is no row.
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """A complete document."""

    #: What the document is: 客服质检日报.
    title: str
    #: The days.
    subject: str
    #: The setting `report.organisation`; may be empty.
    organisation: str
    #: Whose own edition this is; empty for the team's.
    edition: str
    #: Says that the bundled small model was used; else empty.
    demo_notice: str
    #: Why calls are missing; empty for a complete report.
    partial: tuple[str, ...]
    #: The period in one sentence.
    sentence: str
    #: Eight headline numbers.
    tiles: tuple[Tile, ...]
    #: Title of the customers to call back, with their number.
    callbacks_title: str
    #: The most urgent of them, at most five.
    callbacks: tuple[CallbackRow, ...]
    #: Those that the first page has no room for.
    callbacks_rest: tuple[CallbackRow, ...]
    #: Says how many follow later in the document; else empty.
    callbacks_follow: str
    #: Says how many are in no table; else empty.
    callbacks_more: str
    #: Printed when there is no customer to call back.
    callbacks_empty: str
    #: Title of the heat map.
    heat_title: str
    #: The heat map: `{{ report.heat | svg }}` on a page, `{{ report.heat }}` in Word.
    heat: HeatChart
    #: How to read it.
    heat_notes: tuple[str, ...]
    #: Title of the weak links.
    weak_title: str
    #: What to improve first, with its evidence.
    weak_links: tuple[WeakView, ...]
    #: Printed when there is no weak link.
    weak_empty: str
    #: What could not be judged, in one line.
    not_judged: str
    #: Columns: agent, calls, mean score, against before, against the mean, passed, high risk, points lost, mark.
    agents: PeriodTable
    #: What the mark means.
    agents_note: str
    #: Columns: rule, severity, calls and rate, before, mean, hits, points.
    rules: PeriodTable
    #: Columns: rule and advice, agents, before, after, change, verdict.
    outcomes: PeriodTable
    #: What is compared, and what it cannot prove.
    outcomes_note: str
    #: Columns: state, order and phone, promise, due, agent.
    promises: PeriodTable
    #: What a recording cannot prove, and how many promises are open.
    promises_note: str
    #: Columns: call, when, agent, reason.
    failed: PeriodTable
    #: Head of a column about the period before.
    previous_head: str
    #: Head of a column about the mean of several.
    baseline_head: str
    #: Head of a column of differences from the period before: 较前一天.
    previous_against: str
    #: Head of a column of differences from the mean.
    baseline_against: str
    #: How the numbers were computed.
    methods: tuple[Metric, ...]
    #: The line at the foot of each page.
    footer: str
    #: Date of the document for programs, ISO 8601; never the wall clock.
    created: str
