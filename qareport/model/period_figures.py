"""What a period is, its numbers and rates, and the agents in it: parts of `period_report.PeriodReport`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from qareport.model.call import OfCall


class PeriodKind(StrEnum):
    """What length of time a report covers. RANGE: any other run of days."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    RANGE = "range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A run of whole days in one time zone, both ends in it."""

    kind: PeriodKind
    first: date
    last: date
    #: IANA name (Asia/Shanghai).
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number and how many calls it was made from. None: nothing to make it from, which is not zero."""

    value: float | None
    n: int
    #: Fewer calls than `period.small_n`: chance may have made it.
    small: bool = False


class HeadlineName(StrEnum):
    """The numbers at the top of the page; docs/guide/daily-report.md says what each means."""

    CALLS = "calls"
    HIGH_RISK = "high_risk"
    ANGRY_SHARE = "angry_share"
    UNBRIDGED_SILENCES = "unbridged_silences"
    MEAN_SCORE = "mean_score"
    PASSED_SHARE = "passed_share"
    NEGATIVE_SHARE = "negative_share"
    FAILED = "failed"
    #: Calls of orders that were called about before, within `period.repeat_days`.
    REPEAT_SHARE = "repeat_share"
    #: Mean length of a call, in ms.
    HANDLING_TIME = "handling_time"
    #: Calls with a fatal finding.
    FATAL = "fatal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One number of the period against the one before and the mean of those before it."""

    name: HeadlineName
    now: Figure
    #: The period of the same length just before; None when the store has no call of it.
    previous: Figure | None = None
    #: Counts: mean of a period; means and shares: over all calls of those periods. N: as in `now`.
    baseline: Figure | None = None
    #: The difference from each is larger than chance makes in nineteen cases of twenty (`periods.significance`).
    previous_clear: bool = False
    baseline_clear: bool = False
    #: Of scores: the same number with the scores that reviewers left; None: nobody reviewed a call of the period.
    reviewed: Figure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One period of the trend: this one is the last."""

    first: date
    last: date
    calls: int
    #: None: no call of the period has one.
    mean_score: float | None
    high_risk_share: float | None
    repeat_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many calls of those that could: `hits` of `n`. None as share when there was no opportunity."""

    hits: int
    n: int
    share: float | None
    small: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodEvidence(OfCall):
    """Words (or a pause) that show something, with the call that they are from."""

    call_id: str
    order_id: str | None
    agent_id: str | None
    at_ms: int
    quote: str
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFault:
    """The rule that cost an agent most, with the hit to listen to: of the call with the lowest score."""

    rule_id: str
    title: str
    #: In how many of the agent's calls, and the points that these hits took away.
    calls: int
    points_lost: int
    evidence: PeriodEvidence
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPraise:
    """What an agent did well, with the place to listen to."""

    #: The rule that gives points; "" for a customer who was calmed down.
    rule_id: str
    title: str
    #: In how many of the agent's calls.
    calls: int
    evidence: PeriodEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTotals:
    """The calls of an agent, or of a group of agents, added up."""

    calls: int
    mean_score: Figure
    #: The same with the scores that reviewers left; None: nobody reviewed any of the calls.
    reviewed_score: Figure | None = None
    previous_score: Figure | None = None
    baseline_score: Figure | None = None
    #: The mean score differs from the baseline's by more than chance.
    baseline_clear: bool = False
    high_risk: int
    fatal: int = 0
    passed: Rate
    points_lost: int
    #: Mean length of a call, in ms.
    handling_ms: float | None = None
    #: What to coach on first: the rule that cost most; None: nothing did.
    main_fault: AgentFault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow(CallTotals):
    """One agent in the period; `agent_id` None gathers the calls whose agent is not known."""

    agent_id: str | None
    #: What to praise; None: nothing was found.
    praise: AgentPraise | None = None
    #: Distance of the mean score from the team's in standard errors; None with too few calls or agents.
    sigma: float | None = None
    outlier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow(CallTotals):
    """One group of agents in the period; `group` "" gathers the calls of agents without one."""

    group: str
    #: How many of its agents had calls.
    agents: int
