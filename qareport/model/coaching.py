"""The coaching sheet of an agent: what to listen to, one thing to change, one thing done well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from qareport.model.period_figures import AgentPraise, PeriodEvidence
from qareport.model.period_report import AdviceOutcome, AgentOutcome, WeakLink

#: Calls that a coaching sheet names.
LISTEN_TO = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTo:
    """A call to listen to, from one second on."""

    evidence: PeriodEvidence
    #: Of the rule; "" for a customer who was calmed down.
    title: str
    #: It shows what was done well; else what to change.
    is_praise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BestSaid:
    """How an agent of the team answers a question like the one that went wrong."""

    call_id: str
    agent_id: str | None
    a_ms: int
    question: str
    answer: str
    #: How many agents answer so.
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoachingSheet:
    """What to talk about with an agent, made from the agent's own edition of a period."""

    agent_id: str
    name: str = ""
    first: date
    last: date
    calls: int
    listen_to: tuple[ListenTo, ...] = ()
    #: The weak link that cost the agent most; None: no rule took points.
    change: WeakLink | None = None
    #: What the team's agents say where this agent's calls went wrong.
    best_said: tuple[BestSaid, ...] = ()
    did_well: AgentPraise | None = None
    #: What became of the advice of the period before; None: nothing was advised, or too little is known.
    outcome: AdviceOutcome | None = None
    own_outcome: AgentOutcome | None = None
