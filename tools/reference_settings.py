"""Write docs/reference/settings.md: every setting with its type, its default and its comment in settings.py.

`make reference` writes it; a test holds the page to `config/qareport.yaml`.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from qareport.settings import Settings

_INTRODUCTION = """\
# Settings

<!-- Written by `make reference`; edit the comments in qareport/settings/settings.py instead. -->

All keys of `config/qareport.yaml`. Keep only the lines that you change; a key that is not listed here is an error,
which is reported with its line and column.
"""
_NAMES = {int: "integer", float: "number", str: "text", bool: "true or false", types.NoneType: "none", Any: "anything"}
_BOUNDS = {Ge: ("ge", "≥"), Gt: ("gt", ">"), Le: ("le", "≤"), Lt: ("lt", "<")}


def settings_reference() -> str:
    """Return the complete page: a table for each section, in the order of `config/qareport.yaml`."""
    parts = [_INTRODUCTION]
    for section in dataclasses.fields(Settings):
        kind = get_type_hints(Settings, include_extras=True)[section.name]
        parts.append(f"## `{section.name}`\n")
        parts.append(f"{inspect.getdoc(kind)}\n")
        parts.append("\n".join(_table(kind)) + "\n")
    return "\n".join(parts)


def _table(kind: type) -> Iterator[str]:
    yield "| key | type | default | description |"
    yield "| --- | --- | --- | --- |"
    for key, type_text, default, description in _rows(kind):
        yield f"| `{key}` | {type_text} | {default} | {description} |"


def _rows(kind: type, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield key, type, default and description of each field; after a table, or a list of tables, its fields."""
    hints, comments = get_type_hints(kind, include_extras=True), _comments(kind)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        key = prefix + field.name
        yield key, _escaped(_type_text(hint)), _default(field), _escaped(comments[field.name])
        if dataclasses.is_dataclass(hint):
            yield from _rows(hint, f"{key}.")
        if get_origin(hint) is tuple and dataclasses.is_dataclass(get_args(hint)[0]):
            yield from _rows(get_args(hint)[0], f"{key}[].")


def _comments(kind: type) -> dict[str, str]:
    """Read the `#:` lines above each field of a class.

    Raises:
        ValueError: a field without a comment.
    """
    comments: dict[str, str] = {}
    pending: list[str] = []
    names = {field.name for field in dataclasses.fields(kind)}
    for line in map(str.strip, inspect.getsource(kind).splitlines()):
        if line.startswith("#:"):
            pending.append(line.removeprefix("#:").strip())
            continue
        name = line.partition(":")[0]
        if name in names and name not in comments:
            if not pending:
                raise ValueError(f"{kind.__name__}.{name}: no comment, expected a line `#: …` above it")
            comments[name] = " ".join(pending)
        pending = []
    return comments


def _type_text(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type_text(arguments[0]) + "".join(_bounds(arguments[1:]))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return ", or ".join(map(_type_text, arguments))
    if origin is tuple:
        return f"list of {_type_text(arguments[0])}" + "s" * dataclasses.is_dataclass(arguments[0])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"table of {_type_text(arguments[0])} to {_type_text(arguments[1])}"
    if dataclasses.is_dataclass(hint):
        return "table"
    if issubclass(hint, Enum):
        return ", ".join(f"`{member.value}`" for member in hint)
    return _NAMES[hint]


def _bounds(metadata: tuple[Any, ...]) -> Iterator[str]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _bounds(tuple(item.metadata))
        elif type(item) in _BOUNDS:
            attribute, sign = _BOUNDS[type(item)]
            yield f", {sign} {getattr(item, attribute)}"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "required"
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    text = yaml.safe_dump(_plain(value), allow_unicode=True, default_flow_style=True, width=10_000)
    return _escaped(f"`{text.removesuffix('...' + chr(10)).strip()}`")


def _plain(value: Any) -> Any:
    """Return a value as YAML writes it; fields that are none are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {name: inner for name, inner in fields.items() if inner is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
