"""Turn a CallReport into a CallView: one call as a chapter of its order's document."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence

from qareport.model import (
    MEASURES,
    STATE_NOT_JUDGED,
    CallMetrics,
    CallReport,
    NoteCode,
    Role,
    RoleMetrics,
    TeamNorm,
)
from qareport.presentation import note_wording, wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Chart, Curve, Metric, Phrase, TextRun
from qareport.report.order import key_moments, scorecard, transcript_lines
from qareport.report.order.view_types import CallView, Facts, RoleMetric

_ROLES = (Role.CUSTOMER, Role.AGENT, Role.UNKNOWN)
#: A curve of more points than this is drawn as the means of so many stretches of the call; else it would be a blot.
_CURVE_POINTS = 150


def badge(call: CallReport) -> Phrase:
    """Write the verdicts, the customer's risk and the agent's score; a call without a score has no risk either."""
    if call.score is None:
        return Phrase(runs=(TextRun(text=key_moments.unscored(call), style="risk-none"),))
    risk = _("客户{risk}").format(risk=wording.RISKS[call.risk])
    score = plural("客服{points}分", call.score, points=call.score)
    return Phrase(runs=(TextRun(text=risk, style=f"risk-{call.risk}"), TextRun(text="　" + score)))


def build(
    call: CallReport,
    number: int,
    most_moments: int,
    *,
    measures: Mapping[str, float] | None = None,
    norm: TeamNorm | None = None,
) -> CallView:
    """Select, round and word everything that is said about one call.

    Args:
        call: the call.
        number: which call of the order it is.
        most_moments: how many key moments are shown at most.
        measures: what of it `norm` compares.
        norm: what is usual in the team; None: not compared.
    """
    speakers = transcript_lines.Speakers(call.segments)
    chapter = f"c{number}"
    chosen, outside = key_moments.choose(call, most_moments)
    shown = tuple(key_moments.key_moment(item, index, speakers, chapter) for index, item in enumerate(chosen, start=1))
    return CallView(
        number=wording.nth_call(number),
        title=f"{wording.nth_call(number)}　{wording.instant(call.started_at)}",
        anchor=chapter,
        badge=badge(call),
        facts=facts(call, speakers, wording.nth(number)),
        phone=call.customer_phone or _(wording.UNKNOWN),
        sentence=key_moments.sentence(call, chosen, speakers),
        notes=_notes(call),
        trajectory=transcript_lines.trajectory(call.trajectory),
        chart=chart(call, [item.at_ms for item in chosen]),
        key_moments=shown,
        further=tuple(key_moments.deduction(finding, speakers) for finding in outside),
        praise=tuple(key_moments.praise(finding, speakers) for finding in call.findings if finding.is_praise),
        deductions=tuple(key_moments.deduction(finding, speakers) for finding in call.findings),
        deduction_total=_total(call),
        scorecard=scorecard.groups(call, speakers),
        score_line=scorecard.score_line(call.scorecard),
        metrics=tuple(_metrics(call.metrics)),
        compared=scorecard.compare(measures or {}, norm),
        norm=scorecard.comparison_basis(norm),
        role_metrics=tuple(_role_metrics(call.metrics)),
        unknown_speaker=Role.UNKNOWN.value in call.metrics.roles,
        transcript=transcript_lines.transcript(call, chapter),
        legend=transcript_lines.legend(call),
    )


def _notes(call: CallReport) -> tuple[str, ...]:
    """Word the notes, each once; what the analysis says of guessed roles covers what the engine says of them."""
    codes = {note.code for note in call.notes}
    covered = {NoteCode.ROLES_FROM_WORDS} if codes & {NoteCode.ROLES_GUESSED, NoteCode.ROLES_UNKNOWN} else set()
    return tuple(dict.fromkeys(note_wording.note(note) for note in call.notes if note.code not in covered))


def facts(call: CallReport, speakers: transcript_lines.Speakers, calls: str) -> Facts:
    """Fill the grid of one call."""
    return Facts(
        name=call.call_id,
        calls=calls,
        when=when(call),
        agent=call.agent_id or _(wording.UNKNOWN),
        issue=key_moments.issue([call]),
        trend=trend(call.metrics),
        roles=speakers.certainty(),
        hits=hits(call),
    )


def when(call: CallReport) -> str:
    """Write when the call began and how long it was."""
    return f"{wording.instant(call.started_at)} · {wording.duration(call.metrics.duration_ms)}"


def trend(metrics: CallMetrics) -> str:
    """Word how the customer's mood went, with the curve's mean in the first and last quarter of the talk."""
    name = wording.trend(metrics)
    if not name:
        return _("可判定的内容不足")
    customer = metrics.roles.get(Role.CUSTOMER.value)
    if customer is None or customer.sentiment_start is None or customer.sentiment_end is None:
        return name
    ends = f"{wording.signed(customer.sentiment_start)} → {wording.signed(customer.sentiment_end)}"
    return wording.beside(name, ends)


def hits(call: CallReport) -> str:
    """Count the rules that hit and what they cost."""
    if not call.findings:
        return _("无") if call.score is not None else _("未判定")
    return key_moments.count_hits(call.findings)


def _total(call: CallReport) -> str:
    if not call.findings:
        if call.score is None and call.segments:
            return _("{text}。").format(text=key_moments.unscored(call))
        if call.score is None:
            return _("没有可供规则判断的内容，未评分。")
        return _("未命中任何规则，没有扣分。")
    score = _("得分 {score}").format(score=call.score) if call.score is not None else _("未评分")
    return _("合计{points}，{score}。").format(points=key_moments.total_points(call.findings), score=score)


def chart(call: CallReport, discs_ms: Sequence[int]) -> Chart:
    """Describe the picture: curves, silences and the numbered moments."""
    curves, step_ms = [], 0
    for role in _ROLES:
        points = sorted((p.at_ms, p.value) for p in call.curve if p.role is role and math.isfinite(p.value))
        if len(points) > _CURVE_POINTS:
            step_ms = max(math.ceil(max(call.metrics.duration_ms, points[-1][0] + 1) / _CURVE_POINTS), 1)
            points = _means(points, step_ms)
        if points:
            curves.append(Curve(label=wording.ROLES[role], side=role.value, points=tuple(points)))
    message = ""
    if not call.segments:
        message = _("录音中没有识别到语音")
    elif not curves:
        message = _("本次通话没有可用的情绪判定，图中只有沉默与关键节点")
    share = call.metrics.unknown_emotion_share
    caption = _("情绪曲线由模型得分得出，未经校准") if curves else ""
    if step_ms:
        caption += _("；每{length}取均值").format(length=wording.duration(step_ms))
    if curves and share is not None:
        caption += _("；未知情绪占{share}").format(share=wording.share(share))
    return Chart(
        duration_ms=max(call.metrics.duration_ms, *(p.at_ms for p in call.curve), *discs_ms, 0, 0),
        curves=tuple(curves),
        silences=tuple((silence.start_ms, silence.end_ms) for silence in call.silences),
        discs=tuple(enumerate(discs_ms, start=1)),
        message=message,
        caption=caption,
        alt=_alt(call, curves, len(discs_ms)),
        quarters=_quarters(call.metrics),
    )


def _means(points: Sequence[tuple[int, float]], step_ms: int) -> list[tuple[int, float]]:
    """Take the mean time and value of the points in each stretch of a length."""
    means: list[tuple[int, float]] = []
    for _stretch, inside in itertools.groupby(points, key=lambda point: point[0] // step_ms):
        times, values = zip(*inside, strict=True)
        means.append((round(statistics.fmean(times)), statistics.fmean(values)))
    return means


def _quarters(metrics: CallMetrics) -> tuple[str, ...]:
    """Write the customer's mean in each quarter of the call, as far as it was judged."""
    customer = metrics.roles.get(Role.CUSTOMER.value)
    values = customer.sentiment_quarters if customer else ()
    if len(values) != 4 or all(value is None for value in values):
        return ()
    return tuple(wording.signed(value) if value is not None else _("未判定") for value in values)


def _alt(call: CallReport, curves: Sequence[Curve], discs: int) -> str:
    names = wording.listed(curve.label for curve in curves)
    drawn = _("{names}的情绪曲线").format(names=names) if names else _("没有情绪曲线")
    quarters = _quarters(call.metrics)
    told = _("，四段均值 {values}").format(values=" / ".join(quarters)) if quarters else ""
    return _("情绪时间轴：{drawn}，沉默{silences}处，关键节点{moments}处，{trend}{told}").format(
        drawn=drawn, silences=len(call.silences), moments=discs, trend=trend(call.metrics), told=told
    )


def _metrics(metrics: CallMetrics) -> list[Metric]:
    interruptions = _("，").join(
        _("{who}{times}").format(who=wording.ROLES[role], times=wording.times(metrics.interruptions[role.value]))
        for role in _ROLES
        if role.value in metrics.interruptions
    )
    quiet = plural(
        "{count}次，共{length}",
        metrics.silence_count,
        count=metrics.silence_count,
        length=wording.duration(metrics.silence_ms),
    )
    return [
        _length(metrics, "duration_ms"),
        _length(metrics, "talk_ms", share="talk_share"),
        _length(metrics, "non_talk_ms", share="non_talk_share"),
        Metric(
            label=wording.capital(_("沉默")),
            value=quiet if metrics.silence_count else wording.times(0),
            remark=_("最长{length}").format(length=wording.duration(metrics.longest_silence_ms))
            if metrics.silence_count
            else "",
        ),
        _holds(metrics),
        _length(metrics, "overlap_ms"),
        Metric(label=wording.capital(_("抢话")), value=interruptions or wording.times(0)),
        _length(metrics, "first_response_ms", remark=_("客户说完到客服开口")),
        _length(metrics, "median_response_ms"),
        _length(metrics, "longest_response_ms"),
        Metric(
            label=wording.MEASURES["unknown_emotion_share"],
            value=wording.share(metrics.unknown_emotion_share),
            remark=_("模型无法判断的说话时长"),
        ),
    ]


def _length(metrics: CallMetrics, name: str, *, share: str | None = None, remark: str = "") -> Metric:
    """Write a measure in milliseconds by its label, with what share it is if that is asked for."""
    length = MEASURES[name].of(metrics)
    value = wording.duration(None if length is None else round(length))
    if share is not None:
        value = wording.beside(value, wording.share(MEASURES[share].of(metrics)))
    return Metric(label=wording.MEASURES[name], value=value, remark=remark)


def _holds(metrics: CallMetrics) -> Metric:
    holds, label = metrics.holds, wording.MEASURES["hold_ms"]
    if not holds:
        return Metric(label=label, value=wording.times(0))
    total, longest = (MEASURES[name].of(metrics) or 0 for name in ("hold_ms", "longest_hold_ms"))
    music = sum(hold.music for hold in holds)
    return Metric(
        label=label,
        value=plural("{count}次，共{length}", len(holds), count=len(holds), length=wording.duration(round(total))),
        remark=_("最长{length}").format(length=wording.duration(round(longest)))
        + (_("，有音乐{count}次").format(count=music) if music else ""),
    )


def _role_metrics(metrics: CallMetrics) -> list[RoleMetric]:
    if not metrics.roles:
        return []
    columns = [_column(metrics.roles.get(role.value), _talk_share(metrics, role)) for role in _ROLES]
    labels = (
        _("说话段数"),
        _("说话时长"),
        _("最长连续说话"),
        _("语速（按有声时长）"),
        _("平均音量"),
        _("情绪分（首段 → 末段）"),
        _("情绪分（通话四段）"),
        _("情绪占比"),
    )
    return [
        RoleMetric(label=label, customer=columns[0][index], agent=columns[1][index], unknown=columns[2][index])
        for index, label in enumerate(labels)
    ]


def _talk_share(metrics: CallMetrics, role: Role) -> str:
    """Write a role's share of the talk; nothing where it is not known, or where the speaker is not."""
    measure = MEASURES.get(f"{role}_talk_share")
    value = measure.of(metrics) if measure is not None else None
    return "" if value is None else wording.share(value)


def _column(metrics: RoleMetrics | None, talk_share: str) -> tuple[str, ...]:
    if metrics is None:
        return (_("没有说话"), "", "", "", "", "", "", "")
    speed, level = metrics.characters_per_minute, metrics.loudness_dbfs
    ends = (metrics.sentiment_start, metrics.sentiment_end)
    shares = sorted(metrics.emotion_shares.items(), key=lambda item: (-item[1], item[0]))
    return (
        plural("{count}段", metrics.segments, count=metrics.segments),
        wording.beside(wording.duration(metrics.talk_ms), talk_share),
        wording.duration(metrics.longest_monologue_ms),
        _("{count}字/分").format(count=f"{speed:.0f}") if speed is not None else _(wording.NOT_MEASURED),
        f"{wording.signed(level)} dBFS" if level is not None else _(wording.NOT_MEASURED),
        " → ".join(wording.signed(value) for value in ends if value is not None) or _("未判定"),
        _four(metrics.sentiment_quarters),
        _("，").join(f"{_state(name)} {wording.share(value)}" for name, value in shares if value > 0) or _("未判定"),
    )


def _four(values: Sequence[float | None]) -> str:
    if all(value is None for value in values):
        return _("未判定")
    return " / ".join(wording.signed(value) if value is not None else "—" for value in values)


def _state(name: str) -> str:
    return _("未判定") if name == STATE_NOT_JUDGED else wording.tag_name(name)
