"""Turn a CallReport into a CallView: one call as a chapter of its order's document."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

from qareport.model import CallMetrics, CallReport, CallReview, NoteCode, Risk, Role, Roster, TeamNorm
from qareport.presentation import note_wording, wording
from qareport.presentation.locale import _
from qareport.presentation.view_types import Chart, Curve
from qareport.report.order import key_moments, measures, scorecard, story, transcript_lines, verdict
from qareport.report.order.key_moments import Candidate
from qareport.report.order.transcript_lines import Speakers
from qareport.report.order.view_types import CallView, Facts, NodeMark

#: A curve of more points than this is drawn as the means of so many stretches of the call; else it would be a blot.
_CURVE_POINTS = 150
NOBODY = Roster()


def build(
    call: CallReport,
    number: int,
    chosen: Sequence[Candidate],
    *,
    is_first: bool,
    several: bool,
    norm: TeamNorm | None = None,
    review: CallReview | None = None,
    people: Roster = NOBODY,
) -> CallView:
    """Select, round and word everything that is said about one call.

    Args:
        call: the call.
        number: which call of the order it is.
        chosen: the key moments that are shown.
        is_first: its picture and key moments are on the first page.
        several: it is one of several calls.
        norm: what is usual in the team; None: not compared.
        review: what reviewers left of the score; None: nobody reviewed it.
        people: names of agents.
    """
    speakers = Speakers(call.segments, call.silences)
    chapter = f"c{number}"
    is_brief = several and not is_first and _is_untroubled(call)
    shown = tuple(key_moments.key_moment(item, index, speakers, chapter) for index, item in enumerate(chosen, start=1))
    return CallView(
        number=wording.nth_call(number),
        title=f"{wording.nth_call(number)}　{wording.instant(call.started_at)}",
        anchor=chapter,
        is_first=is_first,
        is_brief=is_brief,
        badge=verdict.badge(call, review),
        facts=facts(call, speakers, wording.nth(number), people),
        phone=call.customer_phone or _(wording.UNKNOWN),
        sentence=story.story(call, speakers),
        notes=notes(call),
        trajectory=transcript_lines.trajectory(call.trajectory),
        chart=chart(call, [item.at_ms for item in chosen]),
        key_moments=shown,
        praise=tuple(key_moments.praise(finding, speakers) for finding in call.findings if finding.is_praise),
        deductions=tuple(key_moments.deduction(finding, speakers, chosen) for finding in call.findings),
        deduction_total=_total(call),
        scorecard=scorecard.groups(call, speakers, chosen),
        score_rest=scorecard.rest(call),
        score_line=scorecard.score_line(call, review),
        metrics=measures.rows(call.metrics, norm),
        has_norm=norm is not None and bool(norm.calls),
        norm=measures.comparison_basis(norm),
        role_metrics=measures.by_role(call.metrics),
        unknown_speaker=Role.UNKNOWN.value in call.metrics.roles,
        transcript=transcript_lines.transcript(call, chapter, [] if is_brief else _marks(chosen, chapter)),
        legend=transcript_lines.legend(call),
    )


def _is_untroubled(call: CallReport) -> bool:
    lost = any(finding.points < 0 or finding.fatal for finding in call.findings)
    return call.score is not None and call.risk is Risk.LOW and not lost


def _marks(chosen: Sequence[Candidate], chapter: str) -> list[tuple[int, NodeMark]]:
    """Number the places of the transcript at which the key moments, and those that they join, happen."""
    return [
        (at_ms, NodeMark(number=str(number), anchor=f"{chapter}-n{number}"))
        for number, item in enumerate(chosen, start=1)
        for at_ms in (item.at_ms, *(moment.at_ms for moment in item.others))
    ]


def notes(call: CallReport) -> tuple[str, ...]:
    """Word the notes, each once: what the analysis says of guessed roles covers what the engine says of them."""
    codes = {note.code for note in call.notes}
    covered = {NoteCode.ROLES_FROM_WORDS} if codes & {NoteCode.ROLES_GUESSED, NoteCode.ROLES_UNKNOWN} else set()
    covered |= {NoteCode.ROLES_UNKNOWN} if NoteCode.NOT_SCORED_SPEAKERS in codes else set()
    return tuple(dict.fromkeys(note_wording.note(note) for note in call.notes if note.code not in covered))


def facts(call: CallReport, speakers: Speakers, calls: str, people: Roster) -> Facts:
    """Fill the grid of one call."""
    return Facts(
        name=call.call_id,
        calls=calls,
        when=when(call),
        agent=verdict.agent(call.agent_id, people),
        issue=verdict.issue_and_stage([call]),
        trend=trend(call.metrics),
        roles=speakers.certainty(),
        hits=verdict.hits([call]),
    )


def when(call: CallReport) -> str:
    """Write when the call began and how long it was."""
    return f"{wording.instant(call.started_at)} · {wording.duration(call.metrics.duration_ms)}"


def trend(metrics: CallMetrics) -> str:
    """Word how the customer's mood went, with its mean in the first and the last quarter of the call.

    The trend is that of the whole call; ends that read as another one are left out.
    """
    name = wording.trend(metrics)
    if not name:
        return _("可判定的内容不足")
    ends = [value for value in quarters(metrics) if value is not None]
    if not ends or not _shows_trend(metrics, round(ends[0], 1), round(ends[-1], 1)):
        return name
    return wording.beside(name, " → ".join(wording.signed(value) for value in (ends[0], ends[-1])))


def _shows_trend(metrics: CallMetrics, first: float, last: float) -> bool:
    if metrics.trend != "steady":
        return last < first if metrics.trend == "worsening" else last > first
    mood = metrics.roles[Role.CUSTOMER.value].sentiment
    is_moody = wording.trend(metrics) != wording.TRENDS["steady"]
    return mood is None or not is_moody or (mood * first > 0 and mood * last > 0)


def quarters(metrics: CallMetrics) -> tuple[float | None, ...]:
    """Return the customer's mean in each quarter of the call."""
    customer = metrics.roles.get(Role.CUSTOMER.value)
    return customer.sentiment_quarters if customer else ()


def _total(call: CallReport) -> str:
    if not call.findings:
        if call.score is None and call.segments:
            return _("{text}。").format(text=story.unscored(call))
        if call.score is None:
            return _("没有可供规则判断的内容，未评分。")
        return _("未命中任何规则，没有扣分。")
    score = _("得分 {score}").format(score=call.score) if call.score is not None else _("未评分")
    return _("合计{points}，{score}。").format(points=verdict.total_points(call.findings), score=score)


def chart(call: CallReport, discs_ms: Sequence[int]) -> Chart:
    """Describe the picture: curves, silences and the numbered moments."""
    curves, step_ms = [], 0
    for role in measures.ROLES:
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
    silences, waits = transcript_lines.silences_and_waits(call)
    return Chart(
        duration_ms=max(call.metrics.duration_ms, *(p.at_ms for p in call.curve), *discs_ms, 0, 0),
        curves=tuple(curves),
        silences=tuple((silence.start_ms, silence.end_ms) for silence in silences),
        discs=tuple(enumerate(discs_ms, start=1)),
        message=message,
        caption=_caption(call.metrics, step_ms) if curves else "",
        alt=_alt(call, curves, len(silences), len(discs_ms)),
        waits=tuple((wait.start_ms, wait.end_ms) for wait in waits),
    )


def _caption(metrics: CallMetrics, step_ms: int) -> str:
    caption = _("情绪曲线由模型得分得出，未经校准")
    if step_ms:
        caption += _("；每{length}取均值").format(length=wording.duration(step_ms))
    share = metrics.unknown_emotion_share
    return caption + (_("；未知情绪占{share}").format(share=wording.share(share)) if share else "")


def _means(points: Sequence[tuple[int, float]], step_ms: int) -> list[tuple[int, float]]:
    """Take the mean time and value of the points in each stretch of a length."""
    means: list[tuple[int, float]] = []
    for _stretch, inside in itertools.groupby(points, key=lambda point: point[0] // step_ms):
        times, values = zip(*inside, strict=True)
        means.append((round(statistics.fmean(times)), statistics.fmean(values)))
    return means


def _alt(call: CallReport, curves: Sequence[Curve], silences: int, discs: int) -> str:
    names = wording.listed(curve.label for curve in curves)
    drawn = _("{names}的情绪曲线").format(names=names) if names else _("没有情绪曲线")
    judged = any(value is not None for value in quarters(call.metrics))
    told = _("，四段均值 {values}").format(values=measures.four(quarters(call.metrics))) if judged else ""
    return _("情绪时间轴：{drawn}，沉默{silences}处，关键节点{moments}处，{trend}{told}").format(
        drawn=drawn, silences=silences, moments=discs, trend=trend(call.metrics), told=told
    )
