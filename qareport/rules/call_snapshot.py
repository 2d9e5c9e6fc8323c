"""What rules look at in one judged call, as small JSON: an edited rule is replayed over months of calls in seconds.

A stored report is many times larger than what rules need (token times, curves, advice), and reading it with all its
checks takes most of a replay. This form holds columns instead of objects, the text as keywords are compared, and the
findings of the rule set that judged it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qareport.codec import to_data
from qareport.model import (
    Analysis,
    AudioEvent,
    CallMetrics,
    CallReport,
    Emotion,
    Finding,
    Interruption,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
    RoleMetrics,
    Segment,
    Severity,
    Silence,
    Transcript,
)
from qareport.rules.match_context import Scene
from qareport.text.wordlist import WordList, normalise

#: A scene of another form is not read but packed anew from its report.
FORM = 2


def pack(report: CallReport, order_id: str | None) -> str:
    """Pack a judged call."""
    segments = [one for one in report.segments if one.text.strip() or one.events]
    data = {
        "form": FORM,
        "call": [
            report.call_id, order_id, report.agent_id, report.started_at.isoformat() if report.started_at else None,
        ],
        "segments": [
            [
                one.start_ms, one.end_ms, one.role, one.text, normalise(one.text), one.emotion,
                None if not one.emotion_scores or one.emotion is None else one.emotion_scores.get(one.emotion, 0.0),
                one.events, one.loudness_dbfs,
            ]
            for one in segments
        ],
        "silences": [[one.start_ms, one.end_ms, one.after, one.before] for one in report.silences],
        "interruptions": [[one.start_ms, one.end_ms, one.by] for one in report.interruptions],
        "moments": [
            [one.at_ms, one.end_ms, one.kind, one.role, one.label_code or one.label, one.quote, one.topic, one.issue]
            for one in report.moments
        ],
        "metrics": to_data(report.metrics),
        "findings": [
            [one.rule_id, one.rule_version, one.at_ms, one.points, one.fatal, one.severity, one.category, one.title]
            for one in report.findings
        ],
        "score": report.score,
    }  # fmt: skip
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed call, of which no more is built than is asked for."""

    data: Mapping[str, Any]

    @classmethod
    def read(cls, text: str) -> Packed | None:
        """Read one; None when it is of another form."""
        data = json.loads(text)
        return cls(data) if data.get("form") == FORM else None

    @property
    def call_id(self) -> str:
        """Return whose call it is."""
        return str(self.data["call"][0])

    @property
    def agent_id(self) -> str | None:
        """Return who answered it."""
        agent: str | None = self.data["call"][2]
        return agent

    @property
    def started_at(self) -> datetime | None:
        """Return when it began, if that is known."""
        text = self.data["call"][3]
        return datetime.fromisoformat(text) if text else None

    @property
    def score(self) -> int | None:
        """Return the score that is stored."""
        score: int | None = self.data["score"]
        return score

    def findings(self) -> list[Finding]:
        """Return the findings that are stored, without evidence and advice."""
        return [
            Finding(
                rule_id=one[0], rule_version=one[1], title=one[7], category=one[6], severity=Severity(one[5]),
                at_ms=one[2], evidence=(), advice="", points=one[3], fatal=one[4],
            )
            for one in self.data["findings"]
        ]  # fmt: skip

    def said_at(self, at_ms: int) -> str:
        """Return what is said from a time on; nothing where nobody begins to speak then."""
        return next((str(one[3]) for one in self.data["segments"] if one[0] == at_ms), "")

    def scene(self, stages: Mapping[str, WordList], earlier: tuple[datetime, ...] | None) -> Scene:
        """Lay the call out for matching."""
        call_id, order_id, agent_id, started_at = self.data["call"]
        segments = tuple(map(_segment, self.data["segments"]))
        transcript = Transcript(
            call_id=call_id,
            order_id=order_id,
            agent_id=agent_id,
            started_at=datetime.fromisoformat(started_at) if started_at else None,
            segments=segments,
        )
        words = tuple(one[4] for one in self.data["segments"] if one[3].strip())
        return Scene.of(transcript, self._analysis(), earlier=earlier, stages=stages, words=words)

    def _analysis(self) -> Analysis:
        metrics = dict(self.data["metrics"])
        metrics["roles"] = {role: RoleMetrics(**one) for role, one in metrics["roles"].items()}
        return Analysis(
            metrics=CallMetrics(**metrics),
            silences=tuple(
                Silence(start_ms=one[0], end_ms=one[1], after=_role(one[2]), before=_role(one[3]))
                for one in self.data["silences"]
            ),
            interruptions=tuple(
                Interruption(start_ms=one[0], end_ms=one[1], by=Role(one[2])) for one in self.data["interruptions"]
            ),
            moments=tuple(map(_moment, self.data["moments"])),
        )


#: Looking a name up is much cheaper than calling the enum.
_LABELS = {label.value: label for label in MomentLabel}
_ROLES = {role.value: role for role in Role}
_EMOTIONS = {emotion.value: emotion for emotion in Emotion}
_EVENTS = {event.value: event for event in AudioEvent}


def _role(name: str | None) -> Role | None:
    return None if name is None else _ROLES[name]


def _segment(one: Sequence[Any]) -> Segment:
    emotion = one[5]
    return Segment(
        start_ms=one[0],
        end_ms=one[1],
        role=_ROLES[one[2]],
        text=one[3],
        emotion=None if emotion is None else _EMOTIONS[emotion],
        emotion_scores=None if one[6] is None else {emotion: one[6]},
        events=tuple(_EVENTS[name] for name in one[7]) if one[7] else (),
        loudness_dbfs=one[8],
    )


def _moment(one: Sequence[Any]) -> Moment:
    code = _LABELS.get(one[4])
    return Moment(
        at_ms=one[0], end_ms=one[1], kind=MomentKind(one[2]), role=_ROLES[one[3]], label_code=code,
        label=one[4] if code is None else "", quote=one[5], topic=one[6], issue=one[7],
    )  # fmt: skip
