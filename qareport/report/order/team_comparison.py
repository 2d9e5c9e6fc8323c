"""The measures of a call beside what is usual in the team, as rows to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qareport.model import (
    MEASURES,
    MetricNorm,
    TeamNorm,
    Unit,
)
from qareport.presentation import wording
from qareport.presentation.locale import _, plural
from qareport.report.order.view_types import Compared


def _length(value: float) -> str:
    return wording.duration(round(value))


def _count(value: float) -> str:
    return plural("{count}次", value, count=f"{value:.1f}".removesuffix(".0"))


def _speed(value: float) -> str:
    return _("{count}字/分").format(count=f"{value:.0f}")


#: In the order of the page.
_ROWS = (
    "first_response_ms",
    "median_response_ms",
    "longest_response_ms",
    "silence_count",
    "silence_ms",
    "silence_share",
    "longest_silence_ms",
    "hold_ms",
    "agent_interruptions",
    "customer_interruptions",
    "agent_characters_per_minute",
    "customer_characters_per_minute",
    "agent_talk_share",
    "duration_ms",
)
_WRITERS: Mapping[Unit, Callable[[float], str]] = {
    Unit.MILLISECONDS: _length,
    Unit.COUNT: _count,
    Unit.SHARE: wording.share,
    Unit.PER_MINUTE: _speed,
}


def rows(measures: Mapping[str, float], norm: TeamNorm | None) -> tuple[Compared, ...]:
    """Word each measure that the call and the team both have."""
    if norm is None:
        return ()
    return tuple(
        _row(wording.MEASURES[name], measures[name], norm.metrics[name], _WRITERS[MEASURES[name].unit])
        for name in _ROWS
        if name in measures and name in norm.metrics
    )


def _row(label: str, value: float, norm: MetricNorm, write: Callable[[float], str]) -> Compared:
    remark = ""
    if value > norm.upper_quartile:
        remark = _("高于四分之三的通话")
    elif value < norm.lower_quartile:
        remark = _("低于四分之三的通话")
    return Compared(
        label=label,
        value=write(value),
        usual=write(norm.median),
        range=_("{low} – {high}").format(low=write(norm.lower_quartile), high=write(norm.upper_quartile)),
        remark=remark,
    )


def basis(norm: TeamNorm | None) -> str:
    """Say which calls the team's values are from."""
    if norm is None or not norm.calls:
        return _("此前几天没有可比的通话，没有与团队比较。")
    if norm.first is None or norm.last is None:
        return plural("与团队{calls}通电话比较。", norm.calls, calls=norm.calls)
    days = (norm.first.isoformat(), norm.last.isoformat())
    span = days[0] if days[0] == days[1] else _("{first} 至 {last}").format(first=days[0], last=days[1])
    return plural(
        "团队值：{days} 的{calls}通电话的中位数，和其中一半通话所在的范围。", norm.calls, days=span, calls=norm.calls
    )
