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
#: Folders of tests that mirror the package; what is under them is in the folder of the package that it tests.
MIRRORS = (ROOT / "tests" / "unit", ROOT / "tests" / "integration")
#: Parts of `tests` that tests may import.
SHARED_BY_TESTS = ("support", "corpus")
# The understanding of sentences, the reading of personal data, the desk and live calls came as new parts.
MOST_MODULES, MOST_LINES, LEAST_LINES = 517, 400, 30


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
    names = [
        f"{place(path, node)} {name}"
        for path in CODE
        for name, node in bound_names(ast.parse(path.read_text("utf-8")))
        if name in BANNED_VARIABLES
    ]
    assert names == []


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
    nodes = [
        node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, logic) and getattr(node, "name", "") not in allowed
    ]
    assert [place(path, node) for node in nodes] == []


def imported_modules(path: Path) -> Iterator[str]:
    """Name the modules that a file imports, also those that it takes out of a package."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_test_is_imported_by_another_file() -> None:
    assert [
        f"{place(path)} imports {name}"
        for path in CODE
        for name in imported_modules(path)
        if name.startswith("tests.") and name.split(".")[1] not in SHARED_BY_TESTS
    ] == []


#: What makes requests over HTTP. The language model's client talks to a server of the settings over http as well, and
#: to private networks, without a list: transcripts go to that server or nowhere.
SPEAKS_HTTP = {"http.client", "urllib.request", "requests", "httpx", "aiohttp", "urllib3"}
MAY_SPEAK_HTTP = {"qareport/outgoing/http_client.py", "qareport/understanding/chat_client.py"}


def test_requests_go_out_through_one_client() -> None:
    speaking = {
        place(path)
        for path in MODULES
        for name in imported_modules(path)
        if name in SPEAKS_HTTP or name.split(".")[0] in SPEAKS_HTTP
    }
    assert speaking == MAY_SPEAK_HTTP


def test_imports_are_absolute() -> None:
    assert [
        place(path, node)
        for path in CODE
        if (ROOT / "tests") in path.parents
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ] == []


@pytest.mark.parametrize("mirror", MIRRORS, ids=place)
def test_tests_are_in_the_folder_of_the_package_that_they_test(mirror: Path) -> None:
    folders = {path.parent.relative_to(mirror) for path in mirror.rglob("test_*.py")} - {Path()}
    assert sorted(folder for folder in folders if not (PACKAGE / folder / "__init__.py").exists()) == []
    modules = {path.stem.removeprefix("test_") for path in mirror.glob("test_*.py")} - {"house"}
    assert sorted(name for name in modules if not (PACKAGE / f"{name}.py").exists()) == []


def test_a_folder_of_tests_has_tests() -> None:
    packages = {path.parent for mirror in MIRRORS for path in mirror.rglob("__init__.py")} - {*MIRRORS}
    assert sorted(place(folder) for folder in packages if not any(folder.rglob("test_*.py"))) == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("conftest.py")), ids=place)
def test_conftest_files_hold_fixtures_alone(path: Path) -> None:
    """Builders, which a test may import, are in tests/support; a fixture's own private function may stay with it."""
    assert [
        place(path, node)
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not any("pytest.fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
    ] == []
