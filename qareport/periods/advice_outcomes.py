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

    Given: a call of the agent was hit in the period just before, so the advice was in that period's report, which is
    read when this period begins. `before`: these agents' calls in the earlier periods of the baseline; `after`: their
    calls in this period; each over the calls to which the rule applies. The period that chose the agents counts on
    neither side: who was chosen for hits has more of them in that period by chance alone, and fewer after it, advice or
    not (regression to the mean). Rules without advice, and rules that cost nothing, are left out, and agents without
    calls on both sides.

    The verdict compares the sums over agents: fewer or more when the 95 % interval of the difference leaves out zero,
    too few when either side has under `small_n` calls. Of twenty rules whose advice does nothing about one is called
    changed. It shows association, not cause: that an agent read the report is not known, calls differ from day to day,
    and the same advice may have been in earlier reports.
    """
    advised, rules = _advised(scope.previous or ())
    previous = {id(call) for call in scope.previous or ()}
    before = _count((call for call in scope.baseline if id(call) not in previous), advised)
    after = _count(scope.now, advised)
    grouped: dict[str, list[AgentOutcome]] = defaultdict(list)
    for agent, rule_id in sorted(before.keys() & after.keys()):
        key = (agent, rule_id)
        grouped[rule_id].append(
            AgentOutcome(
                agent_id=agent,
                reported=advised[key],
                before=scope.rate(*before[key]),
                after=scope.rate(*after[key]),
            )
        )
    outcomes = [_outcome(scope, rules[rule_id], agents) for rule_id, agents in grouped.items()]
    order = tuple(OutcomeVerdict)
    outcomes.sort(key=lambda outcome: (order.index(outcome.verdict), outcome.change or 0.0, outcome.rule_id))
    return tuple(outcomes)


def _advised(calls: Iterable[CallSummary]) -> tuple[Counter[_Key], dict[str, RuleHit]]:
    """Count the calls with a hit by agent and rule, and keep the rules that cost points and give advice."""
    advised: Counter[_Key] = Counter()
    rules: dict[str, RuleHit] = {}
    for call in calls:
        if call.agent_id is None or call.score is None:
            continue
        costly = {hit.rule_id: hit for hit in call.hits if hit.advice and (hit.points < 0 or hit.fatal)}
        rules.update(costly)
        advised.update((call.agent_id, rule_id) for rule_id in costly)
    return advised, rules


def _count(calls: Iterable[CallSummary], advised: Mapping[_Key, int]) -> dict[_Key, tuple[int, int]]:
    """Count, for each agent and rule of `advised`, the calls with a hit and those to which the rule applies."""
    rules_of: dict[str, list[str]] = defaultdict(list)
    for agent, rule_id in advised:
        rules_of[agent].append(rule_id)
    hits, n = Counter[_Key](), Counter[_Key]()
    for call in calls:
        if call.agent_id is None or call.score is None or call.agent_id not in rules_of:
            continue
        hit_rules = {hit.rule_id for hit in call.hits}
        not_applicable = frozenset(call.not_applicable)
        for rule_id in rules_of[call.agent_id]:
            if rule_id in hit_rules or rule_id not in not_applicable:
                hits[call.agent_id, rule_id] += rule_id in hit_rules
                n[call.agent_id, rule_id] += 1
    return {key: (hits[key], count) for key, count in n.items()}


def _outcome(scope: Scope, rule: RuleHit, agents: Sequence[AgentOutcome]) -> AdviceOutcome:
    before = scope.rate(sum(agent.before.hits for agent in agents), sum(agent.before.n for agent in agents))
    after = scope.rate(sum(agent.after.hits for agent in agents), sum(agent.after.n for agent in agents))
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
