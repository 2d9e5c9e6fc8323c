"""`all`, `any`, `none`, scopes, counts and `unless`: conditions made of conditions."""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass

from qareport.rules.conditions.base import Condition
from qareport.rules.match_context import Hit, Scene, join
from qareport.rules.spans import Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered(Condition):
    """A condition that is looked for once in a call, however many rules write it."""

    condition: Condition
    #: Equal for conditions that are written alike.
    key: str

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, scene: Scene) -> list[Hit]:
        """Return its hits."""
        hits = scene.found.get(self.key)
        if hits is None:
            hits = scene.found[self.key] = self.condition.find(scene)
        return hits

    def first(self, scene: Scene) -> Hit | None:
        """Return the first of them."""
        if self.key in scene.firsts:
            return scene.firsts[self.key]
        hits = scene.found.get(self.key)
        hit = self.condition.first(scene) if hits is None else next(iter(hits), None)
        scene.firsts[self.key] = hit
        return hit

    def seen(self, scene: Scene) -> str:
        """Say what was looked at, where the condition can."""
        look = getattr(self.condition, "seen", None)
        return "" if look is None else str(look(scene))


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf(Condition):
    """Every condition holds: anywhere in the call (one hit), or with `together` each near the first one's hit."""

    conditions: tuple[Condition, ...]
    together: Extent | None

    @property
    def names_topic(self) -> bool:
        """One condition that names a topic is enough."""
        return any(condition.names_topic for condition in self.conditions)

    def find(self, scene: Scene) -> list[Hit]:
        """Return the joined hits; near: at most `together` between the end of one and the start of another."""
        if self.together is None:
            one = self._anywhere(scene)
            return [] if one is None else [one]
        found = []
        for condition in self.conditions:
            hits = condition.find(scene)
            if not hits:
                return []
            found.append(hits)
        joined = []
        for hit in found[0]:
            partners = [next((other for other in hits if self._near(hit, other, scene)), None) for hits in found[1:]]
            present = [partner for partner in partners if partner is not None]
            if len(present) == len(partners):
                joined.append(join([hit, *present]))
        return sorted(joined, key=lambda hit: hit.at_ms)

    def _anywhere(self, scene: Scene) -> Hit | None:
        firsts = []
        for condition in self.conditions:
            hit = condition.first(scene)
            if hit is None:
                return None
            firsts.append(hit)
        return join(firsts)

    def _near(self, one: Hit, other: Hit, scene: Scene) -> bool:
        if not one.evidence or not other.evidence:  # what did not happen is near everything
            return True
        if self.together is None or self.together.ms is None:
            gap = abs(scene.sentence_at(one.at_ms) - scene.sentence_at(other.at_ms))
            return self.together is None or gap <= (self.together.sentences or 0)
        return max(other.at_ms - one.end_ms, one.at_ms - other.end_ms) <= self.together.ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Condition):
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
class NoneOf(Condition):
    """No condition holds."""

    conditions: tuple[Condition, ...]

    names_topic = False

    def find(self, scene: Scene) -> list[Hit]:
        """Return one hit without evidence, at the end of what was looked at: only then it is certain."""
        if any(one.first(scene) is not None for one in self.conditions):
            return []
        return [Hit(at_ms=scene.end_ms)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped(Condition):
    """A condition in a part of the call. See `Scene.scoped`."""

    condition: Condition
    #: `first` and `last` of the rule.
    start: Extent | None = None
    end: Extent | None = None
    between: tuple[Extent, Extent] | None = None

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, scene: Scene) -> list[Hit]:
        """Return the hits that start in that part."""
        return self.condition.find(self._part(scene))

    def first(self, scene: Scene) -> Hit | None:
        """Return the first of them."""
        return self.condition.first(self._part(scene))

    def _part(self, scene: Scene) -> Scene:
        return scene.scoped(self.start, self.end, self.between)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Condition):
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

    `within`: between the start of the hit and so long after its first evidence; `before`: said in the time so long
    before its start; neither: anywhere in the call.
    """

    condition: Condition
    within: Extent | None
    before: Extent | None

    def excused(self, hits: list[Hit], scene: Scene) -> set[int]:
        """Name the indexes of the hits that it excuses. `scene` is the whole call."""
        excuses = self.condition.find(scene)
        if not excuses or (self.within is None and self.before is None):
            return set(range(len(hits))) if excuses else set()
        starts = [one.at_ms for one in excuses]
        ends = list(itertools.accumulate((one.end_ms for one in excuses), max))
        excused = set()
        for index, hit in enumerate(hits):
            after = bisect.bisect_left(starts, hit.at_ms)
            # The nearest on each side decides; of those before, the one that ends last.
            if (after < len(excuses) and self._soon(hit, excuses[after], scene)) or (
                after and self._just_said(hit, excuses[after - 1], ends[after - 1], scene)
            ):
                excused.add(index)
        return excused

    def _soon(self, hit: Hit, excuse: Hit, scene: Scene) -> bool:
        if self.within is None:
            return excuse.at_ms == hit.at_ms
        if self.within.ms is not None:
            first_end_ms = hit.evidence[0].end_ms if hit.evidence else hit.at_ms
            return excuse.at_ms <= first_end_ms + self.within.ms
        return self._sentences(hit, excuse, scene) <= (self.within.sentences or 0)

    def _just_said(self, hit: Hit, excuse: Hit, end_ms: int, scene: Scene) -> bool:
        if self.before is None:
            return False
        if self.before.ms is not None:
            return end_ms >= hit.at_ms - self.before.ms
        return self._sentences(excuse, hit, scene) <= (self.before.sentences or 0)

    @staticmethod
    def _sentences(one: Hit, other: Hit, scene: Scene) -> int:
        return scene.sentence_at(other.at_ms) - scene.sentence_at(one.at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unless(Condition):
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
