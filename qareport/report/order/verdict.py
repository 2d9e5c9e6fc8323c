"""The verdicts of a call in a few words: the customer's risk and the agent's score apart, hits, issue, stage, agent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qareport.model import CallReport, CallReview, Finding, Roster
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import _, plural
from qareport.presentation.view_types import Phrase, TextRun
from qareport.report.order import story


def badge(call: CallReport, review: CallReview | None = None) -> Phrase:
    """Write the customer's risk and the agent's score; a call without a score has no risk either."""
    if call.score is None:
        return risk(call)
    text = "　" + _("客服得分{score}").format(score=score(call, review))
    return Phrase(runs=(*risk(call).runs, TextRun(text=text, style="score")))


def risk(call: CallReport, *, is_headed: bool = False) -> Phrase:
    """Write the customer's risk, or why it was not judged; below a head that says whose risk it is in short."""
    if call.score is None:
        return Phrase(runs=(TextRun(text=story.unscored(call), style="risk-none"),))
    text = wording.RISKS[call.risk]
    if not is_headed:
        text = _("客户{risk}").format(risk=text)
    return Phrase(runs=(TextRun(text=text, style=f"risk-{call.risk}"),))


def score(call: CallReport, review: CallReview | None = None) -> str:
    """Write the agent's score, and whether the call passed: 71（不合格）; nothing where there is none.

    What reviewers left of it follows where that is another one: 71（不合格），经复核81（合格）.
    """
    if call.score is None:
        return ""
    text = _passed(call.score, call.scorecard.passed if call.scorecard else None)
    if review is None or review.score in (None, call.score):
        return text
    return text + _("，") + _("经复核{score}").format(score=_passed(review.score, review.passed))


def _passed(score: int | None, passed: bool | None) -> str:
    if passed is None:
        return str(score)
    return wording.beside(str(score), _("合格") if passed else _("不合格"))


def agent(agent_id: str | None, people: Roster) -> str:
    """Name an agent: 王芳（A017）; without a known name the id."""
    if agent_id is None:
        return _(wording.UNKNOWN)
    known = people.find(agent_id)
    return wording.beside(known.name, agent_id) if known is not None and known.name else agent_id


def total_points(findings: Sequence[Finding]) -> str:
    """Sum up points: 扣38分, 加5分, 扣10分加5分, 不计分."""
    minus = -sum(finding.points for finding in findings if finding.points < 0)
    plus = sum(finding.points for finding in findings if finding.points > 0)
    parts = [plural("扣{points}分", minus, points=minus)] if minus else []
    parts += [plural("加{points}分", plus, points=plus)] if plus else []
    if len(parts) == 2:
        return _("{minus}{plus}").format(minus=parts[0], plus=parts[1])
    return parts[0] if parts else _("不计分")


def hits(calls: Sequence[CallReport]) -> str:
    """Count the rules that hit and what they cost: 2条，扣15分."""
    findings = [finding for call in calls for finding in call.findings]
    if findings:
        return plural("{count}条，{points}", len(findings), count=len(findings), points=total_points(findings))
    return _("无") if any(call.score is not None for call in calls) else _("未判定")


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
    judged = any(call.score is not None for call in calls)
    return _named(sorted(weights, key=lambda name: -weights[name])) or (_("未发现问题") if judged else _("未判定"))


def issue_and_stage(calls: Sequence[CallReport]) -> str:
    """Name what the customer calls about, and at which stage the order is: 物流延迟（发货前）."""
    return wording.beside(issue(calls), _named(dict.fromkeys(stage.name for call in calls for stage in call.stages)))


def _named(names: Iterable[str]) -> str:
    return " / ".join(topic_wording.named_all([name for name in names if name][:3]))
