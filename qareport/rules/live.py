"""Rules judged while a call is on: a finding is open until what would excuse it can no longer come.

A condition that holds now may not hold in the whole call: an exception may still come (`unless` with `within`), or
what must not be may still happen (`none` in the first two minutes). `settled_ms` says from when on that is decided. A
finding is OPEN until then, CLEARED when what it rests on is gone, and CONFIRMED when the time has come and everything
said before has been heard. Rules that rest on the call's end cannot be judged so (`what_needs_end`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum
from typing import Any, Final

from qareport.messages import Message, say
from qareport.model import Analysis, Finding, Transcript
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.conditions.logic import (
    AllOf,
    AnyOf,
    Counted,
    Excuse,
    NoneOf,
    Remembered,
    Scoped,
    Unless,
)
from qareport.rules.conditions.sequence import AllTogether, InSequence
from qareport.rules.judge import finding_of
from qareport.rules.match_context import Condition, MatchContext
from qareport.rules.rule import Occurrence, Rule, RuleSet, RuleStatus
from qareport.rules.schema_types import Extent
from qareport.strict_yaml import NodePath

#: In place of a time that cannot be told yet.
OPEN_ENDED: Final = 1 << 40
#: In milliseconds: what a sentence does is read anew with the next one, so rules on acts wait for what begins so soon.
READ_AGAIN_MS: Final = 1500
#: Conditions that are true of the whole call alone.
_OF_THE_END: Final = ("last speaker", "call length", "metric", "trend", "turns", "utterances")


class LiveFindingState(StrEnum):
    """How far a live finding is: OPEN → CONFIRMED or CLEARED."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFinding:
    """A finding of a live rule, and how far it is."""

    finding: Finding
    state: LiveFindingState
    #: Until when it can be cleared, in milliseconds of the call; None: it cannot be told, or it is settled.
    until_ms: int | None = None


# --- which rules ------------------------------------------------------------------------------------------------------


def what_needs_end(written: Mapping[str, Any]) -> Iterator[tuple[NodePath, Message]]:
    """Name everything in the conditions of a rule that only the end of a call decides, with its place.

    Args:
        written: `when` and `applies_when`, in English.
    """
    for key, node in written.items():
        yield from _of_node(node, (key,), bounded=False)


def _of_node(node: Any, path: NodePath, *, bounded: bool) -> Iterator[tuple[NodePath, Message]]:
    if not isinstance(node, Mapping):
        return
    for head in _OF_THE_END:
        if head in node:
            yield (*path, head), say("`{head}` is known at the end of a call", head=head)
    if "last" in node:
        yield (*path, "last"), say("`last` counts back from the end of a call")
    if "between" in node and not _is_fixed(node["between"]):
        yield (*path, "between"), say("`between` counts from the end of a call, or by its length")
    first = str(node.get("first", ""))
    bounded = bounded or ("first" in node and not first.endswith("%")) or _is_fixed(node.get("between"))
    if "none" in node and not bounded:
        yield (*path, "none"), say("`none` is certain at the end of a call; give it `first`, or use `unless`")
    for index, excuse in enumerate(node.get("unless") or ()):
        if isinstance(excuse, Mapping) and not excuse.keys() & {"within", "before", "around"}:
            yield (*path, "unless", index), say("`unless` without `within` waits for the end of a call")
    for key in ("all", "any", "none", "sequence", "unless"):
        children = node.get(key)
        for index, child in enumerate(children if isinstance(children, list) else ()):
            inner = bounded or (key == "all" and "together" in node)
            yield from _of_node(child, (*path, key, index), bounded=inner and key in ("all", "any"))


def _is_fixed(between: Any) -> bool:
    places = [str(place) for place in between] if isinstance(between, Sequence) else []
    return bool(places) and not any(place.startswith("-") or place.endswith("%") for place in places)


def live_rules(ruleset: RuleSet) -> tuple[Rule, ...]:
    """Return the rules that are judged while a call is on."""
    return tuple(
        rule
        for rule in ruleset.rules
        if rule.live and rule.status is RuleStatus.ACTIVE and not any(what_needs_end(rule.written))
    )


def rests_on_acts(rule: Rule) -> bool:
    """Tell whether a rule looks at what sentences do."""
    return any(_names_acts(node) for node in rule.written.values())


def _names_acts(node: Any) -> bool:
    if isinstance(node, Mapping):
        return bool(node.keys() & {"customer does", "agent does", "moment"}) or any(map(_names_acts, node.values()))
    return isinstance(node, list) and any(map(_names_acts, node))


# --- when a hit is settled --------------------------------------------------------------------------------------------


def settled_ms(condition: Condition, hit: ConditionHit, context: MatchContext, ends_ms: int = OPEN_ENDED) -> int:
    """Return from when on nothing can take a hit back, in milliseconds of the call.

    Args:
        condition: what was found.
        hit: where.
        context: the call so far, or its part that is looked at.
        ends_ms: where that part ends.
    """
    if isinstance(condition, Remembered):
        return settled_ms(condition.condition, hit, context, ends_ms)
    if isinstance(condition, Unless):
        inner = settled_ms(condition.condition, hit, context, ends_ms)
        return max(inner, *(_excusable_ms(excuse, hit, context) for excuse in condition.exceptions))
    if isinstance(condition, Scoped):
        return _settled_in_part(condition, hit, context)
    if isinstance(condition, NoneOf):
        return ends_ms
    if isinstance(condition, AllTogether):
        return _settled_together(condition, hit, context, ends_ms)
    if isinstance(condition, AllOf):
        return max(_settled_first(inner, context, ends_ms) for inner in condition.conditions)
    if isinstance(condition, InSequence):
        return max(_settled_first(step.condition, context, ends_ms) for step in condition.steps)
    if isinstance(condition, AnyOf):
        return _settled_any(condition, hit, context, ends_ms)
    if isinstance(condition, Counted):
        count = condition.nth or condition.at_least or 1
        hits = condition.condition.find(context)[:count]
        return max((settled_ms(condition.condition, part, context, ends_ms) for part in hits), default=hit.at_ms)
    return hit.at_ms


def _settled_first(condition: Condition, context: MatchContext, ends_ms: int) -> int:
    hit = condition.first(context)
    return 0 if hit is None else settled_ms(condition, hit, context, ends_ms)


def _excusable_ms(excuse: Excuse, hit: ConditionHit, context: MatchContext) -> int:
    within = excuse.within
    if within is None:
        return OPEN_ENDED if excuse.before is None else hit.at_ms
    if within.ms is not None:
        return hit.first_end_ms + within.ms
    number = context.sentence_at(hit.at_ms) + (within.sentences or 0)
    spoken = context.spoken
    return spoken[number].start_ms if number < len(spoken) else OPEN_ENDED


def _settled_in_part(scoped: Scoped, hit: ConditionHit, context: MatchContext) -> int:
    if scoped.end is not None:
        return OPEN_ENDED
    ends_ms = OPEN_ENDED
    if scoped.start is not None:
        ends_ms = _reached_ms(scoped.start, context)
    if scoped.between is not None:
        first, last = scoped.between
        if any(place.ms is None or place.from_end for place in (first, last)):
            return OPEN_ENDED
        ends_ms = min(ends_ms, last.ms or 0)
    return settled_ms(scoped.condition, hit, scoped.part_of(context), ends_ms)


def _reached_ms(first: Extent, context: MatchContext) -> int:
    if first.ms is not None:
        return context.first_word_ms + first.ms
    end_ms = context.scoped(first, None, None).to_ms
    # A part that counts turns or sentences reaches to the end of the call while there are too few.
    return OPEN_ENDED if first.percent is not None or end_ms is None or end_ms >= context.length_ms else end_ms


def _settled_together(together: AllTogether, hit: ConditionHit, context: MatchContext, ends_ms: int) -> int:
    around = hit.end_ms + together.gap.ms if together.gap.ms is not None else OPEN_ENDED
    # What must not be is looked for so near to the others.
    times = [
        around if isinstance(inner, NoneOf) else _settled_first(inner, context, ends_ms)
        for inner in together.conditions
    ]
    return max(times)


def _settled_any(either: AnyOf, hit: ConditionHit, context: MatchContext, ends_ms: int) -> int:
    times = sorted(
        min(settled_ms(inner, own, context, ends_ms) for own in hits)
        for inner in either.conditions
        if (hits := [own for own in inner.find(context) if either.at_least > 1 or own.place == hit.place])
    )
    return times[either.at_least - 1] if len(times) >= either.at_least else hit.at_ms


# --- a call that goes on ----------------------------------------------------------------------------------------------


class LiveJudge:
    """The live findings of one call."""

    def __init__(self, ruleset: RuleSet, *, time_zone: tzinfo | None = None) -> None:
        self._ruleset = ruleset
        self._rules = live_rules(ruleset)
        self._time_zone = time_zone
        self._known: dict[tuple[str, int], LiveFinding] = {}

    @property
    def open_findings(self) -> tuple[LiveFinding, ...]:
        """The findings that wait for their time."""
        return tuple(found for found in self._known.values() if found.state is LiveFindingState.OPEN)

    @property
    def findings(self) -> tuple[LiveFinding, ...]:
        """All findings so far, cleared ones included."""
        return tuple(self._known.values())

    def look(
        self, transcript: Transcript, analysis: Analysis, *, heard_ms: int, is_over: bool = False
    ) -> list[LiveFinding]:
        """Judge the call so far.

        Args:
            transcript: what was said, read.
            analysis: of that transcript.
            heard_ms: everything that began before has been heard.
            is_over: whether nothing more will be said.

        Returns:
            what changed: new findings, and those that were confirmed or cleared.
        """
        if not self._rules:
            return []
        context = MatchContext.of(transcript, analysis, stages=self._ruleset.stages, time_zone=self._time_zone)
        now = self._findings(context)
        changes = []
        for key, (finding, until_ms) in now.items():
            before = self._known.get(key)
            if before is not None and before.state is LiveFindingState.CONFIRMED:
                continue
            state = LiveFindingState.CONFIRMED if is_over or heard_ms >= until_ms else LiveFindingState.OPEN
            until = until_ms if state is LiveFindingState.OPEN and until_ms < OPEN_ENDED else None
            found = LiveFinding(finding=finding, state=state, until_ms=until)
            if before is None or before.state is not state or before.until_ms != until:
                changes.append(found)
            self._known[key] = found
        for key, found in self._known.items():
            if found.state is LiveFindingState.OPEN and key not in now:
                self._known[key] = replace(found, state=LiveFindingState.CLEARED, until_ms=None)
                changes.append(self._known[key])
        return changes

    def _findings(self, context: MatchContext) -> dict[tuple[str, int], tuple[Finding, int]]:
        findings = {}
        day = context.day
        for rule in self._rules:
            if not context.spoken or not rule.in_effect(day):
                continue
            try:
                for hit in _hits(rule, context):
                    until_ms = max(
                        settled_ms(rule.when, hit, context), hit.end_ms + READ_AGAIN_MS * rests_on_acts(rule)
                    )
                    findings[rule.id, hit.at_ms] = finding_of(rule, hit, context), until_ms
            except TimeoutError:  # a regular expression: the rule is judged when the call is over
                continue
        return findings


def _hits(rule: Rule, context: MatchContext) -> list[ConditionHit]:
    if rule.applies_when is not None and rule.applies_when.first(context) is None:
        return []
    hits = rule.when.find(context)
    return hits[:1] if rule.occurrence is Occurrence.ONCE else hits
