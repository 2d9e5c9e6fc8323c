"""Clean text once, on entry, so that no document loses or turns around what was said.

A lone surrogate or a control character cuts a Word document short without an error, and a bidirectional control can
make a printed line read differently from what was said. Each such character becomes U+FFFD, so a reader sees that
something was there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

#: Line breaks and tabs: a quotation is one line.
_SPACES = re.compile("\r\n|[\t\n\x0b\x0c\r\x85\u2028\u2029]")
#: C0 and C1 controls, bidirectional controls (UAX #9), interlinear marks, noncharacters: not legal in XML, or unseen.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)


def clean(text: str) -> str:
    """Make text safe to print in XML: line breaks become spaces, what cannot be printed becomes U+FFFD."""
    if text.isprintable():
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _UNPRINTABLE.sub(REPLACEMENT, _SPACES.sub(" ", whole))


def clean_value(value: T) -> T:
    """Clean every string inside a frozen domain value (dataclasses, tuples, mappings) and return its copy."""
    cleaned: Any = _clean(value)
    return cleaned  # type: ignore[no-any-return]


def _clean(value: Any) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        parts = [_clean(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(part) for key, part in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: _clean(getattr(value, name)) for name in names})
    return value
