"""Risk: what stands open at the end, a branch a test."""

from __future__ import annotations

import pytest

from qareport.model import Finding, Moment, MomentKind, MomentLabel, Risk, RiskReason, Role, Segment, Severity
from qareport.rules import assess_risk
from tests.support.calls import AGENT, CUSTOMER, say


def finding(severity: Severity = Severity.MINOR, *, fatal: bool = False, points: int = 0) -> Finding:
    return Finding(
        rule_id="a", rule_version="1", title="t", category="物流", severity=severity, at_ms=0, evidence=(), advice="",
        points=points, fatal=fatal,
    )  # fmt: skip


def moment(kind: MomentKind, at_ms: int = 5000, label: MomentLabel | None = None) -> Moment:
    return Moment(at_ms=at_ms, end_ms=at_ms, kind=kind, role=Role.CUSTOMER, label_code=label, quote="")


THREAT, CHURN = moment(MomentKind.ESCALATION), moment(MomentKind.CHURN_SIGNAL)
IRONY, BROKEN = moment(MomentKind.IRONY), moment(MomentKind.BROKEN_PROMISE)
ANGER = moment(MomentKind.EMOTION, label=MomentLabel.ANGRY)
EVASION = moment(MomentKind.NO_ANSWER)
COMPLAINTS = (say(5, 6, CUSTOMER, "太慢了", acts="complain"), say(7, 8, CUSTOMER, "没人管", acts="complain"))
INFORMS = say(8.2, 8.8, CUSTOMER, "红的那件", acts="inform")
SOLVED = (say(9, 11, AGENT, "给您补二十", acts="offer"), say(12, 13, CUSTOMER, "行吧", acts="accept"))


def calm(at_ms: int) -> Moment:
    return moment(MomentKind.RECOVERY, at_ms)


@pytest.mark.parametrize(
    ("moments", "spoken", "risk", "reasons"),
    [
        ([], (), Risk.LOW, ()),
        ([calm(1)], (), Risk.LOW, ()),
        ([THREAT], (), Risk.HIGH, (RiskReason.OPEN_THREAT,)),
        ([CHURN], (), Risk.MEDIUM, (RiskReason.OPEN_GIVING_UP,)),
        ([IRONY], (), Risk.MEDIUM, (RiskReason.OPEN_IRONY,)),
        ([BROKEN], (), Risk.MEDIUM, (RiskReason.OPEN_BROKEN_PROMISE,)),
        ([ANGER], (), Risk.MEDIUM, (RiskReason.OPEN_ANGER,)),
        ([moment(MomentKind.EMOTION, label=MomentLabel.HAPPY)], (), Risk.LOW, ()),
        (
            [CHURN, IRONY, BROKEN, ANGER],
            (),
            Risk.HIGH,
            (
                RiskReason.OPEN_GIVING_UP,
                RiskReason.OPEN_IRONY,
                RiskReason.OPEN_BROKEN_PROMISE,
                RiskReason.OPEN_ANGER,
            ),
        ),
        ([calm(4999), THREAT], (), Risk.HIGH, (RiskReason.OPEN_THREAT,)),
        ([THREAT, calm(5000)], (), Risk.HIGH, (RiskReason.OPEN_THREAT,)),
        ([THREAT, IRONY, calm(5001)], (), Risk.LOW, ()),
        ([THREAT], SOLVED, Risk.MEDIUM, (RiskReason.SETTLED_ALARM,)),
        ([IRONY, BROKEN], SOLVED, Risk.LOW, ()),
        ([IRONY], SOLVED[1:], Risk.MEDIUM, (RiskReason.OPEN_IRONY,)),
        ([EVASION], COMPLAINTS, Risk.MEDIUM, (RiskReason.OPEN_COMPLAINT,)),
        ([EVASION], (*COMPLAINTS, *SOLVED), Risk.LOW, ()),
        ([], COMPLAINTS, Risk.MEDIUM, (RiskReason.OPEN_COMPLAINT,)),
        ([], COMPLAINTS[:1], Risk.LOW, ()),
        ([], (*COMPLAINTS, INFORMS), Risk.LOW, ()),
        ([EVASION], (*COMPLAINTS, INFORMS), Risk.MEDIUM, (RiskReason.OPEN_COMPLAINT,)),
        ([EVASION], COMPLAINTS[:1], Risk.MEDIUM, (RiskReason.OPEN_COMPLAINT,)),
        ([EVASION], (COMPLAINTS[0], INFORMS), Risk.LOW, ()),
        ([], (*COMPLAINTS, *SOLVED), Risk.LOW, ()),
        ([CHURN, ANGER], (), Risk.MEDIUM, (RiskReason.OPEN_GIVING_UP, RiskReason.OPEN_ANGER)),
        (
            [IRONY, BROKEN, ANGER],
            (),
            Risk.HIGH,
            (RiskReason.OPEN_IRONY, RiskReason.OPEN_BROKEN_PROMISE, RiskReason.OPEN_ANGER),
        ),
        (
            [BROKEN, ANGER, EVASION],
            COMPLAINTS,
            Risk.HIGH,
            (RiskReason.OPEN_BROKEN_PROMISE, RiskReason.OPEN_ANGER, RiskReason.OPEN_COMPLAINT),
        ),
        (
            [BROKEN, ANGER],
            COMPLAINTS,
            Risk.MEDIUM,
            (RiskReason.OPEN_BROKEN_PROMISE, RiskReason.OPEN_ANGER, RiskReason.OPEN_COMPLAINT),
        ),
    ],
)
def test_risk_is_what_stands_open_at_the_end(
    moments: list[Moment], spoken: tuple[Segment, ...], risk: Risk, reasons: tuple[RiskReason, ...]
) -> None:
    assessment = assess_risk((), moments, spoken)
    assert (assessment.risk, assessment.reasons) == (risk, reasons)


@pytest.mark.parametrize(
    ("findings", "risk"),
    [
        ([finding(Severity.MAJOR, points=-60)], Risk.LOW),
        ([finding(Severity.CRITICAL)], Risk.MEDIUM),
        ([finding(fatal=True)], Risk.MEDIUM),
    ],
)
def test_points_make_no_risk_and_a_critical_finding_a_medium_one(findings: list[Finding], risk: Risk) -> None:
    assert assess_risk(findings, (), ()).risk is risk
