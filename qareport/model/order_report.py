"""The report of an order: everything its documents say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from qareport.model.analysis import (
    CallMetrics,
    Classification,
    CurvePoint,
    Interruption,
    Moment,
    Promise,
    Silence,
    TrajectoryState,
)
from qareport.model.call import FailedCall
from qareport.model.call_summary import TeamNorm
from qareport.model.judgement import Finding, Scorecard
from qareport.model.notes import Note
from qareport.model.transcript import AudioInfo, ModelInfo, Segment, Span
from qareport.model.vocabulary import SCHEMA_VERSION, PersonalKind, Risk, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedSpan(Span):
    """Where in the recording personal data is said; the words themselves are not kept here."""

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


class PromiseOutcome(StrEnum):
    """What the calls of an order show about a promise; recordings alone never show that it was kept."""

    #: Past due, and the customer called again after that about the same.
    BROKEN = "broken"
    #: The customer called again about the same before it fell due.
    ASKED_AGAIN = "asked_again"
    #: Past due at the order's latest call, and no later call was about it.
    UNCONFIRMED = "unconfirmed"
    #: Falls due after the order's latest call.
    OPEN = "open"
    #: When it falls due is not known.
    UNDATED = "undated"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPromise:
    """A promise of one call, seen from all calls of its order."""

    call_id: str
    at_ms: int
    quote: str
    action: str
    by: str
    due_at: datetime | None = None
    outcome: PromiseOutcome
    #: The later call in which the customer came back about it.
    again_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChange:
    """What is different in a call from the call of the same order before it. None: one of the two has no such value."""

    call_id: str
    since_call_id: str
    after_ms: int | None = None
    score: int | None = None
    #: Difference of the customer's mean valence (each -5 … +5).
    sentiment: float | None = None
    #: Issue types of both calls, of this one alone and of the earlier one alone.
    same_issues: tuple[str, ...] = ()
    new_issues: tuple[str, ...] = ()
    gone_issues: tuple[str, ...] = ()
    other_agent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What only all calls of an order together show. Calls are in order of time."""

    changes: tuple[CallChange, ...] = ()
    promises: tuple[OrderPromise, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """The report of one order over all its calls (contract, version 1). Every document is drawn from this alone."""

    schema_version: int = SCHEMA_VERSION
    #: None when the manifest knew no order: then the report is that of a single call.
    order_id: str | None
    calls: tuple[CallReport, ...]
    failed_calls: tuple[FailedCall, ...] = ()
    provenance: Provenance
    #: None in reports that were made before there were dossiers.
    dossier: Dossier | None = None
    #: What is usual in the team on the days before the order's latest call; None: not compared.
    norm: TeamNorm | None = None
    #: By call id, the measures that `norm` has, by the names of `NORM_MEASURES`.
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
