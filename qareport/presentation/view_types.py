"""The parts of pages that several documents share: plain strings, ready to print, and pictures not yet drawn."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of text in one style: "" or one of tag-*, risk-*, label, quote, failed."""

    text: str
    style: str = ""
    #: Where the words begin in the recording, for what can be played.
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Text whose pieces look different: a CSS class in HTML and PDF, a character style in Word."""

    pieces: tuple[Piece, ...] = ()

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(piece.text for piece in self.pieces)


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
