"""How likely the order or the customer is lost: high, medium or low, with the reasons.

Risk looks at what stands open when the call ends, never at one word and never at the agent's score:

    open     a threat, giving up, irony, a broken promise or anger (SAD and the like too), or repeated complaint with a
             question left unanswered, after which the customer neither calmed down nor accepted what the agent then
             offered, promised or answered
    high     an open threat; or an open giving up beside two more open signs, a question asked again among them
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
#: What leaves a complaint open, and how many complaints are more than one.
_UNANSWERED = frozenset({MomentKind.NO_ANSWER, MomentKind.REPEAT})
_REPEATED = 2
#: So many signs open at once, giving up among them, are as grave as a threat.
_MANY = 3
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
    calm_ms = unanswered_ms = repeated_ms = -1
    for moment in moments:
        if moment.kind is MomentKind.RECOVERY:
            calm_ms = max(calm_ms, moment.at_ms)
        elif moment.kind in _UNANSWERED:
            unanswered_ms = max(unanswered_ms, moment.at_ms)
            repeated_ms = max(repeated_ms, moment.at_ms) if moment.kind is MomentKind.REPEAT else repeated_ms
        elif (sign := _sign(moment)) is not None:
            signs[sign] = max(signs.get(sign, -1), moment.at_ms)
    settled_ms = max(calm_ms, _accepted_ms(spoken))
    opened = {sign for sign, at_ms in signs.items() if at_ms >= settled_ms}
    if unanswered_ms >= max(settled_ms, 0):
        complaints = sum(segment.start_ms >= settled_ms and _complains(segment) for segment in spoken)
        opened |= {RiskReason.OPEN_COMPLAINT} if complaints >= _REPEATED else set()
    asked = repeated_ms >= max(settled_ms, 0)
    many = RiskReason.OPEN_GIVING_UP in opened and len(opened) + asked >= _MANY
    if any(calm_ms <= signs[sign] < settled_ms for sign in _ALARMS & signs.keys()):
        opened.add(RiskReason.SETTLED_ALARM)
    if any(finding.fatal or finding.severity is Severity.CRITICAL for finding in findings):
        opened.add(RiskReason.CRITICAL_FINDING)
    high = many or RiskReason.OPEN_THREAT in opened
    risk = Risk.HIGH if high else Risk.MEDIUM if opened else Risk.LOW
    return RiskAssessment(risk=risk, reasons=tuple(reason for reason in RiskReason if reason in opened))


def _complains(segment: Segment) -> bool:
    return segment.role is Role.CUSTOMER and any(claim.act is Act.COMPLAIN for claim in segment.acts)


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
