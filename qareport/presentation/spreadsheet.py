"""Values as cells of a spreadsheet: what was said in a call must never run as a formula."""

from __future__ import annotations

from qareport.presentation.view_types import clean

#: What spreadsheets take for the beginning of a formula, or skip before one (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: A list in a cell.
_BETWEEN = " | "
#: The most characters that Excel takes in a cell.
CELL_CHARACTERS = 32_767


def cell(value: object) -> str | int | float | bool | None:
    """Make a value fit for a cell of a spreadsheet: lists joined, text that would be taken for a formula disarmed."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = _BETWEEN.join(map(str, value)) if isinstance(value, list) else str(value)
    shown = clean(text)
    return "'" + shown if text.startswith(_FORMULA) or shown.lstrip().startswith(_FORMULA) else shown
