"""Strict YAML with file, line and column.

YAML files are how people configure qareport, so no value may be misread silently. Only `true`/`false` are booleans,
only plain decimal numbers are numbers, `null`/`~`/empty is null; everything else that PyYAML would convert (`yes`,
`010`, `12:30`, dates) stays text. A duplicate key is an error. All problems of a document are reported at once.
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

from qareport.errors import ConfigError, Diagnostic, Problem, SourceLocation

T = TypeVar("T")
#: A path into a document: keys of mappings and indexes of lists.
NodePath = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+\Z")
_HASH = re.compile(r"(?:(?<=\s)|^)#", re.MULTILINE)
#: Files that people edit stay far below this; it limits the cost of a hostile one.
_MAX_BYTES = 2_000_000
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlSource:
    """A YAML document: plain data, and the location of each part of it."""

    file: str
    data: Any
    locations: Mapping[NodePath, SourceLocation]
    #: Keys and values without quotes, in order of place.
    plain_scalars: tuple[tuple[SourceLocation, str], ...] = ()
    #: Comments with their `#`, in order of place.
    comments: tuple[tuple[SourceLocation, str], ...] = ()

    def locate(self, path: NodePath) -> SourceLocation:
        """Return the location of a part, or of the nearest part around it."""
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
        raise ConfigError([unreadable(error, name)]) from error
    return parse_yaml(content, name=name)


def unreadable(error: OSError, name: str) -> Diagnostic:
    """Describe a file that cannot be read."""
    what, to_do = f"cannot be read: {error.strerror}", "check the path and its permissions"
    return Diagnostic(code="unreadable-file", what=what, where=name, to_do=to_do)


def parse_yaml(content: bytes, *, name: str) -> YamlSource:
    """Parse one YAML document from bytes. See `read_yaml`."""
    if len(content) > _MAX_BYTES:
        what = f"is {len(content)} bytes"
        raise ConfigError([Diagnostic(code="file-too-large", what=what, where=name, expected=f"at most {_MAX_BYTES}")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = SourceLocation(file=name, line=content[: error.start].count(b"\n") + 1)
        to_do = "save the file as UTF-8"
        raise ConfigError([Diagnostic(code="not-utf8", what="not UTF-8 text", where=where, to_do=to_do)]) from error
    node, tags = _compose(text, name)
    if tags:
        raise ConfigError(tags)
    reader = _Reader(name, text)
    data = None if node is None else reader.read(node, ())
    if reader.problems:
        raise ConfigError(reader.problems)
    return YamlSource(
        file=name,
        data=data,
        locations=reader.locations,
        plain_scalars=tuple(reader.plain_scalars),
        comments=tuple(_comments(text, name, reader.spans)),
    )


class _Loader(yaml.SafeLoader):
    """Composes nodes and notes explicit tags (`!name`), which a node no longer tells from those that YAML resolves."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.tags: list[tuple[str, yaml.Mark]] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs have no types here
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.tags.append((tag, event.start_mark))
        return super().compose_node(parent, index)


def _compose(text: str, name: str) -> tuple[yaml.Node | None, list[Diagnostic]]:
    """Parse a document into nodes, once; return them with the problems of explicit tags."""

    def refuse(what: str, line: int, column: int, to_do: str | None = None) -> ConfigError:
        where = SourceLocation(file=name, line=line + 1, column=column + 1)
        return ConfigError([Diagnostic(code="invalid-yaml", what=f"not YAML: {what}", where=where, to_do=to_do)])

    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n"), error.position - before.rfind("\n") - 1
        raise refuse(f"character U+{int(error.character):04X} cannot be used", line, column) from error
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        to_do = "YAML indents with spaces, not tabs" if "'\\t'" in what else "check indentation, colons and quotes here"
        raise refuse(what, mark.line if mark else 0, mark.column if mark else 0, to_do) from error
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        # ValueError and OverflowError: an escape such as "\UFFFFFFFF" that is no character.
        raise refuse(str(error), loader.line, loader.column) from error
    finally:
        loader.dispose()
    return node, [
        Diagnostic(
            code="yaml-tag",
            what=f"tag {tag!r} is not used here",
            where=SourceLocation(file=name, line=mark.line + 1, column=mark.column + 1),
            to_do="write the value plainly",
        )
        for tag, mark in loader.tags
    ]


def _comments(text: str, name: str, spans: list[tuple[int, int]]) -> Iterator[tuple[SourceLocation, str]]:
    """Find the comments of a document: what follows a `#` outside of the `spans` of its scalars."""
    line, end, span = 1, 0, 0
    for match in _HASH.finditer(text):
        start = match.start()
        while span < len(spans) and spans[span][1] <= start:
            span += 1
        if start < end or (span < len(spans) and spans[span][0] <= start):
            continue  # inside of a comment or a scalar
        line += text.count("\n", end, start)
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        column = start - text.rfind("\n", 0, start)
        yield SourceLocation(file=name, line=line, column=column), text[start:end].rstrip()


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
    """Builds data from nodes; notes the location of each part and what is wrong with it."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.problems: list[Diagnostic] = []
        self.locations: dict[NodePath, SourceLocation] = {}
        self.plain_scalars: list[tuple[SourceLocation, str]] = []
        #: Where scalars begin and end in the text, in order.
        self.spans: list[tuple[int, int]] = []
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: NodePath) -> Any:
        self.locations.setdefault(path, self._where(node))
        if len(path) > _MAX_DEPTH:
            self._refuse(node, "yaml-nesting", f"nested deeper than {_MAX_DEPTH} levels")
            return None
        if id(node) in self._seen:  # aliases can blow a small file up to any size, or contain themselves
            self._refuse(node, "yaml-alias", "anchors and aliases (&, *) are not used here", "write the value out")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: NodePath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, "yaml-key", "a key that is not text")
                continue
            key = key_node.value
            self._note_scalar(key_node)
            if key == "<<":
                self._refuse(key_node, "yaml-merge-key", "merge keys (<<) are not used here", "write the keys out")
                continue
            if key in result:
                to_do = f"first given on line {lines[key]}: keep one"
                self._refuse(key_node, "duplicate-key", f"key {key!r} is given twice", to_do)
                continue
            lines[key] = key_node.start_mark.line + 1
            self.locations[(*path, key)] = self._where(key_node)
            result[key] = self.read(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        self._note_scalar(node)
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

    def _note_scalar(self, node: yaml.Node) -> None:
        style, start = getattr(node, "style", None), node.start_mark.index
        if style is None:
            self.plain_scalars.append((self._where(node), node.value))
        elif style in ("|", ">"):  # a comment may follow the indicator on its line
            start = self.text.find("\n", start)
        self.spans.append((start, node.end_mark.index))

    def _where(self, node: yaml.Node) -> SourceLocation:
        return SourceLocation(file=self.file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)

    def _refuse(self, node: yaml.Node, code: str, what: str, to_do: str | None = None) -> None:
        self.problems.append(Diagnostic(code=code, what=what, where=self._where(node), to_do=to_do))
