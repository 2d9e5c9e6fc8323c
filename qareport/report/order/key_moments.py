"""Choose the key moments that a page shows, fold those of one kind, and word them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qareport.model import (
    STATE_SILENCE,
    CallReport,
    Evidence,
    Finding,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
    Severity,
)
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Phrase, TextRun
from qareport.report.order.transcript_lines import Speakers, tag_run
from qareport.report.order.view_types import AdviceLine, Deduction, KeyMomentView, PraiseLine

#: A rule's hit belongs to a moment that is not farther away than this.
_NEAR_MS = 2000
#: What a finding lends its moment, on the scale of `Moment.salience` (0 … 100).
_WEIGHTS = {Severity.INFO: 10.0, Severity.MINOR: 40.0, Severity.MAJOR: 60.0, Severity.CRITICAL: 100.0}
#: Of two moments that matter alike, the one with advice comes first.
_WITH_ADVICE = 20.0
#: Moments lighter than this are left out where so many weigh more.
_LIGHT, _HEAVIER = 40.0, 2
#: Kinds whose length tells something.
_LASTING = frozenset({MomentKind.EMOTION, MomentKind.INTERRUPTION, MomentKind.EVENT})
#: Labels that say more than the story beside them.
_TELLING = frozenset({MomentLabel.DOUBT, MomentLabel.TRUST_BROKEN, MomentLabel.GIVE_UP})


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A moment with the findings that belong to it, or a finding that has no moment."""

    moment: Moment | None
    findings: list[Finding] = field(default_factory=list)
    #: The same at other times of the call.
    others: list[Moment] = field(default_factory=list)
    #: What else the same sentence shows.
    beside: list[Moment] = field(default_factory=list)

    @property
    def at_ms(self) -> int:
        """When it happened."""
        return self.moment.at_ms if self.moment else self.findings[0].at_ms

    @property
    def salience(self) -> float:
        """How much the moment itself matters."""
        return self.moment.salience if self.moment else 0.0

    @property
    def told(self) -> list[Finding]:
        """Its findings, without those whose points another one takes."""
        return [finding for finding in self.findings if finding.covered_by is None]

    @property
    def rank(self) -> tuple[float, int]:
        """Sort key: what matters most first, by the moment itself or by its gravest finding, then the earliest."""
        return (-self.weight - _WITH_ADVICE * bool(self.told), self.at_ms)

    @property
    def weight(self) -> float:
        """How much it matters, by the moment or by its gravest finding."""
        return max(self.salience, *(_WEIGHTS[finding.severity] for finding in self.told), 0.0)


def choose(
    call: CallReport,
    limit: int,
    *,
    room: float = math.inf,
    height: Callable[[Candidate], float] | None = None,
) -> list[Candidate]:
    """Choose the moments to show, in order of time; praise is not among them.

    Args:
        call: the call.
        limit: how many at most.
        room: the space that they may take together; the weightiest is shown whatever it takes.
        height: the space that one takes; None: nothing.
    """
    candidates = [Candidate(moment=moment) for moment in call.moments]
    # A moment without salience is part of another one; it is shown only if a finding needs it.
    for finding in call.findings:
        if finding.is_praise:
            continue
        owner = _owner(finding, candidates)
        if owner is not None:
            owner.findings.append(finding)
        elif finding.covered_by is None:
            candidates.append(Candidate(moment=None, findings=[finding]))
    shown = [candidate for candidate in candidates if candidate.told or candidate.salience > 0]
    ranked = sorted(_joined(_fold(shown)), key=lambda candidate: candidate.rank)
    if sum(candidate.weight >= _LIGHT for candidate in ranked) >= _HEAVIER:
        ranked = [candidate for candidate in ranked if candidate.told or candidate.weight >= _LIGHT]
    chosen: list[Candidate] = []
    for candidate in ranked:
        needed = height(candidate) if height is not None else 0.0
        if len(chosen) < limit and (not chosen or needed <= room):
            chosen.append(candidate)
            room -= needed
    return sorted(chosen, key=lambda candidate: candidate.at_ms)


def _owner(finding: Finding, candidates: Sequence[Candidate]) -> Candidate | None:
    """Find the moment that a finding is about: the one nearest to it or to its evidence, if one is near at all.

    Of those that mean what the rule says, one that is a moment of its own comes before one that is part of another.
    """
    times_ms = _times(finding)
    first_ms, last_ms = min(times_ms) - _NEAR_MS, max(times_ms) + _NEAR_MS
    near = [
        (
            finding.moment != wording.with_label(moment).label,
            moment.salience <= 0,
            _distance_ms(finding, moment),
            -moment.salience,
            index,
        )
        for index, candidate in enumerate(candidates)
        if (moment := candidate.moment) is not None
        and moment.at_ms <= last_ms  # most moments of a long call are far away
        and (moment.end_ms >= first_ms or moment.at_ms >= first_ms)
        and _touches(times_ms, moment)
    ]
    return candidates[min(near)[-1]] if near else None


def _touches(times_ms: Sequence[int], moment: Moment) -> bool:
    end_ms = max(moment.end_ms, moment.at_ms) + _NEAR_MS
    return any(moment.at_ms - _NEAR_MS <= at_ms <= end_ms for at_ms in times_ms)


def _distance_ms(finding: Finding, moment: Moment) -> int:
    return min(abs(at_ms - moment.at_ms) for at_ms in _times(finding))


def _times(finding: Finding) -> list[int]:
    return [finding.at_ms, *(item.at_ms for item in finding.evidence)]


def _fold(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Join moments that say the same of the same speaker into the weightiest of them, with all their findings."""
    folded: dict[object, Candidate] = {}
    alone: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.rank):
        moment = candidate.moment
        if moment is None:
            alone.append(candidate)
            continue
        first = folded.setdefault((moment.kind, moment.label_code, moment.label, moment.role, moment.topic), candidate)
        if first is not candidate:
            first.others.append(moment)
            first.findings += candidate.findings
    return [*folded.values(), *alone]


def _joined(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Join what one sentence shows (asked again, and angry) into the weightiest of it."""
    joined: dict[tuple[object, int], Candidate] = {}
    alone = [candidate for candidate in candidates if candidate.moment is None]
    for candidate in sorted(candidates, key=lambda candidate: candidate.rank):
        moment = candidate.moment
        if moment is None:
            continue
        first = joined.setdefault((moment.role, moment.at_ms), candidate)
        if first is not candidate:
            first.beside.append(moment)
            first.others += candidate.others
            first.findings += candidate.findings
    return [*joined.values(), *alone]


def key_moment(candidate: Candidate, number: int, speakers: Speakers, chapter: str) -> KeyMomentView:
    """Word one key moment."""
    story = _moment_story if candidate.moment else _finding_story
    return KeyMomentView(
        number=str(number),
        at=wording.second(candidate.at_ms),
        span=" · ".join(filter(None, (wording.clock(candidate.at_ms), _span(candidate)))),
        story=story(candidate, speakers),
        others=_others(candidate),
        advice=tuple(_advice(candidate)),
        anchor=f"{chapter}-n{number}",
        at_ms=candidate.at_ms,
    )


def _advice(candidate: Candidate) -> list[AdviceLine]:
    """Word what each rule says, once for all its hits, and no advice twice."""
    rules: dict[str, list[Finding]] = {}
    for finding in candidate.told:
        rules.setdefault(finding.rule_id, []).append(finding)
    lines: list[AdviceLine] = []
    for hits in rules.values():
        known = [line.text for line in lines]
        for text in dict.fromkeys(finding.advice for finding in hits):
            lines.append(AdviceLine(text="" if text in known else text, rule=""))
        lines[-1] = AdviceLine(text=lines[-1].text, rule=_rule_line(hits))
    return lines


def _rule_line(hits: Sequence[Finding]) -> str:
    first = hits[0]
    total = sum(finding.points for finding in hits)
    times = wording.beside(first.title, wording.times(len(hits)) if len(hits) > 1 else "")
    return " · ".join((times, wording.SEVERITIES[first.severity], wording.points(total)))


def _span(candidate: Candidate) -> str:
    moments = [moment for moment in (candidate.moment, *candidate.beside) if moment is not None]
    lasting = [moment.duration_ms for moment in moments if moment.kind in _LASTING and moment.duration_ms > 0]
    return _("持续{length}").format(length=wording.duration(lasting[0])) if lasting else ""


def _others(candidate: Candidate) -> str:
    if candidate.moment is None or not candidate.others:
        return ""
    times = sorted({moment.at_ms for moment in candidate.others} - {candidate.at_ms})
    if not times:
        return ""
    named = wording.listed(wording.second(at_ms) for at_ms in times)
    return plural("共{count}次，另在{times}", len(times) + 1, count=len(times) + 1, times=named)


def _moment_story(candidate: Candidate, speakers: Speakers) -> Phrase:
    moment = candidate.moment
    if moment is None:
        raise ValueError("a finding without a moment tells its own story")
    moments = (moment, *candidate.beside)
    what = _("，").join(dict.fromkeys(predicate(item, speakers) for item in moments))
    lead = _("{who}{what}").format(who=speakers.name(moment.role, moment.at_ms), what=what)
    if moment.kind is MomentKind.EVENT and moment.role is Role.UNKNOWN:
        lead = _("录音中出现{event}").format(event=_felt_or_heard(moment))
    runs = [TextRun(text=lead)]
    if any(item.fuzzy for item in moments):
        runs.append(TextRun(text=_(wording.FUZZY), style="muted"))
    if moment.quote:
        # The quotation of a silence was said before it, by the other side.
        colon = _("；此前的话：") if moment.kind is MomentKind.SILENCE else _("：")
        runs.append(TextRun(text=colon + wording.quoted(moment.quote), style="quote"))
    tags = dict.fromkeys(tag for item in moments for tag in item.tags)
    for tag in tags or ((STATE_SILENCE,) if moment.kind is MomentKind.SILENCE else ()):
        runs += [TextRun(text=" "), tag_run(tag)]
    if labels := _labels(candidate, moments):
        runs += [TextRun(text=" "), TextRun(text=" · ".join(labels), style="label")]
    return Phrase(runs=tuple(runs))


def _labels(candidate: Candidate, moments: Sequence[Moment]) -> list[str]:
    """Say what the moment means, where the story does not say so: by the rules that hit, and by the program."""
    telling = [item for item in moments if item.label_code is None or _is_telling(item)]
    plain = {wording.with_label(item).label for item in moments if item not in telling}
    named = [finding.moment for finding in candidate.told if finding.moment and finding.moment not in plain]
    labels = dict.fromkeys([*map(_rule_label, named), *map(wording.label, telling)])
    return [label for label in labels if label]


def _rule_label(text: str) -> str:
    """Write what a rule calls a moment: in the document's language where the program knows it."""
    code = wording.label_code(text)
    return wording.LABELS[code] if code is not None else topic_wording.rule(text)


def _is_telling(moment: Moment) -> bool:
    said = moment.label_code is MomentLabel.GIVE_UP and moment.kind in (MomentKind.CHURN_SIGNAL, MomentKind.SILENCE)
    return moment.label_code in _TELLING and not said


def _finding_story(candidate: Candidate, speakers: Speakers) -> Phrase:
    finding = candidate.findings[0]
    runs = [TextRun(text=finding.title)]
    quotes = [evidence_line(item, speakers, with_time=False) for item in finding.evidence if item.quote]
    if quotes:
        runs.append(TextRun(text=_("：") + wording.clauses(quotes), style="quote"))
    if finding.moment:
        runs += [TextRun(text=" "), TextRun(text=_rule_label(finding.moment), style="label")]
    return Phrase(runs=tuple(runs))


def predicate(moment: Moment, speakers: Speakers) -> str:
    """Say what happened at a moment, as the predicate of a sentence about its speaker."""
    states = [tag.strip("[]") for tag in moment.tags]
    felt = _felt_or_heard(moment)
    template = wording.PREDICATES[moment.kind]
    if moment.label_code is not None:
        template = wording.LABEL_PREDICATES.get((moment.kind, moment.label_code)) or template
    text = template.format(
        topic=topic_wording.named(moment.topic) if moment.topic else wording.label(moment),
        emotion=felt,
        span=wording.duration(moment.duration_ms),
        event=felt,
    )
    if moment.count > 1:
        text += _(wording.TIMES).format(count=moment.count)
    if moment.kind not in (MomentKind.SILENCE, MomentKind.EMOTION) and STATE_SILENCE in states:
        silence = speakers.pause_after(moment)
        if silence is None:
            return _("{what}后沉默").format(what=text)
        return _("{what}，{silence}").format(what=text, silence=speakers.kept_silent(silence))
    return text


def _felt_or_heard(moment: Moment) -> str:
    states = [tag.strip("[]") for tag in moment.tags if tag.strip("[]") != STATE_SILENCE]
    return wording.tag_name(states[0]) if states else wording.label(moment)


def evidence_line(item: Evidence, speakers: Speakers, *, with_time: bool = True) -> str:
    """Write one piece of evidence: 第42秒 客户：“…”, or the pause that it is and who kept silent."""
    if item.quote in ("", wording.SILENCE_TAG):
        words = f"{speakers.kept_silent(item)} {wording.SILENCE_TAG}"
        return f"{wording.second(item.at_ms)} {words}" if with_time else words
    who = speakers.name(item.role, item.at_ms)
    words = wording.quoted(item.quote) + (_(wording.FUZZY) if item.fuzzy else "")
    if with_time:
        return f"{wording.second(item.at_ms)} {wording.named(who, words)}"
    return _("{who}{words}").format(who=who, words=words)


def deduction(finding: Finding, speakers: Speakers, chosen: Sequence[Candidate] = ()) -> Deduction:
    """Word one hit of a rule with its evidence; at the second and with the number of the key moment it belongs to."""
    number, node = next(
        ((str(place), item) for place, item in enumerate(chosen, start=1) if finding in item.findings), ("", None)
    )
    told = node is not None and finding in node.told
    return Deduction(
        node=number,
        at=wording.second(finding.at_ms if node is None else _node_ms(finding, node)),
        title=finding.title,
        rule=finding.rule_id,
        severity=wording.SEVERITIES[finding.severity],
        points=wording.points(finding.points),
        evidence=tuple(evidence_line(item, speakers) for item in finding.evidence)
        or (_("按整段通话判定，没有单独的原话"),),
        advice="" if told or finding.covered_by else finding.advice,
    )


def _node_ms(finding: Finding, node: Candidate) -> int:
    """Return the time of the moment, of those that a node joins, that a finding is about."""
    moments = [moment for moment in (node.moment, *node.others) if moment is not None]
    return min((_distance_ms(finding, moment), moment.at_ms) for moment in moments)[1] if moments else finding.at_ms


def praise(finding: Finding, speakers: Speakers) -> PraiseLine:
    """Word what was done well."""
    quotes = [evidence_line(item, speakers, with_time=False) for item in finding.evidence if item.quote]
    return PraiseLine(
        at=wording.second(finding.at_ms),
        text=finding.praise or finding.title,
        quotes=wording.clauses(quotes),
        rule=_rule_line([finding]),
        at_ms=finding.at_ms,
    )
