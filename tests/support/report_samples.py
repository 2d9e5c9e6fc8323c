"""Order reports for tests of documents: the users' own example, two calls and a failed one, and the odd ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

from qareport import periods
from qareport.model import (
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    AudioEvent,
    AudioInfo,
    CallMetrics,
    CallReport,
    CategoryScore,
    Classification,
    CurvePoint,
    Emotion,
    Evidence,
    FailedCall,
    Finding,
    Hold,
    Interruption,
    Language,
    MaskedSpan,
    MetricNorm,
    ModelInfo,
    Moment,
    MomentKind,
    MomentLabel,
    Note,
    NoteCode,
    OrderReport,
    PersonalKind,
    Promise,
    Provenance,
    Risk,
    RiskReason,
    Role,
    RoleMetrics,
    RoleSource,
    Scorecard,
    ScoreItem,
    Segment,
    Severity,
    Silence,
    TeamNorm,
    TrajectoryState,
)

CHINA = timezone(timedelta(hours=8))
CUSTOMER, AGENT, UNKNOWN = Role.CUSTOMER, Role.AGENT, Role.UNKNOWN

#: Strings that have broken documents: markup, template tags, docxtpl's escapes, controls, surrogates, direction marks.
HOSTILE = (
    "1 < 2 && 3 > 2 </w:t></w:p> <script>alert(1)</script>",
    "{{ report.title }} {% raw %} {# note #} {_{ }_} {_% %_}",
    "bell\x07 null\x00 tab\there feed\x0c line\nbreak",
    "lone \ud83d surrogate and \udc00 another",
    "left \u202egnp.exe\u202c \u2067right\u2069 שלום عربي",
    "长" * 10_000,
    "\ufffe\uffff]]> &amp; &#x0; \\a \\n ' \" `",
)


def say(
    start_ms: int,
    end_ms: int,
    role: Role,
    text: str,
    emotion: Emotion | None = Emotion.NEUTRAL,
    *,
    source: RoleSource = RoleSource.CHANNEL,
    events: tuple[AudioEvent, ...] = (AudioEvent.SPEECH,),
) -> Segment:
    """Make a segment of the example."""
    return Segment(
        start_ms=start_ms,
        end_ms=end_ms,
        role=role,
        role_source=source,
        channel={CUSTOMER: 1, AGENT: 0}.get(role),
        text=text,
        language=Language.ZH,
        emotion=emotion,
        emotion_scores={emotion.value: 0.9} if emotion else None,
        events=events,
    )


SEGMENTS = (
    say(1_200, 5_000, AGENT, "您好，这里是售后服务，请问有什么可以帮您？"),
    say(6_100, 12_400, CUSTOMER, "我昨天下的单，今天还没发货！"),
    say(13_000, 18_000, AGENT, "好的，我看一下。", Emotion.HAPPY),
    say(38_000, 42_900, CUSTOMER, "我想问一下到底什么时候发货？", Emotion.EMO_UNKNOWN),
    say(47_900, 52_000, AGENT, "这个系统显示正常的。"),
    say(58_000, 63_000, CUSTOMER, "这衣服尺码根本不对!", Emotion.ANGRY),
    say(63_200, 66_000, CUSTOMER, "我按你们详情页的尺寸表买的!", Emotion.ANGRY),
    say(66_200, 69_000, CUSTOMER, "退货运费谁出?", Emotion.ANGRY),
    say(70_000, 79_000, AGENT, "亲，运费这边要看具体情况的呢。", None),
    say(87_000, 90_200, CUSTOMER, "你们是不是压单啊！", Emotion.ANGRY),
    say(
        91_000, 96_000, AGENT, "没有的，仓库那边正常安排。", Emotion.NEUTRAL, events=(AudioEvent.SPEECH, AudioEvent.BGM)
    ),
    say(118_000, 124_000, CUSTOMER, "那到底什么时候发货？", Emotion.SAD),
    say(131_000, 133_000, CUSTOMER, "算了。", Emotion.SAD, events=(AudioEvent.SPEECH, AudioEvent.BREATH)),
    say(150_000, 156_000, AGENT, "请问还有其他可以帮您的吗？"),
    say(170_000, 172_000, CUSTOMER, "呵……你们自己看看是不是太麻烦了", Emotion.OTHER, events=(AudioEvent.LAUGHTER,)),
)

SILENCES = (
    Silence(start_ms=42_900, end_ms=47_900, after=CUSTOMER, before=AGENT, last_said="我想问一下到底什么时候发货？"),
    Silence(start_ms=52_000, end_ms=58_000, after=AGENT, before=CUSTOMER),
    Silence(start_ms=79_000, end_ms=87_000, after=AGENT, before=CUSTOMER),
    Silence(start_ms=125_000, end_ms=131_000, after=CUSTOMER, before=CUSTOMER),
    Silence(start_ms=133_000, end_ms=150_000, after=CUSTOMER, before=AGENT),
)

MOMENTS = (
    Moment(
        at_ms=42_000,
        end_ms=47_900,
        kind=MomentKind.TOPIC_MENTION,
        role=CUSTOMER,
        label_code=MomentLabel.DOUBT,
        label="疑虑",
        quote="我想问一下到底什么时候发货？",
        tags=("SILENCE",),
        topic="发货",
        issue="物流延迟",
        salience=70.0,
    ),
    Moment(
        at_ms=66_200,
        end_ms=69_000,
        kind=MomentKind.REPEAT,
        role=CUSTOMER,
        label="追问",
        quote="退货运费谁出?",
        tags=("ANGRY",),
        salience=60.0,
    ),
    Moment(
        at_ms=87_000,
        end_ms=90_200,
        kind=MomentKind.EMOTION,
        role=CUSTOMER,
        label_code=MomentLabel.TRUST_BROKEN,
        label="信任崩塌",
        quote="你们是不是压单啊！",
        tags=("ANGRY",),
        salience=81.0,
    ),
    Moment(
        at_ms=91_000,
        end_ms=96_000,
        kind=MomentKind.NO_ANSWER,
        role=AGENT,
        label_code=MomentLabel.NO_ANSWER,
        label="未正面回应",
        quote="没有的，仓库那边正常安排。",
        salience=55.0,
    ),
    Moment(
        at_ms=118_000,
        end_ms=124_000,
        kind=MomentKind.REPEAT,
        role=CUSTOMER,
        label="追问",
        quote="那到底什么时候发货？",
        tags=("SAD",),
        salience=82.0,
    ),
    Moment(
        at_ms=125_000,
        end_ms=131_000,
        kind=MomentKind.SILENCE,
        role=CUSTOMER,
        label_code=MomentLabel.GIVE_UP,
        label="放弃",
        quote="",
        tags=("SILENCE",),
        salience=50.0,
    ),
    Moment(
        at_ms=131_000,
        end_ms=133_000,
        kind=MomentKind.CHURN_SIGNAL,
        role=CUSTOMER,
        label_code=MomentLabel.GIVE_UP,
        label="放弃",
        quote="算了。",
        tags=("SAD",),
        salience=85.0,
    ),
    Moment(
        at_ms=170_000,
        end_ms=172_000,
        kind=MomentKind.IRONY,
        role=CUSTOMER,
        label_code=MomentLabel.IRONY,
        label="反讽",
        quote="呵……你们自己看看是不是太麻烦了",
        tags=("LAUGHTER",),
        salience=65.0,
    ),
)

FINDINGS = (
    Finding(
        rule_id="logistics.shipping-doubt",
        rule_version="3",
        title="发货疑问后的沉默",
        category="物流延迟",
        severity=Severity.MAJOR,
        at_ms=42_000,
        evidence=(
            Evidence(at_ms=38_000, end_ms=42_900, role=CUSTOMER, quote="我想问一下到底什么时候发货？"),
            Evidence(at_ms=42_900, end_ms=47_900, role=AGENT, quote="[SILENCE]"),
        ),
        advice="您的订单将在今天 18 点前发出，单号稍后短信发您；我在线上陪您确认。",
        points=-10,
        moment="疑虑",
    ),
    Finding(
        rule_id="attitude.trust-broken",
        rule_version="1",
        title="质疑未正面回应",
        category="服务态度",
        severity=Severity.CRITICAL,
        at_ms=87_000,
        evidence=(Evidence(at_ms=87_000, end_ms=90_200, role=CUSTOMER, quote="你们是不是压单啊！"),),
        advice="给您添麻烦了。没有压单，是仓库今天补货；我现在就为您加急，并补偿运费券。",
        points=-20,
        moment="信任崩塌",
    ),
    Finding(
        rule_id="churn.gave-up",
        rule_version="2",
        title="重复提问后放弃",
        category="流失",
        severity=Severity.MAJOR,
        at_ms=131_000,
        evidence=(
            Evidence(at_ms=118_000, end_ms=124_000, role=CUSTOMER, quote="那到底什么时候发货？"),
            Evidence(at_ms=131_000, end_ms=133_000, role=CUSTOMER, quote="算了。"),
        ),
        advice="请您别着急，我一分钟内给您确切时间；如果赶不上，我先帮您申请优先发货。",
        points=-8,
        moment="放弃",
    ),
    Finding(
        rule_id="closing.no-thanks",
        rule_version="1",
        title="结束语缺少致歉",
        category="服务规范",
        severity=Severity.MINOR,
        at_ms=150_000,
        evidence=(Evidence(at_ms=150_000, end_ms=156_000, role=AGENT, quote="请问还有其他可以帮您的吗？"),),
        advice="今天让您久等了，抱歉。",
        points=0,
    ),
)

METRICS = CallMetrics(
    duration_ms=184_320,
    talk_ms=81_000,
    non_talk_ms=103_320,
    overlap_ms=0,
    silence_count=5,
    silence_ms=42_000,
    longest_silence_ms=17_000,
    interruptions={"agent": 1, "customer": 0},
    first_response_ms=600,
    median_response_ms=900,
    longest_response_ms=17_000,
    trend="worsening",
    unknown_emotion_share=0.12,
    roles={
        "customer": RoleMetrics(
            segments=9,
            talk_ms=38_000,
            longest_monologue_ms=10_800,
            characters_per_minute=188.4,
            loudness_dbfs=-21.34,
            emotion_shares={"ANGRY": 0.4, "SAD": 0.25, "NEUTRAL": 0.2, "EMO_UNKNOWN": 0.12, "OTHER": 0.03},
            sentiment_start=0.4,
            sentiment_end=-3.1,
        ),
        "agent": RoleMetrics(
            segments=6,
            talk_ms=43_000,
            longest_monologue_ms=9_000,
            characters_per_minute=212.0,
            loudness_dbfs=None,
            emotion_shares={"NEUTRAL": 0.7, "HAPPY": 0.1, STATE_NOT_JUDGED: 0.2},
        ),
    },
)

CURVE = (
    *(
        CurvePoint(at_ms=at_ms, role=CUSTOMER, value=value)
        for at_ms, value in (
            (6_100, 0.4),
            (38_000, 0.1),
            (47_900, -0.7),
            (63_000, -1.2),
            (86_000, -1.5),
            (88_600, -4.2),
            (108_000, -3.6),
            (121_000, -4.1),
            (132_000, -2.7),
            (171_000, -2.2),
        )
    ),
    *(
        CurvePoint(at_ms=at_ms, role=AGENT, value=value)
        for at_ms, value in ((1_200, 1.0), (50_000, 0.6), (93_000, 0.3), (153_000, 0.5))
    ),
)

TRAJECTORY = (
    TrajectoryState(start_ms=42_900, end_ms=47_900, state=STATE_SILENCE),
    TrajectoryState(start_ms=58_000, end_ms=69_000, state="ANGRY"),
    TrajectoryState(start_ms=87_000, end_ms=90_200, state="ANGRY"),
    TrajectoryState(start_ms=125_000, end_ms=131_000, state=STATE_SILENCE),
)

MODEL = ModelInfo(name="iic/SenseVoiceSmall", revision="2024-07-21")
AUDIO = AudioInfo(
    path="calls/2026-11-21/0913.wav",
    sha256="9be1" + "0" * 57 + "c04",
    duration_ms=184_320,
    sample_rate=8000,
    channels=2,
)
PROVENANCE = Provenance(
    qareport="0.1.0",
    model="iic/SenseVoiceSmall@2024-07-21",
    rules_sha256="7f3c2a" + "1" * 58,
    audio_sha256=(AUDIO.sha256,),
)

CALL = CallReport(
    call_id="call-0913",
    agent_id="A017",
    started_at=datetime(2026, 11, 21, 9, 13, 5, tzinfo=CHINA),
    customer_phone="138****5678",
    audio=AUDIO,
    model=MODEL,
    metrics=METRICS,
    silences=SILENCES,
    interruptions=(Interruption(start_ms=90_000, end_ms=91_000, by=AGENT),),
    trajectory=TRAJECTORY,
    curve=CURVE,
    moments=MOMENTS,
    findings=FINDINGS,
    score=62,
    risk=Risk.HIGH,
    risk_reasons=(RiskReason.OPEN_GIVING_UP, RiskReason.OPEN_IRONY, RiskReason.OPEN_ANGER),
    segments=SEGMENTS,
)

#: The users' own example, one call.
EXAMPLE = OrderReport(order_id="20241105998877", calls=(CALL,), provenance=PROVENANCE)

GUESSED_CALL = CallReport(
    call_id="call-1402",
    agent_id="A022",
    started_at=datetime(2026, 11, 20, 14, 2, tzinfo=CHINA),
    model=MODEL,
    metrics=CallMetrics(
        duration_ms=61_000,
        talk_ms=40_000,
        non_talk_ms=21_000,
        overlap_ms=1_300,
        silence_count=0,
        silence_ms=0,
        longest_silence_ms=0,
        trend="steady",
        unknown_emotion_share=0.0,
        roles={
            "customer": RoleMetrics(segments=2, talk_ms=20_000, longest_monologue_ms=11_000),
            "agent": RoleMetrics(segments=1, talk_ms=15_000, longest_monologue_ms=15_000),
            "unknown": RoleMetrics(segments=1, talk_ms=5_000, longest_monologue_ms=5_000),
        },
    ),
    moments=(
        Moment(
            at_ms=5_000,
            end_ms=9_000,
            kind=MomentKind.TOPIC_MENTION,
            role=CUSTOMER,
            label="询问",
            quote="请问我的快递到哪里了？",
            topic="物流",
            salience=20.0,
        ),
    ),
    curve=(CurvePoint(at_ms=7_000, role=CUSTOMER, value=0.0), CurvePoint(at_ms=40_000, role=CUSTOMER, value=0.3)),
    score=98,
    risk=Risk.LOW,
    segments=(
        say(5_000, 9_000, CUSTOMER, "请问我的快递到哪里了？", source=RoleSource.WORDS),
        say(10_000, 25_000, AGENT, "您的快递今天派送，请保持电话畅通。", source=RoleSource.VOICE),
        say(30_000, 35_000, UNKNOWN, "（嘈杂）喂？", None, source=RoleSource.GIVEN),
        say(36_000, 47_000, CUSTOMER, "好的，谢谢。", Emotion.HAPPY, source=RoleSource.WORDS),
    ),
    notes=(Note(code="a_note_from_tomorrow", values={"share": "8%"}),),
)

FAILED = FailedCall(
    call_id="call-0730",
    audio_path="calls/2026-11-22/0730.wav",
    order_id="20241105998877",
    agent_id=None,
    started_at=datetime(2026, 11, 22, 7, 30, tzinfo=CHINA),
    step="decode",
    reason="calls/2026-11-22/0730.wav: the recording is truncated after 0.3 s",
)

#: Two calls and a failed one.
TWO_CALLS = OrderReport(
    order_id="20241105998877", calls=(CALL, GUESSED_CALL), failed_calls=(FAILED,), provenance=PROVENANCE
)

FAILED_ONLY = replace(EXAMPLE, calls=(), failed_calls=(FAILED,))

EMPTY_METRICS = CallMetrics(
    duration_ms=12_000,
    talk_ms=0,
    non_talk_ms=12_000,
    overlap_ms=0,
    silence_count=1,
    silence_ms=12_000,
    longest_silence_ms=12_000,
)
#: A call in which nobody speaks.
EMPTY = OrderReport(
    order_id=None,
    calls=(
        CallReport(
            call_id="silent-call", metrics=EMPTY_METRICS, silences=(Silence(start_ms=0, end_ms=12_000),), score=None
        ),
    ),
    provenance=PROVENANCE,
)

#: One channel, nobody known, nothing judged, from the bundled model.
UNKNOWN_ROLES = OrderReport(
    order_id="mono-1",
    calls=(
        CallReport(
            call_id="mono-call",
            metrics=replace(EMPTY_METRICS, talk_ms=9_000, non_talk_ms=3_000, silence_count=0),
            segments=(
                say(500, 4_000, UNKNOWN, "喂，你好。", None, source=RoleSource.GIVEN),
                say(4_500, 9_000, UNKNOWN, "我想退货。", None, source=RoleSource.GIVEN),
            ),
            score=None,
            notes=(Note(code=NoteCode.NOT_SCORED_SPEAKERS, values={"share": "1.00"}),),
        ),
    ),
    provenance=replace(PROVENANCE, model="demo@1"),
)


def _item(finding: Finding, counted: int) -> ScoreItem:
    return ScoreItem(rule_id=finding.rule_id, at_ms=finding.at_ms, points=finding.points, counted=counted)


PRAISE = Finding(
    rule_id="service.good-closing",
    rule_version="1",
    title="结束语完整",
    category="服务规范",
    severity=Severity.INFO,
    at_ms=150_000,
    evidence=FINDINGS[3].evidence,
    advice="",
    points=5,
    praise="客服问清还有没有别的事，才道别。",
)
#: The example as today's rules judge it: a category at its limit, one without a hit, one without an opportunity.
SCORECARD = Scorecard(
    start=100,
    total=100,
    score=71,
    passed=False,
    categories=(
        CategoryScore(
            name="物流延迟",
            limit=6,
            points=-6,
            items=(_item(FINDINGS[0], -6),),
            judged=4,
            not_applicable=("logistics.lost",),
        ),
        CategoryScore(name="服务态度", points=-20, items=(_item(FINDINGS[1], -20),), judged=3),
        CategoryScore(name="流失", limit=30, points=-8, items=(_item(FINDINGS[2], -8),), judged=2),
        CategoryScore(name="服务规范", points=5, items=(_item(FINDINGS[3], 0), _item(PRAISE, 5)), judged=2),
        CategoryScore(name="价格", limit=20, points=0, judged=2),
        CategoryScore(name="退换与退款", points=0, judged=0, not_applicable=("refund.no-date", "refund.refused")),
    ),
)
NORM = TeamNorm(
    first=date(2026, 11, 14),
    last=date(2026, 11, 20),
    calls=412,
    metrics={
        "first_response_ms": MetricNorm(n=398, lower_quartile=700.0, median=1_400.0, upper_quartile=2_600.0),
        "longest_response_ms": MetricNorm(n=398, lower_quartile=1_900.0, median=3_100.0, upper_quartile=6_000.0),
        "silence_count": MetricNorm(n=412, lower_quartile=0.0, median=1.5, upper_quartile=3.0),
        "silence_share": MetricNorm(n=412, lower_quartile=0.01, median=0.04, upper_quartile=0.12),
        "agent_interruptions": MetricNorm(n=412, lower_quartile=0.0, median=0.0, upper_quartile=1.0),
        "agent_characters_per_minute": MetricNorm(n=405, lower_quartile=205.0, median=231.0, upper_quartile=256.0),
    },
)
_PROMISE = Promise(
    at_ms=91_000,
    end_ms=96_000,
    role=AGENT,
    quote="没有的，仓库那边正常安排。",
    action="发货",
    by="48小时内",
    within_ms=48 * 3_600_000,
    due_at=datetime(2026, 11, 23, 9, 14, 36, tzinfo=CHINA),
)
_ISSUE = Classification(
    name="物流延迟",
    evidence=(Evidence(at_ms=38_000, end_ms=42_900, role=CUSTOMER, quote="我想问一下到底什么时候发货？"),),
)
#: The example with everything that a call may carry.
RICH_CALL = replace(
    CALL,
    findings=(*FINDINGS, PRAISE),
    score=71,
    scorecard=SCORECARD,
    moments=(replace(MOMENTS[0], fuzzy=True), *MOMENTS[1:]),
    metrics=replace(
        METRICS,
        holds=(Hold(start_ms=133_000, end_ms=150_000, music=True), Hold(start_ms=79_000, end_ms=87_000, music=False)),
        roles={
            **METRICS.roles,
            "customer": replace(METRICS.roles["customer"], sentiment=-1.9, sentiment_quarters=(0.4, -1.2, -3.8, -2.4)),
            "agent": replace(METRICS.roles["agent"], sentiment=0.5, sentiment_quarters=(0.9, 0.4, None, 0.5)),
        },
    ),
    promises=(_PROMISE, replace(_PROMISE, at_ms=150_000, action="回电", by="", within_ms=None, due_at=None)),
    issues=(_ISSUE,),
    stages=(replace(_ISSUE, name="发货前", fuzzy=True),),
    masked=(MaskedSpan(start_ms=1_200, end_ms=2_000, kind=PersonalKind.PHONE, role=CUSTOMER, exact=True),),
)


def with_dossier(report: OrderReport, norm: TeamNorm | None = NORM) -> OrderReport:
    """Fill in what the store would add: the dossier, the norm and the measures."""
    measures = {call.call_id: periods.call_measures(call.metrics) for call in report.calls}
    return replace(report, dossier=periods.dossier(report.calls), norm=norm, measures=measures)


RICH = with_dossier(replace(EXAMPLE, calls=(RICH_CALL,)))


def _again(number: int, day: int, hour: int, **changes: object) -> CallReport:
    started = datetime(2026, 11, day, hour, 5, tzinfo=CHINA)
    return replace(RICH_CALL, call_id=f"call-{number}", started_at=started, promises=(), **changes)


#: A customer who calls about one order again and again: before and after the promise falls due, to another agent.
FIVE_CALLS = with_dossier(
    replace(
        EXAMPLE,
        calls=(
            RICH_CALL,
            _again(2, 22, 10, score=58, agent_id="A022"),
            _again(3, 24, 9, score=40, agent_id="A022", risk=Risk.HIGH),
            replace(
                GUESSED_CALL,
                call_id="call-4",
                started_at=datetime(2026, 11, 25, 16, 0, tzinfo=CHINA),
                issues=(Classification(name="退款进度", evidence=_ISSUE.evidence),),
            ),
        ),
        failed_calls=(replace(FAILED, started_at=datetime(2026, 11, 26, 7, 30, tzinfo=CHINA)),),
    )
)


def hostile() -> OrderReport:
    """Make a report whose every free text is one of the hostile strings."""
    texts = HOSTILE
    segments = tuple(
        replace(say(index * 4_000, index * 4_000 + 3_000, CUSTOMER if index % 2 else AGENT, text), raw=text)
        for index, text in enumerate(texts)
    )
    finding = replace(
        FINDINGS[0],
        at_ms=0,
        title=texts[0],
        category=texts[1],
        advice=texts[2],
        moment=texts[3],
        evidence=tuple(Evidence(at_ms=0, end_ms=1, role=CUSTOMER, quote=text) for text in texts),
    )
    moments = tuple(
        Moment(
            at_ms=i * 4_000,
            end_ms=i * 4_000,
            kind=MomentKind.EMOTION,
            role=CUSTOMER,
            label=t[:50],
            quote=t,
            salience=1.0,
        )
        for i, t in enumerate(texts)
    )
    call = replace(
        CALL,
        call_id=texts[3],
        agent_id=texts[0],
        customer_phone=texts[4],
        segments=segments,
        findings=(finding,),
        moments=moments,
        notes=(Note(code=texts[0], values={texts[1]: texts[2]}),),
    )
    broken = replace(FAILED, call_id=texts[1], reason=texts[3], started_at=None)
    return replace(EXAMPLE, order_id=texts[1], calls=(call,), failed_calls=(broken,))


def long_call(turns: int = 2_000) -> OrderReport:
    """Make a call of many turns, speakers alternating."""
    emotions = (Emotion.NEUTRAL, Emotion.ANGRY, Emotion.EMO_UNKNOWN, None)
    segments = tuple(
        say(
            index * 3_000,
            index * 3_000 + 2_500,
            AGENT if index % 2 else CUSTOMER,
            f"第{index}句：请问我的订单什么时候发货，麻烦帮我查一下。",
            emotions[index % 4],
        )
        for index in range(turns)
    )
    curve = tuple(CurvePoint(at_ms=s.start_ms, role=s.role, value=(i % 7) - 3.0) for i, s in enumerate(segments))
    metrics = replace(METRICS, duration_ms=turns * 3_000)
    call = replace(CALL, segments=segments, silences=(), curve=curve, metrics=metrics)
    return replace(EXAMPLE, calls=(call,))
