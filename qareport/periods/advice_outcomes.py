"""Did the advice work: a rule's hit rate among the agents who were given its advice, before and after."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from qareport.model import AdviceOutcome, AgentOutcome, CallSummary, OutcomeVerdict, RuleHit
from qareport.periods.scope import Scope, difference_interval

#: An agent, a rule.
_Key = tuple[str, str]


def advice_outcomes(scope: Scope) -> tuple[AdviceOutcome, ...]:
    """Compare a rule's hit rate among the agents who were given its advice, before and after they were.

    Given: a call of the agent was hit in the period just before, so the advice stood in that period's report, which is
    read when this period begins. `before`: these agents' calls in the earlier periods of the baseline; `after`: their
    calls in this period; each over the calls to which the rule applies. The period that chose the agents counts on
    neither side: who was chosen for hits has more of them in that period by chance alone, and fewer after it, advice or
    not (regression to the mean). Rules without advice, and rules that cost nothing, are left out, and agents without
    calls on both sides.

    The verdict compares the sums over agents: fewer or more when the 95 % interval of the difference leaves out zero,
    too few when either side has under `small_n` calls. Of twenty rules whose advice does nothing about one is called
    changed. It shows association, not cause: that an agent read the report is not known, calls differ from day to day,
    and the same advice may have stood in earlier reports.
    """
    told, rules = _told(scope.previous or ())
    previous = {id(one) for one in scope.previous or ()}
    before = _count((one for one in scope.baseline if id(one) not in previous), told)
    after = _count(scope.now, told)
    grouped: dict[str, list[AgentOutcome]] = defaultdict(list)
    for agent, rule_id in sorted(before.keys() & after.keys()):
        key = (agent, rule_id)
        grouped[rule_id].append(
            AgentOutcome(
                agent_id=agent,
                reported=told[key],
                before=scope.rate(*before[key]),
                after=scope.rate(*after[key]),
            )
        )
    made = [_outcome(scope, rules[rule_id], agents) for rule_id, agents in grouped.items()]
    order = tuple(OutcomeVerdict)
    made.sort(key=lambda one: (order.index(one.verdict), one.change or 0.0, one.rule_id))
    return tuple(made)


def _told(calls: Iterable[CallSummary]) -> tuple[Counter[_Key], dict[str, RuleHit]]:
    """Count the calls with a hit by agent and rule, and keep the rules that cost points and give advice."""
    told: Counter[_Key] = Counter()
    rules: dict[str, RuleHit] = {}
    for one in calls:
        if one.agent_id is None or one.score is None:
            continue
        costly = {hit.rule_id: hit for hit in one.hits if hit.advice and (hit.points < 0 or hit.fatal)}
        rules.update(costly)
        told.update((one.agent_id, rule_id) for rule_id in costly)
    return told, rules


def _count(calls: Iterable[CallSummary], told: Mapping[_Key, int]) -> dict[_Key, tuple[int, int]]:
    """Count, for each agent and rule of `told`, the calls with a hit and those to which the rule applies."""
    given: dict[str, list[str]] = defaultdict(list)
    for agent, rule_id in told:
        given[agent].append(rule_id)
    hits, n = Counter[_Key](), Counter[_Key]()
    for one in calls:
        if one.agent_id is None or one.score is None or one.agent_id not in given:
            continue
        hit = {found.rule_id for found in one.hits}
        idle = frozenset(one.not_applicable)
        for rule_id in given[one.agent_id]:
            if rule_id in hit or rule_id not in idle:
                hits[one.agent_id, rule_id] += rule_id in hit
                n[one.agent_id, rule_id] += 1
    return {key: (hits[key], count) for key, count in n.items()}


def _outcome(scope: Scope, rule: RuleHit, agents: Sequence[AgentOutcome]) -> AdviceOutcome:
    before = scope.rate(sum(one.before.hits for one in agents), sum(one.before.n for one in agents))
    after = scope.rate(sum(one.after.hits for one in agents), sum(one.after.n for one in agents))
    interval = difference_interval(before, after)
    verdict = OutcomeVerdict.NO_CLEAR_CHANGE
    if interval is None or before.small or after.small:
        verdict = OutcomeVerdict.TOO_FEW
    elif interval[2] < 0:
        verdict = OutcomeVerdict.FEWER
    elif interval[1] > 0:
        verdict = OutcomeVerdict.MORE
    change, low, high = interval or (None, None, None)
    return AdviceOutcome(
        rule_id=rule.rule_id,
        title=rule.title,
        advice=rule.advice,
        before=before,
        after=after,
        change=change,
        change_low=low,
        change_high=high,
        verdict=verdict,
        agents=tuple(agents),
    )
