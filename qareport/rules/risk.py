"""How likely the order or the customer is lost: high, medium or low, with the reasons.

Risk looks at what stands open when the call ends, never at one word and never at the agent's score:

    open     a threat, giving up, irony, a broken promise or anger (SAD and the like too), or a complaint that is
             repeated, or has a question left unanswered beside it, and is the last thing that the customer says, after
             which the customer neither calmed down nor accepted what the agent then offered, promised or answered
    high     an open threat; three open signs; or two beside an open complaint and a question left unanswered
    medium   anything else that is open; a threat or a giving up that was settled by acceptance alone; a finding that
             is fatal or critical
    low      none of these

A recovery at the very millisecond of a sign does not follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qareport.model import Act, Finding, Moment, MomentKind, MomentLabel, Risk, RiskReason, Role, Segment, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAssessment:
    """A risk and everything that makes it so; a low risk has no reasons."""

    risk: Risk
    reasons: tuple[RiskReason, ...] = ()


_SIGNS = {
    MomentKind.ESCALATION: RiskReason.OPEN_THREAT,
    MomentKind.CHURN_SIGNAL: RiskReason.OPEN_GIVING_UP,
    MomentKind.IRONY: RiskReason.OPEN_IRONY,
    MomentKind.BROKEN_PROMISE: RiskReason.OPEN_BROKEN_PROMISE,
}
_ALARMS = frozenset({RiskReason.OPEN_THREAT, RiskReason.OPEN_GIVING_UP})
#: Emotions whose onset is a sign, by the label of the moment.
_ANGER = frozenset(
    {MomentLabel.ANGRY, MomentLabel.TRUST_BROKEN, MomentLabel.SAD, MomentLabel.DISGUSTED, MomentLabel.FEARFUL}
)
#: A question that was left unanswered.
_UNANSWERED = frozenset({MomentKind.NO_ANSWER, MomentKind.REPEAT})
#: So many complaints, an unanswered question counted as one, are open when the customer ends with one; and so many
#: whatever the customer ends with.
_REPEATED, _INSISTENT = 2, 3
#: So many signs open at once are as grave as a threat; and so many with a complaint and an unanswered question.
_MANY, _MANY_WITH_QUESTION = 3, 4
#: The customer goes on about it.
_STILL = frozenset({Act.COMPLAIN, Act.ASK, Act.ASK_AGAIN, Act.REQUEST})
#: A solution, and the customer's yes to it.
_SOLUTIONS = frozenset({Act.OFFER, Act.PROMISE, Act.ANSWER})
_YES = frozenset({Act.ACCEPT, Act.THANK, Act.CALM})


def assess_risk(findings: Iterable[Finding], moments: Iterable[Moment], spoken: Sequence[Segment]) -> RiskAssessment:
    """Weigh what stands open at the end of one call; see the module for the formula.

    Args:
        findings: of the call, in any order.
        moments: of the call, in any order.
        spoken: its segments with words and acts, ordered by start.
    """
    signs: dict[RiskReason, int] = {}
    calm_ms = unanswered_ms = -1
    for moment in moments:
        if moment.kind is MomentKind.RECOVERY:
            calm_ms = max(calm_ms, moment.at_ms)
        elif moment.kind in _UNANSWERED:
            unanswered_ms = max(unanswered_ms, moment.at_ms)
        elif (sign := _sign(moment)) is not None:
            signs[sign] = max(signs.get(sign, -1), moment.at_ms)
    settled_ms = max(calm_ms, _accepted_ms(spoken))
    opened = {sign for sign, at_ms in signs.items() if at_ms >= settled_ms}
    unanswered = unanswered_ms >= max(settled_ms, 0)
    many = len(opened) >= _MANY
    if _complaint_is_open([segment for segment in spoken if segment.start_ms >= settled_ms], unanswered=unanswered):
        opened.add(RiskReason.OPEN_COMPLAINT)
    many = many or len(opened) + unanswered >= _MANY_WITH_QUESTION
    if any(calm_ms <= signs[sign] < settled_ms for sign in _ALARMS & signs.keys()):
        opened.add(RiskReason.SETTLED_ALARM)
    if any(finding.fatal or finding.severity is Severity.CRITICAL for finding in findings):
        opened.add(RiskReason.CRITICAL_FINDING)
    high = many or RiskReason.OPEN_THREAT in opened
    risk = Risk.HIGH if high else Risk.MEDIUM if opened else Risk.LOW
    return RiskAssessment(risk=risk, reasons=tuple(reason for reason in RiskReason if reason in opened))


def _complaint_is_open(rest: Sequence[Segment], *, unanswered: bool) -> bool:
    """Tell whether a complaint stands open.

    Args:
        rest: what was said since anything was settled.
        unanswered: whether a question was left unanswered in it.
    """
    said = [{claim.act for claim in segment.acts} for segment in rest if segment.role is Role.CUSTOMER]
    complaints = sum(Act.COMPLAIN in acts for acts in said)
    last = next((acts for acts in reversed(said) if acts - {Act.SMALL}), set())
    enough = _REPEATED if last & _STILL else _INSISTENT
    return complaints > 0 and complaints + unanswered >= enough


def _sign(moment: Moment) -> RiskReason | None:
    if moment.kind is MomentKind.EMOTION:
        return RiskReason.OPEN_ANGER if moment.label_code in _ANGER else None
    return _SIGNS.get(moment.kind)


def _accepted_ms(spoken: Sequence[Segment]) -> int:
    """Return when the customer last accepted what the agent had offered, promised or answered; -1 for never."""
    accepted_ms, solved = -1, False
    for segment in spoken:
        acts = {claim.act for claim in segment.acts}
        if segment.role is Role.AGENT:
            solved = bool(acts & _SOLUTIONS) or solved
        elif segment.role is Role.CUSTOMER:
            if solved and acts & _YES and not acts & {Act.SARCASM, Act.THREATEN, Act.GIVE_UP}:
                accepted_ms = segment.start_ms
            solved = solved and bool(acts <= {Act.SMALL, *_YES})
    return accepted_ms
