"""Types of values in rules: durations, extents, keywords, roles, bounds, and regular expressions that cannot run away.

`re` cannot be stopped once it searches, so rules use the `regex` package, whose search takes a time limit. A limit
alone would make results depend on how busy the machine is; therefore everything that can backtrack without bound (a
repeat inside a repeat, many open repeats in one pattern, references back) is refused when the rule is read, and the
limit is only the last resort.
"""

from __future__ import annotations

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
    Strict,
    StrictInt,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from qareport.messages import Message, say
from qareport.model import Role
from qareport.rules.aliases import Choices, did_you_mean
from qareport.text.wordlist import WORD_PATTERN, Keyword

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
        if (size := _expanded(tree)) > MAX_EXPANDED:
            raise ExpressionError(say("repeats come to {size} steps: repeat less inside of repeats", size=size))
        compiled = regex.compile(pattern)
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise ExpressionError(say("{reason}", reason=error)) from error
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
    if compiled.search("") is not None:
        raise ExpressionError(say("matches everything, even silence"))
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


#: Units of time in milliseconds.
UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


# What is written for lengths, as `re` and JSON Schema read it alike.
_TIME = r"[0-9]{1,6}(\.[0-9]{1,3})?\s*(ms|s|m|h|d)"
_SHARE = r"(100(\.0{1,3})?|[0-9]{1,2}(\.[0-9]{1,3})?)\s*%"
_TURNS = r"[0-9]{1,6}\s*turns?"
_SENTENCES = r"[0-9]{1,6}\s*sentences?"
OF_ROLE = r"[0-9]{1,6}\s+(agent|customer)\s+(turns?|sentences?)"
DURATION_PATTERN = f"^{_TIME}$"
REACH_PATTERN = f"^({_TIME}|{_SHARE}|{_TURNS}|{_SENTENCES}|{OF_ROLE})$"
GAP_PATTERN = f"^({_TIME}|{_SENTENCES})$"
PLACE_PATTERN = f"^-?({_TIME}|{_SHARE})$"
LENGTH_PATTERNS = frozenset({DURATION_PATTERN, REACH_PATTERN, GAP_PATTERN, PLACE_PATTERN})
_EXTENT = re.compile(r"(-?)([0-9.]+)\s*(?:(agent|customer)\s+)?(\S+)")


def refusal(code: str, expected: Message, to_do: Message | None = None) -> PydanticCustomError:
    """Make the error of a form: what is expected, and perhaps what to do; `Diagnostics` says it with its place."""
    return PydanticCustomError(code, "{expected}", {"expected": expected, "to_do": to_do})


class Form(BaseModel):
    """A mapping of known keys; a value that is not a mapping sets the key named by `bare`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)
    bare: ClassVar[str | None] = None
    #: Keys of which at least one must be given.
    one_of: ClassVar[tuple[str, ...]] = ()
    #: Keys that exclude each other.
    exclusive: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, value: Any) -> Any:
        return value if cls.bare is None or isinstance(value, dict) else {cls.bare: value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        if cls.one_of:
            schema["anyOf"] = [{"required": [key]} for key in cls.one_of]
        if cls.exclusive:
            schema["not"] = {"required": [*cls.exclusive]}
        if cls.bare is None:
            return schema
        short = {key: value for key, value in schema["properties"][cls.bare].items() if key not in ("title", "default")}
        return {"anyOf": [short, schema]}


def parse_duration(value: Any) -> int:
    """Turn `2s`, `1500ms`, `0.5s`, `1m`, `3h` or `7d` into whole milliseconds.

    Raises:
        PydanticCustomError: anything else, also a number without its unit.
    """
    if not isinstance(value, str) or not re.fullmatch(DURATION_PATTERN, value):
        raise refusal("duration", say("a length of time with its unit: 2s, 1500ms or 1m"))
    return _extent(value).ms or 0


def _as_list(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str | int) and not isinstance(value, bool):
        value = [value]
    if value is None or value == []:
        raise refusal("words", say("at least one word"))
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
    if not shared:
        raise refusal("synonyms", say("a list of synonyms.yaml, but there is no such file beside the rules"))
    known = ", ".join(f"${name}" for name in shared)
    near = did_you_mean(word, [f"${name}" for name in shared])
    raise refusal("synonyms", say("a list of synonyms.yaml ({known})", known=known), near)


#: One keyword or a list of them, never an empty list.
Keywords = Annotated[
    tuple[Keyword, ...],
    BeforeValidator(_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": WORD_PATTERN},
                {"type": "integer"},
                {"type": "array", "items": {"type": ["string", "integer"], "pattern": WORD_PATTERN}, "minItems": 1},
            ]
        }
    ),
]


def _speaker(value: Any) -> Any:
    if value == "anyone":
        return None
    known = [*(role.value for role in Role), "anyone"]
    if value not in known:
        near = did_you_mean(value, known) if isinstance(value, str) else None
        raise refusal("speaker", say("one of {choices}", choices=Choices.of_values(known)), near)
    return value


def _flag(value: Any) -> Any:
    if not isinstance(value, bool):
        raise refusal("flag", say("true or false"))
    return value


#: Numbers, never texts of digits.
WholeNumber = StrictInt
Number = Annotated[float, Strict()]


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
    """A distance in one of four units; exactly one is set. `from_end`: counted back from the end of the recording.

    `role`: only the turns or sentences of this role are counted.
    """

    ms: int | None = None
    percent: float | None = None
    turns: int | None = None
    sentences: int | None = None
    from_end: bool = False
    role: Role | None = None


def _extent(text: str) -> Extent:
    """Read a text that a pattern of lengths has accepted."""
    match = _EXTENT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a length: {text!r}")
    back, number, role, unit = bool(match.group(1)), float(match.group(2)), match.group(3), match.group(4)
    if unit in UNIT_MS:
        return Extent(ms=round(number * UNIT_MS[unit]), from_end=back)
    if unit == "%":
        return Extent(percent=number, from_end=back)
    of_role = Role(role) if role else None
    if unit.startswith("turn"):
        return Extent(turns=int(number), role=of_role)
    return Extent(sentences=int(number), role=of_role)


def _written(pattern: str, expected: Message) -> BeforeValidator:
    """Read a length that is written as a pattern says."""

    def read(value: Any) -> Extent:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise refusal("extent", expected)
        return _extent(value)

    return BeforeValidator(read)


#: The first or last part of a call.
Reach = Annotated[
    Extent,
    _written(REACH_PATTERN, say("how far, with its unit: 30s, 20% (at most 100%), 3 turns or 5 sentences")),
    WithJsonSchema({"type": "string", "pattern": REACH_PATTERN}),
]


#: A distance between two things: time or sentences.
Gap = Annotated[
    Extent,
    _written(GAP_PATTERN, say("a length of time (2s, 1500ms, 1m) or a number of sentences (3 sentences)")),
    WithJsonSchema({"type": "string", "pattern": GAP_PATTERN}),
]


#: A place in the recording: time or share of it, counted from its end when negative.
Place = Annotated[
    Extent,
    _written(PLACE_PATTERN, say("a second of the recording (10s, -30s) or a share of it (20%)")),
    WithJsonSchema({"type": "string", "pattern": PLACE_PATTERN}),
]


def check_bounds(above: float | None, below: float | None) -> None:
    """Refuse bounds that are missing, or that no value lies between.

    Raises:
        PydanticCustomError: what is wrong with them.
    """
    if above is None and below is None:
        raise refusal("bounds", say("`above` or `below` with a number"))
    if above is not None and below is not None and above >= below:
        raise refusal("bounds", say("`above` less than `below`: no value lies between them"))
