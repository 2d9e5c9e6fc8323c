"""The summary of a judged call, from which days, weeks and months are aggregated; and the norms of a team."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Self

from qareport.model.call import ModelInfo, OfCall
from qareport.model.vocabulary import MomentKind, MomentLabel, Risk, Role, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleHit:
    """One hit of a rule, with the one quotation that shows it best."""

    rule_id: str
    title: str
    category: str
    severity: Severity
    points: int
    fatal: bool = False
    at_ms: int
    role: Role = Role.UNKNOWN
    quote: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryMoment:
    """One of the moments that matter most in a call."""

    at_ms: int
    kind: MomentKind
    role: Role
    #: As in `Moment`.
    label_code: MomentLabel | None = None
    label: str = ""
    quote: str
    issue: str | None = None
    salience: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPromise:
    """A promise of the agent. `due_at` is None where the start of the call is not known."""

    at_ms: int
    quote: str
    action: str
    by: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSummary(OfCall):
    """What a period needs of one judged call; made from a masked report, so it holds no personal data of speech."""

    call_id: str
    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    #: Masked (138****5678).
    customer_phone: str | None = None
    duration_ms: int
    #: None: nothing could be judged, and the call counts in no rate of scores.
    score: int | None = None
    passed: bool | None = None
    #: What reviewers left of both; None: nobody reviewed the call. Laid over when a period is read, never stored.
    reviewed_score: int | None = None
    reviewed_passed: bool | None = None
    risk: Risk
    #: The issue most spoken of first; stages in the order of their first evidence.
    issues: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    #: What the customer showed, each once: negative emotions by their tag, and SILENCE and IRONY, which count as one.
    emotions: tuple[str, ...] = ()
    #: Share of the customer's talk time by emotion tag, and the judged one with the largest share.
    emotion_shares: Mapping[str, float] = field(default_factory=dict)
    dominant_emotion: str | None = None
    #: Measures that norms compare, by the names of `NORM_MEASURES`; absent: nothing to measure.
    metrics: Mapping[str, float] = field(default_factory=dict)
    hits: tuple[RuleHit, ...] = ()
    #: Ids of the rules that had no opportunity in this call: it is in no rate of theirs.
    not_applicable: tuple[str, ...] = ()
    #: Silences over `analysis.check_in_ms` after a question or a topic of the customer.
    unbridged_silences: int = 0
    #: Whether the customer, once troubled, was calm again at the end; None: never troubled.
    recovered: bool | None = None
    #: Weightiest first.
    moments: tuple[SummaryMoment, ...] = ()
    promises: tuple[SummaryPromise, ...] = ()
    trend: str | None = None
    model: ModelInfo | None = None
    unknown_emotion_share: float | None = None
    #: The model was listening to voices that it was not made for: no score, no emotion.
    outside_domain: bool = False
    #: Some speaker in it is known by voice or words only.
    roles_guessed: bool = False
    #: Codes of the call's notes, each once.
    notes: tuple[str, ...] = ()
    rules_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCall:
    """The part of a summary from which norms are computed: quick to read by the thousand."""

    started_at: datetime | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    outside_domain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutline:
    """The part of a summary that a trend is made of: quick to read by the hundred thousand."""

    order_id: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    score: int | None = None
    risk: Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class HitOutline:
    """Whether a hit of a rule fails its call at once."""

    fatal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseOutline:
    """When a promise falls due; None: nobody knows."""

    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """The part of a summary that `CallSums` are added up from, and when its promises fall due."""

    order_id: str | None = None
    agent_id: str | None = None
    duration_ms: int
    score: int | None = None
    passed: bool | None = None
    risk: Risk
    emotions: tuple[str, ...] = ()
    dominant_emotion: str | None = None
    hits: tuple[HitOutline, ...] = ()
    unbridged_silences: int = 0
    promises: tuple[PromiseOutline, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSums:
    """Some calls added up: the counts of headlines, and the sums that their means and spreads follow from."""

    calls: int = 0
    high_risk: int = 0
    fatal: int = 0
    #: Silences, not calls.
    unbridged_silences: int = 0
    #: Calls in which the model named an emotion of the customer; of them those with anger, and with anything negative.
    heard: int = 0
    angry: int = 0
    negative: int = 0
    #: Calls of which it is known whether they passed, and those that did.
    graded: int = 0
    passed: int = 0
    scored: int = 0
    score: int = 0
    score_squared: int = 0
    duration_ms: int = 0
    duration_squared: int = 0
    #: Calls with an order, and those whose order was called about shortly before.
    with_order: int = 0
    repeated: int = 0

    @classmethod
    def total(cls, parts: Iterable[CallSums]) -> Self:
        """Add sums of different calls up."""
        known = tuple(parts)
        return cls(**{part.name: sum(getattr(sums, part.name) for sums in known) for part in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The calls of one day as the days after it are compared with it; what it is made from names its calls."""

    #: By agent; "": not known.
    sums: Mapping[str, CallSums]
    #: Keys of the results with promises, by the instant at which one of these falls due.
    due: tuple[tuple[datetime, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricNorm:
    """The middle of one measure over a team's calls; N is how many calls had it to measure."""

    n: int
    lower_quartile: float
    median: float
    upper_quartile: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamNorm:
    """What is usual in a team, measure by measure, to show beside those of one call."""

    #: The days that the calls began on; None when no call's start is known.
    first: date | None
    last: date | None
    calls: int
    #: By the names of `NORM_MEASURES`; a measure that no call had is absent.
    metrics: Mapping[str, MetricNorm] = field(default_factory=dict)
