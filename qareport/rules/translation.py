"""Rule files in Chinese words: brought to English when they are read, written in one language by `rewrite`."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import yaml

from qareport.errors import Diagnostic, SourceLocation
from qareport.messages import say
from qareport.rules.rule_files import NewestVersions
from qareport.rules.rule_test_lines import rewrite_head
from qareport.rules.schema import FileKind, grammar
from qareport.rules.slots import NOTHING, Slot, Tongue, slots_of
from qareport.strict_yaml import NodePath, YamlSource, parse_yaml


@functools.cache
def slot_of(kind: FileKind) -> Slot:
    """Return what may be written in a kind of file."""
    return slots_of(grammar(kind))


#: Of each file and its kind.
_read: Final = NewestVersions[tuple[YamlSource, tuple[Diagnostic, ...]]]()


def read_english(content: bytes, name: str, kind: FileKind) -> tuple[YamlSource, tuple[Diagnostic, ...]]:
    """Parse a file and bring it to English; see `parse_yaml` and `to_english`.

    Files that did not change since are not read again: an editor checks all files at each pause of the keyboard, and
    one of them has changed. The document is shared and must not be changed.
    """
    known = _read.get((name, kind), content)
    if known is None:
        source, problems = to_english(parse_yaml(content, name=name), kind)
        known = source, tuple(problems)
        _read.keep((name, kind), content, known)
    return known


def to_english(source: YamlSource, kind: FileKind) -> tuple[YamlSource, list[Diagnostic]]:
    """Bring a file to English keys and values; places stay those of the file.

    Returns:
        The file in English, with what was written where it differs; a key that is given in both languages is a problem.
    """
    reading = _Reading(source)
    data = reading.read(source.data, slot_of(kind), (), ())
    english = replace(
        source, data=data, locations=reading.locations, spelt_keys=reading.keys, spelt_values=reading.values
    )
    return english, reading.problems


class _Reading:
    """Walks through a file and its grammar side by side."""

    def __init__(self, source: YamlSource) -> None:
        self.source = source
        self.locations: dict[NodePath, SourceLocation] = {}
        self.keys: dict[NodePath, str] = {}
        self.values: dict[NodePath, str] = {}
        self.problems: list[Diagnostic] = []

    def read(self, node: Any, slot: Slot, written: NodePath, path: NodePath) -> Any:
        if written in self.source.locations:
            self.locations[path] = self.source.locations[written]
        if isinstance(node, dict):
            return self._mapping(node, slot, written, path)
        if isinstance(node, list):
            items = slot.items or NOTHING
            return [self.read(item, items, (*written, index), (*path, index)) for index, item in enumerate(node)]
        if not isinstance(node, str):
            return node
        value = slot.value(node)
        if value != node:
            self.values[path] = node
        return value

    def _mapping(self, node: Mapping[str, Any], slot: Slot, written: NodePath, path: NodePath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for spelt, child in node.items():
            key, here = slot.key(spelt), (*written, spelt)
            if key in result:
                first = self.keys.get((*path, key), key)
                what = say("{key!r} and {first!r} are the same key", key=spelt, first=first)
                to_do = say("first given on line {line}: keep one", line=self.locations[(*path, key)].line)
                where = self.source.locate(here)
                self.problems.append(Diagnostic(code="duplicate-key", what=what, where=where, to_do=to_do))
                continue
            if key != spelt:
                self.keys[(*path, key)] = spelt
            result[key] = self.read(child, slot.child(key), here, (*path, key))
        return result


def rewrite(text: str, kind: FileKind, tongue: Tongue) -> str:
    """Write the words of the language in one tongue; comments, order, quotes and all else stay.

    Args:
        text: a file that `parse_yaml` accepts.
        kind: what it holds.
        tongue: the words to write.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    edits = sorted(_edits(node, slot_of(kind), tongue), reverse=True) if node is not None else []
    for start, end, word in edits:
        text = text[:start] + word + text[end:]
    return text


def _edits(node: yaml.Node, slot: Slot, tongue: Tongue) -> Iterator[tuple[int, int, str]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            spelt = rewrite_head(key.value, tongue) if slot.is_line else slot.spell_key(key.value, tongue)
            yield from _edit(key, spelt)
            yield from _edits(value, slot.child(slot.key(key.value)), tongue)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _edits(item, slot.items or NOTHING, tongue)
    else:
        yield from _edit(node, slot.spell_value(node.value, tongue))


def _edit(node: yaml.Node, spelt: str) -> Iterator[tuple[int, int, str]]:
    """Exchange a scalar for another word, inside its quotes; block texts hold no words of the language."""
    style = getattr(node, "style", None)
    if spelt != node.value and style in (None, "'", '"'):
        inside = 0 if style is None else 1
        yield node.start_mark.index + inside, node.end_mark.index - inside, spelt
