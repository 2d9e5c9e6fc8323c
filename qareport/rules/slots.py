"""What may be written in each place of a rule file, and in which words.

It is known from the JSON Schema (`schema.grammar`): a word is a word of the language only where the grammar has it.
愤怒 is ANGRY below `emotion`, and stays itself among the words that a customer says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from qareport.rules.aliases import FLAGS, KEYS, KEYS_IN, UNIT_WORDS, UNITS, VALUES
from qareport.rules.schema_types import LENGTH_PATTERNS
from qareport.strict_yaml import NodePath

Tongue = Literal["english", "chinese"]

_LENGTH = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*([^\s0-9]+)")
_ENGLISH_UNITS = {word: unit for unit, words in UNITS.items() for word in words}
_CHINESE_UNITS = {**UNIT_WORDS, "turn": UNIT_WORDS["turns"], "sentence": UNIT_WORDS["sentences"]}
_FLAG_WORDS = {str(flag).lower(): word for word, flag in FLAGS.items()}


@dataclass(slots=True)
class Slot:
    """What may be written in one place of a file."""

    title: str = ""
    keys: dict[str, Slot] = field(default_factory=dict)
    #: Below keys that the writer chooses, such as the stages of advice.
    rest: Slot | None = None
    items: Slot | None = None
    values: set[str] = field(default_factory=set)
    is_flag: bool = False
    is_length: bool = False
    #: The utterances of a test: what is before the colon is a language of its own.
    is_line: bool = False

    def at(self, path: NodePath) -> Slot:
        """Return what may be written at a place below this one, given in English."""
        slot = self
        for step in path:
            slot = slot.child(step) if isinstance(step, str) else slot.items or NOTHING
        return slot

    def key(self, written: str) -> str:
        """Return a key in English; what is no Chinese word of a key here stays."""
        if written in self.keys:
            return written
        return next((key for key in self.keys if written in KEYS.get(key, ())), written)

    def child(self, key: str) -> Slot:
        """Return what may be written below a key, given in English."""
        return self.keys.get(key) or self.rest or NOTHING

    def value(self, written: str) -> str | bool:
        """Return a plain value in English."""
        if written in self.values:
            return written
        for value in self.values:
            if written in VALUES.get(value, ()):
                return value
        if self.is_flag and written in FLAGS:
            return FLAGS[written]
        return _in_english_units(written) if self.is_length else written

    def spell_key(self, key: str, tongue: Tongue) -> str:
        """Write a key of this place in a language; it may be given in either."""
        english = self.key(key)
        if tongue == "english" or english not in self.keys or english not in KEYS:
            return english
        return KEYS_IN.get((self.title, english)) or KEYS[english][0]

    def spell_value(self, value: str, tongue: Tongue) -> str:
        """Write a value of this place, as the file has it, in a language."""
        english = self.value(value)
        text = str(english).lower() if isinstance(english, bool) else english
        if tongue == "english":
            return text
        if text in self.values and text in VALUES:
            return VALUES[text][0]
        if self.is_flag and text in _FLAG_WORDS:
            return _FLAG_WORDS[text]
        return _in_chinese_units(text) if self.is_length else text


NOTHING = Slot()


#: Of one role: 客服3句 is `3 agent sentences`.
_OF_ROLE = {
    "english": re.compile(r"([0-9]+)\s+(agent|customer)\s+(turn|sentence)s?"),
    "chinese": re.compile(rf"({'|'.join((*VALUES['agent'], *VALUES['customer']))})\s*([0-9]+)\s*([^\s0-9]+)"),
}


def _in_english_units(text: str) -> str:
    if of_role := _OF_ROLE["chinese"].fullmatch(text):
        role = next(role for role in ("agent", "customer") if of_role.group(1) in VALUES[role])
        unit = _ENGLISH_UNITS.get(of_role.group(3))
        return f"{of_role.group(2)} {role} {unit}" if unit in ("turns", "sentences") else text
    match = _LENGTH.fullmatch(text)
    unit = _ENGLISH_UNITS.get(match.group(2)) if match else None
    if match is None or unit is None:
        return text
    if unit not in ("turns", "sentences"):
        return match.group(1) + unit
    return f"{match.group(1)} {unit.removesuffix('s') if match.group(1) == '1' else unit}"


def _in_chinese_units(text: str) -> str:
    if of_role := _OF_ROLE["english"].fullmatch(text):
        number, role, unit = of_role.groups()
        return f"{VALUES[role][0]}{number}{_CHINESE_UNITS[unit]}"
    match = _LENGTH.fullmatch(text)
    unit = _CHINESE_UNITS.get(match.group(2)) if match else None
    return text if match is None or unit is None else match.group(1) + unit


def slots_of(schema: dict[str, Any]) -> Slot:
    """Return what may be written in a file that a schema describes in English."""
    return _SlotBuilder(schema.get("$defs", {})).slot(schema)


class _SlotBuilder:
    """Makes slots of a schema; those of definitions only once, because conditions hold conditions."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._by_name: dict[str, Slot] = {}

    def slot(self, node: dict[str, Any]) -> Slot:
        if set(node) == {"$ref"}:
            name = node["$ref"].rsplit("/", 1)[1]
            if name not in self._by_name:
                self._by_name[name] = Slot()
                self._fill(self._by_name[name], self._definitions[name])
            return self._by_name[name]
        slot = Slot()
        self._fill(slot, node)
        return slot

    def _fill(self, slot: Slot, node: dict[str, Any]) -> None:
        if "$ref" in node:
            self._fill(slot, self._definitions[node["$ref"].rsplit("/", 1)[1]])
        for choice in node.get("anyOf", ()):
            if "required" not in choice or "properties" in choice:
                self._fill(slot, choice)
        if "properties" in node:
            slot.title = node.get("title", "")
            slot.keys |= {key: self.slot(part) for key, part in node["properties"].items()}
        if isinstance(node.get("additionalProperties"), dict):
            slot.rest = self.slot(node["additionalProperties"])
        if "items" in node:
            slot.items = self.slot(node["items"])
        elif "prefixItems" in node:  # a pair of the same kind
            slot.items = self.slot(node["prefixItems"][0])
        slot.values |= {value for value in node.get("enum", ()) if isinstance(value, str)}
        slot.is_flag |= node.get("type") == "boolean"
        slot.is_length |= node.get("pattern") in LENGTH_PATTERNS
        slot.is_line |= "propertyNames" in node  # only lines bound the names of their keys
