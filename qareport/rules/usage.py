"""How often each rule hit stored calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from qareport.errors import Problem
from qareport.rules.replay import StoredJudgement
from qareport.rules.rule import RuleSet, Status

#: A rule that hit nothing for so long is doubtful.
IDLE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class HitCounts:
    """Hits by rule over all stored calls, and over the 30 days before the newest of them."""

    calls: int
    by_rule: Mapping[str, int]
    recent: Mapping[str, int]

    def warnings(self, ruleset: RuleSet) -> Iterator[Problem]:
        """Name the active rules that hit nothing in the last 30 days; nothing where no calls are stored."""
        for rule in ruleset.rules:
            if self.calls and rule.status is Status.ACTIVE and not self.recent.get(rule.id):
                what = f"{rule.id}: hit none of the stored calls in 30 days"
                yield Problem(what=what, where=rule.location, to_do="see `qareport rules explain CALL --rule`")


def count_hits(ruleset: RuleSet, calls: Iterable[StoredJudgement | None]) -> HitCounts:
    """Count the stored hits of each rule of a set."""
    total: Counter[str] = Counter()
    by_day: list[tuple[datetime | None, list[str]]] = []
    for call in calls:
        if call is not None:
            found = [one.rule_id for one in call.packed.findings()]
            total.update(found)
            by_day.append((call.packed.started_at, found))
    newest = max((day for day, _ in by_day if day is not None), default=None)
    recent: Counter[str] = Counter()
    for day, found in by_day:
        if newest is None or (day is not None and newest - day <= IDLE):
            recent.update(found)
    return HitCounts(
        calls=len(by_day),
        by_rule={rule.id: total[rule.id] for rule in ruleset.rules},
        recent={rule.id: recent[rule.id] for rule in ruleset.rules},
    )
