"""The measures of a call, once: each beside what is usual in the team, then those by speaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qareport.model import (
    MEASURES,
    STATE_NOT_JUDGED,
    CallMetrics,
    MetricNorm,
    Role,
    RoleMetrics,
    TeamNorm,
    Unit,
)
from qareport.presentation import wording
from qareport.presentation.locale import _, plural
from qareport.report.order.view_types import MeasureRow, RoleMetric

ROLES = (Role.CUSTOMER, Role.AGENT, Role.UNKNOWN)
#: What is shown, in the order of the page, each with the measure that is its share of the call.
_SHOWN: Mapping[str, str | None] = {
    "duration_ms": None,
    "talk_ms": "talk_share",
    "silence_count": None,
    "silence_ms": "silence_share",
    "longest_silence_ms": None,
    "hold_ms": None,
    "first_response_ms": None,
    "median_response_ms": None,
    "longest_response_ms": None,
    "agent_interruptions": None,
    "customer_interruptions": None,
    "overlap_ms": None,
    "agent_characters_per_minute": None,
    "customer_characters_per_minute": None,
    "agent_talk_share": None,
    "unknown_emotion_share": None,
}
#: These are shown only where there is anything of them, or the call deviates by them.
_IF_ANY = frozenset({"hold_ms", "agent_interruptions", "customer_interruptions", "overlap_ms", "longest_silence_ms"})


#: These are in the table by speaker already; here they are shown only beside the team's value.
_IF_COMPARED = frozenset({"agent_talk_share"})


def _length(value: float) -> str:
    return wording.duration(round(value))


def _count(value: float) -> str:
    return plural("{count}次", value, count=f"{value:.1f}".removesuffix(".0"))


def _speed(value: float) -> str:
    return _("{count}字/分").format(count=f"{value:.0f}")


_WRITERS: Mapping[Unit, Callable[[float], str]] = {
    Unit.MILLISECONDS: _length,
    Unit.COUNT: _count,
    Unit.SHARE: wording.share,
    Unit.PER_MINUTE: _speed,
}


def rows(metrics: CallMetrics, norm: TeamNorm | None) -> tuple[MeasureRow, ...]:
    """Word each measure of the call beside the team's median; what is nothing and usual is left out."""
    usual = norm.metrics if norm is not None else {}
    made = (_row(name, metrics, usual.get(name)) for name in _SHOWN)
    return tuple(row for row in made if row is not None)


def _row(name: str, metrics: CallMetrics, norm: MetricNorm | None) -> MeasureRow | None:
    measure = MEASURES[name]
    value, write = measure.of(metrics), _WRITERS[measure.unit]
    remark = _deviation(value, norm)
    if (name in _IF_ANY and not value and not remark) or (name in _IF_COMPARED and norm is None):
        return None
    shown = write(value) if value is not None else _(wording.NOT_MEASURED)
    if (share := _SHOWN[name]) is not None and value:
        shown = wording.beside(shown, wording.share(MEASURES[share].of(metrics)))
    if name == "hold_ms":
        remark = _("，").join(filter(None, (_holds(metrics), remark)))
    return MeasureRow(
        label=wording.MEASURES[name], value=shown, usual=write(norm.median) if norm is not None else "", remark=remark
    )


def _deviation(value: float | None, norm: MetricNorm | None) -> str:
    if value is None or norm is None:
        return ""
    if value > norm.upper_quartile:
        return _("高于四分之三的通话")
    return _("低于四分之三的通话") if value < norm.lower_quartile else ""


def _holds(metrics: CallMetrics) -> str:
    """Say how often the customer was made to wait, and how often with music."""
    holds = metrics.holds
    if not holds:
        return ""
    music = sum(hold.music for hold in holds)
    return wording.times(len(holds)) + (plural("，有音乐{count}次", music, count=music) if music else "")


def comparison_basis(norm: TeamNorm | None) -> str:
    """Say which calls the team's values are from."""
    if norm is None or not norm.calls:
        return _("此前几天没有可比的通话，没有与团队比较。")
    if norm.first is None or norm.last is None:
        return plural("团队值：{calls}通电话的中位数。", norm.calls, calls=norm.calls)
    days = (norm.first.isoformat(), norm.last.isoformat())
    span = days[0] if days[0] == days[1] else _("{first} 至 {last}").format(first=days[0], last=days[1])
    return plural("团队值：{days} 的{calls}通电话的中位数。", norm.calls, days=span, calls=norm.calls)


def by_role(metrics: CallMetrics) -> tuple[RoleMetric, ...]:
    """Word the measures of each speaker; what nobody has is left out."""
    if not metrics.roles:
        return ()
    columns = [_column(metrics.roles.get(role.value), _talk_share(metrics, role)) for role in ROLES]
    labels = (
        _("说话段数"),
        _("说话时长"),
        _("最长连续说话"),
        _("情绪分（通话四段）"),
        _("情绪占比"),
    )
    return tuple(
        RoleMetric(label=label, customer=columns[0][index], agent=columns[1][index], unknown=columns[2][index])
        for index, label in enumerate(labels)
    )


def _talk_share(metrics: CallMetrics, role: Role) -> str:
    """Write a role's share of the talk; nothing where it is not known, or where the speaker is not."""
    measure = MEASURES.get(f"{role}_talk_share")
    value = measure.of(metrics) if measure is not None else None
    return "" if value is None else wording.share(value)


def _column(metrics: RoleMetrics | None, talk_share: str) -> tuple[str, ...]:
    if metrics is None:
        return (_("没有说话"), "", "", "", "")
    shares = sorted(metrics.emotion_shares.items(), key=lambda item: (-item[1], item[0]))
    return (
        plural("{count}段", metrics.segments, count=metrics.segments),
        wording.beside(wording.duration(metrics.talk_ms), talk_share),
        wording.duration(metrics.longest_monologue_ms),
        four(metrics.sentiment_quarters),
        _("，").join(f"{_state(name)} {wording.share(value)}" for name, value in shares if value > 0) or _("未判定"),
    )


def four(values: Sequence[float | None]) -> str:
    """Write the means of the four quarters of a call."""
    if all(value is None for value in values):
        return _("未判定")
    return " / ".join(wording.signed(value) if value is not None else "—" for value in values)


def _state(name: str) -> str:
    return _("未判定") if name == STATE_NOT_JUDGED else wording.tag_name(name)
