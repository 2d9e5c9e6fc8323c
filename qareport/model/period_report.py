"""The report of a day, a week or a month: everything that its documents and its mail say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from qareport.model.agents import Agent
from qareport.model.call import FailedCall, OfCall
from qareport.model.period_figures import AgentRow, GroupRow, Headline, Period, PeriodEvidence, Rate, TrendPoint
from qareport.model.vocabulary import SCHEMA_VERSION, MomentLabel, Note, Risk, Severity


class CallbackReason(StrEnum):
    """Why a customer should be called back."""

    BROKEN_PROMISE = "broken_promise"
    ESCALATION = "escalation"
    CHURN_SIGNAL = "churn_signal"
    HIGH_RISK = "high_risk"
    FATAL = "fatal"
    REPEATED_CALLS = "repeated_calls"
    PROMISE_DUE = "promise_due"
    ANGRY_UNRESOLVED = "angry_unresolved"


#: What each reason adds to the weight by which callbacks are ranked: an order of urgency, not a measured loss.
CALLBACK_WEIGHTS: Final[Mapping[CallbackReason, int]] = {
    CallbackReason.BROKEN_PROMISE: 40,
    CallbackReason.ESCALATION: 35,
    CallbackReason.CHURN_SIGNAL: 30,
    CallbackReason.FATAL: 30,
    CallbackReason.ANGRY_UNRESOLVED: 25,
    CallbackReason.HIGH_RISK: 20,
    CallbackReason.PROMISE_DUE: 15,
    CallbackReason.REPEATED_CALLS: 10,
}
#: REPEATED_CALLS counts once for each further call, so many times at most.
CALLBACK_REPEATS: Final = 3
#: What a score of 0 adds; 100 adds nothing.
CALLBACK_SCORE_WEIGHT: Final = 10


class PromiseState(StrEnum):
    """What is known of a promise at the end of the period. Nothing a store of calls holds can prove one kept."""

    #: Falls due on the day after the period: today, when the report is read in the morning.
    DUE_NEXT = "due_next"
    #: Past due, and the customer has called again about it since.
    BROKEN = "broken"
    #: Past due, and no later call of the order says anything: ask whether it was kept.
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseDue(OfCall):
    """A promise that is due or past due."""

    state: PromiseState
    call_id: str
    order_id: str | None
    agent_id: str | None
    customer_phone: str | None
    made_at: datetime
    due_at: datetime
    at_ms: int
    quote: str
    action: str
    by: str
    #: The call in which the customer came back about it (BROKEN only).
    again_call_id: str | None = None
    #: When that call began.
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback(OfCall):
    """A customer to call back today, once however often they called: `periods.callbacks` ranks."""

    rank: int
    weight: float
    order_id: str | None
    #: The gravest call, and all calls of the customer's order in the period.
    call_id: str
    call_ids: tuple[str, ...]
    agent_id: str | None
    started_at: datetime | None
    customer_phone: str | None
    score: int | None
    #: What reviewers left of it; None: nobody reviewed the call.
    reviewed_score: int | None = None
    risk: Risk
    #: Gravest first.
    reasons: tuple[CallbackReason, ...]
    #: Where in the call to listen, and the words there.
    at_ms: int
    quote: str
    #: Of the moment that is shown, or the title of the rule, or what was promised.
    label_code: MomentLabel | None = None
    label: str = ""
    promise: PromiseDue | None = None
    #: What the customer called about, as the call has it most; None: not known.
    issue: str | None = None
    #: How many calls of the order are known up to this period's end, how many of them are about `issue`, and when the
    #: first of them began. A call without an order is the only one.
    calls_known: int = 1
    calls_about_issue: int = 1
    first_called_at: datetime | None = None
    #: What an agent promised in the calls before the last one, the latest of it; `promise` is what falls or fell due.
    last_promise: PromiseMade | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseMade:
    """What an agent promised the customer earlier."""

    action: str
    by: str
    made_at: datetime | None
    quote: str
    #: When it fell due; None: not known.
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """In how many calls about an issue the customer showed one emotion, and which share of them that is."""

    #: As in `CallSummary.emotions`.
    emotion: str
    calls: int
    #: Calls in which it could be seen: for an emotion those in which the model named any. `share` is `calls` of them.
    n: int
    share: float | None
    #: In which stage it happens most often, and in how many of these calls; None where no stage was said.
    stage: str | None = None
    stage_calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One issue type. A call with two issues is in two rows; the total row counts each call once."""

    #: None: no issue was found.
    issue: str | None
    calls: int
    #: Calls in which the customer showed any of the emotions.
    troubled: int
    cells: tuple[HeatCell, ...]
    #: How many calls named each stage, most first.
    stages: tuple[tuple[str, int], ...] = ()
    small: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCounts:
    """How many calls a row of a heat map counts, by what their customers showed and by stage."""

    calls: int
    #: Calls in which the model named any emotion of the customer.
    heard: int
    #: Calls in which the customer showed any of the emotions.
    troubled: int
    emotions: Mapping[str, int]
    #: Calls that are mainly about the row's issue, by stage; and the same of those that showed an emotion.
    stages: Mapping[str, int]
    emotion_stages: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Issue × emotion, issues with the most troubled calls first."""

    emotions: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    total: HeatRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakLink:
    """A rule whose hits cost most: what to improve first, with evidence and the advice that goes with it."""

    rule_id: str
    title: str
    category: str
    #: The issue of most of these calls, and where it happens in those of them that are mainly about it; None where the
    #: calls say nothing.
    stage: str | None
    issue: str | None
    #: Calls with a hit, of those with an opportunity; the same of the period before.
    now: Rate
    previous: Rate | None
    points_lost: int
    #: Of the troubled calls about the same issue to which the rule applies: how many came back to calm, without a hit
    #: of it and with one.
    recovered_without_hit: Rate
    recovered_with_hit: Rate
    evidence: tuple[PeriodEvidence, ...]
    #: The rule's text, without what belongs to one call.
    advice: str
    #: The rates of recovery differ by more than chance.
    recovery_clear: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule in the period."""

    rule_id: str
    title: str
    category: str
    severity: Severity
    #: Hits, which may be several a call; `now` counts calls.
    hits: int
    points: int
    now: Rate
    previous: Rate | None = None
    baseline: Rate | None = None


class OutcomeVerdict(StrEnum):
    """What happened to a rule's hit rate after its advice was in a report."""

    FEWER = "fewer"
    MORE = "more"
    NO_CLEAR_CHANGE = "no_clear_change"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOutcome:
    """One agent whose calls a rule hit in the period before, so that its advice was in that period's report."""

    agent_id: str
    #: Calls with a hit in the period before; they count in neither rate.
    reported: int
    before: Rate
    after: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceOutcome:
    """Did a rule's hits become fewer once its advice was given? Association, not cause: `periods.advice_outcomes`."""

    rule_id: str
    title: str
    advice: str
    before: Rate
    after: Rate
    #: `after` minus `before` as a share, with its 95 % interval; None when there is nothing to compare.
    change: float | None
    change_low: float | None
    change_high: float | None
    verdict: OutcomeVerdict
    agents: tuple[AgentOutcome, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the period could be judged, and how surely: every call is in `judged`, `not_judged` or `failed`."""

    calls: int
    judged: int
    not_judged: int
    failed: int
    outside_domain: int
    #: More than half of the talk time is EMO_UNKNOWN.
    emotion_mostly_unknown: int
    roles_guessed: int
    without_agent: int
    without_order: int
    #: Of the judged ones, those that people reviewed.
    reviewed: int = 0
    #: Calls by risk: low, medium, high, and not_judged; together all calls that did not fail.
    risks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodProvenance:
    """What the report was made with."""

    qareport: str
    #: `name@revision` of each model that transcribed one of the calls, and the hash of each rule set that judged one.
    models: tuple[str, ...] = ()
    rules_sha256: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReport:
    """The report of a period (contract, version 1). Every document and mail of it is drawn from this alone."""

    schema_version: int = SCHEMA_VERSION
    period: Period
    #: The one agent whose own edition this is; None: the team's.
    agent_id: str | None = None
    headlines: tuple[Headline, ...]
    #: How many earlier periods the baseline consists of (those with calls), and how many were considered.
    baseline_periods: int = 0
    baseline_looked_at: int = 0
    #: The last periods up to this one, oldest first: days, weeks or months.
    trend: tuple[TrendPoint, ...] = ()
    #: Names and groups of the agents who occur in the report, where they are known.
    people: tuple[Agent, ...] = ()
    #: All customers who deserve a call back, the most urgent first; documents show the first `period.callbacks`.
    callbacks: tuple[Callback, ...] = ()
    #: How many they are.
    callbacks_total: int = 0
    heat: HeatMap
    weak_links: tuple[WeakLink, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    #: The same by the groups of the agents; empty where fewer than two groups are known, and in an agent's edition.
    groups: tuple[GroupRow, ...] = ()
    rules: tuple[RuleRow, ...] = ()
    outcomes: tuple[AdviceOutcome, ...] = ()
    promises: tuple[PromiseDue, ...] = ()
    #: Promises of the period that fall due later, and those without a known time.
    promises_open: int = 0
    promises_undated: int = 0
    failed_calls: tuple[FailedCall, ...] = ()
    coverage: Coverage
    #: Why the report does not cover the complete period; empty when it does.
    partial: tuple[Note, ...] = ()
    notes: tuple[Note, ...] = ()
    #: Thresholds that made the marks: calls below which a number is small, standard errors of an outlier.
    small_n: int
    outlier_sigma: float
    provenance: PeriodProvenance
