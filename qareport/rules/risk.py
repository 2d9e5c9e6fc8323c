"""How likely the order or the customer is lost: high, medium or low, with the reasons.

    high     score < `high_risk_below` of the settings, or a fatal finding, or a finding of severity critical,
             or an alarm (churn signal, request to escalate) that no recovery follows
    medium   score < `medium_risk_below`, or a finding of severity major, or an alarm that a recovery follows
    low      none of these

A recovery at the very millisecond of the last alarm does not follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from qareport.model import Finding, Moment, MomentKind, Risk, Severity
from qareport.settings import ScoreSettings

#: Moments that put an order or a customer at risk by themselves.
ALARMS = frozenset({MomentKind.CHURN_SIGNAL, MomentKind.ESCALATION})
#: The moment after which an alarm weighs less.
RECOVERY = MomentKind.RECOVERY
#: A finding of this severity makes the risk high; of this one, medium.
HIGH_SEVERITY = Severity.CRITICAL
MEDIUM_SEVERITY = Severity.MAJOR


class RiskReason(StrEnum):
    """What makes a risk high or medium."""

    LOW_SCORE = "low_score"
    FATAL_FINDING = "fatal_finding"
    CRITICAL_FINDING = "critical_finding"
    OPEN_ALARM = "open_alarm"
    MAJOR_FINDING = "major_finding"
    RECOVERED_ALARM = "recovered_alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAssessment:
    """A risk and everything that makes it so; a low risk has no reasons."""

    risk: Risk
    reasons: tuple[RiskReason, ...] = ()


def assess_risk(
    score: int, findings: Sequence[Finding], moments: Iterable[Moment], settings: ScoreSettings
) -> RiskAssessment:
    """Weigh score, findings and moments of one call; see the module for the formula.

    Args:
        score: of the scorecard, 0 … `total` of the settings.
        findings: of the call, in any order.
        moments: of the call, in any order.
        settings: `high_risk_below` and `medium_risk_below`.
    """
    alarms, recoveries = [], []
    for moment in moments:
        if moment.kind in ALARMS:
            alarms.append(moment.at_ms)
        elif moment.kind is RECOVERY:
            recoveries.append(moment.at_ms)
    open_alarm = bool(alarms) and max(alarms) >= max(recoveries, default=-1)
    severities = {finding.severity for finding in findings}
    high = {
        RiskReason.LOW_SCORE: score < settings.high_risk_below,
        RiskReason.FATAL_FINDING: any(finding.fatal for finding in findings),
        RiskReason.CRITICAL_FINDING: HIGH_SEVERITY in severities,
        RiskReason.OPEN_ALARM: open_alarm,
    }
    medium = {
        RiskReason.LOW_SCORE: score < settings.medium_risk_below,
        RiskReason.MAJOR_FINDING: MEDIUM_SEVERITY in severities,
        RiskReason.RECOVERED_ALARM: bool(alarms),
    }
    for risk, reasons in ((Risk.HIGH, high), (Risk.MEDIUM, medium)):
        if any(reasons.values()):
            return RiskAssessment(risk=risk, reasons=tuple(reason for reason, holds in reasons.items() if holds))
    return RiskAssessment(risk=Risk.LOW)
