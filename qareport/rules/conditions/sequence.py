"""`sequence`: one thing after the other, each within its time."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from qareport.rules.conditions.base import Condition
from qareport.rules.scene import Hit, Scene, join


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; from the second on it must start within `within_ms` (None: any time) of the end of the one before."""

    condition: Condition
    within_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InSequence:
    """The steps happen in this order. A step starts later than the one before; it may start before that one ends."""

    steps: tuple[Step, ...]

    @property
    def names_topic(self) -> bool:
        """One step that names a topic is enough."""
        return any(step.condition.names_topic for step in self.steps)

    def find(self, scene: Scene) -> list[Hit]:
        """Return a hit for each start that leads to the end; of several that end in the same place, the earliest."""
        found = [step.condition.find(scene) for step in self.steps]
        if not all(found):
            return []
        dead: set[tuple[int, int]] = set()
        hits: list[Hit] = []
        ends: set[int] = set()
        for index in range(len(found[0])):
            path = self._follow(found, 0, index, dead)
            if path is not None and id(path[-1]) not in ends:
                ends.add(id(path[-1]))
                hits.append(join(path))
        return hits

    def _follow(
        self, found: Sequence[list[Hit]], step: int, index: int, dead: set[tuple[int, int]]
    ) -> list[Hit] | None:
        """Find the rest of the way from one hit of one step, earliest first; `dead` remembers where there is none."""
        here = found[step][index]
        if step + 1 == len(found):
            return [here]
        if (step, index) in dead:
            return None
        within_ms = self.steps[step + 1].within_ms
        others = found[step + 1]
        for following in range(bisect.bisect_right(others, here.at_ms, key=_start), len(others)):
            other = others[following]
            if within_ms is not None and other.at_ms - here.end_ms > within_ms:
                break
            rest = self._follow(found, step + 1, following, dead)
            if rest is not None:
                return [here, *rest]
        dead.add((step, index))
        return None


def _start(hit: Hit) -> int:
    return hit.at_ms
