"""The picture inside the mail of a period: issue × feeling, drawn as SVG and rasterised.

The number of calls stands in every cell, so the picture says the same in grey, and to who sees no colour at all the
tables and the alternative text say it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from qareport.model import HeatRow, PeriodReport
from qareport.report import charts, fonts, wording
from qareport.report.locale import _
from qareport.report.text import clean

#: More issues than these stand in the documents.
ROWS = 6
_WIDTH, _ROW, _HEAD, _LEFT, _RIGHT = 600.0, 34.0, 58.0, 168.0, 8.0
_INK, _MUTED, _LINE, _RED = "#1f2933", "#52606d", "#d3d9df", (179, 38, 30)
_NAME_LENGTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodPicture:
    """The picture, and what it shows in words."""

    png: bytes
    alt: str


def period_picture(report: PeriodReport) -> PeriodPicture | None:
    """Draw a period's issues and feelings; None when there is nothing to draw.

    Raises:
        DocumentError: no font with Chinese characters is installed.
    """
    rows = [row for row in report.heat.rows if row.issue is not None and row.troubled][:ROWS]
    if not rows or not report.heat.feelings:
        return None
    png = charts.rasterise(_svg(report.heat.feelings, rows), zoom=2.0)
    return PeriodPicture(png=png, alt=_alt(report.heat.feelings, rows))


def _svg(feelings: tuple[str, ...], rows: list[HeatRow]) -> str:
    height = _HEAD + _ROW * len(rows) + 8
    families = escape(", ".join(f"'{name}'" for name in fonts.FAMILIES))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" width="{_WIDTH:g}" '
        f'height="{height:g}" font-family="{families}, sans-serif" font-size="14">'
        f'<rect width="{_WIDTH:g}" height="{height:g}" fill="#ffffff"/>' + "".join(_parts(feelings, rows)) + "</svg>"
    )


def _parts(feelings: tuple[str, ...], rows: list[HeatRow]) -> Iterator[str]:
    width = (_WIDTH - _LEFT - _RIGHT) / len(feelings)
    most = max(cell.calls for row in rows for cell in row.cells) or 1
    title = _("问题 × 情绪（通话数）")
    yield f'<text x="0" y="18" font-size="16" font-weight="bold" fill="#0b5563">{escape(title)}</text>'
    for column, feeling in enumerate(feelings):
        x = _LEFT + width * (column + 0.5)
        name = escape(_(wording.tag_name(feeling)))
        yield f'<text x="{x:g}" y="48" text-anchor="middle" fill="{_MUTED}">{name}</text>'
    for number, row in enumerate(rows):
        y = _HEAD + _ROW * number
        name = clean(row.issue or "")
        name = name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"
        yield f'<text x="0" y="{y + 22:g}" fill="{_INK}">{escape(name)}</text>'
        for column, cell in enumerate(row.cells):
            x, depth = _LEFT + width * column, cell.calls / most
            ink = "#ffffff" if depth > 0.6 else _INK
            yield (
                f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{_ROW:g}" fill="{_shade(depth)}" '
                f'stroke="{_LINE}" stroke-width="1"/>'
                f'<text x="{x + width / 2:g}" y="{y + 22:g}" text-anchor="middle" fill="{ink}">{cell.calls}</text>'
            )


def _shade(depth: float) -> str:
    channels = (round(255 + (end - 255) * depth * 0.85) for end in _RED)
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def _alt(feelings: tuple[str, ...], rows: list[HeatRow]) -> str:
    lines = []
    for row in rows:
        cells = [
            f"{_(wording.tag_name(name))}{cell.calls}"
            for name, cell in zip(feelings, row.cells, strict=True)
            if cell.calls
        ]
        if cells:
            lines.append(f"{row.issue}：" + _("、").join(cells))
    return _("问题 × 情绪（通话数）") + _("。") + _("；").join(lines)
