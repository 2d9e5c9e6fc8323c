"""Choose the key moments that a page shows, and word them: the story of each, and the sentence at the top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qareport.model import (
    STATE_SILENCE,
    CallReport,
    Evidence,
    Finding,
    Moment,
    MomentKind,
    NoteCode,
    Severity,
)
from qareport.presentation import wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Phrase, TextRun
from qareport.report.order.transcript_lines import Speakers, tag_run
from qareport.report.order.view_types import AdviceLine, Deduction, KeyMomentView, PraiseLine

#: A rule's hit belongs to a moment that is not farther away than this.
_NEAR_MS = 2000
#: What a finding lends its moment, on the scale of `Moment.salience` (0 … 100).
_WEIGHTS = {Severity.INFO: 10.0, Severity.MINOR: 40.0, Severity.MAJOR: 60.0, Severity.CRITICAL: 100.0}
#: Of two moments that matter alike, the one with advice comes first.
_WITH_ADVICE = 10.0
#: The sentence at the top tells of this many moments.
_SENTENCE_MOMENTS = 3
_SENTENCE_QUOTE = 16


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A moment with the findings that belong to it, or a finding that has no moment."""

    moment: Moment | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def at_ms(self) -> int:
        """When it happened."""
        return self.moment.at_ms if self.moment else self.findings[0].at_ms

    @property
    def salience(self) -> float:
        """How much the moment itself matters."""
        return self.moment.salience if self.moment else 0.0

    @property
    def rank(self) -> tuple[float, int]:
        """Sort key: what matters most first, by the moment itself or by its gravest finding, then the earliest."""
        weight = max((_WEIGHTS[finding.severity] for finding in self.findings), default=0.0)
        return (-max(weight, self.salience) - _WITH_ADVICE * bool(self.findings), self.at_ms)


def choose(call: CallReport, limit: int) -> tuple[list[Candidate], list[Finding]]:
    """Choose the moments to show, in order of time, and name the findings that stay outside them; praise is neither."""
    candidates = [Candidate(moment=moment) for moment in call.moments]
    # A moment without salience is part of another one; it is shown only if a finding needs it.
    for finding in call.findings:
        if finding.is_praise:
            continue
        owner = _owner(finding, candidates)
        if owner is None:
            candidates.append(Candidate(moment=None, findings=[finding]))
        else:
            owner.findings.append(finding)
    shown = [candidate for candidate in candidates if candidate.findings or candidate.salience > 0]
    ranked = sorted(shown, key=lambda candidate: candidate.rank)
    chosen = sorted(ranked[:limit], key=lambda candidate: candidate.at_ms)
    outside = [finding for candidate in ranked[limit:] for finding in candidate.findings]
    return chosen, sorted(outside, key=lambda finding: finding.at_ms)


def _owner(finding: Finding, candidates: Sequence[Candidate]) -> Candidate | None:
    """Find the moment that a finding is about: the one nearest to it or to its evidence, if one is near at all."""
    near = [
        (finding.moment != wording.with_label(moment).label, _distance_ms(finding, moment), -moment.salience, index)
        for index, candidate in enumerate(candidates)
        if (moment := candidate.moment) is not None and _touches(finding, moment)
    ]
    return candidates[min(near)[-1]] if near else None


def _touches(finding: Finding, moment: Moment) -> bool:
    end_ms = max(moment.end_ms, moment.at_ms) + _NEAR_MS
    return any(moment.at_ms - _NEAR_MS <= at_ms <= end_ms for at_ms in _times(finding))


def _distance_ms(finding: Finding, moment: Moment) -> int:
    return min(abs(at_ms - moment.at_ms) for at_ms in _times(finding))


def _times(finding: Finding) -> list[int]:
    return [finding.at_ms, *(item.at_ms for item in finding.evidence)]


def key_moment(candidate: Candidate, number: int, speakers: Speakers, chapter: str) -> KeyMomentView:
    """Word one key moment."""
    advice: list[AdviceLine] = []
    for finding in candidate.findings:
        if finding.advice and finding.advice not in [known.text for known in advice]:
            advice.append(AdviceLine(text=finding.advice, rule=_rule_line(finding)))
        else:
            advice.append(AdviceLine(text="", rule=_rule_line(finding)))
    story = _moment_story if candidate.moment else _finding_story
    return KeyMomentView(
        number=str(number),
        at=wording.second(candidate.at_ms),
        span=_span(candidate.moment),
        story=story(candidate, speakers),
        advice=tuple(advice),
        anchor=f"{chapter}-n{number}",
        at_ms=candidate.at_ms,
    )


def _rule_line(finding: Finding) -> str:
    return " · ".join(
        (
            wording.beside(finding.title, finding.rule_id),
            wording.SEVERITIES[finding.severity],
            wording.points(finding.points),
        )
    )


def _span(moment: Moment | None) -> str:
    if moment is None or moment.end_ms <= moment.at_ms:
        return ""
    length = wording.duration(moment.duration_ms)
    text = _("沉默{length}") if moment.kind is MomentKind.SILENCE else _("持续{length}")
    return text.format(length=length)


def _moment_story(candidate: Candidate, speakers: Speakers) -> Phrase:
    moment = candidate.moment
    if moment is None:
        raise ValueError("a finding without a moment tells its own story")
    lead = _("{who}{what}").format(who=speakers.name(moment.role, moment.at_ms), what=predicate(moment))
    runs = [TextRun(text=lead)]
    if moment.fuzzy:
        runs.append(TextRun(text=_(wording.FUZZY), style="muted"))
    if moment.quote:
        # The quotation of a silence was said before it, by the other side.
        colon = _("；此前的话：") if moment.kind is MomentKind.SILENCE else _("：")
        runs.append(TextRun(text=colon + wording.quoted(moment.quote), style="quote"))
    for tag in moment.tags or ((STATE_SILENCE,) if moment.kind is MomentKind.SILENCE else ()):
        runs += [TextRun(text=" "), tag_run(tag)]
    label, source = wording.label(moment), wording.with_label(moment).label
    # A rule that calls the moment what the program calls it says nothing of its own.
    named = [label if finding.moment == source else finding.moment for finding in candidate.findings if finding.moment]
    shown = [name for name in dict.fromkeys([*named, label]) if name and name not in lead]
    if shown:
        runs += [TextRun(text=" "), TextRun(text=" · ".join(shown), style="label")]
    return Phrase(runs=tuple(runs))


def _finding_story(candidate: Candidate, speakers: Speakers) -> Phrase:
    finding = candidate.findings[0]
    runs = [TextRun(text=finding.title)]
    quotes = [evidence_line(item, speakers, with_time=False) for item in finding.evidence if item.quote]
    if quotes:
        runs.append(TextRun(text=_("：") + wording.clauses(quotes), style="quote"))
    if finding.moment:
        runs += [TextRun(text=" "), TextRun(text=finding.moment, style="label")]
    return Phrase(runs=tuple(runs))


def predicate(moment: Moment) -> str:
    """Say what happened at a moment, as the predicate of a sentence about its speaker."""
    states = [tag.strip("[]") for tag in moment.tags]
    emotions = [wording.tag_name(state) for state in states if state != STATE_SILENCE]
    template = wording.PREDICATES[moment.kind]
    if moment.label_code is not None:
        template = wording.LABEL_PREDICATES.get((moment.kind, moment.label_code)) or template
    text = template.format(
        topic=moment.topic or wording.label(moment),
        emotion=emotions[0] if emotions else wording.label(moment),
        span=wording.duration(moment.duration_ms),
        event=emotions[0] if emotions else wording.label(moment),
    )
    if moment.count > 1:
        text += _(wording.TIMES).format(count=moment.count)
    if moment.kind not in (MomentKind.SILENCE, MomentKind.EMOTION) and STATE_SILENCE in states:
        return _("{what}后沉默").format(what=text)
    return text


def evidence_line(item: Evidence, speakers: Speakers, *, with_time: bool = True) -> str:
    """Write one piece of evidence: 0:42 客户：“…”, or the pause that it is."""
    who = speakers.name(item.role, item.at_ms)
    words = wording.quoted(item.quote)
    if item.quote in ("", wording.SILENCE_TAG):
        length = wording.duration(item.duration_ms)
        words = f"{wording.SILENCE_TAG} " + _("沉默{length}").format(length=length)
    if item.fuzzy:
        words += _(wording.FUZZY)
    if with_time:
        return f"{wording.clock(item.at_ms)} {wording.named(who, words)}"
    return _("{who}{words}").format(who=who, words=words)


def deduction(finding: Finding, speakers: Speakers) -> Deduction:
    """Word one hit of a rule with its evidence."""
    return Deduction(
        at=wording.second(finding.at_ms),
        title=finding.title,
        rule=f"{finding.rule_id}@{finding.rule_version}" if finding.rule_version else finding.rule_id,
        severity=wording.SEVERITIES[finding.severity],
        points=wording.points(finding.points),
        evidence=tuple(evidence_line(item, speakers) for item in finding.evidence) or (_("规则没有给出证据"),),
        advice=finding.advice,
    )


def praise(finding: Finding, speakers: Speakers) -> PraiseLine:
    """Word what was done well."""
    quotes = [evidence_line(item, speakers, with_time=False) for item in finding.evidence if item.quote]
    return PraiseLine(
        at=wording.second(finding.at_ms),
        text=finding.praise or finding.title,
        quotes=wording.clauses(quotes),
        rule=_rule_line(finding),
        at_ms=finding.at_ms,
    )


def sentence(call: CallReport, chosen: Sequence[Candidate], speakers: Speakers) -> str:
    """Tell the call in one or two sentences, from the gravest moments and the verdict."""
    if not call.segments:
        return _("录音中没有识别到语音，无法判断。")
    worst = sorted(chosen, key=lambda candidate: candidate.rank)[:_SENTENCE_MOMENTS]
    clauses: list[str] = []
    subject: str | None = None
    for candidate in sorted(worst, key=lambda item: item.at_ms):
        at = wording.second(candidate.at_ms)
        if candidate.moment is None:
            clauses.append(_("{at}命中“{title}”").format(at=at, title=candidate.findings[0].title))
            subject = None
            continue
        who = speakers.name(candidate.moment.role, candidate.moment.at_ms)
        what = predicate(candidate.moment)
        if quote := _short_quote(candidate.moment):
            what = _("{what}{quote}").format(what=what, quote=quote)
        if who == subject:
            clauses.append(_("{at}{what}").format(at=at, what=what))
        else:
            clauses.append(_("{who}在{at}{what}").format(who=who, at=at, what=what))
        subject = who
    story = _("{text}。").format(text=_("，").join(clauses)) if clauses else _("没有发现需要关注的节点。")
    return _("{story}{verdict}").format(story=story, verdict=_verdict(call))


def _short_quote(moment: Moment) -> str:
    quotable = moment.kind in (MomentKind.CHURN_SIGNAL, MomentKind.ESCALATION)
    words = moment.quote.strip(" 。，,.")
    return wording.quoted(words) if quotable and 0 < len(words) <= _SENTENCE_QUOTE else ""


def _verdict(call: CallReport) -> str:
    unjudged = all(segment.emotion is None for segment in call.segments)
    caveat = _("情绪未判定，结论只依据文字与停顿。") if unjudged else ""
    if call.score is None:
        return caveat + _("{text}。").format(text=unscored(call))
    hits = _("未命中规则")
    if call.findings:
        count = len(call.findings)
        hits = plural("命中规则{count}条，{points}", count, count=count, points=total_points(call.findings))
    course = wording.trend(call.metrics)
    risk = wording.RISKS[call.risk]
    customer = [_("客户情绪{course}").format(course=course), risk] if course else [_("客户{risk}").format(risk=risk)]
    agent = [plural("客服得{score}分", call.score, score=call.score), hits]
    first, second = (_("{text}。").format(text=_("，").join(parts)) for parts in (customer, agent))
    return _("{story}{verdict}").format(story=first, verdict=second) + caveat


def unscored(call: CallReport) -> str:
    """Say in short why a call has no score."""
    if NoteCode.NOT_SCORED_SPEAKERS in {note.code for note in call.notes}:
        return _("未评分：说话人不明")
    return _("无法评分")


def total_points(findings: Sequence[Finding]) -> str:
    """Sum up points: 扣38分, 加5分, 扣10分加5分, 不计分."""
    minus = -sum(finding.points for finding in findings if finding.points < 0)
    plus = sum(finding.points for finding in findings if finding.points > 0)
    parts = [plural("扣{points}分", minus, points=minus)] if minus else []
    parts += [plural("加{points}分", plus, points=plus)] if plus else []
    if len(parts) == 2:
        return _("{minus}{plus}").format(minus=parts[0], plus=parts[1])
    return parts[0] if parts else _("不计分")


def count_hits(findings: Sequence[Finding]) -> str:
    """Count hits and what they cost: 2条，扣15分."""
    return plural("{count}条，{points}", len(findings), count=len(findings), points=total_points(findings))


def issue(calls: Sequence[CallReport]) -> str:
    """Name what the customer calls about, the weightiest first; without that, what the costliest rules are about.

    Nothing found and nothing judged are two things.
    """
    weights: dict[str, float] = {}
    for call in calls:
        # The first issue of a call is what it is about most.
        names = [known.name for known in call.issues] or [moment.issue for moment in call.moments if moment.issue]
        for place, name in enumerate(dict.fromkeys(names), start=1):
            weights[name] = weights.get(name, 0.0) + 1 / place
    if not weights:
        for finding in (finding for call in calls for finding in call.findings if finding.points <= 0):
            weights[finding.category] = weights.get(finding.category, 0.0) - finding.points
    names = [name for name in sorted(weights, key=lambda name: -weights[name]) if name]
    judged = any(call.score is not None for call in calls)
    return " / ".join(names[:3]) or (_("未发现问题") if judged else _("未判定"))
