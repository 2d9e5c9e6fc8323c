"""Did the advice work: a rule's hit rate before and after its advice first stood in a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from qareport.digest.counting import Scope, difference_interval
from qareport.digest.days import local_day
from qareport.model import AdviceOutcome, AgentOutcome, CallDigest, OutcomeVerdict, RuleHit

#: An agent, a rule.
_Key = tuple[str, str]
_Counts = dict[_Key, list[int]]


def advice_outcomes(scope: Scope) -> tuple[AdviceOutcome, ...]:
    """Compare, for each rule that gives advice, its hit rate before and after the advice stood in an agent's report.

    Counted are the calls of the period and of its baseline, agent by agent. The advice first stood in a report on the
    first day, within these days, on which the agent's call was hit; that report is read the next morning. `before`:
    the agent's calls with an opportunity up to and including that day; `after`: those of later days. Only agents with
    calls on both sides count. The verdict compares the sums over agents: fewer or more when the 95 % interval of the
    difference leaves out zero, too few when either side has under `small_n` calls.

    It shows association, not cause. That an agent read the report is not known; calls differ from day to day; earlier
    advice, from before these days, is not seen. Stopping `before` at a hit does not by itself raise the summed rate (a
    stopping time, Wald's identity), but agents without any hit are left out, which raises it a little: small falls mean
    nothing.
    """
    dated = _dated((*scope.baseline, *scope.now), scope.period.time_zone)
    first, rules = _first_reports(dated)
    before, after = _count(dated, first)
    grouped: dict[str, list[AgentOutcome]] = defaultdict(list)
    for agent, rule_id in sorted(after):
        key = (agent, rule_id)
        grouped[rule_id].append(
            AgentOutcome(
                agent_id=agent,
                first_reported=first[key],
                before=scope.rate(*before[key]),
                after=scope.rate(*after[key]),
            )
        )
    made = [_outcome(scope, rules[rule_id], agents) for rule_id, agents in grouped.items()]
    order = tuple(OutcomeVerdict)
    made.sort(key=lambda one: (order.index(one.verdict), one.change or 0.0, one.rule_id))
    return tuple(made)


def _dated(calls: Iterable[CallDigest], zone: str) -> list[tuple[date, str, CallDigest]]:
    return [
        (local_day(one.started_at, zone), one.agent_id, one)
        for one in calls
        if one.started_at is not None and one.agent_id is not None and one.score is not None
    ]


def _first_reports(
    dated: Iterable[tuple[date, str, CallDigest]],
) -> tuple[dict[_Key, date], dict[str, RuleHit]]:
    """Find when each agent was first hit by each rule that costs points and gives advice, and the rules themselves."""
    first: dict[_Key, date] = {}
    rules: dict[str, RuleHit] = {}
    for day, agent, one in dated:
        for hit in one.hits:
            if hit.advice and (hit.points < 0 or hit.fatal):
                key = (agent, hit.rule_id)
                first[key] = min(first.get(key, day), day)
                rules[hit.rule_id] = hit
    return first, rules


def _count(dated: Iterable[tuple[date, str, CallDigest]], first: dict[_Key, date]) -> tuple[_Counts, _Counts]:
    told: dict[str, list[tuple[str, date]]] = defaultdict(list)
    for (agent, rule_id), day in first.items():
        told[agent].append((rule_id, day))
    before: _Counts = defaultdict(lambda: [0, 0])
    after: _Counts = defaultdict(lambda: [0, 0])
    for day, agent, one in dated:
        hit = {found.rule_id for found in one.hits}
        idle = frozenset(one.not_applicable)
        for rule_id, reported in told[agent]:
            if rule_id in idle and rule_id not in hit:
                continue
            counts = (before if day <= reported else after)[agent, rule_id]
            counts[0] += rule_id in hit
            counts[1] += 1
    return before, after


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
