"""Regular expressions brought to the form of the text that they are searched in, and those that can never match.

Text is searched as `normalise` gives it: lower case, half width, simplified, without punctuation. A pattern is written
by people who see the text as it is spoken, so its letters are brought to the same form. What cannot be brought there
(punctuation, an end before the end) never matches; `never_matches` finds it, for lint.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from re import _parser  # type: ignore[attr-defined]  # the syntax tree of the standard library's own parser
from typing import Any

from qareport.text.simplified import simplify

#: Escapes and the heads of groups keep their letters: \\D is not \\d.
_PIECE = re.compile(r"\\[pP]\{[^}]*\}|\\.|\(\?(?:P?<\w+>|P=\w+\)|[a-zA-Z-]+[:)])|.", re.DOTALL)
#: What stays in a text though it is neither letter nor digit: signs of money, and what joins Latin words and numbers.
_STAYS = frozenset("¥$€%+ .'")


def normal_pattern(pattern: str) -> str:
    """Return a pattern with its letters in lower case, half width and simplified characters."""
    return "".join(map(_fold_letter, _PIECE.findall(pattern)))


def _fold_letter(piece: str) -> str:
    if len(piece) > 1:
        return piece
    wide = unicodedata.normalize("NFKC", piece)
    # Punctuation of full width would become a sign of the expression: （ is not (.
    letter = wide if len(wide) == 1 and wide.isalnum() else piece
    folded = simplify(letter).casefold()
    return folded if len(folded) == 1 else letter


def never_matches(pattern: str) -> str | None:
    """Return what keeps a pattern from ever matching: a letter that no text keeps, `$` before its end; else None.

    Args:
        pattern: one that compiles, as it is written.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the pattern is only read: what is warned of is not done
        return _of_branch(list(_parser.parse(normal_pattern(pattern))))


def _of_branch(nodes: list[Any]) -> str | None:
    """Find it among parts that must all match, one after the other."""
    ends = [index for index, node in enumerate(nodes) if _is_at(node, "AT_END", "AT_END_STRING")]
    if ends and any(map(_consumes, nodes[ends[0] :])):
        return "$"
    starts = [index for index, node in enumerate(nodes) if _is_at(node, "AT_BEGINNING", "AT_BEGINNING_STRING")]
    if starts and any(map(_consumes, nodes[: starts[-1]])):
        return "^"
    return next((found for node in nodes if (found := _of_node(node)) is not None), None)


def _of_node(node: Any) -> str | None:
    name, value = str(node[0]), node[1]
    if name == "LITERAL":
        return None if _is_kept(value) else chr(value)
    if name == "IN":
        given = [chr(member[1]) for member in value if str(member[0]) == "LITERAL"]
        return given[0] if len(given) == len(value) and not any(map(_is_kept, map(ord, given))) else None
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _of_branch(list(value[2])) if value[0] else None
    if name == "SUBPATTERN":
        return _of_branch(list(value[-1]))
    if name == "BRANCH":
        found = [_of_branch(list(branch)) for branch in value[1]]
        return None if None in found else found[0]
    return None


def _is_kept(code: int) -> bool:
    letter = chr(code)
    return letter in _STAYS or letter.isalnum()


def _is_at(node: Any, *places: str) -> bool:
    return str(node[0]) == "AT" and str(node[1]) in places


def _consumes(node: Any) -> bool:
    """Tell whether a part needs at least a letter."""
    name, value = str(node[0]), node[1]
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return bool(value[0]) and any(map(_consumes, value[2]))
    if name == "SUBPATTERN":
        return any(map(_consumes, value[-1]))
    if name == "BRANCH":
        return all(any(map(_consumes, branch)) for branch in value[1])
    return name in ("LITERAL", "NOT_LITERAL", "IN", "ANY")
