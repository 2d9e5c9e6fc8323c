"""Draw one measure over the last periods as a small SVG: vector in PDF and HTML, rasterised for Word.

The last value stands above the line in words, the ends of the time below it: the same in greyscale.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby

from qareport.presentation import fonts
from qareport.presentation.view_types import TrendChart

WIDTH, HEIGHT = 232.0, 74.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 6.0, 226.0, 27.0, 57.0
_INK, _MUTED, _GRID, _LINE = "#1f2933", "#52606d", "#d3d9df", "#0b5563"


def svg(chart: TrendChart) -> str:
    """Draw the measure as one self-contained SVG element."""
    # No blank after a comma: see `emotion_chart.svg`.
    families = escape(",".join(f"'{name}'" for name in fonts.FAMILIES))
    body = "".join((*_words(chart), *_curve(chart)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" '
        f'height="{HEIGHT:g}" role="img" aria-label="{escape(chart.alt)}" font-family="{families},sans-serif">'
        f"<title>{escape(chart.alt)}</title>{body}</svg>"
    )


def _words(chart: TrendChart) -> Iterator[str]:
    yield _text(_LEFT, 14, chart.label, 10.5, _MUTED)
    yield _text(_RIGHT, 14.5, chart.texts[-1], 13, _INK, "end", ' font-weight="bold"')
    y = _BOTTOM + 3
    yield f'<line x1="{_LEFT}" y1="{y}" x2="{_RIGHT}" y2="{y}" stroke="{_GRID}" stroke-width="0.8"/>'
    yield _text(_LEFT, 71, f"{chart.heads[0]}  {chart.texts[0]}", 9, _MUTED)
    yield _text(_RIGHT, 71, chart.heads[-1], 9, _MUTED, "end")


def _curve(chart: TrendChart) -> Iterator[str]:
    """Draw a line through the values, with gaps where there are none, and a dot at each."""
    known = [value for value in chart.values if value is not None]
    if not known:
        return
    low, high = min(known), max(known)
    step = (_RIGHT - _LEFT) / max(len(chart.values) - 1, 1)

    def place(index: int, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.5
        return _LEFT + step * index, _BOTTOM - (_BOTTOM - _TOP) * share

    points = [(index, value) for index, value in enumerate(chart.values) if value is not None]
    for _, run in groupby(enumerate(points), key=lambda item: item[1][0] - item[0]):
        dots = [place(index, value) for _, (index, value) in run]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        yield f'<polyline points="{line}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.7" fill="{_LINE}"/>' for x, y in dots)
    if chart.values[-1] is not None:
        x, y = place(len(chart.values) - 1, chart.values[-1])
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_LINE}"/>'


def _text(x: float, y: float, text: str, size: float, ink: str, anchor: str = "start", extra: str = "") -> str:
    look = f'fill="{ink}" font-size="{size:g}" text-anchor="{anchor}"{extra}'
    return f'<text x="{x:g}" y="{y:g}" {look}>{escape(text)}</text>'
