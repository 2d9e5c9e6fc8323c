"""Risk: the formula, a branch a test."""

from __future__ import annotations

import pytest

from qareport.model import Finding, Moment, MomentKind, Risk, Role, Severity
from qareport.rules import RiskReason, assess_risk
from qareport.settings import ScoreSettings

SETTINGS = ScoreSettings(high_risk_below=70, medium_risk_below=90)


def finding(severity: Severity = Severity.MINOR, *, fatal: bool = False) -> Finding:
    return Finding(
        rule_id="a", rule_version="1", title="t", category="物流", severity=severity, at_ms=0, evidence=(), advice="",
        points=0, fatal=fatal,
    )  # fmt: skip


def moment(kind: MomentKind, at_ms: int) -> Moment:
    return Moment(at_ms=at_ms, end_ms=at_ms, kind=kind, role=Role.CUSTOMER, label="", quote="")


CHURN, ESCALATION = moment(MomentKind.CHURN_SIGNAL, 5000), moment(MomentKind.ESCALATION, 5000)
RECOVERY = MomentKind.RECOVERY


@pytest.mark.parametrize(
    ("score", "findings", "moments", "risk", "reasons"),
    [
        (100, [], [], Risk.LOW, ()),
        (90, [finding()], [moment(RECOVERY, 1)], Risk.LOW, ()),
        (89, [], [], Risk.MEDIUM, (RiskReason.LOW_SCORE,)),
        (70, [], [], Risk.MEDIUM, (RiskReason.LOW_SCORE,)),
        (69, [], [], Risk.HIGH, (RiskReason.LOW_SCORE,)),
        (100, [finding(Severity.MAJOR)], [], Risk.MEDIUM, (RiskReason.MAJOR_FINDING,)),
        (100, [finding(Severity.CRITICAL)], [], Risk.HIGH, (RiskReason.CRITICAL_FINDING,)),
        (100, [finding(fatal=True)], [], Risk.HIGH, (RiskReason.FATAL_FINDING,)),
        (100, [], [CHURN], Risk.HIGH, (RiskReason.OPEN_ALARM,)),
        (100, [], [ESCALATION], Risk.HIGH, (RiskReason.OPEN_ALARM,)),
        (100, [], [moment(RECOVERY, 4999), CHURN], Risk.HIGH, (RiskReason.OPEN_ALARM,)),
        (100, [], [CHURN, moment(RECOVERY, 5000)], Risk.HIGH, (RiskReason.OPEN_ALARM,)),
        (100, [], [CHURN, moment(RECOVERY, 5001)], Risk.MEDIUM, (RiskReason.RECOVERED_ALARM,)),
        (
            60,
            [finding(Severity.CRITICAL, fatal=True), finding(Severity.MAJOR)],
            [CHURN],
            Risk.HIGH,
            (RiskReason.LOW_SCORE, RiskReason.FATAL_FINDING, RiskReason.CRITICAL_FINDING, RiskReason.OPEN_ALARM),
        ),
    ],
)
def test_risk_follows_score_findings_and_alarms(
    score: int, findings: list[Finding], moments: list[Moment], risk: Risk, reasons: tuple[RiskReason, ...]
) -> None:
    assessment = assess_risk(score, findings, moments, SETTINGS)
    assert (assessment.risk, assessment.reasons) == (risk, reasons)
