"""Strict YAML with file, line and column.

YAML files are how people tune qareport, so nothing in them may be misread silently. Only `true`/`false` are booleans,
only plain decimal numbers are numbers, `null`/`~`/empty is nothing; everything else that PyYAML would guess (`yes`,
`010`, `12:30`, dates) stays the text that was written. A key given twice is an error. Problems are reported together.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml

from qareport.errors import ConfigError, Problem, SourceLocation

T = TypeVar("T")
#: A way down into a document: keys of mappings and indexes of lists.
Path_ = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+\Z")
#: A file that a person edits stays far below this; it bounds what a hostile one can cost.
_MAX_BYTES = 2_000_000
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlSource:
    """A YAML document: plain data, and where each part of it stands."""

    file: str
    data: Any
    locations: Mapping[Path_, SourceLocation]

    def locate(self, path: Path_) -> SourceLocation:
        """Return where a part stands, or where the nearest part around it does."""
        while path not in self.locations and path:
            path = path[:-1]
        return self.locations.get(path, SourceLocation(file=self.file))


def read_yaml(path: Path, *, name: str | None = None) -> YamlSource:
    """Read one YAML document.

    Args:
        path: the file.
        name: how messages call it, by default the path.

    Raises:
        ConfigError: not readable, not UTF-8, not YAML, several documents, a duplicate key, an alias, a custom tag.
    """
    name = name or str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = Problem(
            what=f"cannot be read: {error.strerror}", where=name, to_do="check the path and its permissions"
        )
        raise ConfigError([problem]) from error
    return parse_yaml(content, name=name)


def parse_yaml(content: bytes, *, name: str) -> YamlSource:
    """Parse one YAML document from bytes. See `read_yaml`."""
    if len(content) > _MAX_BYTES:
        raise ConfigError([Problem(what=f"is {len(content)} bytes", where=name, expected=f"at most {_MAX_BYTES}")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        where = SourceLocation(file=name, line=line)
        raise ConfigError([Problem(what="not UTF-8 text", where=where, to_do="save the file as UTF-8")]) from error
    try:
        tags = list(_tags(text, name))
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = SourceLocation(file=name, line=mark.line + 1 if mark else 1, column=mark.column + 1 if mark else 1)
        what = " ".join(part for part in (error.context, error.problem) if part)
        to_do = "YAML indents with spaces, not tabs" if "'\\t'" in what else "check indentation, colons and quotes here"
        raise ConfigError([Problem(what=f"not YAML: {what}", where=where, to_do=to_do)]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError([Problem(what=f"not YAML: {error}", where=name)]) from error
    if tags:
        raise ConfigError(tags)
    reader = _Reader(name)
    data = None if node is None else reader.read(node, ())
    if reader.problems:
        raise ConfigError(reader.problems)
    return YamlSource(file=name, data=data, locations=reader.locations)


def _tags(text: str, name: str) -> Iterator[Problem]:
    """Find explicit tags (`!name`); only the event stream tells them from those that YAML resolves by itself."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        tag, mark = getattr(event, "tag", None), event.start_mark
        if tag is not None and mark is not None:
            where = SourceLocation(file=name, line=mark.line + 1, column=mark.column + 1)
            yield Problem(what=f"tag {tag!r} is not used here", where=where, to_do="write the value plainly")


def validate(kind: type[T], source: YamlSource) -> T:
    """Turn a document into a typed value.

    Raises:
        ConfigError: every field that is unknown, missing or of the wrong type, with line and column.
    """
    adapter = pydantic.TypeAdapter(kind)
    try:
        return adapter.validate_python({} if source.data is None else source.data)
    except pydantic.ValidationError as error:
        known = sorted(set(_property_names(adapter.json_schema())))
        raise ConfigError(list(_problems(error, source, known))) from error


def _problems(error: pydantic.ValidationError, source: YamlSource, known: list[str]) -> Iterator[Problem]:
    for issue in error.errors(include_url=False):
        path = issue["loc"]
        name = str(path[-1]) if path else "document"
        where = source.locate(path)
        if issue["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            near = difflib.get_close_matches(name, known, n=1)
            yield Problem(
                what=f"unknown key {name!r}", where=where, to_do=f"did you mean {near[0]!r}?" if near else None
            )
        elif issue["type"] == "missing" or issue["type"] == "missing_argument":
            yield Problem(what=f"{name!r} is missing", where=where)
        else:
            yield Problem(what=f"{name}: got {issue['input']!r}", where=where, expected=_expected(issue["msg"]))


def _expected(message: str) -> str:
    text = re.sub(r"^(Input|Value) should be ", "", message)
    return text[0].lower() + text[1:]


def _property_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from _property_names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _property_names(value)


class _Reader:
    """Builds data from nodes, noting where each part stands and what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.locations: dict[Path_, SourceLocation] = {}
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: Path_) -> Any:
        self.locations.setdefault(path, self._where(node))
        if len(path) > _MAX_DEPTH:
            self._complain(node, f"nested deeper than {_MAX_DEPTH} levels")
            return None
        if id(node) in self._seen:  # aliases can blow a small file up to any size, or contain themselves
            self._complain(node, "anchors and aliases (&, *) are not used here", "write the value out")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(key_node, "a key that is not text")
                continue
            key = key_node.value
            if key == "<<":
                self._complain(key_node, "merge keys (<<) are not used here", "write the keys out")
                continue
            if key in result:
                self._complain(key_node, f"key {key!r} is given twice", f"first given on line {lines[key]}: keep one")
                continue
            lines[key] = key_node.start_mark.line + 1
            self.locations[(*path, key)] = self._where(key_node)
            result[key] = self.read(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        if getattr(node, "style", None) is not None:  # quoted or block text
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INTEGER.match(text) and len(text) <= 18:
            return int(text)
        if _NUMBER.match(text):
            return float(text)
        return text

    def _where(self, node: yaml.Node) -> SourceLocation:
        return SourceLocation(file=self.file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)

    def _complain(self, node: yaml.Node, what: str, to_do: str | None = None) -> None:
        self.problems.append(Problem(what=what, where=self._where(node), to_do=to_do))
