"""Calls, results and transcripts to fill a store with."""

from __future__ import annotations

from datetime import datetime

from qareport.model import AudioInfo, Call, CallMetrics, CallReport, Segment, Transcript
from qareport.store import Store

METRICS = CallMetrics(
    duration_ms=9, talk_ms=5, non_talk_ms=4, overlap_ms=0, silence_count=0, silence_ms=0, longest_silence_ms=0
)
#: What is said in each call of `fill`.
TEXT = "收货地址是朝阳区望京街道八号"


def make_call(call_id: str, *, order_id: str | None = "o1", day: int = 20) -> Call:
    """Make a call of a morning in November 2026."""
    started_at = datetime.fromisoformat(f"2026-11-{day}T09:00:00+08:00")
    return Call(call_id=call_id, audio_path=f"{call_id}.wav", order_id=order_id, started_at=started_at)


def put_result(store: Store, call: Call, *, key: str = "", rules: str = "r1") -> None:
    """Put a call with the smallest result."""
    report = CallReport(call_id=call.call_id, started_at=call.started_at, metrics=METRICS)
    store.results.put(key or f"key-{call.call_id}", call, report, rules_sha256=rules)


def fill(store: Store, call: Call, *, audio: str, key: str = "") -> None:
    """Put a call with its transcript and result.

    Args:
        store: where to.
        call: the call.
        audio: one character that stands for its recording.
        key: tells several results of the call apart.
    """
    recording = AudioInfo(path=call.audio_path, sha256=audio * 64, duration_ms=9, sample_rate=8000, channels=2)
    segments = (Segment(start_ms=0, end_ms=9, text=TEXT),)
    store.transcripts.put(f"t{audio}", Transcript(call_id=call.call_id, audio=recording, segments=segments))
    report = CallReport(
        call_id=call.call_id, started_at=call.started_at, metrics=METRICS, audio=recording, segments=segments
    )
    store.results.put(f"r{call.call_id}{key}", call, report, rules_sha256="rules", snapshot="[]")
