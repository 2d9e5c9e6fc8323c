"""`all`, `any`, `none`, and the modifiers beside every condition: conditions made of conditions.

The hit of `none` is at the end of what was looked at; a rule that looks at the `first` part of the call finds the fault
at its first word, where what is missing belongs. What was not judged (acts that no reader read, emotions, the
words of a speaker who is not known, a start that is not known …) is neither true nor false, however deep it stands:
`none` of it never holds, and where an exception was not judged the hit does not count.

An extent is a time, a share of the call, turns or sentences: `30s`, `20%`, `3 turns`, `5 sentences`, or those of one
role: `3 agent sentences`. `together`, `within` and `before` take times and sentences, `between` times and shares.

A condition is looked for in its part of the call (`first`, `last`, `between`), then counted (`nth`, `times`), then
excused (`unless`).

Keys:
    all: every condition of the list holds, anywhere in the call.
    together: beside `all`: any two of them at most so far apart; `none` in the list looks so far around the others.
    any: one of the conditions holds; a sentence in which several do is one hit.
    at_least: beside `any`: so many of them hold.
    none: no condition of the list holds; what was not judged is held against nobody.
    condition: the name of a condition that stands below `conditions` in `synonyms.yaml`, for several rules.
    first: only what starts in the first part of the call, counted from the first word.
    last: only what starts in the last part of the call, counted back from the last word.
    between: only what starts between two places of the recording; negative ones count from its end.
    nth: only the n-th hit.
    times: all hits as one, if there are so many.
    within: beside `times`: so many in this time, from the start of the first to the start of the last of them.
    unless: conditions that excuse a hit: with neither `within` nor `before`, anywhere in the call.
    within: in an exception: from the start of the hit until so long after the end of the sentence that starts it.
    before: in an exception: said in the time so long before the hit.
    around: in an exception: `within` and `before` in one.
    earliest: in an exception: what comes sooner after that sentence does not excuse.

Example:
    none:
      - agent says: [抱歉, 不好意思]
      - agent says: 给您补发
    first: 2m
    unless:
      - customer says: 打错了
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass, replace

from qareport.rules.condition_hit import ConditionHit, join
from qareport.rules.match_context import Condition, MatchContext
from qareport.rules.schema_types import Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered(Condition):
    """A condition that is evaluated once in a call, however many rules write it."""

    condition: Condition
    #: Equal for conditions that are written alike.
    key: str

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return its hits."""
        hits = context.hits.get(self.key)
        if hits is None:
            hits = context.hits[self.key] = self.condition.find(context)
        return hits

    def first(self, context: MatchContext) -> ConditionHit | None:
        """Return the first of them."""
        if self.key in context.firsts:
            return context.firsts[self.key]
        hits = context.hits.get(self.key)
        hit = self.condition.first(context) if hits is None else next(iter(hits), None)
        context.firsts[self.key] = hit
        return hit

    def seen(self, context: MatchContext) -> str:
        """Say what was looked at, where the condition can."""
        look = getattr(self.condition, "seen", None)
        return "" if look is None else str(look(context))

    def is_judged(self, context: MatchContext) -> bool:
        """As the condition is."""
        return self.condition.is_judged(context)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf(Condition):
    """Every condition holds, anywhere in the call: one hit."""

    conditions: tuple[Condition, ...]

    @property
    def names_topic(self) -> bool:
        """One condition that names a topic is enough."""
        return any(condition.names_topic for condition in self.conditions)

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return the joined first hits."""
        firsts = []
        for condition in self.conditions:
            hit = condition.first(context)
            if hit is None:
                return []
            firsts.append(hit)
        return [join(firsts)]

    def is_judged(self, context: MatchContext) -> bool:
        """Where one condition certainly does not hold, or each is."""
        return fails_one(self.conditions, context)


def fails_one(conditions: tuple[Condition, ...], context: MatchContext) -> bool:
    """Tell whether one of the conditions certainly does not hold, or nothing of them is uncertain."""
    judged = [condition.is_judged(context) for condition in conditions]
    return all(judged) or any(
        known and condition.first(context) is None for known, condition in zip(judged, conditions, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Condition):
    """At least so many of the conditions hold."""

    conditions: tuple[Condition, ...]
    at_least: int = 1

    @property
    def names_topic(self) -> bool:
        """Only when each of them does."""
        return all(condition.names_topic for condition in self.conditions)

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return the hits of all of them in order of time; with `at_least` one hit, joined of the first of each.

        A sentence in which several conditions hold is one hit.
        """
        by_condition = [hits for condition in self.conditions if (hits := condition.find(context))]
        if self.at_least > 1:
            return [join([hits[0] for hits in by_condition])] if len(by_condition) >= self.at_least else []
        if len(by_condition) == 1:
            return by_condition[0]
        hits = sorted((hit for hits in by_condition for hit in hits), key=lambda hit: hit.at_ms)
        return list({hit.place: hit for hit in reversed(hits)}.values())[::-1]

    def is_judged(self, context: MatchContext) -> bool:
        """Where too few could hold even if all did that were not judged."""
        possible = sum(
            1 for condition in self.conditions if not condition.is_judged(context) or condition.first(context)
        )
        return possible < self.at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOf(Condition):
    """No condition holds."""

    conditions: tuple[Condition, ...]

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one hit without evidence, at the end of what was looked at: only then it is certain."""
        if any(condition.first(context) is not None for condition in self.conditions):
            return []
        if not all(condition.is_judged(context) for condition in self.conditions):
            return []
        return [ConditionHit(at_ms=context.end_ms)]

    def is_judged(self, context: MatchContext) -> bool:
        """Where one condition holds, or each is."""
        return any(condition.first(context) is not None for condition in self.conditions) or all(
            condition.is_judged(context) for condition in self.conditions
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped(Condition):
    """A condition in a part of the call. See `MatchContext.scoped`."""

    condition: Condition
    #: `first` and `last` of the rule.
    start: Extent | None = None
    end: Extent | None = None
    between: tuple[Extent, Extent] | None = None

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return the hits that start in that part."""
        part = self.part_of(context)
        return [self._placed(hit, part) for hit in self.condition.find(part)]

    def first(self, context: MatchContext) -> ConditionHit | None:
        """Return the first of them."""
        part = self.part_of(context)
        hit = self.condition.first(part)
        return None if hit is None else self._placed(hit, part)

    def _placed(self, hit: ConditionHit, part: MatchContext) -> ConditionHit:
        """Say of what is missing in the first part that it belongs there, not where looking for it ended."""
        if self.start is None or hit.evidence:
            return hit
        return replace(hit, opening_ms=max(part.from_ms or 0, part.first_word_ms))

    def part_of(self, context: MatchContext) -> MatchContext:
        """Return the part of the call that is looked at."""
        return context.scoped(self.start, self.end, self.between)

    def is_judged(self, context: MatchContext) -> bool:
        """As the condition is in that part."""
        return self.condition.is_judged(self.part_of(context))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Condition):
    """A condition's N-th hit alone, or all of them as one hit when there are at least N, perhaps in some time."""

    condition: Condition
    nth: int | None = None
    at_least: int | None = None
    #: From the start of the first to the start of the last that are counted.
    within: Extent | None = None

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one hit, at the place where the count is reached; with `within` one for each time that it is."""
        hits = self.condition.find(context)
        if self.nth is not None:
            return hits[self.nth - 1 : self.nth]
        count = self.at_least or 1
        if self.within is None:
            return [_counted(hits[:count])] if len(hits) >= count else []
        found, first = [], 0
        while first + count <= len(hits):
            run = hits[first : first + count]
            if context.near(run[0].at_ms, run[-1].at_ms, self.within):
                found.append(_counted(run))
                first += count
            else:
                first += 1
        return found

    def is_judged(self, context: MatchContext) -> bool:
        """As the condition is."""
        return self.condition.is_judged(context)


def _counted(hits: list[ConditionHit]) -> ConditionHit:
    joined = join(hits)
    return ConditionHit(at_ms=hits[-1].at_ms, evidence=joined.evidence, topic=joined.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """A condition that excuses a hit, and where it must hold.

    `within`: between the start of the hit and so long after the sentence (or pause) that starts it; `before`: said in
    the time so long before its start; neither: anywhere in the call.
    """

    condition: Condition
    within: Extent | None
    before: Extent | None
    #: What starts sooner after the sentence that starts the hit does not excuse.
    earliest: Extent | None = None

    def excused(self, hits: list[ConditionHit], context: MatchContext) -> set[int]:
        """Return the indexes of the hits that it excuses, all where it was not judged. `context` is the whole call."""
        excuses = self.condition.find(context)
        if not excuses:
            return set() if self.condition.is_judged(context) else set(range(len(hits)))
        if self.within is None and self.before is None and self.earliest is None:
            return set(range(len(hits)))
        starts = [excuse.at_ms for excuse in excuses]
        ends = list(itertools.accumulate((excuse.end_ms for excuse in excuses), max))
        excused = set()
        for index, hit in enumerate(hits):
            after = bisect.bisect_left(starts, hit.at_ms)
            late = after if self.earliest is None else bisect.bisect_left(starts, self._earliest_ms(hit, context))
            # The nearest on each side decides; of those before, the one that ends last.
            if (late < len(excuses) and self._soon(hit, excuses[late], context)) or (
                after and self._just_said(hit, excuses[after - 1], ends[after - 1], context)
            ):
                excused.add(index)
        return excused

    def _soon(self, hit: ConditionHit, excuse: ConditionHit, context: MatchContext) -> bool:
        if self.within is None:
            return excuse.at_ms == hit.at_ms or (self.earliest is not None and self.before is None)
        if self.within.ms is not None:
            return excuse.at_ms <= hit.first_end_ms + self.within.ms
        return self._sentences(hit, excuse, context) <= (self.within.sentences or 0)

    def _earliest_ms(self, hit: ConditionHit, context: MatchContext) -> int:
        if self.earliest is None:
            return hit.at_ms
        if self.earliest.ms is not None:
            return hit.first_end_ms + self.earliest.ms
        following = context.sentence_at(hit.at_ms) + (self.earliest.sentences or 0) - 1
        return context.spoken[following].start_ms if following < len(context.spoken) else context.length_ms + 1

    def _just_said(self, hit: ConditionHit, excuse: ConditionHit, end_ms: int, context: MatchContext) -> bool:
        if self.before is None:
            return False
        if self.before.ms is not None:
            return end_ms >= hit.at_ms - self.before.ms
        return self._sentences(excuse, hit, context) <= (self.before.sentences or 0)

    @staticmethod
    def _sentences(before: ConditionHit, after: ConditionHit, context: MatchContext) -> int:
        return context.sentence_at(after.at_ms) - context.sentence_at(before.at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unless(Condition):
    """A condition whose hits count only when none of the exceptions excuses them."""

    condition: Condition
    exceptions: tuple[Excuse, ...]

    @property
    def names_topic(self) -> bool:
        """As the condition does."""
        return self.condition.names_topic

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return the hits that nothing excuses. Exceptions are looked for in the whole call, whatever the scope."""
        hits = self.condition.find(context)
        if not hits:
            return []
        excused = {index for exception in self.exceptions for index in exception.excused(hits, context.whole())}
        return [hit for index, hit in enumerate(hits) if index not in excused]

    def is_judged(self, context: MatchContext) -> bool:
        """As the condition is where it finds nothing, else as the exceptions are."""
        if self.condition.first(context) is None:
            return self.condition.is_judged(context)
        whole = context.whole()
        return all(exception.condition.is_judged(whole) for exception in self.exceptions)
