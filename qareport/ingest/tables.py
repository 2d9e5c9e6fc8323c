"""Rows of a manifest before they are understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from qareport.errors import Problem, SourceLocation

#: Where a row stands, and its cells by their column's name, or what is wrong with it.
Line: TypeAlias = tuple[SourceLocation | str, Mapping[str, Any] | Problem]


def no_audio_column(names: Sequence[str], where: str) -> Line:
    """Say which columns there are when none is named audio."""
    got = ", ".join(names) or "nothing"
    return where, Problem(what=f"the columns are {got}", where=where, expected="at least a column named audio")
