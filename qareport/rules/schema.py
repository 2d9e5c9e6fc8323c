"""The JSON Schemas of rule files, of the tests beside them and of `synonyms.yaml`, made from the forms that read them.

In English they are also the grammar by which `translation` finds the Chinese words of a file; for editors those words
are added.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from qareport.rules.aliases import FLAGS, UNITS, VALUES, words_of
from qareport.rules.condition_parser import BETWEEN, BRANCHES, COUNT, GAP, MAX_STEPS, REACH
from qareport.rules.conditions import LEAVES
from qareport.rules.file_forms import FileForm, RuleTestFileForm, SharedForm
from qareport.rules.named_conditions import NAMED
from qareport.rules.schema_types import LENGTH_PATTERNS, OF_ROLE, UNIT_MS
from qareport.text.wordlist import WORD_PATTERN

#: The kinds of file in the folder of rules.
FileKind = Literal["rules", "tests", "synonyms"]
Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TITLES = {"rules": "qareport rules", "tests": "qareport rule tests", "synonyms": "qareport synonyms"}
#: Keys that exclude each other.
_EXCLUSIVE = (("first", "last"), ("nth", "times"), ("around", "within"), ("around", "before"))
_CONDITION = {"$ref": "#/$defs/condition"}


def json_schema(kind: FileKind = "rules") -> Schema:
    """Return the JSON Schema (draft 2020-12) of a kind of file, with the English and the Chinese words."""
    schema = _with_aliases(_naming_no_other(grammar(kind)) if kind == "synonyms" else grammar(kind))
    return {"$schema": _DRAFT, **schema, "title": _TITLES[kind]}


def _naming_no_other(shared: Schema) -> Schema:
    """Return the schema of shared conditions, which name no other; the grammar knows the word to say so."""
    definitions = dict(shared["$defs"])
    for name in ("condition", "step", "exception"):
        part = definitions[name]
        properties = {key: value for key, value in part["properties"].items() if key != NAMED}
        heads = [head for head in part["oneOf"] if head["required"] != [NAMED]]
        definitions[name] = part | {"properties": properties, "oneOf": heads}
    return shared | {"$defs": definitions}


@functools.cache
def grammar(kind: FileKind) -> Schema:
    """Return the JSON Schema of a kind of file with English words alone. Not to be changed."""
    if kind == "tests":
        return RuleTestFileForm.model_json_schema(by_alias=True)
    if kind == "synonyms":
        shared = SharedForm.model_json_schema(by_alias=True)
        rules = grammar("rules")["$defs"]
        shared["$defs"] = {name: part for name, part in rules.items() if name != "RuleForm"} | shared["$defs"]
        shared["properties"]["conditions"] = {"type": "object", "additionalProperties": _CONDITION}
        return shared
    schema = FileForm.model_json_schema(by_alias=True)
    definitions: Schema = schema["$defs"]
    rule: Schema = definitions["RuleForm"]["properties"]
    rule |= {"when": _CONDITION, "applies_when": {"anyOf": [_CONDITION, {"type": "null"}]}}
    heads: Schema = {}
    siblings: Schema = {}
    needs: dict[str, list[str]] = {}
    for head, form in LEAVES.items():
        part = form.model_json_schema(by_alias=True)
        definitions |= part.pop("$defs", {})
        definitions[form.__name__] = part
        heads[head] = {"$ref": f"#/$defs/{form.__name__}"}
        for sibling in form.siblings:
            siblings[sibling] = part["anyOf"][-1]["properties"][sibling]
            needs.setdefault(sibling, []).append(head)
    for head, own in BRANCHES.items():
        for sibling in own:
            needs.setdefault(sibling, []).append(head)
    named: Schema = {NAMED: {"type": "string", "pattern": WORD_PATTERN}}
    properties = {**heads, **named, **_branches(), **siblings, **_modifiers()}
    length = GAP.json_schema()
    for name, extra in (
        ("condition", {"within": length}),
        ("step", {"within": length, "earliest": length}),
        ("exception", {"within": length, "before": length, "around": length, "earliest": length}),
    ):
        beside = needs | {"within": ["times"]} if name == "condition" else needs
        definitions[name] = _condition(name, properties | extra, beside)
    return schema


def _branches() -> Schema:
    branches: Schema = {
        head: {"type": "array", "minItems": 1, "items": _CONDITION} for head in BRANCHES if head != "sequence"
    }
    steps = {"$ref": "#/$defs/step"}
    # The first step follows nothing.
    branches["sequence"] = {
        "type": "array", "minItems": 2, "maxItems": MAX_STEPS, "prefixItems": [_CONDITION], "items": steps
    }  # fmt: skip
    return branches


def _modifiers() -> Schema:
    reach, length, count = REACH.json_schema(), GAP.json_schema(), COUNT.json_schema()
    excuses = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/exception"}}
    return {
        "first": reach, "last": reach, "between": BETWEEN.json_schema(), "together": length,
        "nth": count, "times": count, "at_least": count, "unless": excuses,
    }  # fmt: skip


def _condition(name: str, properties: Schema, needs: Mapping[str, Sequence[str]]) -> Schema:
    heads = [head for head in (*LEAVES, NAMED, *BRANCHES) if not (name == "step" and head == "none")]
    own = {key: part for key, part in properties.items() if key in heads or key not in BRANCHES}
    return {
        "title": name,
        "type": "object",
        "properties": own,
        "additionalProperties": False,
        "oneOf": [{"required": [head]} for head in heads],
        "allOf": [
            *({"not": {"required": [*pair]}} for pair in _EXCLUSIVE),
            *(
                {"anyOf": [{"not": {"required": [key]}}, *({"required": [head]} for head in of)]}
                for key, of in needs.items()
            ),
        ],
    }


def _with_aliases(node: Any) -> Any:
    """Add the Chinese words to a part of a schema; of a key's words a mapping may have one."""
    if isinstance(node, list):
        return [_with_aliases(part) for part in node]
    if not isinstance(node, dict):
        return node
    widened: Schema = {key: _with_aliases(part) for key, part in node.items() if key not in ("required", "properties")}
    rules = [_one_of_words(key) for key in node.get("required", ())]
    if "properties" in node:
        widened["properties"] = {}
        for key, part in node["properties"].items():
            words = words_of(key)
            widened["properties"] |= dict.fromkeys(words, _with_aliases(part))
            rules += [{"not": {"required": [*pair]}} for pair in itertools.combinations(words, 2)]
    if rules:
        widened["allOf"] = [*widened.get("allOf", ()), *rules]
    if "enum" in node:
        widened["enum"] = [word for value in node["enum"] for word in (value, *VALUES.get(value, ()))]
    if node.get("pattern") in LENGTH_PATTERNS:
        widened["pattern"] = _with_chinese_units(node["pattern"])
    if node.get("type") == "boolean":
        widened.pop("type")
        widened["enum"] = [True, False, *FLAGS]
    return widened


def _one_of_words(key: str) -> Schema:
    words = words_of(key)
    return {"required": [key]} if len(words) == 1 else {"anyOf": [{"required": [word]} for word in words]}


def _with_chinese_units(pattern: str) -> str:
    roles = "|".join((*VALUES["agent"], *VALUES["customer"]))
    counted = "|".join((*UNITS["turns"], *UNITS["sentences"]))
    pattern = pattern.replace(OF_ROLE, f"{OF_ROLE}|({roles})\\s*[0-9]{{1,6}}\\s*({counted})")
    for unit, spelt in (("turns", "turns?"), ("sentences", "sentences?")):
        pattern = pattern.replace(spelt, f"({spelt}|{'|'.join(UNITS[unit])})")
    chinese = "|".join(word for unit in UNIT_MS for word in UNITS[unit])
    return pattern.replace("ms|s|m|h|d", f"ms|s|m|h|d|{chinese}")
