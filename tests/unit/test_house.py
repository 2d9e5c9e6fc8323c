"""The house rules that no linter holds: names, sizes, one meaning for each type, packages that only re-export."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGE = ROOT / "qareport"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
#: Not of our choosing: Alembic's revisions and what it runs.
MIGRATIONS = PACKAGE / "store" / "migrations"
CODE = sorted(
    path
    for folder in ("qareport", "tests", "benchmarks", "training", "tools")
    for path in (ROOT / folder).rglob("*.py")
)

#: Variables that say nothing; the noun says it: call, segment, rule, row, first and second.
BANNED_VARIABLES = {"one"}
#: Modules and packages that did not say what they hold.
BANNED_MODULES = {
    "happened", "heard", "hearing", "judged", "kept", "quiet", "packed", "sounds", "playable", "choosing",
    "listening", "feelings", "cues", "edges", "cuts", "voices", "labels", "mel", "forms", "cutting", "packing",
    "extent", "problems", "ruled", "promised", "counting", "dossiers", "returns", "keeping", "ruling", "watching",
    "finding", "machine", "storage", "speech", "trying", "nodes", "chapter", "making", "collecting", "utils", "util",
    "helper", "helpers", "manager", "common", "misc",
}  # fmt: skip
MOST_MODULES, MOST_LINES, LEAST_LINES = 180, 400, 30


def place(path: Path, node: ast.AST | None = None) -> str:
    name = path.relative_to(ROOT).as_posix()
    return f"{name}:{node.lineno}" if isinstance(node, ast.expr | ast.arg | ast.stmt) else name


def bound_names(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node
        elif isinstance(node, ast.arg):
            yield node.arg, node


def test_no_variable_has_a_name_that_says_nothing() -> None:
    found = [
        f"{place(path, node)} {name}"
        for path in CODE
        for name, node in bound_names(ast.parse(path.read_text("utf-8")))
        if name in BANNED_VARIABLES
    ]
    assert found == []


def test_modules_are_named_after_what_they_hold() -> None:
    assert [place(path) for path in MODULES if {path.stem, *path.relative_to(PACKAGE).parts} & BANNED_MODULES] == []


def test_a_public_type_name_has_one_meaning() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(place(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_there_are_no_more_rooms_than_a_newcomer_can_learn() -> None:
    assert len(MODULES) <= MOST_MODULES


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_a_module_is_neither_a_closet_nor_a_hall(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= MOST_LINES
    if path.name not in ("__init__.py", "__main__.py") and MIGRATIONS not in path.parents:
        assert lines >= LEAST_LINES


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=place)
def test_packages_re_export_and_hold_no_logic(path: Path) -> None:
    logic = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.With, ast.Try)
    allowed = {"__getattr__", "__dir__"}  # names that are loaded when they are asked for
    found = [
        node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, logic) and getattr(node, "name", "") not in allowed
    ]
    assert [place(path, node) for node in found] == []
