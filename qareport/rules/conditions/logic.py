"""`all`, `any`, `none`, `first`/`last` and `unless`: conditions made of conditions."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from qareport.rules.conditions.base import Condition
from qareport.rules.scene import Hit, Scene, join


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every condition holds: anywhere in the call (one hit), or with `together_ms` each near the first one's hit."""

    conditions: tuple[Condition, ...]
    together_ms: int | None

    @property
    def names_topic(self) -> bool:
        """One condition that names a topic is enough."""
        return any(condition.names_topic for condition in self.conditions)

    def find(self, scene: Scene) -> list[Hit]:
        """Return the joined hits; near: at most `together_ms` between the end of one and the start of another."""
        found = [condition.find(scene) for condition in self.conditions]
        if not all(found):
            return []
        if self.together_ms is None:
            return [join([hits[0] for hits in found])]
        joined = []
        for hit in found[0]:
            partners = [next((other for other in hits if self._near(hit, other)), None) for hits in found[1:]]
            present = [partner for partner in partners if partner is not None]
            if len(present) == len(partners):
                joined.append(join([hit, *present]))
        return sorted(joined, key=lambda hit: hit.at_ms)

    def _near(self, one: Hit, other: Hit) -> bool:
        if not one.evidence or not other.evidence:  # what did not happen is near everything
            return True
        gap_ms = max(other.at_ms - one.end_ms, one.at_ms - other.end_ms)
        return self.together_ms is not None and gap_ms <= self.together_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one condition holds."""

    conditions: tuple[Condition, ...]

    @property
    def names_topic(self) -> bool:
        """Only when each of them does."""
        return all(condition.names_topic for condition in self.conditions)

    def find(self, scene: Scene) -> list[Hit]:
        """Return the hits of all of them, in order of time."""
        return sorted((hit for one in self.conditions for hit in one.find(scene)), key=lambda hit: hit.at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOf:
    """No condition holds."""

    conditions: tuple[Condition, ...]

    names_topic = False

    def find(self, scene: Scene) -> list[Hit]:
        """Return one hit without evidence, at the end of what was looked at: only then it is certain."""
        return [] if any(one.find(scene) for one in self.conditions) else [Hit(at_ms=scene.end_ms)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped:
    """A condition in the first or last part of the call, counted from its first and last word."""

    condition: Condition
    first_ms: int | None
    last_ms: int | None

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, scene: Scene) -> list[Hit]:
        """Return the hits that start in that part."""
        return self.condition.find(scene.scoped(self.first_ms, self.last_ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """What excuses a hit, and where it must stand.

    `within_ms`: between the start of the hit and so long after its first evidence; `before_ms`: so long before its
    start; neither: anywhere in the call.
    """

    condition: Condition
    within_ms: int | None
    before_ms: int | None

    def excused(self, hits: list[Hit], scene: Scene) -> set[int]:
        """Name the indexes of the hits that it excuses. `scene` is the whole call."""
        starts = [other.at_ms for other in self.condition.find(scene)]
        return {index for index, hit in enumerate(hits) if self._covers(hit, starts)}

    def _covers(self, hit: Hit, starts: list[int]) -> bool:
        if self.within_ms is None and self.before_ms is None:
            return bool(starts)
        from_ms = hit.at_ms - (self.before_ms or 0)
        first_end_ms = hit.evidence[0].end_ms if hit.evidence else hit.at_ms
        to_ms = hit.at_ms if self.within_ms is None else first_end_ms + self.within_ms
        place = bisect.bisect_left(starts, from_ms)
        return place < len(starts) and starts[place] <= to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Unless:
    """A condition whose hits count only when none of the exceptions excuses them."""

    condition: Condition
    exceptions: tuple[Excuse, ...]

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, scene: Scene) -> list[Hit]:
        """Return the hits that nothing excuses. Exceptions are looked for in the whole call, whatever the scope."""
        hits = self.condition.find(scene)
        if not hits:
            return []
        excused = {index for one in self.exceptions for index in one.excused(hits, scene.whole())}
        return [hit for index, hit in enumerate(hits) if index not in excused]
