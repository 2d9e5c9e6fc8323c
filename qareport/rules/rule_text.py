"""Edit rules without seeing YAML: what people change most, read from a file's text and written back into it.

Only the changed values are exchanged, at the places where the text has them: comments, order, quotes and all else stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import yaml

from qareport.errors import ConfigError, Diagnostic
from qareport.messages import Message, say
from qareport.rules.conditions import LEAVES
from qareport.rules.conditions.says import SaysForm
from qareport.rules.slots import NOTHING, Slot, Tongue
from qareport.rules.translation import slot_of
from qareport.rules.yaml_style import is_ambiguous, unfold
from qareport.strict_yaml import parse_yaml

#: Keys of a rule that a form shows as one field each.
_SCALARS: Final = ("title", "severity", "points", "status", "category")
_SAYS: Final = tuple(head for head, form in LEAVES.items() if form is SaysForm)
#: Keys of a says-condition that hold words.
_LISTS: Final = ("any", "all", "exact", "like", "except")
#: What separates words in a field.
_SEPARATORS: Final = re.compile(r"[、，,；;\r\n]+")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WordField:
    """The words of one list in a condition of a rule."""

    #: Its place in the rule: `when/sequence/0/customer says/any`.
    place: str
    #: `customer says`, `agent says` or `anyone says`.
    head: str
    #: `any`, `all`, `exact`, `like` or `except`.
    part: str
    #: Whether it stands below `unless`.
    excuses: bool
    words: tuple[str, ...]

    @property
    def is_locked(self) -> bool:
        """Whether a word holds what separates words in a field, so that it can only be edited as YAML."""
        return any(_SEPARATORS.search(word) for word in self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableRule:
    """What a form shows of a rule; values are in English, as `qareport.rules.Rule` has them."""

    rule_id: str
    #: Line of its id, from 1.
    line: int
    title: str
    severity: str
    points: str
    status: str
    category: str
    #: By stage; `default` is that of all other calls.
    advice: Mapping[str, str]
    words: tuple[WordField, ...]


def split_words(text: str) -> tuple[str, ...]:
    """Read the words of a field; they are separated by 、 ， ； or by lines."""
    return tuple(dict.fromkeys(word for part in _SEPARATORS.split(text) if (word := part.strip())))


def read_rules(text: str) -> tuple[EditableRule, ...]:
    """Read the rules of a file's text.

    Raises:
        ConfigError: the text is not YAML.
    """
    parse_yaml(text.encode("utf-8", "surrogatepass"), name="rules")
    return tuple(rule.shown() for rule in _rules(text))


def edit_rule(
    text: str,
    rule_id: str,
    values: Mapping[str, str],
    *,
    advice: Mapping[str, str] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Write new values into a rule of a file's text. Returns the text; what is not named stays.

    Args:
        text: of the file.
        rule_id: which rule.
        values: by `title`, `severity`, `points` and `status`, in English.
        advice: by stage.
        words: by place of the list.

    Raises:
        ConfigError: the text is not YAML, has no such rule, or the value cannot be written there.
    """
    before = read_rules(text)
    found = next((rule for rule in _rules(text) if rule.rule_id == rule_id), None)
    if found is None:
        raise _refuse("unknown-rule", say("no rule {rule!r}", rule=rule_id))
    edits = [*found.edit_values(values), *found.edit_advice(advice or {}), *found.edit_words(words or {})]
    for start, end, written in sorted(edits, reverse=True):
        text = text[:start] + written + text[end:]
    after = {rule.rule_id: rule for rule in read_rules(text)}
    others = {rule.rule_id: _moved(rule, before) for rule in after.values() if rule.rule_id != rule_id}
    lists = {field.place: set(field.words) for field in after[rule_id].words} if rule_id in after else {}
    is_written = all(lists.get(place) == set(chosen) for place, chosen in (words or {}).items())
    if not is_written or others != {rule.rule_id: rule for rule in before if rule.rule_id != rule_id}:
        raise _refuse("invalid-value", say("{rule}: cannot be edited in the form: edit the YAML", rule=rule_id))
    return text


def append_rule(text: str, snippet: str, key: str = "rules") -> str:
    """Write a new item behind the last one of a file's list.

    Args:
        text: of the file; "" for a new one.
        snippet: a file that holds one item, with English words; they are written as those of `text`.
        key: `rules`, or `cases` for tests.

    Raises:
        ConfigError: the text is not YAML, or its list is written in brackets.
    """
    if not text.strip():
        return snippet
    parse_yaml(text.encode("utf-8", "surrogatepass"), name=key)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    slot = slot_of("rules" if key == "rules" else "tests")
    items = _child(root, key, slot)[1] if isinstance(root, yaml.MappingNode) else None
    if not isinstance(items, yaml.SequenceNode) or items.flow_style or not items.value:
        raise _refuse("no-rules", say("no list to which a rule can be added"))
    last = items.value[-1]
    column = text.rfind("-", 0, last.start_mark.index) - text.rfind("\n", 0, last.start_mark.index) - 1
    end = _end_of(text, last)
    lines = snippet.splitlines()[2:]  # without `schema: 1` and the list's key
    body = "\n".join(" " * column + line[2:] if line.strip() else "" for line in lines)
    return text[:end].rstrip() + "\n\n" + body + "\n" + (text[end:].lstrip("\n") and "\n" + text[end:].lstrip("\n"))


def quoted(text: str) -> str:
    """Write a text as YAML: plainly where it is read back as the same text, else in quotes."""
    try:
        plain = parse_yaml(f"a: {text}\nb: [{text}]".encode("utf-8", "surrogatepass"), name="").data
    except ConfigError:
        plain = None
    is_plain = plain == {"a": text, "b": [text]} and text and "\n" not in text and not is_ambiguous(text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


# --- the nodes of a text --------------------------------------------------------------------------------------------

#: Where in the text, until where, and what is written there.
_Edit = tuple[int, int, str]


def _refuse(code: str, what: Message) -> ConfigError:
    return ConfigError([Diagnostic(code=code, what=what, where="rules")])


def _moved(rule: EditableRule, before: Sequence[EditableRule]) -> EditableRule:
    """Compare without lines: an edit may move what follows."""
    same = next((old for old in before if old.rule_id == rule.rule_id), rule)
    return replace(rule, line=same.line)


def _end_of(text: str, node: yaml.Node) -> int:
    """Return where the last scalar of a node ends; the node itself ends where the next one begins."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = node.end_mark.index
    line_end = text.find("\n", end)
    if getattr(node, "style", None) in ("|", ">"):
        return int(end)
    return len(text) if line_end < 0 else line_end


def _child(node: yaml.MappingNode, key: str, slot: Slot) -> tuple[yaml.Node | None, yaml.Node | None]:
    for key_node, value in node.value:
        if slot.key(key_node.value) == key:
            return key_node, value
    return None, None


def _rules(text: str) -> Iterator[_RuleNode]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    top = slot_of("rules")
    items = _child(root, "rules", top)[1] if isinstance(root, yaml.MappingNode) else None
    for item in items.value if isinstance(items, yaml.SequenceNode) else ():
        if isinstance(item, yaml.MappingNode):
            rule = _RuleNode(text=text, node=item, slot=top.at(("rules", 0)))
            if rule.rule_id:
                yield rule


@dataclass(frozen=True, slots=True, kw_only=True)
class _RuleNode:
    """A rule in its text."""

    text: str
    node: yaml.MappingNode
    slot: Slot

    @property
    def rule_id(self) -> str:
        return self._scalar("id")

    def _scalar(self, key: str) -> str:
        value = _child(self.node, key, self.slot)[1]
        return str(value.value) if isinstance(value, yaml.ScalarNode) else ""

    def shown(self) -> EditableRule:
        values = {key: str(self.slot.child(key).value(self._scalar(key))) for key in _SCALARS}
        id_node = _child(self.node, "id", self.slot)[1]
        return EditableRule(
            rule_id=self.rule_id,
            line=id_node.start_mark.line + 1 if id_node is not None else 1,
            title=values["title"],
            severity=values["severity"],
            points=values["points"],
            status=values["status"] or "active",
            category=values["category"],
            advice={stage: unfold(node.value) for stage, node in self._advice().items()},
            words=tuple(
                WordField(
                    place="/".join(map(str, place)), head=head, part=part, excuses="unless" in place,
                    words=tuple(str(item.value) for item in _items(node)),
                )
                for place, head, part, node in self._lists()
            ),
        )  # fmt: skip

    def _advice(self) -> dict[str, yaml.ScalarNode]:
        value = _child(self.node, "advice", self.slot)[1]
        if isinstance(value, yaml.ScalarNode):
            return {"default": value}
        if not isinstance(value, yaml.MappingNode):
            return {}
        slot = self.slot.child("advice")
        return {slot.key(key.value): text for key, text in value.value if isinstance(text, yaml.ScalarNode)}

    def _lists(self) -> Iterator[tuple[tuple[str | int, ...], str, str, yaml.Node]]:
        for key in ("applies_when", "when"):
            value = _child(self.node, key, self.slot)[1]
            if value is not None:
                yield from _lists_below(value, self.slot.child(key), (key,))

    def edit_values(self, values: Mapping[str, str]) -> Iterator[_Edit]:
        for key, wanted in values.items():
            slot, (key_node, node) = self.slot.child(key), _child(self.node, key, self.slot)
            if isinstance(node, yaml.ScalarNode) and key_node is not None:
                if str(slot.value(node.value)) != wanted:
                    tongue = _tongue(node.value != slot.value(node.value) or key_node.value != key)
                    spelt = slot.spell_value(wanted, tongue)
                    is_bare = key == "points" and re.fullmatch(r"-?[0-9]+", spelt)
                    yield (
                        (node.start_mark.index, node.end_mark.index, spelt) if is_bare else self._exchange(node, spelt)
                    )
            elif wanted != "active" or key != "status":
                yield self._insert(key, wanted)

    def edit_advice(self, advice: Mapping[str, str]) -> Iterator[_Edit]:
        nodes = self._advice()
        for stage, wanted in advice.items():
            text = unfold(re.sub(r"\s*[\r\n]+\s*", " ", wanted.strip()))
            if stage not in nodes:
                raise _refuse("invalid-value", say("{rule}: no advice for {stage!r}", rule=self.rule_id, stage=stage))
            if text != unfold(" ".join(nodes[stage].value.split("\n")).strip()):
                yield self._exchange(nodes[stage], text)

    def edit_words(self, words: Mapping[str, Sequence[str]]) -> Iterator[_Edit]:
        lists = {"/".join(map(str, place)): node for place, _, _, node in self._lists()}
        for place, wanted in words.items():
            if place not in lists:
                raise _refuse("invalid-value", say("{rule}: no words at {place}", rule=self.rule_id, place=place))
            if not wanted:
                what = say("{rule}: a list of words must not be empty", rule=self.rule_id)
                raise _refuse("invalid-value", what)
            yield from _edit_list(self.text, lists[place], wanted)

    def _exchange(self, node: yaml.ScalarNode, wanted: str) -> _Edit:
        start, end = node.start_mark.index, node.end_mark.index
        if node.style not in ("|", ">"):
            return start, end, json.dumps(wanted, ensure_ascii=False) if node.style else quoted(wanted)
        end = start + len(self.text[start:end].rstrip())  # ends behind its last line
        indent = re.match(r"[ ]*", self.text[self.text.find("\n", start) + 1 : end])
        return start, end, f">-\n{indent.group(0) if indent else ''}{wanted}" if wanted else '""'

    def _insert(self, key: str, wanted: str) -> _Edit:
        """Write a key before `when`, or before the last key."""
        before = _child(self.node, "when", self.slot)[0] or self.node.value[-1][0]
        place = before.start_mark.index
        tongue = _tongue(before.value != self.slot.key(before.value))
        line = f"{self.slot.spell_key(key, tongue)}: {self.slot.child(key).spell_value(wanted, tongue)}"
        gap = ", " if self.node.flow_style else "\n" + " " * before.start_mark.column
        return place, place, line + gap


def _tongue(is_chinese: bool) -> Tongue:
    return "chinese" if is_chinese else "english"


def _items(node: yaml.Node) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def _lists_below(
    node: yaml.Node, slot: Slot, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str, str, yaml.Node]]:
    """Find the lists of words in a condition and in those inside it."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lists_below(item, slot.items or NOTHING, (*place, index))
    elif isinstance(node, yaml.MappingNode):
        for key_node, value in node.value:
            key = slot.key(key_node.value)
            if key not in _SAYS:
                yield from _lists_below(value, slot.child(key), (*place, key))
            elif isinstance(value, yaml.MappingNode):
                inner = slot.child(key)
                for part_node, words in value.value:
                    part = inner.key(part_node.value)
                    if part in _LISTS:
                        yield (*place, key, part), key, part, words
            else:
                yield (*place, key, "any"), key, "any", value


def _edit_list(text: str, node: yaml.Node, wanted: Sequence[str]) -> Iterator[_Edit]:
    """Take words out of a list and put others behind its last; those that stay keep their place and their comments."""
    items = _items(node)
    old = [str(item.value) for item in items]
    new = [quoted(word) for word in wanted if word not in old]
    gone = [item for item in items if item.value not in wanted]
    if not new and not gone:
        return
    stays = [text[item.start_mark.index : item.end_mark.index] for item in items if item not in gone]
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, yaml.SequenceNode):
        written = [*stays, *new]
        yield start, end, written[0] if len(written) == 1 else f"[{', '.join(written)}]"
    elif node.flow_style and "\n" not in text[start:end]:
        yield start, end, f"[{', '.join((*stays, *new))}]"
    elif node.flow_style:
        yield from _edit_brackets(text, node, gone, new)
    else:
        yield from _edit_dashes(text, node, gone, new)


def _edit_brackets(text: str, node: yaml.SequenceNode, gone: list[yaml.Node], new: list[str]) -> Iterator[_Edit]:
    """Edit a list in brackets over several lines, which may hold comments."""
    last = node.value[-1]
    for item in gone:
        comma = re.compile(r"\s*,[ \t]*").match(text, item.end_mark.index)
        yield item.start_mark.index, comma.end() if comma else item.end_mark.index, ""
    if new:
        comma = re.compile(r"\s*,").match(text, last.end_mark.index)
        place = comma.end() if comma else last.end_mark.index
        before = "" if last in gone and not comma else " " if comma else ", "
        yield place, place, before + ", ".join(new)


def _edit_dashes(text: str, node: yaml.SequenceNode, gone: list[yaml.Node], new: list[str]) -> Iterator[_Edit]:
    """Edit a list with a dash before each word."""
    lines = [text.rfind("\n", 0, item.start_mark.index) + 1 for item in node.value]
    ends = [_end_of(text, item) for item in node.value]
    dash = text[lines[-1] : node.value[-1].start_mark.index]
    for item, start, end in zip(node.value, lines, ends, strict=True):
        if item in gone:
            yield start, min(end + 1, len(text)), ""
    if new:
        place = ends[-1]
        if text[place - 1 : place] == "\n":
            place -= 1
        written = "".join(f"\n{' ' * (len(dash) - 2)}- {word}" for word in new)
        if node.value[-1] in gone:
            place = min(ends[-1] + 1, len(text))
            written = written.lstrip("\n") + "\n"
        yield place, place, written
