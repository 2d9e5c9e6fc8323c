"""The labelled calls of `corpus/`: read them, and give the analysis what a perfect reader would have understood."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from qareport.model import (
    Act,
    AudioEvent,
    Emotion,
    Language,
    Role,
    RoleSource,
    Segment,
    SpokenAct,
    TopicScore,
    Transcript,
)
from tests.support.paths import ROOT

CALLS = ROOT / "corpus" / "calls"
#: Batches on which nothing of the analysis was tuned.
HELD_OUT = ("K", "O", "S", "Z", "AE")
#: When every call begins: a Friday.
STARTED = datetime(2026, 11, 20, 9, 13, 5, tzinfo=timezone(timedelta(hours=8)))


def read_cases(batches: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """Read the labelled calls of some batches, or of all; the form is that of `corpus/check.py`."""
    names = sorted(path.stem for path in CALLS.glob("*.jsonl")) if batches is None else batches
    for name in names:
        yield from map(json.loads, (CALLS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())


def transcript_of(case: dict[str, Any], *, with_acts: bool) -> Transcript:
    """Make the transcript of a labelled call, with the acts and topics of its labels or without any."""
    topics = case["truth"]["topics"] if with_acts else ()
    return Transcript(
        call_id=case["id"],
        order_id=f"F{case['id']}",
        agent_id="A001",
        started_at=STARTED,
        segments=tuple(_segment(fields, with_acts=with_acts) for fields in sorted(case["segments"], key=_start)),
        topics=tuple(TopicScore(name=name) for name in topics),
    )


def _start(fields: Sequence[Any]) -> float:
    return float(fields[0])


def _segment(fields: Sequence[Any], *, with_acts: bool) -> Segment:
    start_s, end_s, role, text, *rest = fields
    emotion, events, acts = [*rest, *("NEUTRAL", None, None)[len(rest) :]]
    language = Language.EN if text.isascii() else Language.ZH
    tags = (language, emotion or "EMO_UNKNOWN", (events or ("Speech",))[0], "withitn")
    return Segment(
        start_ms=round(start_s * 1000),
        end_ms=round(end_s * 1000),
        role=Role(role),
        role_source=RoleSource.CHANNEL,
        channel=0 if role == "agent" else 1,
        text=text,
        raw="".join(f"<|{tag}|>" for tag in tags) + text,
        language=language,
        emotion=Emotion(emotion) if emotion else None,
        events=tuple(map(AudioEvent, events or ("Speech",))),
        acts=tuple(SpokenAct(act=Act(act)) for act in acts or ()) if with_acts else (),
    )
