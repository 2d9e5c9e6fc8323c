"""Tables of manifests: CSV and Excel, row by row with their line."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from qareport.errors import ConfigError, Problem, SourceLocation

#: Where a row stands, and its cells by their column's name, or what is wrong with it.
Line: TypeAlias = tuple[SourceLocation | str, Mapping[str, Any] | Problem]


def no_audio_column(names: Sequence[str], where: str) -> Line:
    """Say which columns there are when none is named audio."""
    got = ", ".join(names) or "nothing"
    return where, Problem(what=f"the columns are {got}", where=where, expected="at least a column named audio")


#: Excel keeps no more digits of a number; the rest have become zeros when the file was saved.
_DIGITS = 15


def read_sheets(path: Path) -> Iterator[Line]:
    """Read the rows of all sheets whose first row names a column `audio`.

    Raises:
        ConfigError: the file cannot be read.
    """
    import openpyxl  # 0.2 s, and needed for such manifests alone
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of styles and extensions that a manifest has no use for
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            yield from _rows(book.worksheets, path)
    except (OSError, zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as error:
        problem = Problem(
            what=f"cannot be read: {error}", where=str(path), expected="a workbook (.xlsx)", to_do="save it anew"
        )
        raise ConfigError([problem]) from error


def _rows(sheets: Sequence[Any], path: Path) -> Iterator[Line]:
    heads: dict[str, list[str]] = {}
    for sheet in sheets:
        sheet.reset_dimensions()  # programs that write workbooks often state them wrongly
        rows = sheet.iter_rows()
        names = [str(cell.value or "").strip() for cell in next(rows, ())]
        heads[sheet.title] = [name for name in names if name]
        if "audio" not in names:
            continue
        for number, cells in enumerate(rows, start=2):
            where = f"{path} sheet {sheet.title!r} row {number}"
            if any(cell.value is not None for cell in cells):
                yield where, _row(names, cells, where)
    if not any("audio" in names for names in heads.values()):
        first, names = next(iter(heads.items()), ("", []))
        yield no_audio_column(names, f"{path} sheet {first!r}")


def _row(names: Sequence[str], cells: Sequence[Any], where: str) -> dict[str, object] | Problem:
    row: dict[str, object] = {}
    for name, cell in zip(names, cells, strict=False):
        if not name or cell.value is None:
            continue
        problem = _unusable(name, cell)
        if problem:
            return Problem(what=f"{name}: {problem[0]}", where=where, to_do=problem[1])
        row[name] = _value(cell)
    return row


def _unusable(name: str, cell: Any) -> tuple[str, str] | None:
    """Say what is wrong with a cell and what to do, without its value: it may be a telephone number."""
    if cell.data_type == "e":
        return f"the cell holds an error ({cell.value})", "mend the formula"
    if name != "started_at" and isinstance(cell.value, int | float) and abs(cell.value) >= 10**_DIGITS:
        return (
            f"a number of more than {_DIGITS} digits, of which Excel keeps only {_DIGITS}",
            "format the column as text and enter it again",
        )
    return None


def _value(cell: Any) -> object:
    value = cell.value
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, datetime):
        return (value + timedelta(milliseconds=500)).replace(microsecond=0)  # Excel keeps a fraction of a day
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    form = str(cell.number_format)
    if isinstance(value, int) and form and set(form) == {"0"}:  # shown with leading zeros: 0017
        return str(value).zfill(len(form))
    return value
