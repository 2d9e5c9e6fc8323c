"""Read manifests: CSV, Excel and JSON lines, row by row, every bad row reported with its place."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
import warnings
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo

import pydantic
from pydantic import (
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from qareport.codec import explain
from qareport.errors import ConfigError, Problem, SourceLocation
from qareport.model import Call, Role

#: The place of a row, and its cells by their column's name, or what is wrong with it.
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
            what=f"cannot be read: {error}", where=str(path), expected="a workbook (.xlsx)", to_do="save it again"
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
        return f"the cell holds an error ({cell.value})", "fix the formula"
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


#: Excel in China writes CSV in the code page of its Windows, which is a part of GB18030.
_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = ",;\t"
_WRITE_IT = "write it like 2026-11-21T09:13:05+08:00 or 2026-11-21 09:13:05"
#: How alike the name of a column and a known one are when the one was meant for the other.
_ALIKE = 0.85
_LOCAL_TIME = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")


def _roles(value: object) -> object:
    if isinstance(value, str):
        value = [part.strip() for part in value.replace(",", "|").split("|")]
    if isinstance(value, list):
        return tuple("unknown" if name == "mixed" else name for name in value)
    return value


def _text(value: object) -> object:
    """Write a number that is meant as text with all its digits and no `.0`."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _instant(value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> datetime:
    try:
        if isinstance(value, str) and (match := _LOCAL_TIME.fullmatch(value)):
            value = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
        if isinstance(value, datetime) and value.tzinfo is None:
            value = value.replace(tzinfo=(info.context or {})["zone"])
        instant: datetime = read(value)
    except ValueError:
        raise ValueError(f"no time that can be read; {_WRITE_IT}") from None
    if instant.year < 2000:  # 46347.38 is a date in Excel and a time of 1970 to everyone else
        raise ValueError(f"before the year 2000; {_WRITE_IT}")
    return instant


_Text = Annotated[str, Field(max_length=200), BeforeValidator(_text)]


class _Row(pydantic.BaseModel):
    """A manifest row as people write it; empty cells count as absent."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    audio: Annotated[str, Field(min_length=1)]
    call_id: Annotated[_Text, Field(min_length=1)] | None = None
    order_id: _Text | None = None
    agent_id: _Text | None = None
    started_at: Annotated[AwareDatetime, WrapValidator(_instant)] | None = None
    channels: Annotated[tuple[Role, ...], BeforeValidator(_roles)] = ()
    customer_phone: Annotated[str, BeforeValidator(_text)] | None = None


def read_manifest(path: Path, time_zone: str = "Asia/Shanghai") -> list[Call]:
    """Read a manifest; `audio_path` of the calls is as written in it.

    Args:
        path: `.csv`, `.xlsx`, `.jsonl` or `.ndjson`.
        time_zone: IANA name of the zone of times that are written without an offset.

    Raises:
        ConfigError: cannot be read, no `audio` column, or bad rows: all of them, each with its place.
    """
    problems: list[Problem] = []
    calls: dict[str, tuple[Call, SourceLocation | str]] = {}
    named: set[str] = set()
    for where, data in _lines(path):
        if isinstance(data, Problem):
            problems.append(data)
            continue
        problems += [Problem(what=what, where=where) for what in _misspelt(data, named)]
        named |= data.keys()
        given = {key: value for key, value in data.items() if value not in ("", None)}
        try:
            row = _Row.model_validate(given, context={"zone": ZoneInfo(time_zone)})
        except pydantic.ValidationError as error:
            problems.append(Problem(what=explain(error), where=where))
            continue
        call = _call(row)
        if call.call_id in calls:
            first = calls[call.call_id][1]
            place = f"line {first.line}" if isinstance(first, SourceLocation) else first
            what = f"call_id {call.call_id!r} is given twice"
            problems.append(Problem(what=what, where=where, to_do=f"first given on {place}"))
        calls.setdefault(call.call_id, (call, where))
    if problems:
        raise ConfigError(problems)
    return [call for call, _ in calls.values()]


def _misspelt(names: Iterable[str], before: Collection[str]) -> Iterator[str]:
    """Report columns that would be ignored and look like a typo: `ordr_id`, `Agent ID`."""
    for name in names:
        missing = [known for known in _Row.model_fields if known not in names]
        if name in before or name in _Row.model_fields or not missing:
            continue
        plain = re.sub(r"[^a-z]+", "_", name.strip().lower())
        near = difflib.get_close_matches(plain, missing, n=1, cutoff=_ALIKE)
        if near:
            yield f"no such column: {name!r}; did you mean {near[0]!r}?"


def _lines(path: Path) -> Iterable[Line]:
    ending = path.suffix.lower()
    if ending in (".xlsx", ".xlsm"):
        return read_sheets(path)
    if ending in (".xls", ".et"):
        raise ConfigError([Problem(what="is an old Excel file", where=str(path), to_do="save it as .xlsx or .csv")])
    text = _decode(path)
    return _json_lines(text, path) if ending in (".jsonl", ".ndjson") else _csv_lines(text, path)


def _decode(path: Path) -> str:
    expected = "CSV, XLSX or JSON lines; text in UTF-8, or as Excel writes it in China (GB18030)"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            [Problem(what=f"cannot be read: {error.strerror}", where=str(path), expected=expected)]
        ) from error
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            reason = error
    problem = Problem(what=f"cannot be read: {reason}", where=str(path), expected=expected)
    raise ConfigError([problem]) from reason


def _call(row: _Row) -> Call:
    return Call(
        call_id=row.call_id or Path(row.audio).stem,
        audio_path=row.audio,
        order_id=row.order_id,
        agent_id=row.agent_id,
        started_at=row.started_at,
        customer_phone=row.customer_phone,
        channel_roles=row.channels,
    )


def _csv_lines(text: str, path: Path) -> Iterator[Line]:
    head = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True, delimiter=delimiter)
    try:
        names = reader.fieldnames or ()
        if "audio" not in names:
            yield no_audio_column(names, str(path))
            return
        for row in reader:
            where = SourceLocation(file=str(path), line=reader.line_num)
            yield where, {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
    except csv.Error as error:
        where = SourceLocation(file=str(path), line=reader.line_num)
        yield where, Problem(what=f"not CSV: {error}", where=where)


def _json_lines(text: str, path: Path) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = SourceLocation(file=str(path), line=number)
        data: Mapping[str, Any] | Problem
        try:
            value = json.loads(line)
        except ValueError as error:
            data = Problem(what=f"not JSON: {error}", where=where)
        else:
            data = value if isinstance(value, dict) else Problem(what="not a JSON object", where=where)
        yield where, data
