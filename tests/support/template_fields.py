"""Which fields of views a template prints: its tags read and typed, nothing filled."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import docx
from jinja2 import nodes

from qareport.presentation.templating import make_environment
from qareport.report.formats.docx import text_nodes

#: The type of what is no field: loop variables of numbers, texts, functions.
OTHER = object


def template_source(path: Path) -> str:
    """Return a template's text; of a Word template the text of all its paragraphs, its tags as Jinja has them."""
    if path.suffix != ".docx":
        return path.read_text("utf-8")
    paragraphs = ("".join(node.text or "" for node in found) for found in text_nodes(docx.Document(str(path))))
    return re.sub(r"(\{[{%])(?:p|tr|tc|r) ", r"\1 ", "\n".join(paragraphs))


def fields_used(source: str, variables: Mapping[str, Any]) -> set[str]:
    """Name the fields that a template uses, as Class.field; `variables` are the types of what it is filled with.

    Raises:
        AssertionError: a name or a field that does not exist.
    """
    reader = _Reader(dict(variables))
    reader.read(make_environment().parse(source))
    return reader.used


class _Reader:
    def __init__(self, scope: dict[str, Any]) -> None:
        self.used: set[str] = set()
        self._scope = {"_": OTHER, "language": OTHER, "loop": OTHER, **scope}
        self._macros: dict[str, nodes.Macro] = {}

    def read(self, node: nodes.Node) -> Any:
        """Read a node and what is in it; return its type."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            return method(node)
        for child in node.iter_child_nodes():
            self.read(child)
        return OTHER

    def _name(self, node: nodes.Name) -> Any:
        assert node.name in self._scope, f"line {node.lineno}: no such name: {node.name}"
        return self._scope[node.name]

    def _getattr(self, node: nodes.Getattr) -> Any:
        view = self.read(node.node)
        hints = dict(_members(view))
        if not hints:
            return _value(view) if node.attr == "get" else OTHER
        assert node.attr in hints, f"line {node.lineno}: no such field: {view.__name__}.{node.attr}"
        self.used.add(f"{view.__name__}.{node.attr}")
        return hints[node.attr]

    def _getitem(self, node: nodes.Getitem) -> Any:
        self.read(node.arg)
        return _item(self.read(node.node))

    def _filter(self, node: nodes.Filter) -> Any:
        kinds = [self.read(child) for child in node.iter_child_nodes()]
        return kinds[0] if node.name == "counted" else OTHER  # every loop is counted by the environment

    def _for(self, node: nodes.For) -> Any:
        item = _item(self.read(node.iter))
        assert isinstance(node.target, nodes.Name)
        self._scope[node.target.name] = item
        for child in (*node.body, *node.else_):
            self.read(child)
        return OTHER

    def _assign(self, node: nodes.Assign) -> Any:
        assert isinstance(node.target, nodes.Name)
        self._scope[node.target.name] = self.read(node.node)
        return OTHER

    def _and(self, node: nodes.And) -> Any:
        self.read(node.left)
        return self.read(node.right)

    def _macro(self, node: nodes.Macro) -> Any:
        self._macros[node.name] = node
        self._scope[node.name] = OTHER
        return OTHER

    def _call(self, node: nodes.Call) -> Any:
        kind = self.read(node.node)
        types = [self.read(argument) for argument in node.args]
        if isinstance(node.node, nodes.Name) and node.node.name in self._macros:
            macro = self._macros[node.node.name]
            outside = dict(self._scope)
            self._scope.update({name.name: kind for name, kind in zip(macro.args, types, strict=True)})
            for child in macro.body:
                self.read(child)
            self._scope = outside
        return kind


def _members(view: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields and properties of a dataclass with their types, without what may be missing."""
    if not hasattr(view, "__dataclass_fields__"):
        return
    for name, hint in get_type_hints(view).items():
        yield name, _present(hint)
    for name, value in inspect.getmembers(view, lambda member: isinstance(member, property)):
        yield name, get_type_hints(value.fget)["return"]


def _present(hint: Any) -> Any:
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return kinds[0] if type(None) in get_args(hint) else hint


def _item(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is tuple else OTHER


def _value(hint: Any) -> Any:
    return get_args(hint)[1] if len(get_args(hint)) == 2 else OTHER
