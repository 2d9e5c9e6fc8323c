"""The parts of pages that several documents share: plain strings, ready to print, and pictures not yet drawn."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


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
    """A run of text in one style: "" or one of tag-*, risk-*, label, quote, failed."""

    text: str
    style: str = ""
    #: Where the words begin in the recording, for what can be played.
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Text whose runs look different: a CSS class in HTML and PDF, a character style in Word."""

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

    label: str
    #: customer, agent or unknown: solid, dashed, dotted.
    side: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The picture of one call, not yet drawn. `message` is printed in it when there is no curve to draw."""

    duration_ms: int
    curves: tuple[Curve, ...]
    silences: tuple[tuple[int, int], ...]
    #: Number on the disc, and where it stands.
    discs: tuple[tuple[int, int], ...]
    message: str
    caption: str
    alt: str
    #: The customer's mean in each quarter of the call; empty when none was judged.
    quarters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measure of the whole call."""

    label: str
    value: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatChartCell:
    """One square of the heat map: its figure, the share beside it, and how dark it is (0 … 1)."""

    figure: str
    remark: str
    heat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatChartRow:
    """One issue: name, squares, stage, and how many of its calls were troubled."""

    label: str
    cells: tuple[HeatChartCell, ...]
    stage: str
    #: Troubled calls, of all calls of the row.
    troubled: str
    total: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatChart:
    """The picture issue × feeling, not yet drawn. `message` stands in it when there is no call to show."""

    heads: tuple[str, ...]
    rows: tuple[HeatChartRow, ...]
    message: str
    alt: str
