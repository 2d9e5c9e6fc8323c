"""The labelled calls of `corpus/`: read them, and give the analysis what a perfect reader would have understood."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from qareport.model import (
    STATE_SILENCE,
    Act,
    Analysis,
    AudioEvent,
    Emotion,
    Language,
    MomentKind,
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
#: A moment is the one that was labelled when it is no farther away than this.
TOLERANCE_S = 3.0


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
    emotion, events, acts = [*rest, None, None, None][:3]
    return Segment(
        start_ms=round(start_s * 1000),
        end_ms=round(end_s * 1000),
        role=Role(role),
        role_source=RoleSource.CHANNEL,
        channel=0 if role == "agent" else 1,
        text=text,
        language=Language.EN if text.isascii() else Language.ZH,
        emotion=Emotion(emotion or "NEUTRAL"),
        events=tuple(map(AudioEvent, events or ("Speech",))),
        acts=tuple(SpokenAct(act=Act(act)) for act in acts or ()) if with_acts else (),
    )


class Count(NamedTuple):
    """How many were found that are labelled, found that are not, and labelled that were not found."""

    right: int
    false: int
    missed: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (2 * self.right + self.false + self.missed)


def count_moments(case: dict[str, Any], analysis: Analysis, kind: str) -> Count:
    """Compare the moments of one kind with the labels; what is only allowed counts neither way."""
    wanted = sorted(at_s for labelled, at_s in case["truth"]["moments"] if labelled == kind)
    allowed = [at_s for labelled, at_s in case["truth"].get("optional", ()) if labelled == kind] + wanted
    left, right, false = list(wanted), 0, 0
    for at_s in sorted(_found(analysis, kind)):
        near = min(left, key=lambda label: abs(label - at_s), default=None)
        if near is not None and abs(near - at_s) <= TOLERANCE_S:
            left.remove(near)
            right += 1
        elif not any(abs(label - at_s) <= TOLERANCE_S for label in allowed):
            false += 1
    return Count(right, false, len(left))


def _found(analysis: Analysis, kind: str) -> list[float]:
    if kind != MomentKind.SILENCE:
        return [moment.at_ms / 1000 for moment in analysis.moments if moment.kind == kind]
    ends_ms = {moment.end_ms for moment in analysis.moments if STATE_SILENCE in moment.tags}
    return [silence.start_ms / 1000 for silence in analysis.silences if silence.end_ms in ends_ms]


def count_promises(case: dict[str, Any], analysis: Analysis) -> Count:
    """Compare the promises with the labels, by the words of their time."""
    left = [promise.by for promise in analysis.promises]
    right = missed = 0
    for _action, by in case["truth"]["promises"]:
        found = next((words for words in left if by in words or words in by), None)
        if found is None:
            missed += 1
        else:
            left.remove(found)
            right += 1
    allowed = [by for _action, by in case["truth"].get("promises_optional", ())]
    false = sum(not any(by in words or words in by for by in allowed) for words in left)
    return Count(right, false, missed)
