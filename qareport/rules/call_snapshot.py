"""Snapshots of what rules look at in a judged call, as small JSON: edited rules are replayed over months in seconds.

A stored report is many times larger than what rules need (token times, curves, advice), and reading it with all its
checks takes most of the time of a replay. A snapshot holds columns instead of objects, the text as keywords are
compared, and the findings of the rule set that judged the call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from qareport.codec import to_data
from qareport.model import (
    Act,
    Analysis,
    AudioEvent,
    CallMetrics,
    CallReport,
    Emotion,
    Evidence,
    Finding,
    Gap,
    Hold,
    Interruption,
    Moment,
    MomentKind,
    MomentLabel,
    Promise,
    Role,
    RoleMetrics,
    Segment,
    Severity,
    Silence,
    SpokenAct,
    Transcript,
)
from qareport.rules.match_context import MatchContext
from qareport.text.wordlist import WordList, normalise

#: Snapshots of another form are not read but taken again from their report.
FORM = 5


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """What rules look at in a judged call. Objects are built only of what is asked for."""

    data: Mapping[str, Any]

    @classmethod
    def take(cls, report: CallReport, order_id: str | None) -> CallSnapshot:
        """Take the snapshot of a judged call."""
        started_at = report.started_at.isoformat() if report.started_at else None
        return cls(
            {
                "form": FORM,
                "call": [report.call_id, order_id, report.agent_id, started_at, report.shop],
                "segments": [_of_segment(segment) for segment in report.segments if _can_be_matched(segment)],
                "silences": [
                    [silence.start_ms, silence.end_ms, silence.after, silence.before] for silence in report.silences
                ],
                "interruptions": [
                    [interruption.start_ms, interruption.end_ms, interruption.by]
                    for interruption in report.interruptions
                ],
                "moments": [
                    [
                        moment.at_ms, moment.end_ms, moment.kind, moment.role, moment.label_code or moment.label,
                        moment.quote, moment.topic, moment.issue,
                    ]
                    for moment in report.moments
                ],
                "promises": [
                    [
                        promise.at_ms, promise.end_ms, promise.role, promise.quote, promise.action, promise.by,
                        promise.within_ms,
                    ]
                    for promise in report.promises
                ],
                "metrics": to_data(report.metrics),
                "findings": [
                    [
                        finding.rule_id, finding.rule_version, finding.at_ms, finding.points, finding.fatal,
                        finding.severity, finding.category, finding.title, finding.covered_by,
                        [[evidence.at_ms, evidence.end_ms, evidence.role] for evidence in finding.evidence],
                    ]
                    for finding in report.findings
                ],
                "score": report.score,
            }
        )  # fmt: skip

    @classmethod
    def read(cls, text: str) -> CallSnapshot | None:
        """Read what `to_json` wrote; None when it has another form, or is damaged."""
        try:
            data = json.loads(text)
        except ValueError:
            return None
        return cls(data) if isinstance(data, dict) and data.get("form") == FORM else None

    def to_json(self) -> str:
        """Write the snapshot as JSON."""
        return json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))

    @property
    def call_id(self) -> str:
        """Return the id of the call."""
        return str(self.data["call"][0])

    @property
    def agent_id(self) -> str | None:
        """Return who answered it."""
        agent: str | None = self.data["call"][2]
        return agent

    @property
    def started_at(self) -> datetime | None:
        """Return when the call began; None: not known."""
        text = self.data["call"][3]
        return datetime.fromisoformat(text) if text else None

    @property
    def score(self) -> int | None:
        """Return the stored score."""
        score: int | None = self.data["score"]
        return score

    def findings(self) -> list[Finding]:
        """Return the stored findings, without advice, and their evidence without words."""
        return [
            Finding(
                rule_id=row[0], rule_version=row[1], title=row[7], category=row[6], severity=Severity(row[5]),
                at_ms=row[2], advice="", points=row[3], fatal=row[4], covered_by=row[8],
                evidence=tuple(
                    Evidence(at_ms=place[0], end_ms=place[1], role=_ROLES[place[2]], quote="") for place in row[9]
                ),
            )
            for row in self.data["findings"]
        ]  # fmt: skip

    def segments(self) -> tuple[Segment, ...]:
        """Return the segments, without what no rule looks at."""
        return tuple(map(_segment, self.data["segments"]))

    def text_at(self, at_ms: int) -> str:
        """Return the text of the utterance that begins at a time; empty when none does."""
        return next((str(row[3]) for row in self.data["segments"] if row[0] == at_ms), "")

    def context(
        self,
        stages: Mapping[str, WordList],
        earlier: tuple[datetime, ...] | None,
        time_zone: tzinfo | None = None,
    ) -> MatchContext:
        """Build what conditions match against."""
        call_id, order_id, agent_id, started_at, shop = self.data["call"]
        transcript = Transcript(
            call_id=call_id,
            order_id=order_id,
            agent_id=agent_id,
            shop=shop,
            started_at=datetime.fromisoformat(started_at) if started_at else None,
            segments=self.segments(),
        )
        words = tuple(row[4] for row in self.data["segments"] if row[3].strip())
        return MatchContext.of(
            transcript, self._analysis(), earlier=earlier, stages=stages, words=words, time_zone=time_zone
        )

    def _analysis(self) -> Analysis:
        metrics = dict(self.data["metrics"])
        metrics["holds"] = tuple(Hold(**hold) for hold in metrics["holds"])
        metrics["gaps"] = tuple(Gap(**gap) for gap in metrics["gaps"])
        metrics["roles"] = {role: RoleMetrics(**measures) for role, measures in metrics["roles"].items()}
        return Analysis(
            metrics=CallMetrics(**metrics),
            silences=tuple(
                Silence(start_ms=row[0], end_ms=row[1], after=_role(row[2]), before=_role(row[3]))
                for row in self.data["silences"]
            ),
            interruptions=tuple(
                Interruption(start_ms=row[0], end_ms=row[1], by=Role(row[2])) for row in self.data["interruptions"]
            ),
            moments=tuple(map(_moment, self.data["moments"])),
            promises=tuple(
                Promise(
                    at_ms=row[0],
                    end_ms=row[1],
                    role=_ROLES[row[2]],
                    quote=row[3],
                    action=row[4],
                    by=row[5],
                    within_ms=row[6],
                )
                for row in self.data["promises"]
            ),
        )


#: A look-up by name is much cheaper than a call of the enum.
_LABELS = {label.value: label for label in MomentLabel}
_ROLES = {role.value: role for role in Role}
_EMOTIONS = {emotion.value: emotion for emotion in Emotion}
_EVENTS = {event.value: event for event in AudioEvent}


class _SpokenActs(dict[str, SpokenAct]):
    """Claims by how a snapshot writes them (`evade 0.93 bundled`): few come again and again."""

    def __missing__(self, written: str) -> SpokenAct:
        name, score, reader = written.split(" ", 2)
        spoken = self[written] = SpokenAct(act=Act(name), score=float(score), reader=reader)
        return spoken


_SPOKEN = _SpokenActs()


def _role(name: str | None) -> Role | None:
    return None if name is None else _ROLES[name]


def _can_be_matched(segment: Segment) -> bool:
    return bool(segment.text.strip() or segment.events)


def _of_segment(segment: Segment) -> list[Any]:
    scores = segment.emotion_scores
    score = None if not scores or segment.emotion is None else scores.get(segment.emotion, 0.0)
    return [
        segment.start_ms, segment.end_ms, segment.role, segment.text, normalise(segment.text), segment.emotion, score,
        segment.events, segment.loudness_dbfs,
        [f"{spoken.act} {round(spoken.score, 3)} {spoken.reader}" for spoken in segment.acts],
    ]  # fmt: skip


def _segment(row: Sequence[Any]) -> Segment:
    emotion = row[5]
    return Segment(
        start_ms=row[0],
        end_ms=row[1],
        role=_ROLES[row[2]],
        text=row[3],
        emotion=None if emotion is None else _EMOTIONS[emotion],
        emotion_scores=None if row[6] is None else {emotion: row[6]},
        events=tuple(_EVENTS[name] for name in row[7]) if row[7] else (),
        loudness_dbfs=row[8],
        acts=tuple([_SPOKEN[written] for written in row[9]]) if row[9] else (),
    )


def _moment(row: Sequence[Any]) -> Moment:
    code = _LABELS.get(row[4])
    return Moment(
        at_ms=row[0], end_ms=row[1], kind=MomentKind(row[2]), role=_ROLES[row[3]], label_code=code,
        label=row[4] if code is None else "", quote=row[5], topic=row[6], issue=row[7],
    )  # fmt: skip
