"""Types of values in rules: durations, extents, keywords, roles and bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

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
from pydantic_core import CoreSchema

from qareport.messages import Message, say
from qareport.model import Role
from qareport.rules.aliases import Choices, did_you_mean
from qareport.strict_yaml import refusal
from qareport.text.wordlist import WORD_PATTERN, Keyword

_SHARED = re.compile(r"\$(?![0-9_])\w")
#: Its sign in full width.
_WIDE_SHARED = re.compile(r"＄(?![0-9_])\w")


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
        if cls.bare in cls.one_of:  # nothing at all is no value of it
            short["anyOf"] = [choice for choice in short["anyOf"] if choice != {"type": "null"}]
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
    if isinstance(value, str | int | float):
        value = [value]
    if value is None or value == []:
        raise refusal("words", say("at least one word"))
    if not isinstance(value, list | tuple):
        return value
    shared = (info.context or {}).get("synonyms", {})
    return [keyword for word in value for keyword in _expand(word, shared)]


def _expand(word: Any, shared: Mapping[str, tuple[str, ...]] | None) -> tuple[Any, ...]:
    """Replace the name of a shared list (`$道歉`) by its words. `$100` is money and stays. None: in such a list."""
    if isinstance(word, str) and _WIDE_SHARED.match(word):
        name = f"${word[1:]}"
        raise refusal("synonyms", say("words"), say("write half-width letters and digits: {text}", text=name))
    if not isinstance(word, str) or not _SHARED.match(word):
        return (word,)
    if shared is None:
        raise refusal("synonyms", say("words: a list of synonyms.yaml cannot hold another list"))
    if word[1:] in shared:
        return shared[word[1:]]
    if not shared:
        raise refusal("synonyms", say("a list of synonyms.yaml, but there is no such file beside the rules"))
    known = ", ".join(f"${name}" for name in shared)
    near = did_you_mean(word, [f"${name}" for name in shared])
    raise refusal("synonyms", say("a list of synonyms.yaml ({known})", known=known), near)


_KEYWORD_PATTERN = rf"^(?!＄(?![0-9]){WORD_PATTERN})[\s\S]*{WORD_PATTERN}"
#: One keyword or a list of them, never an empty list.
Keywords = Annotated[
    tuple[Keyword, ...],
    BeforeValidator(_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _KEYWORD_PATTERN},
                {"type": "integer"},
                {"type": "array", "items": {"type": ["string", "integer"], "pattern": _KEYWORD_PATTERN}, "minItems": 1},
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
        raise refusal("bounds", say("`above` less than `below`: no value lies between them"), at="below")
