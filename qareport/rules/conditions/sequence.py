"""`sequence`: one thing after the other, each within its time."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from qareport.rules.conditions.base import Condition
from qareport.rules.match_context import Hit, Scene, join
from qareport.rules.spans import Extent


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

    def find(self, scene: Scene) -> list[Hit]:
        """Return a hit for each start that leads to the end; of several that end in the same place, the earliest."""
        found = []
        for step in self.steps:
            of_step = step.condition.find(scene)
            if not of_step:
                return []
            found.append(of_step)
        dead: set[tuple[int, int]] = set()
        hits: list[Hit] = []
        ends: set[int] = set()
        for index in range(len(found[0])):
            path = self._follow(found, 0, index, dead, scene)
            if path is not None and id(path[-1]) not in ends:
                ends.add(id(path[-1]))
                hits.append(join(path))
        return hits

    def _follow(
        self, found: Sequence[list[Hit]], step: int, index: int, dead: set[tuple[int, int]], scene: Scene
    ) -> list[Hit] | None:
        """Find the rest of the way from one hit of one step, earliest first; `dead` remembers where there is none."""
        here = found[step][index]
        if step + 1 == len(found):
            return [here]
        if (step, index) in dead:
            return None
        within = self.steps[step + 1].within
        others = found[step + 1]
        for following in range(bisect.bisect_right(others, here.at_ms, key=_start), len(others)):
            other = others[following]
            if within is not None and not scene.near(
                here.end_ms if within.ms is not None else here.at_ms, other.at_ms, within
            ):
                break
            rest = self._follow(found, step + 1, following, dead, scene)
            if rest is not None:
                return [here, *rest]
        dead.add((step, index))
        return None


def _start(hit: Hit) -> int:
    return hit.at_ms
