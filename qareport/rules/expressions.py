"""Regular expressions of rules that cannot run away.

`re` cannot be stopped once it searches, so rules use the `regex` package, whose search takes a time limit. A limit
alone would make results depend on how busy the machine is; therefore everything that can backtrack without bound (a
repeat inside a repeat, many open repeats in one pattern, references back) is refused when the rule is read, and the
limit is only the last resort.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from re import _parser  # type: ignore[attr-defined]  # the syntax tree of the standard library's own parser
from typing import Any, Final

import regex

from qareport.messages import Message, say

#: For a search in an utterance; a sane pattern needs microseconds.
TIME_LIMIT_S = 0.25
MAX_LENGTH = 300
#: Repeats without an upper bound in one pattern; each multiplies the worst case by the length of the utterance.
MAX_OPEN_REPEATS = 2
#: Steps of a pattern whose repeats are written out: each takes memory when it is compiled.
MAX_EXPANDED = 2_000
#: A repeat above this is as good as open.
MANY = 40
_LOOKS = ("AT", "ASSERT", "ASSERT_NOT")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


class ExpressionError(ValueError):
    """A pattern that is refused; the reason says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


def compile_safely(pattern: str) -> regex.Pattern[str]:
    """Compile a pattern for `search`.

    Raises:
        ExpressionError: not a regular expression, too long, or able to run away.
    """
    if len(pattern) > MAX_LENGTH:
        reason = say(
            "{length} characters long, at most {most}: use lists of words", length=len(pattern), most=MAX_LENGTH
        )
        raise ExpressionError(reason)
    try:
        tree = _parse(pattern)
        _check_repeats(tree)
        if (size := _expanded(tree)) > MAX_EXPANDED:
            raise ExpressionError(say("repeats come to {size} steps: repeat less inside of repeats", size=size))
        compiled = regex.compile(pattern)
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise ExpressionError(_reason(error)) from error
    if compiled.search("") is not None:
        raise ExpressionError(say("matches everything, even silence"))
    return compiled


#: What `re` and `regex` say of a pattern that they cannot read, by how it begins.
_REASONS: Final[Mapping[str, Message]] = {
    "unterminated character set": say("the bracket [ is not closed"),
    "missing )": say("the bracket ( is not closed"),
    "unbalanced parenthesis": say("a bracket ) closes nothing"),
    "nothing to repeat": say("*, +, ? or {} stands where nothing is before it"),
    "multiple repeat": say("two of *, +, ? and {} follow each other"),
    "min repeat": say("a repeat like {5,2} has its numbers the wrong way round"),
    "bad character range": say("a range like [9-0] has its ends the wrong way round"),
    "bad escape": say("a \\ stands before a letter that it does not belong to"),
    "unknown extension": say("after (? stands what is not known"),
    "unexpected end": say("it ends too early"),
    "look-behind": say("(?<=…) needs a fixed length"),
}


def _reason(error: Exception) -> Message:
    """Say what is wrong with a pattern, and where in it."""
    text, place = str(getattr(error, "msg", error)), getattr(error, "pos", None)
    reason = next((known for start, known in _REASONS.items() if text.startswith(start)), None)
    if reason is None:
        return say("{reason}", reason=error)
    return reason if place is None else say("{reason}, at letter {number}", reason=reason, number=place + 1)


def _check_repeats(tree: Any) -> None:
    open_repeats = 0
    for node, inside in _walk(tree, 0):
        name = str(node[0])
        if name in ("GROUPREF", "GROUPREF_EXISTS"):
            raise ExpressionError(say("refers back to a group, which can run away: write the words out"))
        if name in _REPEATS and _is_open(node[1]):
            if inside:
                raise ExpressionError(
                    say("repeats something that repeats, which can run away: write {0,10}, not * or +")
                )
            open_repeats += 1
    if open_repeats > MAX_OPEN_REPEATS:
        reason = say("{count} open repeats (* or +), which can run away: write {{0,10}} instead", count=open_repeats)
        raise ExpressionError(reason)


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


def _expanded(tree: Any) -> int:
    """Count the steps of a pattern whose repeats are written out, as they are compiled."""
    total = 0
    for node in tree:
        times = min(int(node[1][1]), MANY) if str(node[0]) in _REPEATS else 1
        total += max(times, 1) * (1 + sum(map(_expanded, _children(node[1]))))
    return total


def _children(arguments: Any) -> Iterator[Any]:
    if isinstance(arguments, _parser.SubPattern):
        yield arguments
    elif isinstance(arguments, tuple | list):
        for part in arguments:
            yield from _children(part)
