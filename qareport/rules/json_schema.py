"""The JSON Schema of a rule file, with which an editor completes and checks while one types."""

from __future__ import annotations

from typing import Any

import pydantic

from qareport.rules.condition_parser import BRANCHES, MAX_STEPS
from qareport.rules.conditions import LEAVES
from qareport.rules.rule_schema import FileForm
from qareport.rules.spans import Extent, Gap, Place, Reach

_GAP = pydantic.TypeAdapter[Extent](Gap).json_schema()
_REACH = pydantic.TypeAdapter[Extent](Reach).json_schema()
_BETWEEN = pydantic.TypeAdapter[tuple[Extent, Extent]](tuple[Place, Place]).json_schema()
_COUNT = {"type": "integer", "minimum": 1}
_CONDITION = {"$ref": "#/$defs/condition"}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `config/rules/*.yaml`."""
    schema = FileForm.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    definitions["RuleForm"]["properties"]["when"] = _CONDITION
    definitions["RuleForm"]["properties"]["applies_when"] = _CONDITION
    heads: dict[str, Any] = {}
    for head, form in LEAVES.items():
        part = form.model_json_schema(by_alias=True)
        definitions |= part.pop("$defs", {})
        heads[head] = part
        for sibling in form.siblings:
            heads[sibling] = {"$ref": "#/$defs/Role"}
    branches = {head: {"type": "array", "minItems": 1, "items": _CONDITION} for head in BRANCHES if head != "sequence"}
    steps = {"$ref": "#/$defs/step"}
    branches["sequence"] = {"type": "array", "minItems": 2, "maxItems": MAX_STEPS, "items": steps}
    beside: dict[str, Any] = {"first": _REACH, "last": _REACH, "between": _BETWEEN, "together": _GAP}
    beside |= {"nth": _COUNT, "times": _COUNT, "at_least": _COUNT}
    beside["unless"] = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/exception"}}
    properties = {**heads, **branches, **beside}
    one_head = {"oneOf": [{"required": [head]} for head in (*LEAVES, *BRANCHES)]}
    for name, extra in (
        ("condition", {}),
        ("step", {"within": _GAP}),
        ("exception", {"within": _GAP, "before": _GAP}),
    ):
        definitions[name] = {
            "type": "object",
            "properties": properties | extra,
            "additionalProperties": False,
            **one_head,
        }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "qareport rules", **schema}
