"""What the business knows of recordings: a manifest in CSV, Excel (XLSX) or JSON lines, one row a recording.

Only `audio` is required; other columns are left alone:

    audio           path of the recording, relative to the manifest, or its file name
    call_id         stable name of the call; by default the file name without its ending
    order_id        the order it is about
    agent_id        who answered
    started_at      ISO 8601, 2026-11-21T09:13:05+08:00; without an offset it is a time of `period.time_zone`
    channels        role of each channel from the left, `agent|customer`; `mixed` when one channel holds both
    customer_phone  number to call back; kept in the store, masked everywhere else
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
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
from qareport.ingest.sheets import Line, no_audio_column, read_sheets
from qareport.model import Call, Role

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
    """A number that stands for a text is written with all its digits and no `.0`."""
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
    """Say which columns would be left alone and were hardly meant to be: `ordr_id`, `Agent ID`."""
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
