"""Read the rows of CSV and JSON lines, each with its place; what is wrong with a row hides no other row."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qareport.codec import JsonObject, given_twice, is_nothing, load_json, only_list
from qareport.errors import ConfigError, Problem, SourceLocation, json_reason, os_reason
from qareport.ingest.columns import AUDIO_ALONE, Heading, no_such_column, read_heading
from qareport.messages import Message, say

#: The largest manifest that is read, in bytes: about a million calls.
MOST_BYTES = 200 * 2**20
#: Excel in China writes CSV in the code page of its Windows, which is a part of GB18030.
_ENCODINGS = ("utf-8-sig", "gb18030")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
#: Ctrl-Z, with which programs from the days of DOS end a file.
_DOS_END = re.compile(r"\x1a\s*\Z")
_DELIMITERS = ",;\t|"
#: What a Chinese keyboard writes in their place.
_CHINESE_DELIMITERS = "，；、｜"
#: A title or a remark may stand above the heading; it is looked for in so many rows.
_HEADING_WITHIN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of a manifest as it is written."""

    where: SourceLocation | str
    #: The cells by the columns that they belong to.
    cells: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestTable:
    """The rows of a manifest."""

    rows: tuple[TableRow, ...]
    #: Headings that are not known.
    unknown: tuple[str | Message, ...] = ()


def read_text_table(path: Path, needed: Sequence[str] = AUDIO_ALONE) -> ManifestTable:
    """Read CSV, or JSON lines by the suffix.

    Args:
        path: the file.
        needed: the columns of which it needs one.

    Raises:
        ConfigError: it cannot be read, has no column `audio`, or a heading that cannot be used.
    """
    text = _decode(path)
    is_json = path.suffix.lower() in (".jsonl", ".ndjson", ".json")
    return _json_table(text, path) if is_json else _csv_table(text, path, needed)


def find_heading(rows: Iterable[Sequence[str]], needed: Sequence[str]) -> int | None:
    """Return which of the first rows is the heading: the first that names a column of those needed."""
    first = enumerate(itertools.islice(rows, _HEADING_WITHIN))
    return next((index for index, names in first if read_heading(names, "").has_one_of(needed)), None)


def _decode(path: Path) -> str:
    expected = say("CSV, XLSX or JSON lines; text in UTF-8, or as Excel writes it in China (GB18030)")
    try:
        if path.stat().st_size > MOST_BYTES:
            limit = say("at most {megabytes} MB", megabytes=MOST_BYTES // 2**20)
            raise ConfigError([Problem(what=say("the file is too large"), where=str(path), expected=limit)])
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        what = say("cannot be read: {error}", error=os_reason(error))
        raise ConfigError([Problem(what=what, where=str(path), expected=expected)]) from error
    for encoding in _encodings(content):
        try:
            return _DOS_END.sub("", content.decode(encoding))
        except UnicodeDecodeError as error:
            reason = error
    problem = Problem(
        what=say("is neither UTF-8 nor GB18030 (byte {place})", place=reason.start + 1),
        where=str(path),
        expected=expected,
        to_do=say("open it in Excel and save it as “CSV UTF-8”"),
    )
    raise ConfigError([problem]) from reason


def _encodings(content: bytes) -> Sequence[str]:
    if content.startswith(_UTF16):
        return ("utf-16",)
    return ("utf-16-le",) if content[1:2] == b"\x00" else _ENCODINGS  # of a Windows program that writes no mark


def _checked_heading(names: Sequence[str], needed: Sequence[str], where: str) -> Heading:
    heading = read_heading(names, where)
    problems = heading.problems
    if not heading.has_one_of(needed):
        problems = (no_such_column(names, needed, where), *problems)
    if problems:
        raise ConfigError(problems)
    return heading


def _heading_at(text: str, delimiter: str, needed: Sequence[str]) -> int | None:
    try:
        return find_heading(_csv_rows(text, delimiter), needed)
    except csv.Error:
        return None


def _csv_rows(text: str, delimiter: str) -> Any:
    # Only line ends end a row; a cell may hold what else Unicode calls one.
    return csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, delimiter=delimiter, strict=True)


def _csv_table(text: str, path: Path, needed: Sequence[str]) -> ManifestTable:
    found = ((mark, _heading_at(text, mark, needed)) for mark in _DELIMITERS + _CHINESE_DELIMITERS)
    likely = max(_DELIMITERS, key=text.partition("\n")[0].count)  # where no heading is known: its cells are listed
    delimiter, above = next((item for item in found if item[1] is not None), (likely, None))
    if delimiter in _CHINESE_DELIMITERS:
        what = say("its cells are divided by a Chinese mark ({mark})", mark=delimiter)
        raise ConfigError([Problem(what=what, where=str(path), to_do=say("write English commas (,)"))])
    reader = _csv_rows(text, delimiter)
    try:
        names: list[str] = next(itertools.islice(reader, above or 0, None), [])
    except csv.Error as error:
        raise ConfigError([Problem(what=say("not CSV: {error}", error=error), where=str(path))]) from error
    heading = _checked_heading(names, needed, str(path))
    rows: list[TableRow] = []
    while True:
        where = SourceLocation(file=str(path), line=reader.line_num + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return ManifestTable(rows=tuple(rows), unknown=heading.unknown)
        except csv.Error as error:
            problem = Problem(
                what=say("not CSV: {error}", error=error),
                where=where,
                to_do=say("look for a quotation mark that is never closed: rows after it may be part of this one"),
            )
            rows.append(TableRow(where=where, cells={}, problems=(problem,)))
            continue
        if cells != names and not all(map(is_nothing, cells)):  # files that were joined repeat the heading
            rows.append(_csv_row(cells, heading, where))


def _csv_row(cells: Sequence[str], heading: Heading, where: SourceLocation) -> TableRow:
    named = {column: cell for column, cell in zip(heading.columns, cells, strict=False) if column is not None}
    if all(map(is_nothing, cells[len(heading.columns) :])):
        return TableRow(where=where, cells=named)
    problem = Problem(
        what=say("{cells} cells, and the heading has {columns}", cells=len(cells), columns=len(heading.columns)),
        where=where,
        to_do=say("put quotation marks round a cell that holds a comma"),
    )
    return TableRow(where=where, cells=named, problems=(problem,))


def _json_table(text: str, path: Path) -> ManifestTable:
    rows: list[TableRow] = []
    unknown: dict[str | Message, None] = {}
    headings: dict[tuple[str, ...], Heading] = {}
    for where, line in _json_rows(text, path):
        data = _json_object(line, where)
        if isinstance(data, Problem):
            rows.append(TableRow(where=where, cells={}, problems=(data,)))
            continue
        names = tuple(data)
        if names not in headings:
            headings[names] = read_heading(names, where)
            if headings[names].problems:
                raise ConfigError(headings[names].problems)
        heading = headings[names]
        unknown |= dict.fromkeys(heading.unknown)
        cells = {column: data[name] for name, column in zip(names, heading.columns, strict=True) if column is not None}
        rows.append(TableRow(where=where, cells=cells))
    return ManifestTable(rows=tuple(rows), unknown=tuple(unknown))


def _json_rows(text: str, path: Path) -> Iterator[tuple[SourceLocation | str, Any]]:
    """Yield the lines of a file, or the items of the one list that it is or, as `{"calls": […]}`, holds."""
    whole = _json_value(text) if text.lstrip().startswith(("[", "{")) else None
    if isinstance(items := only_list(whole) or whole, list):
        yield from ((f"{path} [{number}]", item) for number, item in enumerate(items, start=1))
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield SourceLocation(file=str(path), line=number), line


def _json_value(text: str) -> Any:
    try:
        return load_json(text)
    except (RecursionError, ValueError):
        return None


def _json_object(line: Any, where: SourceLocation | str) -> dict[str, Any] | Problem:
    try:
        data = load_json(line) if isinstance(line, str) else line
    except RecursionError:
        return Problem(what=say("nested too deeply"), where=where, expected=say("one JSON object a line"))
    except ValueError as error:
        return Problem(what=say("not JSON: {error}", error=json_reason(error)), where=where)
    if isinstance(data, JsonObject) and data.twice is not None:
        return Problem(what=given_twice(data.twice), where=where, to_do=say("keep one of its values"))
    return data if isinstance(data, dict) else Problem(what=say("not a JSON object"), where=where)
