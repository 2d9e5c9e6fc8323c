"""The report of an order: everything its documents say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qareport.model.basics import SCHEMA_VERSION, FailedCall, Note, PersonalKind, Risk, Role
from qareport.model.happened import (
    CallMetrics,
    Classification,
    CurvePoint,
    Interruption,
    Moment,
    Promise,
    Silence,
    TrajectoryState,
)
from qareport.model.heard import AudioInfo, ModelInfo, Segment
from qareport.model.judged import Finding, Scorecard


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedSpan:
    """Where in the recording personal data is said; the words themselves are not kept here."""

    start_ms: int
    end_ms: int
    kind: PersonalKind
    role: Role
    #: Known from the times of its tokens; else estimated from its place in the text.
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """Everything a document says about one call."""

    call_id: str
    agent_id: str | None = None
    started_at: datetime | None = None
    #: Already masked (138****5678); the store alone keeps the whole number.
    customer_phone: str | None = None
    audio: AudioInfo | None = None
    model: ModelInfo | None = None
    metrics: CallMetrics
    silences: tuple[Silence, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    trajectory: tuple[TrajectoryState, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    moments: tuple[Moment, ...] = ()
    findings: tuple[Finding, ...] = ()
    score: int | None = None
    scorecard: Scorecard | None = None
    risk: Risk = Risk.LOW
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()
    promises: tuple[Promise, ...] = ()
    issues: tuple[Classification, ...] = ()
    stages: tuple[Classification, ...] = ()
    #: Where personal data was said that is masked in this report.
    masked: tuple[MaskedSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the report was made with, so that it can be made again."""

    qareport: str
    model: str
    rules_sha256: str
    audio_sha256: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """The report of one order over all its calls (contract, version 1). Every document is drawn from this alone."""

    schema_version: int = SCHEMA_VERSION
    #: None when the manifest knew no order: then the report is that of a single call.
    order_id: str | None
    calls: tuple[CallReport, ...]
    failed_calls: tuple[FailedCall, ...] = ()
    provenance: Provenance
