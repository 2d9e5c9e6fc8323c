"""Rules over a period: how often each rule hit, what to improve first, and whether advice helped."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from qareport.model import (
    AdviceOutcome,
    AgentOutcome,
    CallSummary,
    OutcomeVerdict,
    PeriodEvidence,
    Rate,
    RuleHit,
    RuleRow,
    Severity,
    SummaryMoment,
    WeakLink,
)
from qareport.periods.scope import RuleCounts, Scope, cost_of, count_rules
from qareport.periods.significance import difference_interval, shares_differ

_SEVERITIES = tuple(Severity)
#: Quotations shown beside a weak link.
_EVIDENCE = 3


def rule_rows(scope: Scope) -> tuple[RuleRow, ...]:
    """Make one row for each rule that was hit, now or in the baseline: most calls first.

    Rate: calls with a hit, of the judged calls in which the rule applied (`applies_when`; a rule without one applies
    in every call). Points: of all hits as the rule gives them, before a category's limit.
    """
    now = count_rules(scope.now)
    previous = count_rules(scope.previous) if scope.previous is not None else None
    baseline = count_rules(scope.baseline) if scope.baseline_periods else None
    hits = _hits(scope.now)
    judged = (call for call in (*scope.baseline, *scope.now) if call.score is not None)
    latest = {hit.rule_id: hit for call in judged for hit in call.hits}
    rows = [
        RuleRow(
            rule_id=rule_id,
            title=hit.title,
            category=hit.category,
            severity=hit.severity,
            hits=len(hits.get(rule_id, ())),
            points=sum(hit.points for _, hit in hits.get(rule_id, ())),
            now=_rate(scope, now, rule_id),
            previous=_rate(scope, previous, rule_id) if previous else None,
            baseline=_rate(scope, baseline, rule_id) if baseline else None,
        )
        for rule_id, hit in latest.items()
    ]
    rows.sort(key=lambda row: (-row.now.hits, -_SEVERITIES.index(row.severity), row.rule_id))
    return tuple(rows)


def weak_links(scope: Scope) -> tuple[WeakLink, ...]:
    """Name the rules whose hits cost most points in the period, with evidence and advice.

    Cost: points taken away, before a category's limit; a fatal hit costs the full score. Issue: what most of the hit
    calls are mainly about; stage: that of most of these. Advice: the text of most of these, which names no single call.
    Recovered: of the calls about that issue to which the rule applies and in which the
    customer was troubled, how many came back to calm, without a hit of the rule and with one. Evidence: of the calls
    with the lowest scores, one quotation an order.
    """
    now = count_rules(scope.now)
    previous = count_rules(scope.previous) if scope.previous is not None else None
    hits = _hits(scope.now)
    costs = {rule_id: sum(cost_of(hit) for _, hit in found) for rule_id, found in hits.items()}
    ranked = sorted((rule_id for rule_id in costs if costs[rule_id] > 0), key=lambda name: (-costs[name], name))
    return tuple(
        _link(scope, hits[rule_id], costs[rule_id], now, previous) for rule_id in ranked[: scope.settings.weak_links]
    )


def _link(
    scope: Scope, hits: Sequence[tuple[CallSummary, RuleHit]], cost: int, now: RuleCounts, previous: RuleCounts | None
) -> WeakLink:
    rule = hits[-1][1]
    calls = list({id(call): call for call, _ in hits}.values())
    issue = _most(call.issues[0] for call in calls if call.issues)
    own = [call for call in calls if issue is None or call.issues[:1] == (issue,)]
    about = [call for call in scope.now if issue is None or issue in call.issues]
    with_hit, without_hit = _recoveries(scope, about, rule.rule_id)
    return WeakLink(
        rule_id=rule.rule_id,
        title=rule.title,
        category=rule.category,
        stage=_most(name for call in own for name in dict.fromkeys(call.stages)),
        issue=issue,
        now=_rate(scope, now, rule.rule_id),
        previous=_rate(scope, previous, rule.rule_id) if previous else None,
        points_lost=cost,
        recovered_without_hit=without_hit,
        recovered_with_hit=with_hit,
        recovery_clear=not (with_hit.small or without_hit.small) and shares_differ(without_hit, with_hit),
        evidence=tuple(_evidence(hits)),
        advice=_most(hit.advice for call, hit in hits if any(call is other for other in own)) or rule.advice,
    )


def _recoveries(scope: Scope, about: Iterable[CallSummary], rule_id: str) -> tuple[Rate, Rate]:
    """Return how many troubled calls came back to calm: those with a hit of the rule, and those without."""
    answers: dict[bool, list[bool]] = {True: [], False: []}
    for call in about:
        if call.score is not None and call.recovered is not None and rule_id not in call.not_applicable:
            answers[any(hit.rule_id == rule_id for hit in call.hits)].append(call.recovered)
    with_hit, without_hit = (scope.rate(sum(answers[key]), len(answers[key])) for key in (True, False))
    return with_hit, without_hit


def _evidence(hits: Sequence[tuple[CallSummary, RuleHit]]) -> Iterator[PeriodEvidence]:
    ranked = sorted(hits, key=lambda item: (not item[1].quote, item[0].score or 0, item[0].call_id, item[1].at_ms))
    seen: set[str] = set()
    for call, hit in ranked:
        name = call.subject
        if name not in seen and len(seen) < _EVIDENCE:
            seen.add(name)
            yield evidence_of(call, hit)


def evidence_of(call: CallSummary, place: RuleHit | SummaryMoment) -> PeriodEvidence:
    """Say where in a call something is to be heard."""
    return PeriodEvidence(
        call_id=call.call_id,
        order_id=call.order_id,
        agent_id=call.agent_id,
        at_ms=place.at_ms,
        quote=place.quote,
        started_at=call.started_at,
    )


def _hits(calls: Iterable[CallSummary]) -> dict[str, list[tuple[CallSummary, RuleHit]]]:
    by_rule: dict[str, list[tuple[CallSummary, RuleHit]]] = defaultdict(list)
    for call in calls:
        if call.score is not None:
            for hit in call.hits:
                by_rule[hit.rule_id].append((call, hit))
    return by_rule


def _rate(scope: Scope, counts: RuleCounts, rule_id: str) -> Rate:
    return scope.rate(counts.hit[rule_id], max(counts.opportunities(rule_id), counts.hit[rule_id]))


def _most(names: Iterable[str]) -> str | None:
    counts = Counter(names)
    return min(counts, key=lambda name: (-counts[name], name)) if counts else None


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
