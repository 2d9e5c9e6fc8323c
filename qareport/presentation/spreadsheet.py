"""Values as cells of a spreadsheet: what was said in a call must never run as a formula."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from qareport.presentation.view_types import clean

#: What spreadsheets take for the beginning of a formula, or skip before one (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: A list in a cell.
_BETWEEN = " | "
#: The most characters that Excel takes in a cell.
_CELL_CHARACTERS = 32_767
#: Widths of columns in characters: of sentences, and of all else; from how many characters on a column has sentences.
_WIDE, _NARROW, _SENTENCE = 48, 16, 24


def cell(value: object) -> str | int | float | bool | None:
    """Make a value fit for a cell of a spreadsheet: lists joined, text that would be taken for a formula disarmed."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = _BETWEEN.join(map(str, value)) if isinstance(value, list) else str(value)
    shown = clean(text)
    return "'" + shown if text.startswith(_FORMULA) or shown.lstrip().startswith(_FORMULA) else shown


def fill_sheet(target: Any, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Fill a worksheet of openpyxl: bold heads that stay in sight, a filter, columns as wide as what they hold."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    target.append([cell(head) for head in heads])
    for row in rows:
        target.append([_value(value) for value in row])
    for column, head in enumerate(heads, start=1):
        target.cell(row=1, column=column).font = Font(bold=True)
        longest = max((len(str(row[column - 1])) for row in rows), default=len(head))
        target.column_dimensions[get_column_letter(column)].width = _WIDE if longest > _SENTENCE else _NARROW
        if longest > _SENTENCE:
            for number in range(2, len(rows) + 2):
                target.cell(row=number, column=column).alignment = Alignment(wrap_text=True, vertical="top")
    target.freeze_panes = "A2"
    target.auto_filter.ref = target.dimensions


def _value(value: Any) -> Any:
    """Make a value fit for a cell: text is disarmed and cut where Excel would refuse it."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    made = cell(value)
    return made[:_CELL_CHARACTERS] if isinstance(made, str) else made
