"""Pieces of which the forms at the border are made: strict models with a short spelling, words, lengths of time."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
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
from qareport.rules.spans import UNIT_MS
from qareport.text.wordlist import normalise

_SHARED = re.compile(r"\$(?![0-9_])\w")
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")


class Form(BaseModel):
    """A mapping of known keys; a value that is no mapping fills the key named by `bare`."""

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


def _as_word(value: Any) -> Any:
    # 12315 is written without quotes by everyone and means the digits.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _not_blank(value: str) -> str:
    if not normalise(value).strip():
        raise PydanticCustomError("word", "words, not a blank")
    return value


def _as_list(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str | int) and not isinstance(value, bool):
        value = [value]
    if value is None or value == []:
        raise PydanticCustomError("words", "at least one keyword")
    if not isinstance(value, list | tuple):
        return value
    shared = (info.context or {}).get("synonyms", {})
    return [word for one in value for word in _spelled_out(one, shared)]


def _spelled_out(word: Any, shared: Mapping[str, tuple[str, ...]]) -> tuple[Any, ...]:
    """Put the words of a shared list in place of its name: `$道歉`. `$100` is money and stays."""
    if not isinstance(word, str) or not _SHARED.match(word):
        return (word,)
    if word[1:] in shared:
        return shared[word[1:]]
    known = ", ".join(f"${name}" for name in shared) or "none: there is no synonyms.yaml beside the rules"
    near = difflib.get_close_matches(word[1:], shared, n=1)
    hint = f"; did you mean '${near[0]}'?" if near else ""
    raise PydanticCustomError("synonyms", "a list of synonyms.yaml ({known}){hint}", {"known": known, "hint": hint})


Word = Annotated[str, BeforeValidator(_as_word), AfterValidator(_not_blank)]
#: One keyword or a list of them, never an empty list.
Words = Annotated[
    tuple[Word, ...],
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


#: Whether something is so.
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
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h|d)$"}),
]
