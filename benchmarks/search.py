"""How fast a search is: over 3,000 stored calls of about 60 sentences, and over a million sentences.

    python -m benchmarks.search --calls 3000
    python -m benchmarks.search --segments 1000000
    python -m benchmarks.search --calls 3000 --store postgresql://user:password@host/database

fills a store (SQLite in a temporary folder unless --store names an empty one), asks each query several times and writes
benchmarks/results/search.json, one entry for each size and database. Milliseconds are the best, the middle and the
worst of the repetitions, wall time of `Store.search` alone, 20 hits returned and all counted; `cpu_ms` is the middle of
the processor time of this process (all of the work where the store is SQLite). Bars: 200 ms at 3,000 calls, twice that
at a million sentences.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.machine import describe
from qareport import searching
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

RESULT = Path(__file__).parent / "results" / "search.json"
BEGIN = datetime.fromisoformat("2026-09-01T08:00:00+08:00")
SENTENCES = 60
REPEATS = 7
#: Rare words, common ones, one character, phrases, tags, fields of the call, NOT, and a wide OR.
QUERIES = (
    ("ANGRY AND 退货", "sentence"),
    ("ANGRY AND 退货", "call"),
    ("发货", "sentence"),
    ("的", "sentence"),
    ('"退货运费谁出"', "sentence"),
    ("压单 OR 投诉 OR 12315", "sentence"),
    ("role:customer AND 发货 AND NOT NEUTRAL", "sentence"),
    ("agent:A017 AND ANGRY", "sentence"),
    ("date:2026-09-03 AND risk:high AND 退款", "sentence"),
    ("score:<70 AND rule:logistics.shipping-doubt", "call"),
    ("SILENCE AND 发货 AND order:20260900000042", "sentence"),
    ("NOT 您好", "sentence"),
)
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
    """Put calls into a store; return the seconds that one took."""
    started = time.monotonic()
    for number in range(calls):
        call, report = make_report(number)
        store.put_report(f"{number:064d}", call, report, rules_sha256="0" * 64)
    return (time.monotonic() - started) / calls


def ask(store: Store, text: str, scope: str) -> dict[str, object]:
    """Ask one query several times."""
    times, processor = [], []
    for _ in range(REPEATS):
        started, busy = time.perf_counter(), time.process_time()
        query = searching.parse(text, time_zone="Asia/Shanghai")
        found = store.search(query, scope="call" if scope == "call" else "sentence")
        times.append((time.perf_counter() - started) * 1000)
        processor.append((time.process_time() - busy) * 1000)
    return {
        "query": text,
        "in": scope,
        "sentences": found.lines,
        "calls": found.calls,
        "cpu_ms": round(statistics.median(processor), 1),
        "best_ms": round(min(times), 1),
        "ms": round(statistics.median(times), 1),
        "worst_ms": round(max(times), 1),
    }


def measure(url: str, calls: int) -> dict[str, object]:
    """Fill a store and ask it everything."""
    with Store(url) as store:
        stored = store.count_calls().total
        seconds = None if stored == calls else fill(store, calls)
        size = store.size_bytes()
    with Store(url) as store:
        asked = [ask(store, *query) for query in QUERIES]
    return {
        "database": url.partition(":")[0],
        "calls": calls,
        "sentences": calls * SENTENCES,
        "store_mib": round(size / 2**20),
        #: None: the store was there already.
        "ms_to_put_a_call": None if seconds is None else round(seconds * 1000, 1),
        #: Processes that wanted a core, of the last minute: on a busy machine the best of the repetitions tells more.
        "load": round(os.getloadavg()[0], 1),
        "slowest_ms": max(float(str(one["ms"])) for one in asked),
        "queries": asked,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--segments", type=int, help="so many sentences instead")
    parser.add_argument("--store", help="an empty store")
    parser.add_argument("--keep", type=Path, help="folder of the SQLite store, which then stays and is filled but once")
    given = parser.parse_args()
    calls = -(-given.segments // SENTENCES) if given.segments else given.calls
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(given.store or f"sqlite:///{given.keep or folder}/search.db", calls)
    known = json.loads(RESULT.read_text("utf-8"))["runs"] if RESULT.exists() else {}
    known[f"{measured['database']} {measured['sentences']}"] = measured
    result = {"machine": describe(), "runs": dict(sorted(known.items()))}
    RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(measured, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
