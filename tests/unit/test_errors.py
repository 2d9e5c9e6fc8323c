"""The exception tree is what its drawing says, and a problem reads as where, what, expected, what to do."""

from __future__ import annotations

import re

import pytest

from qareport import errors
from qareport.errors import Diagnostic, Problem, QareportError, SourceLocation, redact


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
