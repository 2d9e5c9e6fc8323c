"""`sequence`: one condition after the other, each in its time.

A step starts later than the step before; it may start before that one ends. Of several starts that lead to the same
end the earliest is the hit.

Keys:
    sequence: 2 to 10 conditions in their order.
    within: in a step: it starts at most so long after the end of the step before.

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
from collections.abc import Sequence
from dataclasses import dataclass

from qareport.rules.condition_hit import ConditionHit, join
from qareport.rules.conditions.logic import fails_one
from qareport.rules.match_context import Condition, MatchContext
from qareport.rules.schema_types import Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; from the second on it must start within `within` (None: any time) of the end of the one before."""

    condition: Condition
    within: Extent | None


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
        within = self.steps[step + 1].within
        others = by_step[step + 1]
        for following in range(bisect.bisect_right(others, here.at_ms, key=_start), len(others)):
            other = others[following]
            if within is not None and not context.near(
                here.end_ms if within.ms is not None else here.at_ms, other.at_ms, within
            ):
                break
            rest = self._follow(by_step, step + 1, following, dead, context)
            if rest is not None:
                return [here, *rest]
        dead.add((step, index))
        return None


def _start(hit: ConditionHit) -> int:
    return hit.at_ms
