"""Draw the heat map issue × emotion as SVG: vector in PDF and HTML, rasterised for Word.

Every square carries its figure in dark ink, so it reads the same in greyscale; darker means more calls.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from html import escape

from qareport.presentation import fonts
from qareport.presentation.view_types import HeatChart, HeatChartRow

WIDTH = 720.0
_LABEL, _STAGE, _CALLS = 132.0, 88.0, 142.0
_HEAD, _ROW, _EMPTY = 22.0, 22.5, 64.0
#: Where in a square its figure ends and the share beside it begins, off the middle.
_FIGURE_END, _SHARE_START = 3.0, 8.0
_INK, _MUTED, _GRID = "#1f2933", "#52606d", "#d3d9df"


def svg(chart: HeatChart) -> str:
    """Draw the heat map as one self-contained SVG element."""
    height = _HEAD + (_ROW * len(chart.rows) if chart.rows else _EMPTY) + 2
    # No blank after a comma: see `emotion_chart.svg`.
    families = escape(",".join(f"'{name}'" for name in fonts.FAMILIES))
    body = "".join((*_heads(chart), *_rows(chart), *_message(chart)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(chart.alt)}" font-family="{families},sans-serif" '
        f'font-size="11.5"><title>{escape(chart.alt)}</title>{body}</svg>'
    )


def _columns(chart: HeatChart) -> tuple[float, list[float]]:
    """Return the width of a square and the left edges of all columns after the first."""
    squares = max(len(chart.heads) - 3, 1)
    width = (WIDTH - _LABEL - _STAGE - _CALLS) / squares
    edges = [_LABEL + width * index for index in range(squares + 1)]
    return width, [*edges, edges[-1] + _STAGE]


def _heads(chart: HeatChart) -> Iterator[str]:
    width, edges = _columns(chart)
    yield _text(4, 15, chart.heads[0], _LABEL, 10.0, _MUTED)
    for left, name in zip(edges, chart.heads[1:-2], strict=False):
        yield _text(left + width / 2, 15, name, width, 10.0, _MUTED, "middle")
    yield _text(edges[-2] + 8, 15, chart.heads[-2], _STAGE, 10.0, _MUTED)
    yield _text(WIDTH - 4, 15, chart.heads[-1], _CALLS, 10.0, _MUTED, "end")
    yield _line(_HEAD)


def _rows(chart: HeatChart) -> Iterator[str]:
    for index, row in enumerate(chart.rows):
        yield from _row(chart, row, _HEAD + _ROW * index)


def _row(chart: HeatChart, row: HeatChartRow, top: float) -> Iterator[str]:
    width, edges = _columns(chart)
    weight = ' font-weight="bold"' if row.total else ""
    yield _text(4, top + 15.5, row.label, _LABEL - 8, 11.5, _INK, extra=weight)
    for left, cell in zip(edges, row.cells, strict=False):
        if cell.heat > 0:
            yield (
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_ROW}" fill="{cell.shade}" '
                'stroke="#ffffff" stroke-width="1"/>'
            )
        middle = left + width / 2
        yield _text(middle - _FIGURE_END, top + 15.5, cell.figure, width / 2, 12.0, _INK, "end", weight)
        yield _text(middle + _SHARE_START, top + 15.5, cell.remark, width / 2, 8.8, _INK)
    yield _text(edges[-2] + 8, top + 15.5, row.stage, _STAGE - 10, 11.0, _INK)
    yield _text(WIDTH - 4, top + 15.5, row.troubled, _CALLS, 10.5, _INK, "end", weight)
    yield _line(top + _ROW)


def _message(chart: HeatChart) -> Iterator[str]:
    if not chart.rows:
        yield _text(WIDTH / 2, _HEAD + _EMPTY / 2 + 4, chart.message, WIDTH, 12.0, _MUTED, "middle")
        yield _line(_HEAD + _EMPTY)


def _line(y: float) -> str:
    return f'<line x1="0" y1="{y:.1f}" x2="{WIDTH:g}" y2="{y:.1f}" stroke="{_GRID}" stroke-width="0.8"/>'


def _text(
    x: float, y: float, text: str, room: float, size: float, ink: str, anchor: str = "start", extra: str = ""
) -> str:
    fitted = escape(_fit(text, room / size))
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{ink}" font-size="{size:g}" text-anchor="{anchor}"{extra}>{fitted}</text>'
    )


def _fit(text: str, ems: float) -> str:
    """Cut text where its column ends; the picture's description has all of it."""
    used = 0.0
    for index, letter in enumerate(text):
        used += 1.0 if unicodedata.east_asian_width(letter) in "WFA" else 0.6
        if used > ems:
            return text[: max(index - 1, 1)] + "…"
    return text
