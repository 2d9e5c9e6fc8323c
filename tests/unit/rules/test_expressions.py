"""Regular expressions in rules: those that can run away or match everything are refused."""

from __future__ import annotations

import pytest

from qareport.rules.expressions import ExpressionError, compile_safely, search


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|aa)*b*c*",
        "a*b*c*",
        r"(a)\1",
        "(x+x+)+y",
        "(.*a){5,}",
        "",
        "a?",
        "((((a{40}){40}){40}){40}){40}",
        "(a{1,40}){1,40}b{1,40}c{1,400}",
    ],
)
def test_an_expression_that_can_run_away_or_matches_everything_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError):
        compile_safely(pattern)


def test_an_ordinary_expression_is_searched() -> None:
    assert search(compile_safely("[0-9一二三]+个?(小时|天)|今天"), "我们三天内发") == "三天"
