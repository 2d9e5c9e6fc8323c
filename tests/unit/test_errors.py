"""The exception tree is what its drawing says, a problem reads as where, what, expected, what to do, and every text of
an error goes through `say`, so that its reader gets it in the language of the reader."""

from __future__ import annotations

import ast
import errno
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from qareport import errors
from qareport.errors import Diagnostic, Problem, QareportError, SourceLocation, fault_reason, os_reason, redact
from qareport.messages import speaking
from tests.support.paths import ROOT


def tree(parent: type[Exception]) -> list[tuple[str, str]]:
    """List the classes of `errors` below one, depth first, each with its parent."""
    pairs = []
    for child in parent.__subclasses__():
        if child.__module__ == errors.__name__:
            pairs += [(child.__name__, parent.__name__), *tree(child)]
    return pairs


def test_the_drawing_shows_every_exception_in_its_place() -> None:
    drawn: list[tuple[str, str]] = []
    parents = ["QareportError"]
    for indent, name in re.findall(r"^    ((?:│   |    )*)[├└]── (\w+)", errors.__doc__ or "", flags=re.MULTILINE):
        depth = len(indent) // 4
        drawn.append((name, parents[depth]))
        parents[depth + 1 :] = [name]
    assert drawn == tree(QareportError)


def test_every_exception_is_explained_by_its_docstring() -> None:
    assert all(getattr(errors, name).__doc__ for name, _ in tree(QareportError))


def test_a_diagnostic_reads_as_its_problem() -> None:
    where = SourceLocation(file="a.yaml", line=3, column=5)
    text = "a.yaml:3:5: unknown key 'x'; expected y; write y"
    problem = Problem(what="unknown key 'x'", where=where, expected="y", to_do="write y")
    diagnostic = Diagnostic(
        code="unknown-key", what=problem.what, where=where, expected=problem.expected, to_do=problem.to_do
    )
    assert str(problem) == str(diagnostic) == text
    assert diagnostic.severity == "error"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("ftp://anna:geheim@host/day/", "ftp://anna:***@host/day/"),
        (
            "no connection to postgresql://u:p@ss/geheim@h:5432/db now",
            "no connection to postgresql://u:***@h:5432/db now",
        ),
        ("https://h/a.wav?password=geheim&x=1", "https://h/a.wav?password=***&x=1"),
        (
            "https://b/a.wav?X-Amz-Credential=geheim&X-Amz-Signature=geheim",
            "https://b/a.wav?X-Amz-Credential=***&X-Amz-Signature=***",
        ),
        ("postgresql://h/d?user=u&password=geheim", "postgresql://h/d?user=u&password=***"),
        ("http://host:80/a@b", "http://host:80/a@b"),
        ("order=1&key figures; a = b", "order=1&key figures; a = b"),
        ("sqlite:////home/a:b@c/q.db", "sqlite:////home/a:b@c/q.db"),
    ],
)
def test_no_text_shows_the_password_of_a_url(written: str, shown: str) -> None:
    assert redact(written) == shown
    assert str(Problem(what="refused", where=written)) == f"{shown}: refused"
    assert str(QareportError(written)) == shown


# --- texts ------------------------------------------------------------------------------------------------------------

PACKAGE = ROOT / "qareport"
_RAISED = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.QareportError | errors.Problem)
}


def plain_texts(path: Path) -> Iterator[int]:
    """The lines of a module on which an error gets a text that no catalogue knows."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _RAISED:
            texts = [
                *node.args[:1],
                *(word.value for word in node.keywords if word.arg in ("what", "expected", "to_do")),
            ]
            yield from (text.lineno for text in texts if is_plain(text))


def is_plain(text: ast.expr) -> bool:
    """Whether an expression is a text written there: a literal, an f-string, or one of them joined or chosen."""
    if isinstance(text, ast.BinOp):
        return is_plain(text.left) or is_plain(text.right)
    if isinstance(text, ast.IfExp):
        return is_plain(text.body) or is_plain(text.orelse)
    return isinstance(text, ast.JoinedStr) or (isinstance(text, ast.Constant) and isinstance(text.value, str))


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "errors.py"]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_error_says_its_text_through_say(path: Path) -> None:
    assert list(plain_texts(path)) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('raise StoreError("x")', [1]),
        ('raise StoreError(f"x {y}", to_do=z)', [1]),
        ('Problem(what=say("x"), expected="a" + b)', [1]),
        ('Problem(what=say("x"), to_do=say("a") if b else "c")', [1]),
        ('raise StoreError(say("x"), where="here", to_do=advice)', []),
        ('raise ValueError("x")', []),
    ],
)
def test_a_text_that_is_written_at_the_error_is_found(source: str, lines: list[int], tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, "utf-8")
    assert list(plain_texts(path)) == lines


@pytest.mark.parametrize(("language", "said"), [("en", "Permission denied"), ("zh", "没有权限")])
def test_reasons_of_the_system_are_said_in_the_readers_language(language: str, said: str) -> None:
    with speaking(language):
        assert str(os_reason(PermissionError(errno.EACCES, "Permission denied"))) == said


def test_a_reason_that_is_not_known_is_said_as_the_system_does() -> None:
    assert os_reason(OSError(errno.EXDEV, "Invalid cross-device link")) == "Invalid cross-device link"
    assert os_reason(OSError()) == "OSError"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("libxcb.so: failed to map segment from shared object"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("could not create a primitive"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("can't start new thread"),
    ],
    ids=str,
)
def test_a_want_of_memory_is_said_in_the_readers_language_whoever_notices_it(error: Exception) -> None:
    with speaking("zh"):
        assert str(fault_reason(error)).startswith("这个进程能用的内存不够")
    assert str(fault_reason(ValueError("x"))) == "ValueError: x"


def test_a_machine_without_a_folder_for_temporary_files_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    with pytest.raises(FileNotFoundError) as caught:
        tempfile.gettempdir()
    assert str(os_reason(caught.value)).startswith("there is no folder for temporary files (/tmp): set TMPDIR")
