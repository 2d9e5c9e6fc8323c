"""`sequence`: one condition after the other, each in its time.

A step starts later than the step before; it may start before that one ends. Of several starts that lead to the same
end the earliest is the hit.

Keys:
    sequence: 2 to 10 conditions in their order.
    within: in a step: it starts at most so long after the end of the step before.
    earliest: in a step: it starts at least so long after it; `earliest: 2 sentences` skips the next sentence.

Example:
    sequence:
      - customer says: [发货, 物流单号]
      - silence: 2s
        within: 10s
      - emotion: ANGRY
        within: 1m
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.rules.condition_hit import ConditionHit, join
from qareport.rules.conditions.logic import NoneOf, Scoped, fails_one
from qareport.rules.match_context import Condition, MatchContext
from qareport.rules.schema_types import Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; from the second on it must start within `within` (None: any time) of the end of the one before."""

    condition: Condition
    within: Extent | None
    #: It must start at least so long after that end.
    earliest: Extent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InSequence(Condition):
    """The steps happen in this order. A step starts later than the one before; it may start before that one ends."""

    steps: tuple[Step, ...]

    @property
    def names_topic(self) -> bool:
        """One step that names a topic is enough."""
        return any(step.condition.names_topic for step in self.steps)

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return a hit for each start that leads to the end; of several that end in the same place, the earliest."""
        by_step = []
        for step in self.steps:
            of_step = step.condition.find(context)
            if not of_step:
                return []
            by_step.append(of_step)
        dead: set[tuple[int, int]] = set()
        hits: list[ConditionHit] = []
        ends: set[int] = set()
        for index in range(len(by_step[0])):
            path = self._follow(by_step, 0, index, dead, context)
            if path is not None and id(path[-1]) not in ends:
                ends.add(id(path[-1]))
                hits.append(join(path))
        return hits

    def is_judged(self, context: MatchContext) -> bool:
        """Where one step certainly does not happen, or each is."""
        return fails_one(tuple(step.condition for step in self.steps), context)

    def _follow(
        self,
        by_step: Sequence[list[ConditionHit]],
        step: int,
        index: int,
        dead: set[tuple[int, int]],
        context: MatchContext,
    ) -> list[ConditionHit] | None:
        """Find the rest of the way from one hit of one step, earliest first; `dead` remembers where there is none."""
        here = by_step[step][index]
        if step + 1 == len(by_step):
            return [here]
        if (step, index) in dead:
            return None
        within, earliest = self.steps[step + 1].within, self.steps[step + 1].earliest
        others = by_step[step + 1]
        for following in range(bisect.bisect_right(others, here.at_ms, key=_start), len(others)):
            other = others[following]
            if within is not None and not context.near(
                here.end_ms if within.ms is not None else here.at_ms, other.at_ms, within
            ):
                break
            if earliest is not None and not context.far(
                here.end_ms if earliest.ms is not None else here.at_ms, other.at_ms, earliest
            ):
                continue
            rest = self._follow(by_step, step + 1, following, dead, context)
            if rest is not None:
                return [here, *rest]
        dead.add((step, index))
        return None


def _start(hit: ConditionHit) -> int:
    return hit.at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AllTogether(Condition):
    """Every condition holds, any two of them at most `gap` apart, in whatever order they happen and are written.

    Facts of the whole call (a weekday, its length) are near everything. Of `none` nothing may hold so near to the
    others.
    """

    conditions: tuple[Condition, ...]
    gap: Extent

    @property
    def names_topic(self) -> bool:
        """One condition that names a topic is enough."""
        return any(condition.names_topic for condition in self.conditions)

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return the joined hits in order of time; each hit of a condition is in one of them."""
        placed: list[list[ConditionHit]] = []
        facts: list[ConditionHit] = []
        against: list[ConditionHit] = []
        for condition in self.conditions:
            denied = _denied(condition, context)
            if denied is not None:
                if not denied and not condition.is_judged(context):
                    return []
                against += denied
                continue
            hits = condition.find(context)
            if not hits:
                return []
            if hits[0].everywhere or not hits[0].evidence:
                facts.append(hits[0])
            else:
                placed.append(hits)
        if not placed:
            return [] if against or not facts else [join(facts)]
        groups = (group for group in self._groups(placed, context) if not self._is_denied(group, against, context))
        return sorted((join([*group, *facts]) for group in groups), key=lambda hit: hit.at_ms)

    def is_judged(self, context: MatchContext) -> bool:
        """Where one condition certainly does not hold, or each is."""
        return fails_one(self.conditions, context)

    def _groups(self, placed: list[list[ConditionHit]], context: MatchContext) -> Iterator[list[ConditionHit]]:
        """Put together hits of each condition, the earliest that are near enough; a hit belongs to one group."""
        order = heapq.merge(*([(hit, index) for hit in hits] for index, hits in enumerate(placed)), key=_start_of_item)
        waiting: list[list[ConditionHit]] = [[] for _ in placed]
        for hit, index in order:
            # The latest start is this one's: who ended too long ago is near to nothing that follows.
            waiting = [[other for other in hits if self._is_near(other, hit, context)] for hits in waiting]
            waiting[index].append(hit)
            if all(waiting):
                group = [hits.pop(0) for hits in waiting]
                yield group

    def _is_near(self, earlier: ConditionHit, later: ConditionHit, context: MatchContext) -> bool:
        return context.near(earlier.end_ms if self.gap.ms is not None else earlier.at_ms, later.at_ms, self.gap)

    def _is_denied(self, group: list[ConditionHit], against: list[ConditionHit], context: MatchContext) -> bool:
        """Tell whether something that must not be is near the span of a group."""
        first, last = min(group, key=_start), max(group, key=_end)
        return any(self._is_near(hit, first, context) and self._is_near(last, hit, context) for hit in against)


def _denied(condition: Condition, context: MatchContext) -> list[ConditionHit] | None:
    """Return what speaks against a condition that says what must not be; None of any other."""
    if type(condition) is Scoped:  # a Protocol makes `isinstance` slow
        return _denied(condition.condition, condition.part_of(context))
    if type(condition) is NoneOf:
        return [hit for inner in condition.conditions for hit in inner.find(context)]
    return None


def _start_of_item(item: tuple[ConditionHit, int]) -> int:
    return item[0].at_ms


def _end(hit: ConditionHit) -> int:
    return hit.end_ms
