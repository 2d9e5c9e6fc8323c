"""Fill a store of any size with the calls of an invented service centre: sixty sentences each, made from its number."""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta

from qareport.model import (
    AudioEvent,
    Call,
    CallMetrics,
    CallReport,
    Emotion,
    Evidence,
    Finding,
    Moment,
    MomentKind,
    Risk,
    Role,
    Segment,
    Severity,
    Silence,
)
from qareport.store import Store

BEGIN = datetime.fromisoformat("2026-09-01T08:00:00+08:00")
#: In each call.
SENTENCES = 60
PHRASES = (
    "您好，请问有什么可以帮您？", "我昨天下的单，今天还没发货！", "好的，我看一下。", "我想问一下到底什么时候发货？",
    "这个系统显示正常的。", "你们是不是压单啊", "这衣服尺码根本不对！", "我按你们详情页的尺寸表买的", "退货运费谁出？",
    "非常抱歉，运费由我们承担", "今天就给您退款", "算了，我要投诉", "再不处理我就打12315", "那我想退货怎么操作",
    "订单号是多少，请您报一下", "请稍等，帮您查一下", "退款什么时候到账", "iPhone手机壳颜色发错了", "可以换货吗",
)  # fmt: skip
FILLERS = "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么"
EMOTIONS = (Emotion.NEUTRAL, Emotion.ANGRY, Emotion.SAD, Emotion.HAPPY, Emotion.EMO_UNKNOWN, None)
METRICS = CallMetrics(
    duration_ms=180_000, talk_ms=150_000, non_talk_ms=30_000, overlap_ms=0, silence_count=3, silence_ms=6_000,
    longest_silence_ms=3_000,
)  # fmt: skip


def make_report(number: int) -> tuple[Call, CallReport]:
    """Make a judged call of a service centre, from its number alone."""
    dice = random.Random(number)
    segments = tuple(_sentence(dice, place) for place in range(SENTENCES))
    silences = tuple(
        Silence(start_ms=3_000 * place - 500, end_ms=3_000 * place) for place in dice.sample(range(1, SENTENCES), 3)
    )
    call = Call(
        call_id=f"C{number:07d}",
        audio_path=f"/audio/C{number:07d}.wav",
        order_id=f"202609{number * 2 // 3:08d}",
        agent_id=f"A{dice.randrange(120):03d}",
        started_at=BEGIN + timedelta(days=number // 1500, seconds=dice.randrange(43_200)),
    )
    score = dice.randrange(40, 101)
    shown = dice.choice(segments)
    moment = Moment(
        at_ms=shown.start_ms, end_ms=shown.end_ms, kind=MomentKind.EMOTION, role=shown.role, label="", quote=shown.text
    )
    report = CallReport(
        call_id=call.call_id,
        agent_id=call.agent_id,
        started_at=call.started_at,
        metrics=METRICS,
        silences=silences,
        moments=(moment,),
        findings=(_finding(shown),) if dice.random() < 0.2 else (),
        score=score,
        risk=Risk.HIGH if score < 70 else Risk.LOW,
        segments=segments,
    )
    return call, report


def _sentence(dice: random.Random, place: int) -> Segment:
    text = dice.choice(PHRASES) + "".join(dice.choices(FILLERS, k=dice.randrange(2, 14)))
    return Segment(
        start_ms=3_000 * place,
        end_ms=3_000 * place + 2_500,
        role=Role.AGENT if place % 2 == 0 else Role.CUSTOMER,
        channel=place % 2,
        text=text,
        emotion=dice.choices(EMOTIONS, (70, 5, 3, 10, 10, 2))[0],
        events=(AudioEvent.SPEECH, AudioEvent.LAUGHTER) if dice.random() < 0.01 else (AudioEvent.SPEECH,),
    )


def _finding(shown: Segment) -> Finding:
    return Finding(
        rule_id="logistics.shipping-doubt",
        rule_version="1",
        title="发货疑问后的沉默",
        category="物流",
        severity=Severity.MAJOR,
        at_ms=shown.start_ms,
        evidence=(Evidence(at_ms=shown.start_ms, end_ms=shown.end_ms, role=shown.role, quote=shown.text),),
        advice="应立即提供物流单号及预计发出时间。",
        points=-10,
    )


def fill(store: Store, calls: int) -> float:
    """Put calls into a store; return the seconds that each took."""
    started = time.monotonic()
    for number in range(calls):
        call, report = make_report(number)
        store.results.put(f"{number:064d}", call, report, rules_sha256="0" * 64)
    return (time.monotonic() - started) / calls
