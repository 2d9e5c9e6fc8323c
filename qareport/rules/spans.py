"""Extents: how far, in the four ways people count it: time, share of the call, turns, sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_EXTENT = re.compile(r"(-?)([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(ms|s|m|h|d|%|turns?|sentences?)")
UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_EXPECTED = "how far, with its unit: 30s, 20%, 3 turns or 5 sentences"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """One of four is given. `from_end` is a place counted back from the end."""

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
        raise PydanticCustomError("extent", _EXPECTED)
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


_PATTERN = r"^-?[0-9]{1,6}(\.[0-9]{1,3})?\s*(ms|s|m|h|d|%|turns?|sentences?)$"


def _reach(value: Any) -> Extent:
    extent = parse_extent(value)
    if extent.from_end:
        raise PydanticCustomError("extent", _EXPECTED)
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
Reach = Annotated[Extent, BeforeValidator(_reach), WithJsonSchema({"type": "string", "pattern": _PATTERN})]
#: A distance between two things: time or sentences.
Gap = Annotated[Extent, BeforeValidator(_gap), WithJsonSchema({"type": "string", "pattern": _PATTERN})]
#: A place in the recording: time or share, from its end when negative.
Place = Annotated[Extent, BeforeValidator(_place), WithJsonSchema({"type": "string", "pattern": _PATTERN})]
