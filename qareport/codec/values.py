"""Convert domain types to JSON and back. pydantic does the work; this module words the errors.

Writing is canonical (field order of `model`, no spaces, no ASCII escapes), so equal values give equal bytes. Reading
ignores unknown fields: the contract allows fields to be added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic
from pydantic_core import PydanticSerializationError

from qareport.errors import QareportError, TranscriptError
from qareport.messages import Message, say
from qareport.model import SCHEMA_VERSION, OrderReport

T = TypeVar("T")


#: Building an adapter costs milliseconds: one for each type.
_adapters: dict[Any, pydantic.TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = pydantic.TypeAdapter(kind)
    return _adapters[kind]


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write a domain value as JSON.

    Raises:
        QareportError: a string in it cannot be written as UTF-8 (a lone surrogate).
    """
    adapter = _adapter(type(value))
    try:
        return adapter.dump_json(value, indent=indent).decode()
    except PydanticSerializationError as error:
        raise QareportError(
            say("cannot be written as JSON: {error}", error=error), where=type(value).__name__
        ) from error


def to_data(value: object) -> Any:
    """Turn a domain value into plain dictionaries, lists, strings and numbers."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], text: str | bytes, *, where: str, error: type[QareportError] = TranscriptError) -> T:
    """Read a domain value from JSON.

    Args:
        kind: the type to read, for example `Transcript`.
        text: one JSON value.
        where: how messages name the source, for example `calls.jsonl:3`.
        error: what is raised; the store says `StoreError`.

    Raises:
        QareportError: of the type `error`: not JSON, or not a value of that type; every field that is wrong is named.
    """
    try:
        value: T = _adapter(kind).validate_json(text)
        return value
    except pydantic.ValidationError as refusal:
        expected = say("a {type} of schema version {version}", type=kind.__name__, version=SCHEMA_VERSION)
        raise error(explain(refusal), where=where, expected=expected) from refusal


#: What pydantic refuses, by the whole or the first word of its code, in the words of who made the file.
_PLAINLY: Mapping[str, Message] = {
    "missing": say("is missing"),
    "int": say("a whole number is expected"),
    "float": say("a number is expected"),
    "string_type": say("text is expected"),
    "bool": say("true or false is expected"),
    **dict.fromkeys(("list_type", "tuple_type", "frozen_set_type"), say("a list is expected")),
    **dict.fromkeys(("dict_type", "dataclass_type", "model_type", "mapping_type"), say("an object is expected")),
}


def explain(error: pydantic.ValidationError) -> str:
    """Say in one line what is wrong where, for at most five fields."""
    issues = error.errors(include_url=False)
    parts = []
    for issue in issues[:5]:
        place = ".".join(str(step) for step in issue["loc"]) or "value"
        got = "" if issue["type"] in ("missing", "json_invalid") else f" (got {shorten(issue['input'])})"
        kind = issue["type"].partition("_")[0]
        words = _PLAINLY.get(issue["type"]) or _PLAINLY.get(kind) or issue["msg"].removeprefix("Value error, ")
        if kind in ("enum", "literal"):
            choices = re.findall(r"'([^']*)'", issue["ctx"]["expected"])
            words = say("one of {choices} is expected", choices=", ".join(choices))
        parts.append(f"{place}: {words}{got}")
    if len(issues) > 5:
        parts.append(f"and {len(issues) - 5} more")
    return "; ".join(parts)


def json_schema(kind: type[object]) -> dict[str, Any]:
    """Return the JSON Schema of a domain type."""
    return _adapter(kind).json_schema()


def read_report(text: str | bytes, *, where: str) -> OrderReport:
    """Read an order report that the store or `--format json` wrote."""
    return from_json(OrderReport, text, where=where)


def shorten(value: object) -> str:
    """Write a value as JSON of at most 60 characters, for messages."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
