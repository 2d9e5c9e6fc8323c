"""Parse the `when` of a rule: from plain data to conditions, every error with its place."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import pydantic

from qareport.messages import say
from qareport.rules.aliases import Choices, did_you_mean, words_of
from qareport.rules.conditions import LEAVES, Condition
from qareport.rules.conditions.logic import AllOf, AnyOf, Counted, Excuse, NoneOf, Remembered, Scoped, Unless
from qareport.rules.conditions.sequence import AllTogether, InSequence, Step
from qareport.rules.diagnostics import Diagnostics
from qareport.rules.named_conditions import NAMED
from qareport.rules.remedies import missing_colon, mistyped_colon, mistyped_mark, near_key
from qareport.rules.rule import Shared
from qareport.rules.schema_types import Extent, Form, Gap, Place, Reach
from qareport.strict_yaml import NodePath

#: Keys that introduce a condition made of conditions, with the keys that may be written beside them.
BRANCHES: dict[str, tuple[str, ...]] = {"all": ("together",), "any": ("at_least",), "none": (), "sequence": ()}
HEADS = (*LEAVES, *BRANCHES)
#: Keys that beside any head say in which part of the call it is looked for.
SCOPES = ("first", "last", "between")
#: Keys that may be written beside any head.
MODIFIERS = (*SCOPES, "nth", "times", "unless")
#: Keys that belong beside some conditions alone, and where.
_PLACES = {
    "within": say("it belongs to a later step of `sequence`, to an exception of `unless`, or beside `times`"),
    "earliest": say("it belongs to a later step of `sequence`, or to an exception of `unless`"),
    "before": say("it belongs to an exception of `unless`"),
    "around": say("it belongs to an exception of `unless`"),
    "together": say("it belongs beside `all`"),
    "at_least": say(
        "it belongs beside `any`, or into the condition: {example}", example="{any: [甲, 乙], at_least: 2}"
    ),
    "after": say("it belongs beside `silence`"),
}
#: A sequence longer than this is a mistake, and would cost too much to match.
MAX_STEPS = 10

REACH = pydantic.TypeAdapter[Extent](Reach)
GAP = pydantic.TypeAdapter[Extent](Gap)
BETWEEN = pydantic.TypeAdapter[tuple[Extent, Extent]](tuple[Place, Place])
COUNT = pydantic.TypeAdapter[int](Annotated[pydantic.StrictInt, pydantic.Field(ge=1, le=1000)])
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class ConditionParser:
    """Reads the conditions of one rule; errors go to `diagnostics` and give None."""

    diagnostics: Diagnostics
    shared: Shared = field(default_factory=Shared)
    #: Every condition that was read, by its place, without the `within` and `before` beside it.
    parts: dict[NodePath, Condition] = field(default_factory=dict)

    def condition(self, node: Any, path: NodePath, extra: tuple[str, ...] = ()) -> Condition | None:
        """Read one condition: one head, what belongs to it, and modifiers.

        Args:
            node: plain data.
            path: its place in the document.
            extra: further keys allowed beside the head; the caller reads them.
        """
        if isinstance(node, dict) and NAMED in node and node.keys().isdisjoint(HEADS):
            self._unknown_name(node, path)
            return None
        head = self._head(node, path, extra)
        if head is None:
            return None
        before = len(self.diagnostics.errors)
        siblings = BRANCHES[head] if head in BRANCHES else LEAVES[head].siblings
        known = (head, *siblings, *MODIFIERS, *(("within",) if "times" in node else ()), *extra)
        for key in node:
            if key in _PLACES and key not in known:
                self.diagnostics.misplaced_key(path, key, _PLACES[key])
            elif key not in known:
                self.diagnostics.unknown_key(path, key, known)
        condition = self._branch(head, node, path) if head in BRANCHES else self._leaf(head, node, path, siblings)
        scope = self._scope(node, path)
        nth, times = self.read(COUNT, node, path, "nth"), self.read(COUNT, node, path, "times")
        if nth is not None and times is not None:
            self._conflict((*path, "times"), "nth", "times")
        # In a step or an exception `within` says where it is looked for.
        span = self.read(GAP, node, path, "within") if times is not None and "within" not in extra else None
        exceptions = self._exceptions(node, path)
        if condition is None or len(self.diagnostics.errors) > before:
            return None
        if any(scope):
            condition = Scoped(condition=condition, start=scope[0], end=scope[1], between=scope[2])
        if nth is not None or times is not None:
            condition = Counted(condition=condition, nth=nth, at_least=times, within=span)
        if exceptions:
            condition = Unless(condition=condition, exceptions=exceptions)
        self.parts[path] = condition
        return condition

    def _unknown_name(self, node: Mapping[str, Any], path: NodePath) -> None:
        """Note the name of a condition that is not known; one that cannot be read is told of where it stands."""
        known, name = self.shared.conditions, node[NAMED]
        if name in known if isinstance(name, str) else False:
            return
        place = (*path, NAMED)
        if path[0] == "conditions":
            nested = say("a shared condition names no other")
            self.diagnostics.add("unknown-named-condition", place, nested, to_do=say("write out what it stands for"))
            return
        expected = say("a condition of synonyms.yaml ({known})", known=", ".join(known))
        if not known:
            expected = say("a condition of synonyms.yaml, which has none below `conditions:`")
        to_do = did_you_mean(name, known) if isinstance(name, str) else None
        what = self.diagnostics.got(place, name)
        self.diagnostics.add("unknown-named-condition", place, what, expected=expected, to_do=to_do)

    def _conflict(self, path: NodePath, first: str, second: str) -> None:
        first, second = (self.diagnostics.source.spelt_keys.get((*path[:-1], key), key) for key in (first, second))
        what = say("both `{first}` and `{second}` are given", first=first, second=second)
        self.diagnostics.add("conflicting-keys", path, what, to_do=say("keep one of them"))

    def read(self, kind: pydantic.TypeAdapter[V], node: Mapping[str, Any], path: NodePath, key: str) -> V | None:
        """Read an optional value beside a condition."""
        if key not in node:
            return None
        try:
            return kind.validate_python(node[key])
        except pydantic.ValidationError as error:
            self.diagnostics.explain(error, (*path, key))
            return None

    def _scope(
        self, node: Mapping[str, Any], path: NodePath
    ) -> tuple[Extent | None, Extent | None, tuple[Extent, Extent] | None]:
        first, last = self.read(REACH, node, path, "first"), self.read(REACH, node, path, "last")
        if first is not None and last is not None:
            self._conflict((*path, "last"), "first", "last")
        between = self._between(node, path)
        if between is not None and _backwards(*between):
            what, to_do = say("between: ends before it starts"), say("write the earlier first")
            self.diagnostics.add("invalid-bounds", (*path, "between"), what, to_do=to_do)
        return first, last, between

    def _between(self, node: Mapping[str, Any], path: NodePath) -> tuple[Extent, Extent] | None:
        value = node.get("between")
        if "between" not in node or (isinstance(value, list) and len(value) == 2):
            return self.read(BETWEEN, node, path, "between")
        place = (*path, "between")
        written = " ".join(map(str, value)) if isinstance(value, list) else str(value)
        expected, to_do = say("two places of the recording: [10s, -30s], [20%, 50%]"), mistyped_mark(written)
        self.diagnostics.add(
            "invalid-length", place, self.diagnostics.got(place, value), expected=expected, to_do=to_do
        )
        return None

    def _head(self, node: Any, path: NodePath, extra: tuple[str, ...]) -> str | None:
        if not isinstance(node, dict):
            example = say("a condition such as `customer says: [发货]`")
            to_do = mistyped_colon(node) or missing_colon(node, (*HEADS, NAMED)) if isinstance(node, str) else None
            what = self.diagnostics.got(path, node)
            self.diagnostics.add("missing-condition", path, what, expected=example, to_do=to_do)
            return None
        heads: list[str] = [key for key in node if key in HEADS]
        if len(heads) == 1:
            return heads[0]
        if heads:
            what = say("several conditions at once: {heads}", heads=Choices.of_keys(heads))
            to_do = say("put them in a list below `all:` or `any:`")
            if path and isinstance(path[-1], int):
                to_do = say("if each is an item of the list, give each a dash of its own")
            elif path[-1:] == ("when",) and "moment" in heads:
                to_do = say("if `moment` names the moment of the rule, write it below `when`, not into it")
            self.diagnostics.add("several-conditions", (*path, heads[1]), what, to_do=to_do)
            return None
        strange = [key for key in node if key not in (*MODIFIERS, *extra)]
        if not strange:
            expected = say("one of {choices}", choices=Choices.of_keys(HEADS))
            # `- within: 20s`: what belongs beside the condition above has a dash of its own.
            is_later = bool(path) and isinstance(path[-1], int) and path[-1] > 0
            to_do = say("if it belongs to the condition above, take the dash out and indent it like that")
            what = say("no condition here")
            self.diagnostics.add(
                "missing-condition", path, what, expected=expected, to_do=to_do if is_later and node else None
            )
        for key in strange:
            to_do = mistyped_colon(key) or near_key(key, (*HEADS, NAMED))
            to_do = to_do or say("conditions are: {heads}", heads=Choices.of_keys(HEADS))
            what = say("unknown condition {key!r}", key=key)
            self.diagnostics.add("unknown-condition", (*path, key), what, to_do=to_do)
        return None

    def _leaf(self, head: str, node: dict[str, Any], path: NodePath, siblings: Iterable[str]) -> Condition | None:
        form, value, place = LEAVES[head], node[head], (*path, head)
        beside = {key: node[key] for key in siblings if key in node}
        if beside:
            value = {**(value if isinstance(value, dict) else {form.bare: value}), **beside}
        try:
            context = {"synonyms": self.shared.lists, "false_friends": self.shared.false_friends}
            written = form.model_validate(value, context=context)
        except pydantic.ValidationError as error:
            self.diagnostics.explain(error, place, beside)
            return None
        # The form has the shared lists spelled out: two rule sets may write the same name and mean other words.
        key = sys.intern(f"{head}: {written!r} {self.shared.false_friends}")
        return Remembered(condition=written.condition(head), key=key)

    def _branch(self, head: str, node: dict[str, Any], path: NodePath) -> Condition | None:
        place = (*path, head)
        items = node[head]
        if not isinstance(items, list) or not items:
            self._no_list(place, items)
            return None
        if head == "sequence":
            return self._sequence(items, place)
        read = [self.condition(item, (*place, index)) for index, item in enumerate(items)]
        conditions = tuple(condition for condition in read if condition is not None)
        if head == "all":
            gap = self.read(GAP, node, path, "together")
            return AllOf(conditions=conditions) if gap is None else AllTogether(conditions=conditions, gap=gap)
        if head == "none":
            return NoneOf(conditions=conditions)
        at_least = self.read(COUNT, node, path, "at_least") or 1
        if at_least > len(items):
            what = say("at_least: {count} of {all} conditions can never hold", count=at_least, all=len(items))
            expected = say("at most {count}", count=len(items))
            self.diagnostics.add("impossible-count", (*path, "at_least"), what, expected=expected)
        return AnyOf(conditions=conditions, at_least=at_least)

    def _sequence(self, items: list[Any], place: NodePath) -> Condition | None:
        # Of steps without a dash before each the parser tells at the step.
        merged = [isinstance(item, dict) and len(item.keys() & {*HEADS}) > 1 for item in items]
        if len(items) > MAX_STEPS or (len(items) < 2 and not any(merged)):
            what = say("a sequence of {count}", count=len(items))
            self.diagnostics.add("sequence-length", place, what, expected=say("2 to {most} steps", most=MAX_STEPS))
        steps = []
        for index, item in enumerate(items):
            here = (*place, index)
            none = next((key for key in words_of("none") if isinstance(item, dict) and key in item), None)
            if none is not None:
                to_do = say("write it below `unless:`, beside `sequence:`, with its `within:`")
                self.diagnostics.add("sequence-step", (*here, none), say("`none` cannot be a step"), to_do=to_do)
                continue
            early = next((key for key in ("within", "earliest") if isinstance(item, dict) and key in item), None)
            if index == 0 and early is not None and not merged[0]:
                what, to_do = say("the first step follows nothing"), say("write it at the second step")
                self.diagnostics.add("sequence-step", (*here, early), what, to_do=to_do)
            condition = self.condition(item, here, ("within", "earliest"))
            if not isinstance(item, dict):
                continue
            within, earliest = self._window(item, here)
            if condition is not None:
                steps.append(Step(condition=condition, within=within, earliest=earliest))
        return InSequence(steps=tuple(steps))

    def _exceptions(self, node: dict[str, Any], path: NodePath) -> tuple[Excuse, ...]:
        if "unless" not in node:
            return ()
        place = (*path, "unless")
        items = node["unless"]
        if not isinstance(items, list) or not items:
            self._no_list(place, items)
            return ()
        exceptions = []
        for index, item in enumerate(items):
            here = (*place, index)
            condition = self.condition(item, here, ("within", "before", "around", "earliest"))
            if condition is not None:
                before, around = (self.read(GAP, item, here, key) for key in ("before", "around"))
                within, earliest = self._window(item, here)
                if around is not None and (within or before):
                    self._conflict((*here, "around"), "within" if within else "before", "around")
                exceptions.append(
                    Excuse(condition=condition, within=around or within, before=around or before, earliest=earliest)
                )
        return tuple(exceptions)

    def _window(self, item: Mapping[str, Any], path: NodePath) -> tuple[Extent | None, Extent | None]:
        """Read `within` and `earliest`, which is the smaller one."""
        within, earliest = self.read(GAP, item, path, "within"), self.read(GAP, item, path, "earliest")
        pairs = (
            ()
            if within is None or earliest is None
            else ((earliest.ms, within.ms), (earliest.sentences, within.sentences))
        )
        if any(early is not None and late is not None and early > late for early, late in pairs):
            what, to_do = say("earliest: later than `within`, so nothing fits"), say("write the smaller one here")
            self.diagnostics.add("invalid-bounds", (*path, "earliest"), what, to_do=to_do)
        return within, earliest

    def _no_list(self, place: NodePath, items: Any) -> None:
        empty = say("{key}: an empty list", key=self.diagnostics.spelt(place))
        what = empty if items == [] else self.diagnostics.got(place, items)
        expected = say("a list of conditions, each after a dash")
        self.diagnostics.add("missing-condition", place, what, expected=expected)


def _backwards(start: Extent, end: Extent) -> bool:
    """Tell whether a stretch ends before it starts; of two places in different units only the call can tell."""
    if start.from_end != end.from_end:
        return False
    for first, second in ((start.ms, end.ms), (start.percent, end.percent)):
        if first is not None and second is not None:
            return first <= second if start.from_end else first >= second
    return False


def keys_of(form: type[Form]) -> list[str]:
    """Return the keys of a form as users write them."""
    return [info.alias or name for name, info in form.model_fields.items()]
