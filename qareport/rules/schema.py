"""The JSON Schema of a rule file, with which an editor completes and checks while one types."""

from __future__ import annotations

from typing import Any

import pydantic

from qareport.rules.conditions import LEAVES
from qareport.rules.forms import DurationMs
from qareport.rules.loading import FileForm
from qareport.rules.reading import BRANCHES, MAX_STEPS

_DURATION = pydantic.TypeAdapter(DurationMs).json_schema()
_CONDITION = {"$ref": "#/$defs/condition"}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `config/rules/*.yaml`."""
    schema = FileForm.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    definitions["RuleForm"]["properties"]["when"] = _CONDITION
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
    beside = {"first": _DURATION, "last": _DURATION, "together": _DURATION}
    beside["unless"] = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/exception"}}
    properties = {**heads, **branches, **beside}
    one_head = {"oneOf": [{"required": [head]} for head in (*LEAVES, *BRANCHES)]}
    for name, extra in (
        ("condition", {}),
        ("step", {"within": _DURATION}),
        ("exception", {"within": _DURATION, "before": _DURATION}),
    ):
        definitions[name] = {
            "type": "object",
            "properties": properties | extra,
            "additionalProperties": False,
            **one_head,
        }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "qareport rules", **schema}
