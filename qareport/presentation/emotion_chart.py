"""Draw the emotion timeline of a call as SVG: vector in PDF and HTML, rasterised for Word.

Everything can be told apart without colour: the customer's line is solid, the agent's dashed, an unknown speaker's
dotted; silences are hatched; moments are numbered discs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from html import escape

from qareport.presentation import fonts, wording
from qareport.presentation.locale import _
from qareport.presentation.view_types import Chart

WIDTH, HEIGHT = 720.0, 196.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 706.0, 22.0, 142.0
_RADIUS = 8.5
#: Seconds between time marks: the smallest that leaves at most eight of them.
_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MARKS = 8
_HATCH = 5.0
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


def svg(chart: Chart) -> str:
    """Draw a call's timeline as one self-contained SVG element; its title becomes the PDF figure's alternative text."""
    body = "".join(
        (*_silences(chart), *_grid(chart), *_curves(chart), *_message(chart), *_discs(chart), *_legend(chart))
    )
    # No blank after a comma: WeasyPrint 70 would take it for part of the name and pick any font that has the character.
    families = escape(",".join(f"'{name}'" for name in fonts.FAMILIES))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" '
        f'height="{HEIGHT:g}" data-left="{_LEFT:g}" data-right="{_RIGHT:g}" data-duration-ms="{chart.duration_ms}" '
        f'role="img" aria-label="{escape(chart.alt)}" font-family="{families},sans-serif" '
        f'font-size="10.5"><title>{escape(chart.alt)}</title>{body}</svg>'
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
        font_files=list(font.files),
        font_family=font.family,
        sans_serif_family=font.family,
    )
    return bytes(image)


def _x(chart: Chart, at_ms: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * min(max(at_ms / max(chart.duration_ms, 1), 0.0), 1.0)


def _y(value: float) -> float:
    return _TOP + (_BOTTOM - _TOP) * (5 - min(max(value, -5.0), 5.0)) / 10


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {stroke}/>'


def _text(x: float, y: float, text: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{_MUTED}" {extra}>{escape(text)}</text>'


def _silences(chart: Chart) -> Iterator[str]:
    for start, end in chart.silences:
        left = _x(chart, start)
        yield f'<g data-ms="{start}">{_hatched(left, max(_x(chart, end) - left, 1.0), _TOP, _BOTTOM - _TOP)}</g>'


def _hatched(x: float, width: float, y: float, height: float) -> str:
    """Fill a rectangle with grey and rising strokes, cut at its edges (patterns are not drawn alike everywhere)."""
    strokes = []
    offset = _HATCH
    while offset < width + height:
        x1, y1 = (x, y + offset) if offset <= height else (x + offset - height, y + height)
        x2, y2 = (x + offset, y) if offset <= width else (x + width, y + offset - width)
        strokes.append(f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}")
        offset += _HATCH
    fill = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="#edf0f3"/>'
    return f'{fill}<path d="{"".join(strokes)}" stroke="#aeb8c2" stroke-width="0.7" fill="none"/>' if strokes else fill


def _grid(chart: Chart) -> Iterator[str]:
    for value, name in ((5, _("积极")), (0, _("中性")), (-5, _("消极"))):
        yield _line(_LEFT, _y(value), _RIGHT, _y(value), f'stroke="{_GRID}" stroke-width="1"')
        yield _text(_LEFT - 8, _y(value) + 3.6, name, 'text-anchor="end"')
    for quarter, text in enumerate(chart.quarters):
        yield _text(
            _LEFT + (_RIGHT - _LEFT) * (2 * quarter + 1) / 8, _TOP - 9, text, 'text-anchor="middle" font-size="9"'
        )
    if chart.quarters:
        yield _text(_LEFT - 8, _TOP - 9, _("段均"), 'text-anchor="end" font-size="9"')
    for quarter, name in ((1, "¼"), (2, "½"), (3, "¾")):
        x = _LEFT + (_RIGHT - _LEFT) * quarter / 4
        yield _line(x, _TOP, x, _BOTTOM, f'stroke="{_GRID}" stroke-width="0.8" stroke-dasharray="1.5 2.5"')
        yield _text(x, _TOP - 9, name, 'text-anchor="middle" font-size="9"')
    for at_ms in _marks(chart.duration_ms):
        x = _x(chart, at_ms)
        yield _line(x, _BOTTOM, x, _BOTTOM + 4, f'stroke="{_MUTED}" stroke-width="1"')
        time = wording.clock(at_ms)
        # Half of a digit is some 3 units wide: the last time of a long call would stick out.
        yield _text(min(x, WIDTH - 3 * len(time)), _BOTTOM + 15, time, 'text-anchor="middle"')


def _marks(duration_ms: int) -> list[int]:
    """Place time marks at round times and one at the end; the last round one is left out if it is too near."""
    if duration_ms <= 0:
        return [0]
    step = next((s * 1000 for s in _STEPS if duration_ms <= s * 1000 * _MARKS), -(-duration_ms // _MARKS))
    marks = list(range(0, duration_ms, step))
    if len(marks) > 1 and duration_ms - marks[-1] < step * 0.55:
        marks.pop()
    return [*marks, duration_ms]


def _curves(chart: Chart) -> Iterator[str]:
    for curve in reversed(chart.curves):
        points = " ".join(f"{_x(chart, at_ms):.1f},{_y(value):.1f}" for at_ms, value in curve.points)
        if len(curve.points) == 1:
            at_ms, value = curve.points[0]
            x, y = _x(chart, at_ms), _y(value)
            points = f"{x - 6:.1f},{y:.1f} {x + 6:.1f},{y:.1f}"
        yield f'<polyline points="{points}" fill="none" stroke-linejoin="round" {_STROKES[curve.side]}/>'


def _message(chart: Chart) -> Iterator[str]:
    if chart.message:
        x, y = (_LEFT + _RIGHT) / 2, (_TOP + _BOTTOM) / 2
        width = _width(chart.message) * 12 / 11 + 24
        yield (
            f'<rect x="{x - width / 2:.1f}" y="{y - 14:.1f}" width="{width:.1f}" height="28" rx="3" fill="#ffffff" '
            f'stroke="{_MUTED}" stroke-width="0.8"/>'
        )
        yield _text(x, y + 4, chart.message, 'text-anchor="middle" font-size="12"')


def _discs(chart: Chart) -> Iterator[str]:
    placed: list[tuple[float, float]] = []
    for number, at_ms in chart.discs:
        x, y = _x(chart, at_ms), _y(_value(chart, at_ms)) if not chart.message else _TOP + 14
        dx, dy = _place(x, y, placed)
        placed.append((dx, dy))
        if (dx, dy) != (x, y):
            yield _line(x, y, dx, dy, f'stroke="{_INK}" stroke-width="1"')
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{_INK}"/>'
        size = 10 if number < 10 else 8.5
        yield (
            f'<g data-ms="{at_ms}">'
            f'<circle cx="{dx:.1f}" cy="{dy:.1f}" r="{_RADIUS}" fill="{_INK}" stroke="#ffffff" stroke-width="1"/>'
            f'<text x="{dx:.1f}" y="{dy + 3.6:.1f}" fill="#ffffff" text-anchor="middle" font-weight="bold" '
            f'font-size="{size}">{number}</text></g>'
        )


def _place(x: float, y: float, placed: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Find the nearest place for a disc that touches no other one and stays inside the plot."""
    for dx, dy in _SHIFTS:
        at = (x + dx, y + dy)
        inside = _LEFT <= at[0] <= _RIGHT and _TOP - 2 <= at[1] <= _BOTTOM + 2
        if inside and all((at[0] - px) ** 2 + (at[1] - py) ** 2 >= (2 * _RADIUS + 1) ** 2 for px, py in placed):
            return at
    return (x, y)


def _value(chart: Chart, at_ms: int) -> float:
    """Read the first curve (the customer's, if there is one) at a time, straight between its points."""
    if not chart.curves:
        return 0.0
    points = chart.curves[0].points
    before = [point for point in points if point[0] <= at_ms]
    after = [point for point in points if point[0] > at_ms]
    if not before or not after:
        return (after or before)[0 if not before else -1][1]
    (t0, v0), (t1, v1) = before[-1], after[0]
    return v0 + (v1 - v0) * (at_ms - t0) / (t1 - t0)


def _legend(chart: Chart) -> Iterator[str]:
    x, y = _LEFT, HEIGHT - 12
    for curve in chart.curves:
        yield _line(x, y - 3.6, x + 22, y - 3.6, _STROKES[curve.side])
        yield _text(x + 27, y, curve.label)
        x += 27 + _width(curve.label) + 16
    if chart.silences:
        yield _hatched(x, 16, y - 9, 11)
        yield _text(x + 21, y, _("沉默"))
        x += 21 + _width(_("沉默")) + 16
    if chart.discs:
        yield f'<circle cx="{x + 6:.1f}" cy="{y - 3.6:.1f}" r="6" fill="{_INK}"/>'
        yield _text(x + 17, y, _("关键节点"))
    yield _text(_RIGHT, y, chart.caption, 'text-anchor="end"')


def _width(text: str) -> float:
    """Estimate how wide a text of the legend is: Chinese characters are as wide as they are high."""
    return sum(11.0 if unicodedata.east_asian_width(letter) in "WFA" else 6.2 for letter in text)
