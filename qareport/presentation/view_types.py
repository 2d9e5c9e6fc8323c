"""Types of view data that several documents share: clean strings, ready to print, and charts not yet drawn.

A lone surrogate or a control character cuts a Word document short without an error, and a bidirectional control can
make a printed line read differently from what was said. Each such character becomes U+FFFD, so a reader sees that
something was there.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from types import NoneType
from typing import Any, Protocol, TypeVar


class DocumentView(Protocol):
    """What every document's view has: what its file says of itself before it is opened."""

    @property
    def title(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def created(self) -> str: ...


def created_at(latest: datetime | None) -> str:
    """Date a document, ISO 8601 in UTC: by SOURCE_DATE_EPOCH, else by the latest of what it reports.

    Never by the clock: the same input gives the same bytes. Returns "" where nothing is dated.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        return datetime.fromtimestamp(int(epoch), tz=UTC).isoformat()
    return latest.astimezone(UTC).isoformat(timespec="seconds") if latest is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRun:
    """A run of text in one style."""

    #: The words.
    text: str
    #: How they look: "" or one of tag-*, risk-*, score, label, quote, muted, failed, worse, better, outlier.
    style: str = ""
    #: Where the words begin in the recording, in ms, for what can be played; else none.
    at_ms: int | None = None
    #: What the words lead to; empty for nothing.
    href: str = ""
    #: What a search on the page knows of a sentence besides its words: tags, speaker and key moments, spaces between.
    marks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Text whose runs look different: a CSS class in HTML and PDF, a character style in Word."""

    #: Its runs in the order of reading.
    runs: tuple[TextRun, ...] = ()

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(run.text for run in self.runs)

    @property
    def style(self) -> str:
        """The style of the first run that has one; "" if none has."""
        return next((run.style for run in self.runs if run.style), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of the picture: -5 … +5 over milliseconds."""

    #: Whose curve it is.
    label: str
    #: customer, agent or unknown: drawn solid, dashed or dotted.
    side: str
    #: Time in ms and value from -5 to +5, for each point.
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The picture of one call, not yet drawn. `message` is printed in it when there is no curve to draw."""

    #: How long the call is, in ms.
    duration_ms: int
    #: The customer's curve first.
    curves: tuple[Curve, ...]
    #: Beginning and end of each silence, in ms.
    silences: tuple[tuple[int, int], ...]
    #: Number on each disc, and its time in ms.
    discs: tuple[tuple[int, int], ...]
    #: Printed in the picture when there is no curve to draw; else empty.
    message: str
    #: The line below the picture, at the right.
    caption: str
    #: The picture in words, for readers who cannot see it.
    alt: str
    #: Beginning and end of each wait with music, in ms.
    waits: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measure of the call."""

    #: What is measured.
    label: str
    #: Its value with its unit.
    value: str
    #: What is to be known about it; often empty.
    remark: str = ""


_DARKEST = (209, 125, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendChart:
    """One measure over the last periods, not yet drawn."""

    #: What is measured.
    label: str
    #: Its value in each period, oldest first; none where there was nothing to measure.
    values: tuple[float | None, ...]
    #: The same as it is written.
    texts: tuple[str, ...]
    #: Name of each period: 11-21, W47, 2026-11.
    heads: tuple[str, ...]
    #: The picture in words, for readers who cannot see it.
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatChartCell:
    """One square of the heat map: its figure, the share beside it, and how dark it is (0 … 1)."""

    #: How many calls.
    figure: str
    #: Their share.
    remark: str
    #: How dark the square is, from 0 to 1.
    heat: float

    @property
    def shade(self) -> str:
        """The colour of the square, from white on: dark ink on the darkest has a contrast of 4.9 (WCAG AA asks 4.5)."""
        red, green, blue = (round(255 - (255 - dark) * min(max(self.heat, 0.0), 1.0)) for dark in _DARKEST)
        return f"#{red:02x}{green:02x}{blue:02x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatChartRow:
    """One issue: name, squares, stage, and how many of its calls were troubled."""

    #: The issue.
    label: str
    #: One square for each emotion.
    cells: tuple[HeatChartCell, ...]
    #: At which stage it happens most.
    stage: str
    #: Calls with an emotion, of all calls of the row.
    troubled: str
    #: Whether this is the row of all issues.
    total: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatChart:
    """The heat map issue × emotion, not yet drawn. `message` is printed in it when there is no call to show."""

    #: Heads of its columns.
    heads: tuple[str, ...]
    #: One row for each issue, then the one of all.
    rows: tuple[HeatChartRow, ...]
    #: Printed in the picture when there is no call to show; else empty.
    message: str
    #: The picture in words, for readers who cannot see it.
    alt: str


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
    """Clean every string inside a frozen domain value (dataclasses, tuples, mappings); only what changes is copied."""
    cleaned: Any = _clean(value)
    return cleaned  # type: ignore[no-any-return]


def _clean(value: Any) -> Any:
    kind: type = type(value)
    if _has_no_text(kind) or (kind is str and value.isprintable()):  # nearly all there is; a long call has 80,000
        return value
    if isinstance(value, str):
        cleaned = clean(value)
        return value if cleaned == value else cleaned
    if isinstance(value, tuple):
        parts = [_clean(part) for part in value]
        if all(map(operator.is_, parts, value)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, Mapping):
        pairs = {_clean(key): _clean(part) for key, part in value.items()}
        return value if all(pairs.get(key, value) is part for key, part in value.items()) else pairs
    changed = {}
    for name in _names(kind):
        part = getattr(value, name)
        own: type = type(part)
        if part and not _has_no_text(own) and (cleaned := _clean(part)) is not part:
            changed[name] = cleaned
    return dataclasses.replace(value, **changed) if changed else value


@functools.cache
def _has_no_text(kind: type) -> bool:
    return issubclass(kind, int | float | Enum | NoneType)


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()
