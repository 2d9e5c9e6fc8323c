"""Read the rows of an Excel workbook, with bounds on everything that a file of a few kilobytes can claim to hold."""

from __future__ import annotations

import re
import warnings
import zipfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from qareport.codec import is_nothing
from qareport.errors import ConfigError, Problem, os_reason
from qareport.ingest.columns import AUDIO_ALONE, Heading, no_such_column, read_heading
from qareport.ingest.tables import ManifestTable, TableRow, find_heading
from qareport.messages import Message, say

#: Of all parts of a workbook together, unpacked; a row of ten cells takes about 500 bytes.
MOST_BYTES = 100 * 2**20
#: XML elements of all parts together, each of which takes memory: a cell has two.
MOST_ELEMENTS = 2_500_000
#: Elements of one row, which is held as a whole; Excel has 16,384 columns.
_MOST_IN_ROW = 100_000
MOST_ROWS, MOST_CELLS = 200_000, 1_500_000
#: Excel keeps no more digits of a number; the rest have become zeros when the file was saved.
_DIGITS = 15
#: The kind of a cell that holds a formula without its result, beside openpyxl's letters.
_UNCALCULATED = "uncalculated"

_ROW = re.compile(rb"<(?:\w+:)?row\b")


class _LimitError(Exception):
    """A workbook holds more than is read."""


def read_workbook(path: Path, needed: Sequence[str] = AUDIO_ALONE) -> ManifestTable:
    """Read the rows of all sheets that have a heading with a column `audio`, which titles may stand above.

    Merged cells count in each of their rows. Sheets of another kind, charts among them, are left alone.

    Args:
        path: the file.
        needed: the columns of which a sheet needs one.

    Raises:
        ConfigError: the file cannot be read or is too large, has no column `audio`, or a heading that cannot be used.
    """
    try:
        _check_size(path)
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of styles and extensions that a manifest has no use for
            return _read_book(_open(file), path, needed)
    except ConfigError:
        raise
    except _LimitError as error:
        limit = say("at most {rows} rows and {megabytes} MB", rows=MOST_ROWS, megabytes=MOST_BYTES // 2**20)
        problem = Problem(
            what=say("the workbook is too large"),
            where=str(path),
            expected=limit,
            to_do=say("save the sheet with the calls as .csv"),
        )
        raise ConfigError([problem]) from error
    except Exception as error:
        problem = Problem(
            what=say("cannot be read: {error}", error=os_reason(error)),
            where=str(path),
            expected=say("a workbook (.xlsx)"),
            to_do=say("save it again"),
        )
        raise ConfigError([problem]) from error


def _open(file: IO[bytes]) -> Any:
    from openpyxl.reader.excel import ExcelReader  # 0.2 s, and needed for such manifests alone

    class Reader(ExcelReader):  # type: ignore[misc]
        """Reads no charts: openpyxl fails at a sheet that is to hold one and does not."""

        def read_chartsheet(self, *_: Any) -> None:
            """Leave a sheet that is a chart alone."""

    reader = Reader(file, read_only=True, data_only=True)
    reader.read()
    return reader.wb


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        if size > MOST_BYTES:
            raise _LimitError
        elements = 0
        for entry in archive.infolist():
            with archive.open(entry) as part:
                elements += _count_elements(part, MOST_ELEMENTS - elements)


def _count_elements(part: IO[bytes], most: int) -> int:
    """Count the tags of a part, before a parser makes an object of each."""
    total = in_row = 0
    has_rows = False
    while block := part.read(1 << 20):
        for index, piece in enumerate(_ROW.split(block)):
            has_rows = has_rows or index > 0
            in_row = (0 if index else in_row) + piece.count(b"<")
            if in_row > _MOST_IN_ROW and has_rows:
                raise _LimitError
        total += block.count(b"<") - block.count(b"</")
        if total > most:
            raise _LimitError
    return total


def _read_book(book: Any, path: Path, needed: Sequence[str]) -> ManifestTable:
    heads: dict[str, list[str]] = {}
    rows: list[TableRow] = []
    unknown: dict[str | Message, None] = {}
    for sheet in book.worksheets:
        lines = _Lines(book, sheet)
        names = lines.heading(needed)
        heads[sheet.title] = names
        where = f"{path} sheet {sheet.title!r}"
        heading = read_heading(names, where)
        if not heading.has_one_of(needed):
            continue
        if heading.problems:
            raise ConfigError(heading.problems)
        unknown |= dict.fromkeys(heading.unknown)
        rows += (_row(heading, number, cells, where) for number, cells in lines.filled())
        if len(rows) > MOST_ROWS:
            raise _LimitError
    if not rows and not any(read_heading(names, "").has_one_of(needed) for names in heads.values()):
        title, names = next(iter(heads.items()), ("", []))
        raise ConfigError([no_such_column(names, needed, f"{path} sheet {title!r}")])
    return ManifestTable(rows=tuple(rows), unknown=tuple(unknown))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    value: object
    #: openpyxl's letter: "e" is an error.
    kind: str
    number_format: str


class _Lines:
    """The lines of a sheet, read as they are stored.

    openpyxl's own rows fill each gap between two row numbers with empty rows, and know nothing of merged cells.
    """

    def __init__(self, book: Any, sheet: Any) -> None:
        from openpyxl.cell.read_only import ReadOnlyCell
        from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

        class Parser(WorkSheetParser):  # type: ignore[misc]
            """Tells a formula whose result nobody stored from an empty cell."""

            def parse_cell(self, element: Any) -> dict[str, Any]:
                cell: dict[str, Any] = super().parse_cell(element)
                if cell["value"] is None and element.find(FORMULA_TAG) is not None:
                    cell |= {"value": "=", "data_type": _UNCALCULATED}
                return cell

        self._sheet = sheet
        self._cell = ReadOnlyCell
        self._source = sheet._get_source()
        self._parser = Parser(
            self._source,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        self._stored = self._read()

    def heading(self, needed: Sequence[str]) -> list[str]:
        """Return the cells of the heading, or of the first row where there is none."""
        read: list[list[str]] = []

        def names() -> Iterator[list[str]]:
            for _, cells in self._stored:
                read.append([str(cells[at].value) if at in cells else "" for at in range(1, max(cells) + 1)])
                yield read[-1]

        at = find_heading(names(), needed)
        return read[at or 0] if read else []

    def filled(self) -> Iterator[tuple[int, dict[int, _Cell]]]:
        """Yield number and cells of each row below the heading that holds something, merged cells in each row."""
        lines = dict(self._stored)
        numbers, filled = sorted(lines), 0
        for merged in self._merged():
            top = lines.get(merged.min_row, {}).get(merged.min_col)
            below = numbers[bisect_right(numbers, merged.min_row) : bisect_right(numbers, merged.max_row)]
            filled += len(below)
            if filled > MOST_CELLS:
                raise _LimitError
            if top is not None:
                for number in below:
                    lines[number].setdefault(merged.min_col, top)
        yield from lines.items()

    def _read(self) -> Iterator[tuple[int, dict[int, _Cell]]]:
        rows = cells = 0
        with self._source:
            for number, stored in self._parser.parse():
                found = {cell["column"]: cell for cell in stored if not is_nothing(cell["value"])}
                rows += bool(found)
                cells += len(found)
                if rows > MOST_ROWS or cells > MOST_CELLS:
                    raise _LimitError
                if found:
                    yield number, {column: self._of(cell) for column, cell in found.items()}

    def _of(self, cell: Any) -> _Cell:
        return _Cell(
            value=cell["value"],
            kind=cell["data_type"],
            number_format=str(self._cell(self._sheet, **cell).number_format),
        )

    def _merged(self) -> list[Any]:
        from openpyxl.worksheet.cell_range import CellRange

        merged = self._parser.merged_cells
        return [] if merged is None else [CellRange(cell.ref) for cell in merged.mergeCell]


def _row(heading: Heading, number: int, cells: dict[int, _Cell], where: str) -> TableRow:
    place = f"{where} row {number}"
    named: dict[str, object] = {}
    problems = []
    for column, cell in cells.items():
        name = heading.columns[column - 1] if column <= len(heading.columns) else None
        if name is None:
            continue
        unusable = _unusable(name, cell)
        if unusable is None:
            named[name] = _value(cell)
        else:
            what, to_do = unusable
            problems.append(Problem(what=say("{column}: {what}", column=name, what=what), where=place, to_do=to_do))
    return TableRow(where=place, cells=named, problems=tuple(problems))


def _unusable(name: str, cell: _Cell) -> tuple[Message, Message] | None:
    """Say what is wrong with a cell and what to do, without its value: it may be a telephone number."""
    if cell.kind == _UNCALCULATED:
        return say("the cell holds a formula whose result was not saved"), say("open the file in Excel and save it")
    if cell.kind == "e":
        return say("the cell holds an error ({error})", error=cell.value), say("fix the formula")
    if name != "started_at" and isinstance(cell.value, int | float) and abs(cell.value) >= 10**_DIGITS:
        return (
            say("a number of more than {digits} digits, of which Excel keeps only {digits}", digits=_DIGITS),
            say("format the column as text and enter it again"),
        )
    if name == "order_id" and re.fullmatch(r"\d{5,}0{7,}", str(_value(cell))):
        return (
            say("a number that a spreadsheet has rounded (like 1.2E+13): its last digits are lost"),
            say("format the column as text, fill it in again and export again"),
        )
    return None


def _value(cell: _Cell) -> object:
    value = cell.value
    if isinstance(value, datetime):
        return (value + timedelta(milliseconds=500)).replace(microsecond=0)  # Excel keeps a fraction of a day
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    form = cell.number_format
    if isinstance(value, int) and form and set(form) == {"0"}:  # shown with leading zeros: 0017
        return str(value).zfill(len(form))
    return value
