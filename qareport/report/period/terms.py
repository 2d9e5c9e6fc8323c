"""Words of a period's report: titles by the kind of period, names of numbers, rounding, times, lengths of text."""

from __future__ import annotations

from collections.abc import Mapping
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
    PeriodKind.DAY: N_("前{count}天日均"),
    PeriodKind.WEEK: N_("前{count}周周均"),
    PeriodKind.MONTH: N_("前{count}个月月均"),
    PeriodKind.RANGE: N_("此前均值"),
}
#: One period alone is no mean: the only earlier one with calls, where that is not the period just before.
ONLY_BASELINES: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("此前有通话的一天"),
    PeriodKind.WEEK: N_("此前有通话的一周"),
    PeriodKind.MONTH: N_("此前有通话的一个月"),
    PeriodKind.RANGE: N_("此前均值"),
}
#: A difference of means from the earlier periods, as the head of a column.
AGAINST: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("较前{count}天"),
    PeriodKind.WEEK: N_("较前{count}周"),
    PeriodKind.MONTH: N_("较前{count}个月"),
    PeriodKind.RANGE: N_("较此前"),
}
#: Customers to call back: a daily report is read on the morning after, the others look back.
CALLBACKS_TITLES: Mapping[PeriodKind, str] = {
    **dict.fromkeys(PeriodKind, N_("期末仍未解决的客户（按轻重排序，共{count}位）")),
    PeriodKind.DAY: N_("今天需要回电（按轻重排序，共{count}位）"),
}
CALLBACKS_SENTENCES: Mapping[PeriodKind, str] = {
    **dict.fromkeys(PeriodKind, N_("；期末仍有{count}位客户没有解决。")),
    PeriodKind.DAY: N_("；有{count}位客户今天应回电。"),
}
#: The same in the subject of a mail.
CALLBACKS_SHORT: Mapping[PeriodKind, str] = {
    **dict.fromkeys(PeriodKind, N_("未解决{count}")),
    PeriodKind.DAY: N_("今天应回电{count}"),
}
#: There is no such customer: the end of the sentence, and a line of its own.
CALLBACKS_NONE: Mapping[PeriodKind, tuple[str, str]] = {
    **dict.fromkeys(PeriodKind, (N_("；期末没有未解决的客户。"), N_("期末没有未解决的客户。"))),
    PeriodKind.DAY: (N_("；没有需要回电的客户。"), N_("没有需要回电的客户。")),
}
TREND_TITLES: Mapping[PeriodKind, str] = {
    PeriodKind.DAY: N_("最近{count}天"),
    PeriodKind.WEEK: N_("最近{count}周"),
    PeriodKind.MONTH: N_("最近{count}个月"),
    PeriodKind.RANGE: N_("最近{count}期"),
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
    HeadlineName.REPEAT_SHARE: (N_("重复来电率"), 1),
    HeadlineName.HANDLING_TIME: (N_("平均通话时长"), 0),
    HeadlineName.FATAL: (N_("一票否决"), 1),
}
SHARES = frozenset(
    {
        HeadlineName.ANGRY_SHARE,
        HeadlineName.PASSED_SHARE,
        HeadlineName.NEGATIVE_SHARE,
        HeadlineName.REPEAT_SHARE,
    }
)
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
    OutcomeVerdict.FEWER: N_("减少"),
    OutcomeVerdict.MORE: N_("增多"),
    OutcomeVerdict.NO_CLEAR_CHANGE: N_("看不出变化"),
    OutcomeVerdict.TOO_FEW: N_("样本太少"),
}
SMALL = N_("样本少")

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
    if name is HeadlineName.HANDLING_TIME:
        return wording.duration(round(figure.value))
    return f"{figure.value:.1f}" if name is HeadlineName.MEAN_SCORE else count(figure.value)


def change(name: HeadlineName, difference: float) -> str:
    """Write a change with its direction: ▲6, ▼0.8 (percentage points of a share), or that there is none."""
    if name is HeadlineName.HANDLING_TIME:
        length = wording.duration(round(abs(difference)))
        return ("▲" if difference > 0 else "▼") + length if abs(difference) >= 50 else _("持平")
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
    """Write a rate with what it is of: 16.5%（68/412）; a small sample, or none, as its counts: 3/8."""
    if value is None or value.share is None:
        return "—"
    counts = f"{value.hits:,}/{value.n:,}"
    return counts if value.small or not value.hits else wording.beside(percent(value.share), counts)


def mean(value: Figure | None) -> str:
    """Write a mean score: 86.1."""
    return "—" if value is None or value.value is None else f"{value.value:.1f}"


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
    """Say where to listen and what is said there: 第87秒“你们是不是压单”; a tag such as [SILENCE] is no quotation."""
    second = wording.second(at_ms)
    if not text or text.startswith("["):
        return second
    return _("{second}{quote}").format(second=second, quote=wording.quoted(shorten(text, _QUOTE)))


def trend_head(first: date, kind: PeriodKind) -> str:
    """Name a period of a trend: 11-21, W47, 2026-11."""
    if kind is PeriodKind.WEEK:
        return f"W{first.isocalendar()[1]:02d}"
    return f"{first:%Y-%m}" if kind is PeriodKind.MONTH else f"{first:%m-%d}"
