"""Strict YAML with file, line and column.

YAML files are how people configure qareport, so no value may be misread silently. Only `true`/`false` are booleans,
only plain decimal numbers are numbers, `null`/`~`/empty is null; everything else that PyYAML would convert (`yes`,
`010`, `12:30`, dates) stays text. A duplicate key is an error. All problems of a document are reported at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml
from pydantic_core import PydanticCustomError

from qareport.errors import ConfigError, Diagnostic, Problem, SourceLocation, expected_by, os_reason
from qareport.messages import Message, say
from qareport.yaml_nodes import MAX_DEPTH, NodeLoader, TooDeepError, compose_fast, diagnose

T = TypeVar("T")
#: A path into a document: keys of mappings and indexes of lists.
NodePath = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+\Z")
#: The first line of a list item that was commented out.
_COMMENTED_ITEM = re.compile(r"\s*#[#\s]*-\s+[\w ]+:")
#: Ctrl-Z, with which editors from the days of DOS end a file.
_DOS_END = re.compile(r"\x1a\s*\Z")
_HASH = re.compile(r"(?:(?<=\s)|^)#", re.MULTILINE)
#: What UTF-16 begins with: the "Unicode" of Windows Notepad.
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: Files that people edit stay far below this; it limits the cost of a hostile one.
_MAX_BYTES = 2_000_000


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
    #: Keys and values as they are written, by their path, where `data` has other words for them.
    spelt_keys: Mapping[NodePath, str] = field(default_factory=dict)
    spelt_values: Mapping[NodePath, str] = field(default_factory=dict)

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
        ConfigError: not readable, not UTF-8, not YAML, several documents, a duplicate key, an anchor, a custom tag.
    """
    name = name or str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError([unreadable(error, name)]) from error
    return parse_yaml(content, name=name)


def unreadable(error: OSError, name: str) -> Diagnostic:
    """Describe a file that cannot be read."""
    what, to_do = say("cannot be read: {reason}", reason=os_reason(error)), say("check the path and its permissions")
    return Diagnostic(code="unreadable-file", what=what, where=name, to_do=to_do)


def parse_yaml(content: bytes, *, name: str) -> YamlSource:
    """Parse one YAML document from bytes. See `read_yaml`."""
    if len(content) > _MAX_BYTES:
        what, expected = say("is {size} bytes", size=len(content)), say("at most {most}", most=_MAX_BYTES)
        raise ConfigError([Diagnostic(code="file-too-large", what=what, where=name, expected=expected)])
    try:
        text = content.decode("utf-16" if content.startswith(UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        where = SourceLocation(file=name, line=content[: error.start].count(b"\n") + 1)
        what, to_do = say("not UTF-8 text"), say("save the file as UTF-8")
        raise ConfigError([Diagnostic(code="not-utf8", what=what, where=where, to_do=to_do)]) from error
    text = _DOS_END.sub("", text)
    node, tags = _compose(text, name)
    if tags:
        raise ConfigError([_tag_problem(tag, where) for tag, where in tags])
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


def _compose(text: str, name: str) -> tuple[yaml.Node | None, list[tuple[str, SourceLocation]]]:
    """Parse a document into nodes, once; return them with the explicit tags and their places."""

    def where(line: int, column: int) -> SourceLocation:
        return SourceLocation(file=name, line=line + 1, column=column + 1)

    if (fast := compose_fast(text)) is not None:
        return fast[0], [(tag, where(mark.line, mark.column)) for tag, mark in fast[1]]
    try:
        loader = NodeLoader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n"), error.position - before.rfind("\n") - 1
        what = say("character U+{number} cannot be used", number=f"{int(error.character):04X}")
        raise ConfigError([Diagnostic(code="invalid-yaml", what=what, where=where(line, column))]) from error
    try:
        node = loader.get_single_node()
    except TooDeepError as error:
        mark, what = error.problem_mark, say("nested deeper than {most} levels", most=MAX_DEPTH)
        place = where(mark.line, mark.column) if mark else where(0, 0)
        raise ConfigError([Diagnostic(code="yaml-nesting", what=what, where=place)]) from error
    except yaml.MarkedYAMLError as error:
        found = diagnose(text, error)
        place = where(found.line, found.column)
        raise ConfigError([Diagnostic(code="invalid-yaml", what=found.what, where=place, to_do=found.to_do)]) from error
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        # ValueError and OverflowError: an escape such as "\UFFFFFFFF" that is no character.
        what, place = say("not YAML: {reason}", reason=str(error)), where(loader.line, loader.column)
        raise ConfigError([Diagnostic(code="invalid-yaml", what=what, where=place)]) from error
    finally:
        loader.dispose()
    return node, [(tag, where(mark.line, mark.column)) for tag, mark in loader.tags]


def _tag_problem(tag: str, where: SourceLocation) -> Diagnostic:
    if tag.startswith("&"):  # what an alias repeats could blow a small file up to any size, or contain itself
        what = say("{anchor} is an anchor of YAML here, and no text", anchor=tag)
        to_do = say("where it is text, put all of it in quotes; else take it out, and write values out instead of *")
        return Diagnostic(code="yaml-alias", what=what, where=where, to_do=to_do)
    what, to_do = say("tag {tag!r} is not used here", tag=tag), say("write the value plainly")
    return Diagnostic(code="yaml-tag", what=what, where=where, to_do=to_do)


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


#: To build what reads the settings takes longer than to read them: one for each type.
_adapters: dict[Any, pydantic.TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = pydantic.TypeAdapter(kind)
    return _adapters[kind]


def validate(kind: type[T], source: YamlSource) -> T:
    """Turn a document into a typed value.

    Raises:
        ConfigError: every field that is unknown, missing or of the wrong type, with line and column.
    """
    adapter: pydantic.TypeAdapter[T] = _adapter(kind)
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
            to_do = say("did you mean {word!r}?", word=near[0]) if near else None
            if "：" in name:
                to_do = say("write an English colon and a space (: )")
            yield Problem(what=say("unknown key {key!r}", key=name), where=where, to_do=to_do)
        elif issue["type"] == "missing" or issue["type"] == "missing_argument":
            yield Problem(what=say("{key!r} is missing", key=name), where=where)
        else:
            what, expected = say("{key}: got {value!r}", key=name, value=issue["input"]), expected_by(issue)
            yield Problem(what=what, where=where, expected=expected)


def refusal(
    code: str, expected: Message, to_do: Message | None = None, *, at: str | None = None
) -> PydanticCustomError:
    """Make the error of a validator: what is expected, and perhaps what to do; it is said with its place.

    `at`: of a mapping whose keys do not fit together, the key to change.
    """
    return PydanticCustomError(code, "{expected}", {"expected": expected, "to_do": to_do, "at": at})


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

    def read(self, node: yaml.Node, path: NodePath) -> Any:
        self.locations.setdefault(path, self._where(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: NodePath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        lines: dict[str, int] = {}
        cut: int | None = None
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                # `advice: {{ quote }}`: braces in braces.
                to_do = say("put the whole text in quotes") if isinstance(key_node, yaml.MappingNode) else None
                self._refuse(key_node, "yaml-key", say("a key that is not text"), to_do)
                continue
            key = key_node.value
            self._note_scalar(key_node)
            if key == "<<":
                what = say("merge keys (<<) are not used here")
                self._refuse(key_node, "yaml-merge-key", what, say("write the keys out"))
                continue
            if key in result:
                if cut is None:
                    cut = self._cut_item(lines[key], key_node.start_mark.line)
                    self._refuse_twin(key_node, lines[key], cut)
                elif not cut:
                    self._refuse_twin(key_node, lines[key], cut)
                continue
            lines[key] = key_node.start_mark.line + 1
            self.locations[(*path, key)] = self._where(key_node)
            result[key] = self.read(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        self._note_scalar(node)
        if getattr(node, "style", None):  # quoted or block text
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
        if not style:
            self.plain_scalars.append((self._where(node), node.value))
        elif style in ("|", ">"):  # a comment may follow the indicator on its line
            start = self.text.find("\n", start)
        self.spans.append((start, node.end_mark.index))

    def _where(self, node: yaml.Node) -> SourceLocation:
        return SourceLocation(file=self.file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)

    def _cut_item(self, first: int, second: int) -> int:
        """Return the line between two of a half commented item (`# - id: …`), 0 without one; lines count from 1."""
        lines = self.text.split("\n")
        return next((number + 1 for number in range(first, second) if _COMMENTED_ITEM.match(lines[number])), 0)

    def _refuse_twin(self, node: yaml.Node, first: int, cut: int) -> None:
        if cut:
            what = say("another item is mixed into the one above: its first line, {line}, is a comment", line=cut)
            to_do = say("put # before each line of it, or before none")
        else:
            what = say("key {key!r} is given twice", key=node.value)
            to_do = say("first given on line {line}: keep one", line=first)
        self._refuse(node, "duplicate-key", what, to_do)

    def _refuse(self, node: yaml.Node, code: str, what: Message, to_do: Message | None = None) -> None:
        self.problems.append(Diagnostic(code=code, what=what, where=self._where(node), to_do=to_do))
