"""`all`, `any`, `none`, scopes, counts and `unless`: conditions made of conditions."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from qareport.rules.conditions.base import Condition
from qareport.rules.extent import Extent
from qareport.rules.scene import Hit, Scene, join


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every condition holds: anywhere in the call (one hit), or with `together` each near the first one's hit."""

    conditions: tuple[Condition, ...]
    together: Extent | None

    @property
    def names_topic(self) -> bool:
        """One condition that names a topic is enough."""
        return any(condition.names_topic for condition in self.conditions)

    def find(self, scene: Scene) -> list[Hit]:
        """Return the joined hits; near: at most `together` between the end of one and the start of another."""
        found = []
        for condition in self.conditions:
            hits = condition.find(scene)
            if not hits:
                return []
            found.append(hits)
        if self.together is None:
            return [join([hits[0] for hits in found])]
        joined = []
        for hit in found[0]:
            partners = [next((other for other in hits if self._near(hit, other, scene)), None) for hits in found[1:]]
            present = [partner for partner in partners if partner is not None]
            if len(present) == len(partners):
                joined.append(join([hit, *present]))
        return sorted(joined, key=lambda hit: hit.at_ms)

    def _near(self, one: Hit, other: Hit, scene: Scene) -> bool:
        if not one.evidence or not other.evidence:  # what did not happen is near everything
            return True
        if self.together is None or self.together.ms is None:
            gap = abs(scene.sentence_at(one.at_ms) - scene.sentence_at(other.at_ms))
            return self.together is None or gap <= (self.together.sentences or 0)
        return max(other.at_ms - one.end_ms, one.at_ms - other.end_ms) <= self.together.ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least so many of the conditions hold."""

    conditions: tuple[Condition, ...]
    at_least: int = 1

    @property
    def names_topic(self) -> bool:
        """Only when each of them does."""
        return all(condition.names_topic for condition in self.conditions)

    def find(self, scene: Scene) -> list[Hit]:
        """Return the hits of all of them in order of time; with `at_least` one hit, joined of the first of each."""
        found = [hits for one in self.conditions if (hits := one.find(scene))]
        if self.at_least > 1:
            return [join([hits[0] for hits in found])] if len(found) >= self.at_least else []
        return sorted((hit for hits in found for hit in hits), key=lambda hit: hit.at_ms)


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
    """A condition in a part of the call. See `Scene.scoped`."""

    condition: Condition
    first: Extent | None = None
    last: Extent | None = None
    between: tuple[Extent, Extent] | None = None

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, scene: Scene) -> list[Hit]:
        """Return the hits that start in that part."""
        return self.condition.find(scene.scoped(self.first, self.last, self.between))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A condition's N-th hit alone, or all of them as one hit when there are at least N."""

    condition: Condition
    nth: int | None = None
    at_least: int | None = None

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, scene: Scene) -> list[Hit]:
        """Return one hit; it stands where the count is reached."""
        hits = self.condition.find(scene)
        if self.nth is not None:
            return hits[self.nth - 1 : self.nth]
        if self.at_least is None or len(hits) < self.at_least:
            return []
        joined = join(hits[: self.at_least])
        return [Hit(at_ms=hits[self.at_least - 1].at_ms, evidence=joined.evidence, topic=joined.topic)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """What excuses a hit, and where it must stand.

    `within`: between the start of the hit and so long after its first evidence; `before`: so long before its start;
    neither: anywhere in the call.
    """

    condition: Condition
    within: Extent | None
    before: Extent | None

    def excused(self, hits: list[Hit], scene: Scene) -> set[int]:
        """Name the indexes of the hits that it excuses. `scene` is the whole call."""
        starts = sorted(other.at_ms for other in self.condition.find(scene))
        return {index for index, hit in enumerate(hits) if self._covers(hit, starts, scene)}

    def _covers(self, hit: Hit, starts: list[int], scene: Scene) -> bool:
        if self.within is None and self.before is None:
            return bool(starts)
        from_ms, to_ms = hit.at_ms, hit.at_ms
        if self.before is not None:
            from_ms = hit.at_ms - self.before.ms if self.before.ms is not None else -1
        if self.within is not None:
            first_end_ms = hit.evidence[0].end_ms if hit.evidence else hit.at_ms
            to_ms = first_end_ms + self.within.ms if self.within.ms is not None else scene.length_ms
        place = bisect.bisect_left(starts, from_ms)
        while place < len(starts) and starts[place] <= to_ms:
            if self._near(hit.at_ms, starts[place], scene):
                return True
            place += 1
        return False

    def _near(self, at_ms: int, start_ms: int, scene: Scene) -> bool:
        """Count sentences where they were asked for; time was looked at already."""
        gap = self.before if start_ms < at_ms else self.within
        if gap is None or gap.sentences is None:
            return True
        return abs(scene.sentence_at(start_ms) - scene.sentence_at(at_ms)) <= gap.sentences


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
