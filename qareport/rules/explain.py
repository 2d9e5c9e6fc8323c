"""Explain a rule in a call: which condition held and which failed, with the values and seconds, as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qareport import privacy
from qareport.presentation.act_wording import ACTS, READERS
from qareport.presentation.locale import LOCALES, N_, Translated, _, current
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.condition_parser import BRANCHES, HEADS
from qareport.rules.conditions import Condition
from qareport.rules.conditions.logic import Counted, Scoped, Unless
from qareport.rules.diagnostics import as_yaml
from qareport.rules.judge import match
from qareport.rules.match_context import MatchContext
from qareport.rules.rule import Rule, RuleStatus
from qareport.rules.slots import NOTHING, Slot, Tongue
from qareport.rules.translation import slot_of
from qareport.strict_yaml import NodePath

#: At most so many places of a condition, and words of a shared list, are drawn.
MAX_PLACES = 5
MAX_WORDS = 4
_OUTCOMES = Translated(
    {
        "hit": N_("命中"), "missed": N_("未命中"), "not applicable": N_("不适用"), "not in effect": N_("不在生效期"),
        "draft": N_("草稿，只参加测试"), "retired": N_("已停用"),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One condition: how it is written, whether and where it held, what was measured, the conditions inside it."""

    text: str
    held: bool
    #: `第 12.0 秒 “…”`, one for each place, at most `MAX_PLACES`.
    places: tuple[str, ...]
    seen: str = ""
    children: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The outcome of one rule in one call, and why."""

    rule_id: str
    title: str
    #: hit, missed, not applicable, not in effect, draft, retired
    outcome: str
    at_ms: tuple[int, ...]
    when: Branch
    applies_when: Branch | None = None


def explain(
    rule: Rule,
    context: MatchContext,
    hide: Callable[[str], str] | None = None,
    *,
    lists: Mapping[str, tuple[str, ...]] | None = None,
) -> Explanation:
    """Match a rule against a call and tell why it came out so, in the current language of `presentation.locale`.

    Args:
        rule: any rule, in effect or not.
        context: the call.
        hide: masks what is quoted from the call; None: everything that is personal.
        lists: the shared lists of words by name, to spell them out.
    """
    findings = match(rule, context)
    if rule.status is not RuleStatus.ACTIVE:
        outcome = rule.status.value
    elif not rule.in_effect(context.day):
        outcome = "not in effect"
    elif findings is None:
        outcome = "not applicable"
    else:
        outcome = "hit" if findings else "missed"
    mask = hide or privacy.quote_masker(context.transcript.segments)
    tree = _Tree(rule=rule, hide=mask, lists=lists or {})
    return Explanation(
        rule_id=rule.id,
        title=rule.title,
        outcome=outcome,
        at_ms=tuple(finding.at_ms for finding in findings or ()),
        when=tree.branch(rule.written["when"], ("when",), context),
        applies_when=tree.branch(rule.written["applies_when"], ("applies_when",), context)
        if rule.applies_when
        else None,
    )


def draw(explanation: Explanation) -> Iterator[str]:
    """Draw the tree as lines, in the current language."""
    seconds = _("、").join(map(_second, explanation.at_ms))
    yield f"{explanation.rule_id} {explanation.title}: {_OUTCOMES[explanation.outcome]} {seconds}".rstrip()
    if explanation.applies_when is not None:
        yield f"  {_spelt(slot_of('rules').at(('rules', 0)), 'applies_when')}"
        yield from _lines(explanation.applies_when, 2)
    yield from _lines(explanation.when, 1)


def _lines(branch: Branch, depth: int) -> Iterator[str]:
    seen = f" ({branch.seen})" if branch.seen else ""
    yield f"{'  ' * depth}{'✓' if branch.held else '✗'} {branch.text}{seen}"
    for place in branch.places:
        yield f"{'  ' * (depth + 1)}· {place}"
    for child in branch.children:
        yield from _lines(child, depth + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """Finds what each compiled condition of a rule finds in a call, or in the part of it that is looked at."""

    rule: Rule
    hide: Callable[[str], str]
    lists: Mapping[str, tuple[str, ...]]

    def branch(self, node: Mapping[str, Any], path: NodePath, context: MatchContext) -> Branch:
        """Explain the condition at a place of the rule, and those inside it."""
        condition = self.rule.parts[path]
        hits = condition.find(context)
        head = next(key for key in node if key in HEADS)
        inner, part = _innermost(condition, context)
        children: list[Branch] = []
        if head in BRANCHES:
            children = [self.branch(child, (*path, head, index), part) for index, child in enumerate(node[head])]
        for index, child in enumerate(node.get("unless", ())):
            children.append(self._exception(condition, child, (*path, "unless", index), context))
        return Branch(
            text=self._text(node, head, path),
            held=bool(hits),
            places=tuple(_place(hit, self.hide) for hit in hits[:MAX_PLACES]) if head not in BRANCHES else (),
            seen="" if hits else self._seen(condition, inner, part),
            children=tuple(children),
        )

    def _seen(self, condition: Condition, inner: Condition, part: MatchContext) -> str:
        """Say what was measured where a condition does not hold."""
        found = len(inner.find(part))
        if found:
            counted = _count_of(condition)
            if counted is not None and found < counted:
                return _("成立 {found} 次，要 {wanted} 次").format(found=found, wanted=counted)
            return ""  # an exception excuses it
        look = getattr(inner, "seen", None)
        said = self.hide(str(look(part))) if look is not None else ""
        return said if said or inner.is_judged(part) else _("没有判定")

    def _exception(
        self, condition: Condition, child: Mapping[str, Any], path: NodePath, context: MatchContext
    ) -> Branch:
        """Explain an exception; it holds where it excuses a hit, not where it is too far away."""
        inner = self.branch(child, path, context.whole())
        excused, alone = 0, 0
        if inner.held and isinstance(condition, Unless):
            alone = len(condition.condition.find(context))
            only = Unless(condition=condition.condition, exceptions=(condition.exceptions[int(path[-1])],))
            excused = alone - len(only.find(context))
        seen = inner.seen
        if excused:
            some = _("{count} 处里有 {excused} 处因此不算").format(count=alone, excused=excused)
            seen = some if excused < alone else _("因此不算")
        elif inner.held:
            seen = _("不在能排除命中的位置") if alone else _("没有命中，不用看例外")
        unless = _spelt(slot_of("rules").at(("rules", 0, *path[:-2])), "unless")
        return Branch(text=f"{unless} {inner.text}", held=excused > 0, places=inner.places, seen=seen)

    def _text(self, node: Mapping[str, Any], head: str, path: NodePath) -> str:
        """Write a condition on one line, in the words of the current language."""
        slot = slot_of("rules").at(("rules", 0, *path))
        beside = [
            f"{_spelt(slot, key)}: {self._value(value, slot.child(key))}"
            for key, value in node.items()
            if key not in (head, "unless")
        ]
        first = _spelt(slot, head)
        if head not in BRANCHES:
            first += f": {self._value(node[head], slot.child(head))}"
        return ", ".join([first, *beside])

    def _value(self, value: Any, slot: Slot) -> str:
        if isinstance(value, list):
            return "[" + ", ".join(self._value(item, slot.items or NOTHING) for item in value) + "]"
        if isinstance(value, dict):
            inside = (f"{_spelt(slot, key)}: {self._value(inner, slot.child(key))}" for key, inner in value.items())
            return "{" + ", ".join(inside) + "}"
        text = slot.spell_value(as_yaml(value), _tongue())
        words = self.lists.get(text[1:]) if text.startswith("$") else None
        if words is None:
            return text
        some = _("、").join(words[:MAX_WORDS])
        return _("{list}（{words} 等 {count} 个）").format(list=text, words=some, count=len(words))


def _innermost(condition: Condition, context: MatchContext) -> tuple[Condition, MatchContext]:
    """Return the condition within its exceptions, its count and its part of the call, and that part."""
    while isinstance(condition, Unless | Counted | Scoped):
        if isinstance(condition, Scoped):
            context = condition.part_of(context)
        condition = condition.condition
    return condition, context


def _count_of(condition: Condition) -> int | None:
    """Return how many hits a condition asks for, None if it does not count."""
    while isinstance(condition, Unless | Counted | Scoped):
        if isinstance(condition, Counted):
            return condition.nth or condition.at_least
        condition = condition.condition
    return None


def _tongue() -> Tongue:
    return "chinese" if current() == LOCALES[0] else "english"


def _spelt(slot: Slot, key: str) -> str:
    return slot.spell_key(key, _tongue())


def _place(hit: ConditionHit, hide: Callable[[str], str]) -> str:
    fuzzy = _("（近音）")
    quotes = [f"“{hide(evidence.quote)}”{fuzzy if evidence.fuzzy else ''}" for evidence in hit.evidence]
    length = _("，{seconds} 秒").format(seconds=f"{hit.span_ms / 1000:g}") if hit.span_ms else ""
    return f"{_second(hit.at_ms)}{length} {_('；').join(quotes) or _('没有出现')}{_claim(hit)}"


def _claim(hit: ConditionHit) -> str:
    if hit.act is None:
        return ""
    reader = READERS.get(hit.act.reader, hit.act.reader)
    sure = _("把握 {share}").format(share=f"{hit.act.score:.0%}")
    return f" [{_('，').join((ACTS[hit.act.act], sure, reader))}]"


def _second(at_ms: int) -> str:
    return _("第 {second} 秒").format(second=f"{at_ms / 1000:g}")
