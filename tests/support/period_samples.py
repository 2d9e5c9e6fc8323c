"""Digests and periods for tests: a scripted week that can be added up by hand, and large days made from a seed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from qareport import periods
from qareport.model import (
    CallSummary,
    FailedCall,
    ModelInfo,
    MomentKind,
    MomentLabel,
    Note,
    Period,
    PeriodKind,
    PeriodReport,
    Risk,
    Role,
    RuleHit,
    Severity,
    SummaryMoment,
    SummaryPromise,
)
from qareport.presentation.wording import LABEL_SOURCES
from qareport.settings import PeriodSettings
from tests.support.report_samples import HOSTILE

ZONE = "Asia/Shanghai"
CHINA = ZoneInfo(ZONE)
DAY = date(2026, 11, 21)
TODAY = periods.period_of(PeriodKind.DAY, DAY, ZONE)
SETTINGS = PeriodSettings()
MODEL = ModelInfo(name="iic/SenseVoiceSmall", revision="2024-07")
RULES = "7f3c2a" + "0" * 58

#: rule id, title, category, severity, points, advice
RULE_BOOK = (
    ("logistics.shipping-doubt", "发货疑问后的沉默", "物流", Severity.MAJOR, -10, "应立即提供物流单号及预计发出时间。"),
    ("refund.no-date", "退款进度答不出时间", "退换与退款", Severity.MAJOR, -8, "给客户一个确切的到账日期。"),
    ("service.long-wait", "长时间等待未致歉", "服务态度与流程", Severity.MINOR, -5, "超过十秒先说一声“让您久等了”。"),
    ("service.interrupting", "客服抢话", "服务态度与流程", Severity.MINOR, -5, "让客户把话说完。"),
    ("service.insult", "辱骂客户", "服务态度与流程", Severity.CRITICAL, 0, "任何情况下不得辱骂客户。"),
    ("service.good-closing", "优秀结束语", "服务态度与流程", Severity.INFO, 5, ""),
)  # fmt: skip


def hit(rule: int, at_ms: int = 42_000, quote: str = "我想问一下到底什么时候发货？") -> RuleHit:
    """Make a hit of one rule of the book."""
    rule_id, title, category, severity, points, advice = RULE_BOOK[rule]
    return RuleHit(
        rule_id=rule_id,
        title=title,
        category=category,
        severity=severity,
        points=points,
        fatal=severity is Severity.CRITICAL,
        at_ms=at_ms,
        role=Role.CUSTOMER,
        quote=quote,
        advice=advice,
    )


def moment(
    kind: MomentKind,
    quote: str,
    *,
    code: MomentLabel | None = None,
    label: str = "",
    at_ms: int = 87_000,
    salience: float = 80.0,
) -> SummaryMoment:
    """Make a moment of the customer."""
    return SummaryMoment(
        at_ms=at_ms,
        kind=kind,
        role=Role.CUSTOMER,
        label_code=code,
        label=LABEL_SOURCES[code] if code is not None else label,
        quote=quote,
        salience=salience,
    )


def call(name: str, *, day: date = DAY, hour: int = 10, agent: str | None = "A01", **fields: object) -> CallSummary:
    """Make the digest of a quiet call; `fields` say what is different."""
    plain = CallSummary(
        call_id=name,
        order_id=f"order-{name}",
        agent_id=agent,
        started_at=datetime(day.year, day.month, day.day, hour, 5, tzinfo=CHINA),
        customer_phone="138****5678",
        duration_ms=180_000,
        score=100,
        passed=True,
        risk=Risk.LOW,
        emotion_shares={"NEUTRAL": 1.0},
        dominant_emotion="NEUTRAL",
        model=MODEL,
        unknown_emotion_share=0.1,
        rules_sha256=RULES,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def failed(
    name: str, reason: str = "cannot be decoded: the file ends after 0.4 s", agent: str | None = "A01"
) -> FailedCall:
    """Make a call that could not be worked on."""
    return FailedCall(
        call_id=name,
        audio_path=f"/audio/{name}.wav",
        order_id=None,
        agent_id=agent,
        started_at=datetime(DAY.year, DAY.month, DAY.day, 9, 0, tzinfo=CHINA),
        step="decode",
        reason=reason,
    )


ISSUES = ("物流延迟", "尺码不符", "退款", "客服响应慢", "价格", "质量")
STAGES = ("发货前", "收货后", "退货时", "首次接入", "下单后", "派送中")
QUOTES = (
    "你们是不是压单",
    "再不处理我就打12315",
    "算了，不要了",
    "我都打了三次电话了",
    "到底什么时候退款？",
    "呵，可真行",
)


def large_day(day: date, calls: int, agents: int, *, seed: int = 7) -> list[CallSummary]:
    """Make a day as a service centre has it: a third with an issue that troubles, agents of different skill."""
    dice = random.Random(f"{seed}-{day}")
    return [_random_call(dice, day, number, agents) for number in range(calls)]


def _random_call(dice: random.Random, day: date, number: int, agents: int) -> CallSummary:
    agent = dice.randrange(agents)
    skill = 0.03 + 0.12 * (agent % 7) / 7 + (0.25 if agent == 3 else 0.0)
    issue = dice.choices(range(6), (30, 15, 20, 10, 8, 5))[0]
    emotions = tuple(
        name
        for name, chance in (("ANGRY", skill), ("SAD", 0.06), ("SILENCE", skill * 1.5), ("IRONY", 0.01))
        if dice.random() < chance
    )
    hits = tuple(
        hit(rule, at_ms=dice.randrange(5_000, 170_000), quote=dice.choice(QUOTES))
        for rule, chance in enumerate((skill, 0.06, 0.04, skill / 2, 0.0005, 0.2))
        if dice.random() < chance
    )
    recovered = dice.random() < 0.6 if emotions else None
    score = max(0, min(100, 100 + sum(rule_hit.points for rule_hit in hits) - dice.randrange(0, 12) * bool(emotions)))
    if any(rule_hit.fatal for rule_hit in hits):
        score = 0
    alarm = "ANGRY" in emotions and not recovered and dice.random() < 0.25
    risk = Risk.HIGH if score < 70 or alarm else Risk.MEDIUM if score < 90 or emotions else Risk.LOW
    moments = [moment(MomentKind.EMOTION, dice.choice(QUOTES), code=MomentLabel.ANGRY)] if "ANGRY" in emotions else []
    if alarm:
        kind = dice.choice((MomentKind.ESCALATION, MomentKind.CHURN_SIGNAL))
        code = MomentLabel.ESCALATION if kind is MomentKind.ESCALATION else MomentLabel.GIVE_UP
        moments.insert(0, moment(kind, dice.choice(QUOTES), code=code))
    started = datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(seconds=dice.randrange(30_000, 79_000))
    promises = ()
    if dice.random() < 0.05:
        due = started + timedelta(hours=dice.choice((2, 24, 48)))
        promises = (SummaryPromise(at_ms=99_000, quote="48小时内给您发货", action="发货", by="48小时内", due_at=due),)
    return CallSummary(
        call_id=f"{day:%Y%m%d}-{number:05d}",
        order_id=f"2024110{dice.randrange(60_000):07d}",
        agent_id=f"A{agent:02d}" if dice.random() < 0.995 else None,
        started_at=started,
        customer_phone=f"138****{dice.randrange(10_000):04d}",
        duration_ms=dice.randrange(30_000, 400_000),
        score=score if dice.random() < 0.99 else None,
        passed=score >= 80,
        risk=risk,
        issues=(ISSUES[issue],) if dice.random() < 0.8 else (),
        stages=(STAGES[issue],) if dice.random() < 0.6 else (),
        emotions=emotions,
        emotion_shares={"NEUTRAL": 0.7, "ANGRY": 0.3} if "ANGRY" in emotions else {"NEUTRAL": 1.0},
        dominant_emotion="NEUTRAL",
        metrics={"median_response_ms": dice.randrange(400, 4_000), "silence_count": dice.randrange(9)},
        hits=hits,
        not_applicable=tuple(f"rule.{index}" for index in range(20)),
        unbridged_silences=dice.randrange(1, 3) if "SILENCE" in emotions else 0,
        recovered=recovered,
        moments=tuple(moments),
        promises=promises,
        model=MODEL,
        unknown_emotion_share=0.1,
        rules_sha256=RULES,
    )


def large_report(calls: int = 3_000, agents: int = 40) -> PeriodReport:
    """Build the report of a large day with the seven days before it."""
    before = [call for back in range(1, 8) for call in large_day(DAY - timedelta(days=back), calls, agents)]
    failures = [failed(f"broken-{number:03d}") for number in range(4)]
    return periods.build_period(TODAY, large_day(DAY, calls, agents), before, failures, SETTINGS)


def empty_report(period: Period = TODAY) -> PeriodReport:
    """Build the report of a day on which nobody called."""
    return periods.build_period(period, (), (), (), SETTINGS)


def failures_report() -> PeriodReport:
    """Build the report of a day of which no recording could be read."""
    failures = [failed(f"broken-{number}") for number in range(3)]
    note = Note(code="partial_not_processed", values={"count": "3"})
    return periods.build_period(
        TODAY, (), large_day(DAY - timedelta(days=1), 30, 3), failures, SETTINGS, partial=[note]
    )


def hostile_report() -> PeriodReport:
    """Build a report whose every text is one that has broken documents."""
    calls = [
        call(
            f"{index}{text[:40]}",
            agent=text,
            order_id=text[:2000],
            score=20,
            passed=False,
            risk=Risk.HIGH,
            issues=(text,),
            stages=(text,),
            emotions=("ANGRY", "SILENCE"),
            recovered=False,
            hits=(replace(hit(0, quote=text), title=text, category=text, rule_id=f"r{index}", advice=text),),
            moments=(moment(MomentKind.ESCALATION, text, label=text),),
            promises=(
                SummaryPromise(
                    at_ms=1, quote=text, action=text, by=text, due_at=datetime(2026, 11, 22, 9, tzinfo=CHINA)
                ),
            ),
        )
        for index, text in enumerate(HOSTILE)
    ]
    failures = [failed(text, reason=text, agent=text) for text in HOSTILE]
    partial = [Note(code=text, values={"x": text}) for text in HOSTILE[:2]]
    return periods.build_period(TODAY, calls, (), failures, SETTINGS, partial=partial)
