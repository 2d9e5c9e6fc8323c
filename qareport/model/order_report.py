"""The judgement of a call (findings, scorecard), and the report of an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from qareport.model.agents import Agent
from qareport.model.analysis import (
    CallMetrics,
    Classification,
    CurvePoint,
    Evidence,
    Interruption,
    Moment,
    Promise,
    Silence,
    TrajectoryState,
)
from qareport.model.call import AudioInfo, FailedCall, ModelInfo, Segment, Span
from qareport.model.call_summary import TeamNorm
from qareport.model.vocabulary import (
    SCHEMA_VERSION,
    Note,
    PersonalKind,
    Risk,
    RiskReason,
    Role,
    Severity,
    VerdictKind,
    VerdictReason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One hit of one rule, with its evidence, its advice (建议话术) and its points."""

    rule_id: str
    rule_version: str
    title: str
    category: str
    severity: Severity
    at_ms: int
    evidence: tuple[Evidence, ...]
    advice: str
    points: int
    #: What the rule calls the moment (疑虑, 信任崩塌 …), if it does.
    moment: str | None = None
    #: This one finding fails the call, whatever the other points.
    fatal: bool = False
    #: What was done well, of a rule that gives points; such a finding has no advice.
    praise: str = ""
    #: The advice without what belongs to this one call (a quotation, an order), for reports of many calls; "" where
    #: `advice` holds nothing of it.
    team_advice: str = ""
    #: The rule whose finding on the same sentence counts in place of this one, which then has no points.
    covered_by: str | None = None

    @property
    def is_praise(self) -> bool:
        """Tell whether it tells what was done well: documents show it apart from faults, never as advice."""
        return self.points > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreItem:
    """One line of the scorecard: a finding, and the points of it that count."""

    rule_id: str
    at_ms: int
    points: int
    #: Less than `points` when the category has lost all that it may lose.
    counted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryScore:
    """What one category of rules did to the score."""

    name: str
    #: The most that it may take away; None = no limit.
    limit: int | None = None
    points: int
    items: tuple[ScoreItem, ...] = ()
    #: How many rules were judged, and how many had no opportunity (N/A): those cost and earn nothing.
    judged: int
    not_applicable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """How the score came about: start plus the points of all categories, held within 0 … total."""

    start: int
    total: int
    score: int
    passed: bool
    #: Ids of the rules whose hit alone failed the call.
    fatal: tuple[str, ...] = ()
    categories: tuple[CategoryScore, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules said of one call."""

    findings: tuple[Finding, ...]
    #: 0 … 100; None when nothing could be judged.
    score: int | None
    risk: Risk
    #: What stands open at the end of the call and makes the risk; empty for a low one.
    risk_reasons: tuple[RiskReason, ...] = ()
    scorecard: Scorecard | None = None
    #: What a reader must know about the judgement itself, for example rules that could not be judged.
    notes: tuple[Note, ...] = ()


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
    shop: str | None = None
    started_at: datetime | None = None
    #: Already masked (138****5678); the store alone keeps the complete number.
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
    #: Empty for a low risk, and in results that were made before reasons were kept.
    risk_reasons: tuple[RiskReason, ...] = ()
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
class FindingReview:
    """What a reviewer said of a finding; one that was added is in no `findings`."""

    rule_id: str
    at_ms: int
    title: str
    verdict: VerdictKind
    reason: VerdictReason | None = None
    #: Of an added finding; those of the others stand in `findings`.
    points: int = 0
    added: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReview:
    """The review of a call: both scores are kept, and this is the one by people."""

    #: None when the call has no score.
    score: int | None
    passed: bool | None
    #: Who gave the verdicts that count, and when the newest of them was given.
    reviewers: tuple[str, ...]
    reviewed_at: datetime
    findings: tuple[FindingReview, ...]


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
    #: By call id, the review of the calls that have verdicts.
    reviews: Mapping[str, CallReview] = field(default_factory=dict)
    #: Names and groups of the agents of its calls, where they are known.
    people: tuple[Agent, ...] = ()
