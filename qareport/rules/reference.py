"""The rule language for readers: the reference of conditions and of codes in Markdown."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from qareport.rules.conditions import LEAVES, LeafForm, logic, sequence
from qareport.rules.diagnostics import CODES
from qareport.rules.schema import grammar
from qareport.rules.schema_types import DURATION_PATTERN, GAP_PATTERN, PLACE_PATTERN, REACH_PATTERN

#: Types of JSON Schema, and strings of a pattern, in a reader's words.
_TYPES = {"integer": "whole number", "number": "number", "boolean": "true or false"}
_PATTERNS = {
    DURATION_PATTERN: "length of time (`2s`)", REACH_PATTERN: "extent (`30s`)", GAP_PATTERN: "extent (`30s`)",
    PLACE_PATTERN: "extent (`30s`)",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionSection:
    """The documentation of a module of conditions, as its docstring has it."""

    #: What introduces it: `silence: nobody speaks for some time`.
    title: str
    text: str
    #: The meaning of each key, by the head that it belongs to; "" where the section has only one table.
    keys: Mapping[str, Mapping[str, str]]
    #: YAML below `when:`.
    example: str
    module: ModuleType


def condition_sections() -> list[ConditionSection]:
    """Return the section of each module of conditions, in the order of `LEAVES`, then conditions made of conditions."""
    modules = dict.fromkeys(sys.modules[form.__module__] for form in LEAVES.values())
    return [_section(module) for module in (*modules, logic, sequence)]


def _section(module: ModuleType) -> ConditionSection:
    head, *parts = re.split(r"^(Keys.*|Example):\n", inspect.getdoc(module) or "", flags=re.MULTILINE)
    title, _, text = head.partition("\n")
    bodies = dict(zip(parts[::2], parts[1::2], strict=True))
    example = textwrap.dedent(bodies.pop("Example")).strip()
    keys: dict[str, dict[str, str]] = {}
    for name, body in bodies.items():
        lines = [line.split(": ", 1) for line in textwrap.dedent(body).strip().splitlines()]
        for condition in re.findall(r"`([^`]+)`", name) or [""]:
            keys[condition] = dict(lines)
    return ConditionSection(title=title.rstrip("."), text=text.strip(), keys=keys, example=example, module=module)


def conditions_reference() -> str:
    """Return the reference of all conditions in Markdown: meaning, keys with type and default, and an example."""
    return "\n".join(line for section in condition_sections() for line in _lines(section)).rstrip() + "\n"


def codes_reference() -> str:
    """Return the table of all diagnostic codes in Markdown."""
    rows = [f"| `{code}` | {meaning} |" for code, meaning in CODES.items()]
    return "\n".join(["| code | meaning |", "| --- | --- |", *rows]) + "\n"


def _lines(section: ConditionSection) -> Iterator[str]:
    yield f"## {section.title}\n"
    if section.text:
        yield f"{section.text}\n"
    example = "\n".join(f"  {line}" for line in section.example.splitlines())
    yield f"```yaml\nwhen:\n{example}\n```\n"
    tables: dict[str, list[str]] = {}
    for head, meanings in section.keys.items():
        tables.setdefault("\n".join(_table(section.module, head, meanings)), []).append(head)
    for table, heads in tables.items():
        if heads != [""]:
            yield "Keys of " + ", ".join(f"`{head}`" for head in heads) + ":\n"
        yield table + "\n"


def _table(module: ModuleType, head: str, meanings: Mapping[str, str]) -> Iterator[str]:
    form = _form(module, head)
    schema = _branch_schema() if form is None else form.model_json_schema(by_alias=True)
    if "properties" in schema.get("anyOf", [{}])[-1]:  # the short spelling, then the mapping
        schema = {**schema, "anyOf": [], **schema["anyOf"][-1]}
    one_of = {key for part in schema.get("anyOf", ()) for key in part.get("required", ())}
    yield "| key | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key, meaning in meanings.items():
        field = schema["properties"][key]
        default = "required" if key in schema.get("required", ()) else _default(field)
        default = default or ("one of these" if key in one_of else "")
        bare = " A bare value sets this key." if form is not None and form.bare == key else ""
        yield f"| `{key}` | {_type(field, schema)} | {default} | {_sentence(meaning)}{bare} |"


def _form(module: ModuleType, head: str) -> type[LeafForm] | None:
    """Return the form of a head, or the only one of its module; None for conditions made of conditions."""
    forms = [form for form in LEAVES.values() if form.__module__ == module.__name__]
    return LEAVES[head] if head else next(iter(forms), None)


def _branch_schema() -> dict[str, Any]:
    definitions = grammar("rules")["$defs"]
    return {"properties": definitions["step"]["properties"] | definitions["exception"]["properties"]}


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if isinstance(default, int) and field.get("pattern") == DURATION_PATTERN:
        default = f"{default / 1000:g}s"
    return "" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Name the type of a field in a reader's words."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1]
        return _type(schema["$defs"][name], schema) if name in schema.get("$defs", ()) else "condition"
    if "anyOf" in field:
        names = dict.fromkeys(_type(choice, schema) for choice in field["anyOf"] if choice.get("type") != "null")
        return " or ".join(name for name in names if name != "whole number" or len(names) == 1)
    if "enum" in field:
        return " ".join(f"`{value}`" for value in field["enum"])
    if field.get("pattern") in _PATTERNS:
        return _PATTERNS[field["pattern"]]
    if field.get("type") == "array":
        name = _type(field["items"], schema) if isinstance(field.get("items"), dict) else ""
        return f"list of {name}s" if name == "condition" else "list"
    return _TYPES.get(str(field.get("type")), "text")
