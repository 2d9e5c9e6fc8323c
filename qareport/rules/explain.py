"""Explain a rule in a call: which condition held and which failed, with the values and seconds, as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qareport import privacy
from qareport.presentation.act_wording import ACTS
from qareport.presentation.locale import N_, Translated, _
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.condition_parser import BRANCHES, HEADS
from qareport.rules.conditions import Condition
from qareport.rules.conditions.logic import Unless
from qareport.rules.judge import match
from qareport.rules.match_context import MatchContext
from qareport.rules.rule import Rule, RuleStatus
from qareport.strict_yaml import NodePath

#: At most so many places of a condition are drawn.
MAX_PLACES = 5
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


def explain(rule: Rule, context: MatchContext, hide: Callable[[str], str] | None = None) -> Explanation:
    """Match a rule against a call and tell why it came out so, in the current language of `presentation.locale`.

    Args:
        rule: any rule, in effect or not.
        context: the call.
        hide: masks what is quoted from the call; None: everything that is personal.
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
    tree = _Tree(rule=rule, context=context, hide=hide or privacy.quote_masker(context.transcript.segments))
    return Explanation(
        rule_id=rule.id,
        title=rule.title,
        outcome=outcome,
        at_ms=tuple(finding.at_ms for finding in findings or ()),
        when=tree.branch(rule.written["when"], ("when",)),
        applies_when=tree.branch(rule.written["applies_when"], ("applies_when",)) if rule.applies_when else None,
    )


def draw(explanation: Explanation) -> Iterator[str]:
    """Draw the tree as lines, in the current language."""
    seconds = _("、").join(map(_second, explanation.at_ms))
    yield f"{explanation.rule_id} {explanation.title}: {_OUTCOMES[explanation.outcome]} {seconds}".rstrip()
    if explanation.applies_when is not None:
        yield "  applies_when"
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
    """Finds what each compiled condition of a rule finds in a call on its own."""

    rule: Rule
    context: MatchContext
    hide: Callable[[str], str]

    def branch(self, node: Mapping[str, Any], path: NodePath) -> Branch:
        """Explain the condition at a place of the rule, and those inside it."""
        condition = self.rule.parts[path]
        hits = condition.find(self.context)
        head = next(key for key in node if key in HEADS)
        children: list[Branch] = []
        if head in BRANCHES:
            children = [self.branch(child, (*path, head, index)) for index, child in enumerate(node[head])]
        for index, child in enumerate(node.get("unless", ())):
            children.append(self._exception(condition, child, (*path, "unless", index)))
        look = getattr(condition, "seen", None)
        return Branch(
            text=_text(node, head),
            held=bool(hits),
            places=tuple(_place(hit, self.hide) for hit in hits[:MAX_PLACES]) if head not in BRANCHES else (),
            seen=self.hide(str(look(self.context))) if look is not None and not hits else "",
            children=tuple(children),
        )

    def _exception(self, condition: Condition, child: Mapping[str, Any], path: NodePath) -> Branch:
        """Explain an exception; it holds where it excuses a hit, not where it is too far away."""
        inner = self.branch(child, path)
        excused = False
        if inner.held and isinstance(condition, Unless):
            alone = condition.condition.find(self.context)
            only = Unless(condition=condition.condition, exceptions=(condition.exceptions[int(path[-1])],))
            excused = len(only.find(self.context)) < len(alone)
        seen = _("不在能排除命中的位置") if inner.held and not excused else inner.seen
        return Branch(text=f"unless {inner.text}", held=excused, places=inner.places, seen=seen)


def _text(node: Mapping[str, Any], head: str) -> str:
    beside = [f"{key}: {_value(value)}" for key, value in node.items() if key not in (head, "unless")]
    first = head if head in BRANCHES else f"{head}: {_value(node[head])}"
    return ", ".join([first, *beside])


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(inner)}" for key, inner in value.items()) + "}"
    return str(value)


def _place(hit: ConditionHit, hide: Callable[[str], str]) -> str:
    fuzzy = _("（近音）")
    quotes = [f"“{hide(evidence.quote)}”{fuzzy if evidence.fuzzy else ''}" for evidence in hit.evidence]
    length = _("，{seconds} 秒").format(seconds=f"{hit.span_ms / 1000:g}") if hit.span_ms else ""
    act = f" [{ACTS[hit.act.act]} {hit.act.score:.2f} {hit.act.reader}]" if hit.act is not None else ""
    return f"{_second(hit.at_ms)}{length} {_('；').join(quotes) or _('没有出现')}{act}"


def _second(at_ms: int) -> str:
    return _("第 {second} 秒").format(second=f"{at_ms / 1000:g}")
