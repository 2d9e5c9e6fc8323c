"""Convert domain types to JSON and back. pydantic does the work; this module words the errors.

Writing is canonical (field order of `model`, no spaces, no ASCII escapes), so equal values give equal bytes. Reading
ignores unknown fields: the contract allows fields to be added.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pydantic
from pydantic_core import PydanticSerializationError

from qareport.errors import QareportError, TranscriptError, expected_by, of_json
from qareport.messages import Message, say
from qareport.model import SCHEMA_VERSION, OrderReport

T = TypeVar("T")
#: Where JSON has other words than the YAML of `errors.expected_by`.
_IN_JSON: Mapping[str, Message] = {
    "list_type": say("a list in [ ]"),
    "tuple_type": say("a list in [ ]"),
    "dict_type": say("names and values in { }"),
    "dataclass_type": say("names and values in { }"),
    "model_type": say("names and values in { }"),
    "model_attributes_type": say("names and values in { }"),
    "missing": say("a value: it has to be there"),
    "extra_forbidden": say("nothing: there is no such field"),
    "json_invalid": say("JSON"),
}


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


def explain(error: pydantic.ValidationError) -> Message:
    """Say in one line what is wrong where, for at most five fields."""
    return explain_issues(error.errors(include_url=False))


def explain_issues(issues: Sequence[Any]) -> Message:
    """Say what `explain` says, of the issues of an error of pydantic."""
    parts = [_explain_one(issue) for issue in issues[:5]]
    if len(issues) > 5:
        parts.append(say("and {count} more", count=len(issues) - 5))
    return functools.reduce(lambda before, part: say("{before}; {part}", before=before, part=part), parts)


def _explain_one(issue: Any) -> Message:
    place = ".".join(str(step) for step in issue["loc"])
    if issue["type"] == "missing":
        return say("{place} is missing", place=place)
    if issue["type"] == "json_invalid":
        return say("not JSON: {error}", error=of_json(issue["ctx"]["error"]))
    got, expected = shorten(issue["input"]), expected_of(issue)
    if not place:
        return say("got {value}, expected {expected}", value=got, expected=expected)
    return say("{place}: got {value}, expected {expected}", place=place, value=got, expected=expected)


def expected_of(issue: Any) -> Message:
    """Say what was expected where pydantic refused a part of JSON."""
    return _IN_JSON.get(issue["type"]) or expected_by(issue)


def load_json(text: str | bytes, *, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """Read JSON that somebody may have written by hand: its objects are `JsonObject`s.

    Raises:
        ValueError: not JSON (`errors.json_reason` says why).
        RecursionError: nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_object, parse_constant=parse_constant)


class JsonObject(dict[str, Any]):
    """An object of JSON, which knows what a dictionary forgets."""

    #: A name that is given twice in it, or in an object within it.
    twice: str | None = None


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    made = JsonObject(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        made.twice = next(name for name in names if names.count(name) > 1)
    else:
        within = (item for value in made.values() for item in (value if isinstance(value, list) else (value,)))
        made.twice = next((item.twice for item in within if isinstance(item, JsonObject) and item.twice), None)
    return made


def given_twice(name: str) -> Message:
    """Say that a name is given twice: which of its values is meant, nobody knows."""
    return say("the name {name!r} is given twice", name=name)


def only_list(data: object) -> list[Any] | None:
    """Return the one list of objects that an object holds, as `{"calls": [{…}]}`; None: it holds none or several."""
    lists = [value for value in data.values() if isinstance(value, list)] if isinstance(data, dict) else []
    return lists[0] if len(lists) == 1 and lists[0] and all(isinstance(item, dict) for item in lists[0]) else None


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
