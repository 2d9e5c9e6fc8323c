"""Explain: which condition of a rule held in a call and which failed, with the values and seconds, as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qareport.errors import SourceLocation
from qareport.rules.condition_parser import BRANCHES, HEADS, SCOPES, Reader
from qareport.rules.diagnostics import Complaints
from qareport.rules.judge import match
from qareport.rules.match_context import Hit, Scene
from qareport.rules.rule import Rule, RuleSet, Status
from qareport.strict_yaml import YamlSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One condition: how it is written, where it held, what was seen, and the conditions inside it."""

    text: str
    held: bool
    #: `第 12.0 秒 “…”`, one for each place, at most five.
    places: tuple[str, ...]
    seen: str = ""
    children: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What one rule made of one call."""

    rule_id: str
    title: str
    #: hit, missed, not applicable, not in effect, draft, retired
    outcome: str
    at_ms: tuple[int, ...]
    when: Branch
    applies_when: Branch | None = None


def explain(rule: Rule, scene: Scene, ruleset: RuleSet) -> Explanation:
    """Match a rule against a call and tell why it came out so."""
    began = scene.transcript.started_at
    findings = match(rule, scene)
    if rule.status is not Status.ACTIVE:
        outcome = rule.status.value
    elif not rule.in_effect(began.date() if began else None):
        outcome = "not in effect"
    elif findings is None:
        outcome = "not applicable"
    else:
        outcome = "hit" if findings else "missed"
    reader = Reader(Complaints(_source(rule)), ruleset.shared)
    applies = rule.written.get("applies_when")
    return Explanation(
        rule_id=rule.id,
        title=rule.title,
        outcome=outcome,
        at_ms=tuple(one.at_ms for one in findings or ()),
        when=_branch(rule.written["when"], reader, scene),
        applies_when=None if applies is None else _branch(applies, reader, scene),
    )


def draw(explanation: Explanation) -> Iterator[str]:
    """Draw the tree as lines."""
    seconds = "、".join(f"第 {at_ms / 1000:g} 秒" for at_ms in explanation.at_ms)
    yield f"{explanation.rule_id} {explanation.title}: {explanation.outcome}{' ' + seconds if seconds else ''}"
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


def _source(rule: Rule) -> YamlSource:
    return YamlSource(file=rule.location.file, data=None, locations={(): SourceLocation(file=rule.location.file)})


def _branch(node: Mapping[str, Any], reader: Reader, scene: Scene) -> Branch:
    """Compile what is written at one place by itself, and look what it finds."""
    bare = {key: value for key, value in node.items() if key not in ("within", "before")}
    condition = reader.condition(bare, (), ())
    hits = condition.find(scene) if condition is not None else []
    head = next(key for key in node if key in HEADS)
    children: list[Branch] = []
    if head in BRANCHES:
        children = [_branch(child, reader, scene) for child in node[head]]
    for child in node.get("unless", ()):
        children.append(_exception(node, child, reader, scene))
    look = getattr(condition, "seen", None)
    seen = str(look(scene)) if look is not None and not hits else ""
    places = tuple(map(_place, hits[:5])) if head not in BRANCHES else ()
    return Branch(text=_text(node, head), held=bool(hits), places=places, seen=seen, children=tuple(children))


def _exception(node: Mapping[str, Any], child: Mapping[str, Any], reader: Reader, scene: Scene) -> Branch:
    """Look what an exception finds; it holds where it excuses something, not where it stands too far away."""
    inner = _branch(child, reader, scene)
    excused = False
    if inner.held:
        alone = {key: value for key, value in node.items() if key in HEADS or key in SCOPES}
        found, kept = (reader.condition(one, ()) for one in (alone, {**alone, "unless": [child]}))
        if found is not None and kept is not None:
            excused = len(kept.find(scene)) < len(found.find(scene))
    seen = "not where it excuses" if inner.held and not excused else inner.seen
    return Branch(text=f"unless {inner.text}", held=excused, places=inner.places, seen=seen)


def _text(node: Mapping[str, Any], head: str) -> str:
    beside = [f"{key}: {_value(value)}" for key, value in node.items() if key not in (head, "unless")]
    first = head if head in BRANCHES else f"{head}: {_value(node[head])}"
    return ", ".join([first, *beside])


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(one)}" for key, one in value.items()) + "}"
    return str(value)


def _place(hit: Hit) -> str:
    said = "；".join(f"“{one.quote}”{'（近音）' if one.fuzzy else ''}" for one in hit.evidence) or "没有出现"
    length = f"，{hit.span_ms / 1000:g} 秒" if hit.span_ms else ""
    return f"第 {hit.at_ms / 1000:g} 秒{length} {said}"
