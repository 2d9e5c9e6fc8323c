"""Regular expressions of rules, made safe: refused when they can run away, and stopped when they still do.

`re` cannot be stopped once it searches, so rules use the `regex` package, whose search takes a time limit. A limit
alone would make results depend on how busy the machine is; therefore everything that can backtrack without bound (a
repeat inside a repeat, many open repeats in one pattern, references back) is refused when the rule is read, and the
limit is only the last resort.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]  # the syntax tree of the standard library's own parser
from typing import Any

import regex

#: For a search in an utterance; a sane pattern needs microseconds.
TIME_LIMIT_S = 0.25


MAX_LENGTH = 300


#: Repeats without an upper bound in one pattern; each multiplies the worst case by the length of the utterance.
MAX_OPEN_REPEATS = 2


#: A repeat above this is as good as open.
MANY = 40


_LOOKS = ("AT", "ASSERT", "ASSERT_NOT")


_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


class ExpressionError(ValueError):
    """A pattern that is refused; the text says why."""


def compile_safely(pattern: str) -> regex.Pattern[str]:
    """Compile a pattern for `search`.

    Raises:
        ExpressionError: not a regular expression, too long, or able to run away.
    """
    if len(pattern) > MAX_LENGTH:
        raise ExpressionError(f"{len(pattern)} characters long, at most {MAX_LENGTH}: use lists of words")
    try:
        tree, compiled = _parse(pattern), regex.compile(pattern)
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise ExpressionError(str(error)) from error
    open_repeats = 0
    for node, inside in _walk(tree, 0):
        name = str(node[0])
        if name in ("GROUPREF", "GROUPREF_EXISTS"):
            raise ExpressionError("refers back to a group, which can run away: write the words out")
        if name in _REPEATS and _is_open(node[1]):
            if inside:
                raise ExpressionError("repeats something that repeats, which can run away: write {0,10}, not * or +")
            open_repeats += 1
    if open_repeats > MAX_OPEN_REPEATS:
        raise ExpressionError(f"{open_repeats} open repeats (* or +), which can run away: write {{0,10}} instead")
    if compiled.search("") is not None:
        raise ExpressionError("matches everything, even silence")
    return compiled


def search(pattern: regex.Pattern[str], text: str) -> str | None:
    """Return the first match, None without one.

    Raises:
        TimeoutError: the search ran longer than `TIME_LIMIT_S`.
    """
    match = pattern.search(text, timeout=TIME_LIMIT_S)
    return None if match is None else match.group(0)


def search_from(pattern: regex.Pattern[str], text: str, place: int) -> int | None:
    """Return where the first match from a place on begins. Raises as `search`."""
    match = pattern.search(text, place, timeout=TIME_LIMIT_S)
    return None if match is None else match.start()


def finds_in_lines(pattern: str) -> bool:
    """Tell whether a pattern finds the same in a line as when lines are joined by line feeds.

    Not if it has anchors or look-arounds, or may match over line feeds.
    """
    return all(
        str(node[0]) not in (*_LOOKS, "POSSESSIVE_REPEAT", "ATOMIC_GROUP")
        and not (str(node[0]) in _REPEATS and _is_open(node[1]) and not _stops(node[1][2]))
        for node, _ in _walk(_parse(pattern), 0)
    )


def _parse(pattern: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `re` only reads the pattern: what it warns of is not done
        return _parser.parse(pattern)


def _stops(repeated: Any) -> bool:
    """Tell whether a repeated part certainly matches no line feed."""
    if len(repeated) != 1:
        return False
    name, value = str(repeated[0][0]), repeated[0][1]
    return name == "ANY" or (name == "LITERAL" and value != 10) or (name == "IN" and all(map(_in_line, value)))


def _in_line(member: Any) -> bool:
    name, value = str(member[0]), member[1]
    if name == "RANGE":
        return bool(value[0] > 10)
    return (name == "LITERAL" and value != 10) or str(value) in ("CATEGORY_DIGIT", "CATEGORY_WORD")


def _is_open(arguments: Any) -> bool:
    return int(arguments[1]) > MANY


def _walk(tree: Any, inside: int) -> Iterator[tuple[Any, int]]:
    """Walk through a syntax tree: each node with the number of repeats around it."""
    for node in tree:
        yield node, inside
        name, arguments = str(node[0]), node[1]
        deeper = inside + (name in _REPEATS and int(arguments[1]) > 1)
        for child in _children(arguments):
            yield from _walk(child, deeper)


def _children(arguments: Any) -> Iterator[Any]:
    if isinstance(arguments, _parser.SubPattern):
        yield arguments
    elif isinstance(arguments, tuple | list):
        for part in arguments:
            yield from _children(part)
