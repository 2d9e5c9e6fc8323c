"""Draw the emotion timeline of a call as SVG: vector in PDF and HTML, rasterised for Word.

Everything can be told apart without colour: the customer's line is solid, the agent's dashed, an unknown speaker's
dotted; silences are hatched, waits with music plain; moments are numbered discs. A narrow form of the same drawing is
for screens of telephones: it is laid out anew, so its text stays as large as the page's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from qareport.presentation import fonts, wording
from qareport.presentation.locale import _
from qareport.presentation.view_types import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the parts of the drawing are, in its own units."""

    width: float
    height: float
    #: The edges of the plot.
    left: float
    right: float
    top: float
    bottom: float
    font_size: float
    #: At most so many time marks.
    marks: int
    #: The caption has a line of its own, below the legend.
    is_stacked: bool


WIDE = Layout(width=720, height=186, left=50, right=706, top=12, bottom=132, font_size=10.5, marks=8, is_stacked=False)
NARROW = Layout(width=360, height=224, left=42, right=348, top=12, bottom=142, font_size=12, marks=4, is_stacked=True)
_RADIUS = 8.5
#: Seconds between time marks: the smallest that leaves few enough of them.
_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_HATCH = 5.0
#: What its strokes and the grey between them look like from afar.
_HATCHED = "#dfe3e8"
#: Where a disc may be placed instead of on its curve, nearest first: up, down, then aside.
_SHIFTS = tuple(
    sorted(
        ((dx, dy) for dx in (0.0, -20.0, 20.0, -40.0, 40.0) for dy in (0.0, -20.0, 20.0, -40.0, 40.0, -60.0, 60.0)),
        key=lambda shift: (shift[0] ** 2 * 2 + shift[1] ** 2, shift),
    )
)
_INK, _MUTED, _GRID, _RED, _TEAL = "#1f2933", "#52606d", "#d3d9df", "#b3261e", "#0b5563"
_STROKES = {
    "customer": f'stroke="{_RED}" stroke-width="2.2"',
    "agent": f'stroke="{_TEAL}" stroke-width="1.6" stroke-dasharray="5 3"',
    "unknown": f'stroke="{_INK}" stroke-width="1.8" stroke-dasharray="1.5 3" stroke-linecap="round"',
}


def svg(chart: Chart, layout: Layout = WIDE) -> str:
    """Draw a call's timeline as one self-contained SVG element; its title becomes the PDF figure's alternative text."""
    drawing = _Drawing(chart, layout)
    # No blank after a comma: WeasyPrint 70 would take it for part of the name and pick any font that has the character.
    families = escape(",".join(f"'{name}'" for name in fonts.FAMILIES))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {layout.width:g} {layout.height:g}" '
        f'width="{layout.width:g}" height="{layout.height:g}" data-left="{layout.left:g}" '
        f'data-right="{layout.right:g}" data-top="{layout.top:g}" data-bottom="{layout.bottom:g}" '
        f'data-duration-ms="{chart.duration_ms}" role="img" aria-label="{escape(chart.alt)}" '
        f'font-family="{families},sans-serif" font-size="{layout.font_size:g}"><title>{escape(chart.alt)}</title>'
        f"{''.join(drawing.parts())}</svg>"
    )


def png(chart: Chart) -> bytes:
    """Rasterise the same drawing for Word; see `rasterise`."""
    return rasterise(svg(chart))


def rasterise(drawing: str, *, zoom: float = 2.25) -> bytes:
    """Make a PNG of an SVG drawing: 240 dpi at full text width, half the work of 320.

    Raises:
        DocumentError: no font with Chinese characters is installed.
    """
    import resvg_py

    font = fonts.chinese_font()
    image: bytes = resvg_py.svg_to_bytes(
        svg_string=drawing,
        zoom=zoom,
        background="#ffffff",
        skip_system_fonts=True,
        font_files=list(fonts.SMALL.files(font, drawing)),
        font_family=font.family,
        sans_serif_family=font.family,
    )
    return bytes(image)


def place_discs(chart: Chart, layout: Layout = WIDE) -> list[tuple[float, float]]:
    """Find the nearest place for each disc that touches no earlier one and stays inside the plot."""
    drawing = _Drawing(chart, layout)
    placed: list[tuple[float, float]] = []
    for _number, at_ms in chart.discs:
        placed.append(_free_place(*drawing.anchor(at_ms), placed, layout))
    return placed


def _free_place(x: float, y: float, placed: Sequence[tuple[float, float]], layout: Layout) -> tuple[float, float]:
    for dx, dy in _SHIFTS:
        at = (x + dx, y + dy)
        inside = layout.left <= at[0] <= layout.right and layout.top - 2 <= at[1] <= layout.bottom + 2
        if inside and all((at[0] - px) ** 2 + (at[1] - py) ** 2 >= (2 * _RADIUS + 1) ** 2 for px, py in placed):
            return at
    return (x, y)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One chart in one layout."""

    chart: Chart
    layout: Layout

    def parts(self) -> Iterator[str]:
        """Yield what is drawn, the hindmost first; discs come after the lines that lead to them."""
        yield from self._pauses()
        yield from self._grid()
        yield from self._curves()
        yield from self._message()
        yield from self._discs()
        yield from self._legend()

    def x(self, at_ms: float) -> float:
        width = self.layout.right - self.layout.left
        return self.layout.left + width * min(max(at_ms / max(self.chart.duration_ms, 1), 0.0), 1.0)

    def y(self, value: float) -> float:
        height = self.layout.bottom - self.layout.top
        return self.layout.top + height * (5 - min(max(value, -5.0), 5.0)) / 10

    def anchor(self, at_ms: int) -> tuple[float, float]:
        """Return the point that a disc is about: on the first curve, or in a row where there is none."""
        return self.x(at_ms), self.layout.top + 14 if self.chart.message else self.y(self._value(at_ms))

    def _pauses(self) -> Iterator[str]:
        height = self.layout.bottom - self.layout.top
        for draw, spans in ((_hatched, self.chart.silences), (_plain, self.chart.waits)):
            for start, end in spans:
                left = self.x(start)
                drawn = draw(left, max(self.x(end) - left, 1.0), self.layout.top, height)
                yield f'<g data-ms="{start}">{drawn}</g>'

    def _grid(self) -> Iterator[str]:
        left, right, bottom = self.layout.left, self.layout.right, self.layout.bottom
        for value, name in ((5, _("积极")), (0, _("中性")), (-5, _("消极"))):
            yield _line(left, self.y(value), right, self.y(value), f'stroke="{_GRID}" stroke-width="1"')
            yield _text(left - 8, self.y(value) + 3.6, name, 'text-anchor="end"')
        for at_ms in _marks(self.chart.duration_ms, self.layout.marks):
            x = self.x(at_ms)
            yield _line(x, bottom, x, bottom + 4, f'stroke="{_MUTED}" stroke-width="1"')
            time = wording.clock(at_ms)
            # Half of a digit is some 3 units wide: the last time of a long call would stick out.
            yield _text(min(x, self.layout.width - 3.4 * len(time)), bottom + 16, time, 'text-anchor="middle"')

    def _curves(self) -> Iterator[str]:
        for curve in reversed(self.chart.curves):
            points = " ".join(f"{self.x(at_ms):.1f},{self.y(value):.1f}" for at_ms, value in curve.points)
            if len(curve.points) == 1:
                x, y = self.x(curve.points[0][0]), self.y(curve.points[0][1])
                points = f"{x - 6:.1f},{y:.1f} {x + 6:.1f},{y:.1f}"
            yield f'<polyline points="{points}" fill="none" stroke-linejoin="round" {_STROKES[curve.side]}/>'

    def _message(self) -> Iterator[str]:
        if self.chart.message:
            x, y = (self.layout.left + self.layout.right) / 2, (self.layout.top + self.layout.bottom) / 2
            width = min(self._width(self.chart.message) + 24, self.layout.right - self.layout.left)
            yield (
                f'<rect x="{x - width / 2:.1f}" y="{y - 14:.1f}" width="{width:.1f}" height="28" rx="3" fill="#ffffff" '
                f'stroke="{_MUTED}" stroke-width="0.8"/>'
            )
            yield _text(x, y + 4, self.chart.message, 'text-anchor="middle"')

    def _discs(self) -> Iterator[str]:
        places = place_discs(self.chart, self.layout)
        for (_number, at_ms), place in zip(self.chart.discs, places, strict=True):
            x, y = self.anchor(at_ms)
            if place != (x, y):
                yield _line(x, y, *place, f'stroke="{_INK}" stroke-width="1"')
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{_INK}"/>'
        for (number, at_ms), (x, y) in zip(self.chart.discs, places, strict=True):
            size = 10 if number < 10 else 8.5
            yield (
                f'<g data-ms="{at_ms}">'
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{_INK}" stroke="#ffffff" stroke-width="1"/>'
                f'<text x="{x:.1f}" y="{y + 3.6:.1f}" fill="#ffffff" text-anchor="middle" font-weight="bold" '
                f'font-size="{size}">{number}</text></g>'
            )

    def _value(self, at_ms: int) -> float:
        """Read the first curve (the customer's, if there is one) at a time, straight between its points."""
        if not self.chart.curves:
            return 0.0
        points = self.chart.curves[0].points
        before = [point for point in points if point[0] <= at_ms]
        after = [point for point in points if point[0] > at_ms]
        if not before or not after:
            return (after or before)[0 if not before else -1][1]
        (t0, v0), (t1, v1) = before[-1], after[0]
        return v0 + (v1 - v0) * (at_ms - t0) / (t1 - t0)

    def _legend(self) -> Iterator[str]:
        x, y = self.layout.left, self.layout.height - (30 if self.layout.is_stacked else 12)
        for curve in self.chart.curves:
            yield _line(x, y - 3.6, x + 22, y - 3.6, _STROKES[curve.side])
            yield _text(x + 27, y, curve.label)
            x += 27 + self._width(curve.label) + 14
        for draw, spans, name in (
            (_hatched, self.chart.silences, _("沉默")),
            (_plain, self.chart.waits, _("等待音乐")),
        ):
            if spans:
                yield draw(x, 16, y - 9, 11)
                yield _text(x + 21, y, name)
                x += 21 + self._width(name) + 14
        if self.chart.discs:
            yield f'<circle cx="{x + 6:.1f}" cy="{y - 3.6:.1f}" r="6" fill="{_INK}"/>'
            yield _text(x + 17, y, _("关键节点"))
            x += 17 + self._width(_("关键节点")) + 14
        if self.layout.is_stacked:
            yield _text(self.layout.left, y + 20, self.chart.caption, f'font-size="{self.layout.font_size - 1.5:g}"')
        else:
            # Where a language is longer than the line, the caption stands above the legend.
            above = 14 if x + self._width(self.chart.caption) > self.layout.right else 0
            yield _text(self.layout.right, y - above, self.chart.caption, 'text-anchor="end"')

    def _width(self, text: str) -> float:
        """Estimate how wide a text is: Chinese characters are as wide as they are high."""
        size = self.layout.font_size
        return sum(size * (1.04 if unicodedata.east_asian_width(letter) in "WFA" else 0.59) for letter in text)


def _marks(duration_ms: int, most: int = WIDE.marks) -> list[int]:
    """Place time marks at round times and one at the end; the last round one is left out if it is too near."""
    if duration_ms <= 0:
        return [0]
    step = next((s * 1000 for s in _STEPS if duration_ms <= s * 1000 * most), -(-duration_ms // most))
    marks = list(range(0, duration_ms, step))
    if len(marks) > 1 and duration_ms - marks[-1] < step * 0.55:
        marks.pop()
    return [*marks, duration_ms]


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {stroke}/>'


def _text(x: float, y: float, text: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{_MUTED}" {extra}>{escape(text)}</text>'


def _plain(x: float, width: float, y: float, height: float, fill: str = "#dfe6ea") -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def _hatched(x: float, width: float, y: float, height: float) -> str:
    """Fill a rectangle with grey and rising strokes, cut at its edges (patterns are not drawn alike everywhere).

    In one that is narrower than the space between strokes none can be told: a call of hours has hundreds of these.
    """
    if width < _HATCH:
        return _plain(x, width, y, height, _HATCHED)
    strokes = []
    offset = _HATCH
    while offset < width + height:
        x1, y1 = (x, y + offset) if offset <= height else (x + offset - height, y + height)
        x2, y2 = (x + offset, y) if offset <= width else (x + width, y + offset - width)
        strokes.append(f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}")
        offset += _HATCH
    fill = _plain(x, width, y, height, "#edf0f3")
    return f'{fill}<path d="{"".join(strokes)}" stroke="#aeb8c2" stroke-width="0.7" fill="none"/>' if strokes else fill
