"""Types of values in rules: durations, extents, keywords, roles, bounds, and regular expressions that cannot run away.

`re` cannot be stopped once it searches, so rules use the `regex` package, whose search takes a time limit. A limit
alone would make results depend on how busy the machine is; therefore everything that can backtrack without bound (a
repeat inside a repeat, many open repeats in one pattern, references back) is refused when the rule is read, and the
limit is only the last resort.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from re import _parser  # type: ignore[attr-defined]  # the syntax tree of the standard library's own parser
from typing import Annotated, Any, ClassVar

import regex
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from qareport.model import Role
from qareport.text.wordlist import Keyword

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
    """A pattern that is refused; the text says why."""


def compile_safely(pattern: str) -> regex.Pattern[str]:
    """Compile a pattern for `search`.

    Raises:
        ExpressionError: not a regular expression, too long, or able to run away.
    """
    if len(pattern) > MAX_LENGTH:
        raise ExpressionError(f"{len(pattern)} characters long, at most {MAX_LENGTH}: use lists of words")
    try:
        tree = _parse(pattern)
        if (size := _expanded(tree)) > MAX_EXPANDED:
            raise ExpressionError(
                f"repeats come to {size} steps, at most {MAX_EXPANDED}: repeat less inside of repeats"
            )
        compiled = regex.compile(pattern)
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


_SHARED = re.compile(r"\$(?![0-9_])\w")


UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")


_EXTENT = re.compile(r"(-?)([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(ms|s|m|h|d|%|turns?|sentences?)")


_EXTENT_EXPECTED = "how far, with its unit: 30s, 20%, 3 turns or 5 sentences"


EXTENT_PATTERN = r"^-?[0-9]{1,6}(\.[0-9]{1,3})?\s*(ms|s|m|h|d|%|turns?|sentences?)$"


#: As JSON Schema has them.
DURATION_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h|d)$"


class Form(BaseModel):
    """A mapping of known keys; a value that is not a mapping sets the key named by `bare`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)
    bare: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, value: Any) -> Any:
        return value if cls.bare is None or isinstance(value, dict) else {cls.bare: value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        if cls.bare is None:
            return schema
        short = {key: value for key, value in schema["properties"][cls.bare].items() if key not in ("title", "default")}
        return {"anyOf": [short, schema]}


def parse_duration(value: Any) -> int:
    """Turn `2s`, `1500ms`, `0.5s`, `1m`, `3h` or `7d` into whole milliseconds.

    Raises:
        PydanticCustomError: anything else, also a number without its unit.
    """
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("duration", "a length of time with its unit: 2s, 1500ms or 1m")
    return round(float(match.group(1)) * UNIT_MS[match.group(2)])


def _as_list(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str | int) and not isinstance(value, bool):
        value = [value]
    if value is None or value == []:
        raise PydanticCustomError("words", "at least one keyword")
    if not isinstance(value, list | tuple):
        return value
    shared = (info.context or {}).get("synonyms", {})
    return [keyword for word in value for keyword in _expand(word, shared)]


def _expand(word: Any, shared: Mapping[str, tuple[str, ...]]) -> tuple[Any, ...]:
    """Replace the name of a shared list (`$道歉`) by its words. `$100` is money and stays."""
    if not isinstance(word, str) or not _SHARED.match(word):
        return (word,)
    if word[1:] in shared:
        return shared[word[1:]]
    known = ", ".join(f"${name}" for name in shared) or "none: there is no synonyms.yaml beside the rules"
    near = difflib.get_close_matches(word[1:], shared, n=1)
    hint = f"; did you mean '${near[0]}'?" if near else ""
    raise PydanticCustomError("synonyms", "a list of synonyms.yaml ({known}){hint}", {"known": known, "hint": hint})


#: One keyword or a list of them, never an empty list.
Keywords = Annotated[
    tuple[Keyword, ...],
    BeforeValidator(_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "integer"},
                {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
            ]
        }
    ),
]


def _speaker(value: Any) -> Any:
    if value == "anyone":
        return None
    known = [*(role.value for role in Role), "anyone"]
    if value not in known:
        near = difflib.get_close_matches(str(value), known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise PydanticCustomError("speaker", "agent, customer, unknown or anyone{hint}", {"hint": hint})
    return value


def _flag(value: Any) -> Any:
    if not isinstance(value, bool):
        raise PydanticCustomError("flag", "true or false")
    return value


#: true or false, nothing else.
Flag = Annotated[bool, BeforeValidator(_flag)]


#: A role; None for `anyone`.
Speaker = Annotated[
    Role | None,
    BeforeValidator(_speaker),
    WithJsonSchema({"type": "string", "enum": [*(role.value for role in Role), "anyone"]}),
]


DurationMs = Annotated[
    int,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A distance in one of four units; exactly one is set. `from_end`: counted back from the end of the recording."""

    ms: int | None = None
    percent: float | None = None
    turns: int | None = None
    sentences: int | None = None
    from_end: bool = False


def parse_extent(value: Any) -> Extent:
    """Turn `30s`, `20%`, `3 turns`, `5 sentences` or `-30s` into an extent.

    Raises:
        PydanticCustomError: anything else, also a number without its unit and a part of a turn.
    """
    match = _EXTENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("extent", _EXTENT_EXPECTED)
    back, number, unit = bool(match.group(1)), float(match.group(2)), match.group(3)
    if unit in UNIT_MS:
        return Extent(ms=round(number * UNIT_MS[unit]), from_end=back)
    if unit == "%":
        if number > 100:
            raise PydanticCustomError("extent", "at most 100%")
        return Extent(percent=number, from_end=back)
    if number != int(number) or back:
        raise PydanticCustomError("extent", "a whole number of turns or sentences")
    return Extent(turns=int(number)) if unit.startswith("turn") else Extent(sentences=int(number))


def _reach(value: Any) -> Extent:
    extent = parse_extent(value)
    if extent.from_end:
        raise PydanticCustomError("extent", _EXTENT_EXPECTED)
    return extent


def _gap(value: Any) -> Extent:
    extent = _reach(value)
    if extent.ms is None and extent.sentences is None:
        raise PydanticCustomError("extent", "a length of time (2s, 1500ms, 1m) or a number of sentences (3 sentences)")
    return extent


def _place(value: Any) -> Extent:
    extent = parse_extent(value)
    if extent.ms is None and extent.percent is None:
        raise PydanticCustomError("extent", "a second of the recording (10s, -30s) or a share of it (20%)")
    return extent


#: The first or last part of a call.
Reach = Annotated[Extent, BeforeValidator(_reach), WithJsonSchema({"type": "string", "pattern": EXTENT_PATTERN})]


#: A distance between two things: time or sentences.
Gap = Annotated[Extent, BeforeValidator(_gap), WithJsonSchema({"type": "string", "pattern": EXTENT_PATTERN})]


#: A place in the recording: time or share of it, counted from its end when negative.
Place = Annotated[Extent, BeforeValidator(_place), WithJsonSchema({"type": "string", "pattern": EXTENT_PATTERN})]


def check_bounds(above: float | None, below: float | None) -> None:
    """Refuse bounds that are missing, or that no value lies between.

    Raises:
        PydanticCustomError: what is wrong with them.
    """
    if above is None and below is None:
        raise PydanticCustomError("bounds", "`above` or `below` with a number")
    if above is not None and below is not None and above >= below:
        raise PydanticCustomError("bounds", "`above` less than `below`: no value lies between them")
