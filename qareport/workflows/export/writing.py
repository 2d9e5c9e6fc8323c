"""Write exports: tables as CSV, Excel, Parquet, JSON lines, data frames; transcripts as text, rich text, SRT and VTT.

Speakers are named in the current language (`locale.speaking`), and a guessed role is marked as a guess.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from qareport.errors import DocumentError, os_reason
from qareport.files import check_clock, open_output
from qareport.messages import Message, say
from qareport.model import Role, Segment, Transcript
from qareport.presentation import wording
from qareport.presentation.spreadsheet import cell
from qareport.presentation.view_types import clean
from qareport.report.order.transcript_lines import is_guess
from qareport.search import lines_of
from qareport.store import CallFilter, CallRecord
from qareport.workflows.export.columns import KINDS, Column, Table, masked_records, rich_text, rows

if TYPE_CHECKING:
    import pandas

    from qareport.workflows.workspace import Workspace


def as_text(transcript: Transcript) -> str:
    """Write what was said: a line for each turn, after the time of its start and its speaker."""
    return _lines(transcript, lambda segment: segment.text)


def as_rich_text(transcript: Transcript) -> str:
    """Write what was said and how: as `as_text`, with the tags of each segment behind it, `退货运费谁出?[ANGRY]`."""
    return _lines(transcript, lambda segment: segment.rich_text())


def as_srt(transcript: Transcript) -> str:
    """Write SubRip subtitles: a cue for each segment that has text, `HH:MM:SS,mmm`, after its speaker."""
    cues = (
        f"{number}\n{_clock(segment.start_ms, ',')} --> {_clock(_end_ms(segment), ',')}\n{_said(segment)}\n"
        for number, segment in enumerate(_spoken(transcript), start=1)
    )
    return "\n".join(cues)


def as_vtt(transcript: Transcript) -> str:
    """Write WebVTT subtitles (W3C): a cue for each segment that has text, `HH:MM:SS.mmm`, its speaker as a voice."""
    cues = (
        f"{_clock(segment.start_ms, '.')} --> {_clock(_end_ms(segment), '.')}\n{_voice(segment)}\n"
        for segment in _spoken(transcript)
    )
    return "\n".join(["WEBVTT\n", *cues])


#: By the name of the format.
RENDERERS: Mapping[str, Callable[[Transcript], str]] = {
    "text": as_text,
    "rich": as_rich_text,
    "srt": as_srt,
    "vtt": as_vtt,
}


def _lines(transcript: Transcript, write: Callable[[Segment], str]) -> str:
    return "".join(
        f"{wording.clock(turn[0].start_ms)} {wording.named(_speaker(turn[0]), clean(_join(map(write, turn))))}\n"
        for turn in _turns(transcript)
    )


def _join(texts: Iterable[str]) -> str:
    """Put sentences behind each other, with a space between those of languages that have spaces."""
    joined = ""
    for text in texts:
        joined += (" " if joined[-1:].isascii() and text[:1].isascii() and joined and text else "") + text
    return joined


def _turns(transcript: Transcript) -> Iterator[list[Segment]]:
    """Group the segments that one speaker says one after another."""
    for _, turn in groupby(
        transcript.segments, key=lambda segment: (segment.role, segment.role_source, segment.channel)
    ):
        yield list(turn)


def _spoken(transcript: Transcript) -> Iterator[Segment]:
    """Leave out segments without text: an empty line would end their cue."""
    return (segment for segment in transcript.segments if segment.text.strip())


def _speaker(segment: Segment) -> str:
    return wording.role(segment.role, guessed=segment.role_source not in wording.SURE_SOURCES)


def _said(segment: Segment) -> str:
    text = clean(segment.text)
    return text if segment.role is Role.UNKNOWN else wording.named(_speaker(segment), text)


def _voice(segment: Segment) -> str:
    text = _escape(clean(segment.text))
    return text if segment.role is Role.UNKNOWN else f"<v {_escape(_speaker(segment))}>{text}</v>"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _end_ms(segment: Segment) -> int:
    """Return the end of a cue, which must come after its start; a contract's segment may have no length."""
    return max(segment.end_ms, segment.start_ms + 1)


def _clock(at_ms: int, point: str) -> str:
    seconds, milliseconds = divmod(at_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{milliseconds:03d}"


def text_of_call(record: CallRecord, zone: ZoneInfo) -> str:
    """Write a call: what it is, then what was said, second by second."""
    call = record.call
    started = call.started_at.astimezone(zone).isoformat(sep=" ", timespec="seconds") if call.started_at else None
    known = (("通话", call.call_id), ("订单", call.order_id), ("客服", call.agent_id), ("开始", started))
    parts = [f"{name} {value}" for name, value in known if value]
    report = record.report
    if report is None:
        reason = f"失败：{record.failure}" if record.failure is not None else "尚未处理"
        return clean("# " + "　".join([*parts, reason])) + "\n"
    if report.score is not None:
        parts.append(f"得分 {report.score}")
    if record.review is not None and record.review.score is not None:
        parts.append(f"经复核 {record.review.score}")
    lines = [clean("# " + "　".join(parts))]
    for segment, line in zip(report.segments, lines_of(report), strict=True):
        who = wording.role(segment.role, guessed=is_guess(segment))
        lines.append(f"{wording.clock(line.start_ms)} {who}：{clean(rich_text(line))}")
    return "\n".join(lines) + "\n"


FORMATS = ("csv", "xlsx", "parquet", "jsonl")
#: Of Excel: rows of a sheet, characters of a cell.
_SHEET_ROWS, _CELL_CHARACTERS = 1_048_576, 32_767
_PARQUET_ROWS = 5_000
#: Columns that hold complete sentences, and how wide those and others are in a sheet, in characters.
_SENTENCES = frozenset({"text", "rich_text", "quote", "evidence", "advice", "failure"})
_WIDE, _NARROW = 60, 20


class TableWriter(ABC):
    """Writes one table to an open file."""

    def __init__(self, table: Table, file: IO[bytes]) -> None:
        self._table = table
        self._file = file

    def remarks(self) -> Iterator[Message]:
        """Yield what readers of the file must know: where the format could not hold everything in one place."""
        yield from ()

    @abstractmethod
    def write(self, row: Sequence[object]) -> None:
        """Write a row: a value for each column."""

    def close(self) -> None:  # noqa: B027 - most formats have nothing left
        """Write what is buffered; the file itself stays open."""


@contextmanager
def open_table(table: Table, format: str, file: IO[bytes]) -> Iterator[TableWriter]:
    """Write a table in one of the formats to a binary file.

    Raises:
        DocumentError: the library for Parquet is not installed; XLSX under a clock before 1980.
    """
    writers: dict[str, type[TableWriter]] = {"csv": _Csv, "xlsx": _Xlsx, "parquet": _Parquet, "jsonl": _JsonLines}
    writer = writers[format](table, file)
    yield writer
    writer.close()


class _Csv(TableWriter):
    """RFC 4180 in UTF-8 with a byte order mark, without which Excel shows no Chinese."""

    def __init__(self, table: Table, file: IO[bytes]) -> None:
        super().__init__(table, file)
        file.write(codecs.BOM_UTF8)
        self._stream = codecs.getwriter("utf-8")(file)
        self._rows = csv.writer(self._stream)
        self._rows.writerow([column.name for column in table.columns])

    def write(self, row: Sequence[object]) -> None:
        self._rows.writerow([self._cell(value) for value in row])

    @staticmethod
    def _cell(value: object) -> object:
        if isinstance(value, bool):
            return "true" if value else "false"
        return value.isoformat() if isinstance(value, datetime) else cell(value)


class _JsonLines(TableWriter):
    """One object a line; lists are lists, absent values null, nothing is changed."""

    def write(self, row: Sequence[object]) -> None:
        named = {
            column.name: value.isoformat() if isinstance(value, datetime) else value
            for column, value in zip(self._table.columns, row, strict=True)
        }
        self._file.write(json.dumps(named, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


class _Xlsx(TableWriter):
    """One sheet, and another one each time the rows that Excel can hold are full."""

    def __init__(self, table: Table, file: IO[bytes]) -> None:
        super().__init__(table, file)
        check_clock("xlsx")
        from openpyxl import Workbook

        self._book = Workbook(write_only=True)
        self._written = _SHEET_ROWS
        self._sheet: Any = None
        self._cut = 0

    def remarks(self) -> Iterator[Message]:
        sheets = len(self._book.worksheets)
        if sheets > 1:
            yield say(
                "the rows continue on further sheets, {sheets} in all: one holds {rows:,} rows",
                sheets=sheets,
                rows=_SHEET_ROWS,
            )
        if self._cut:
            yield say(
                "cells that end with … are cut, {cut} in all: one holds {characters:,} characters; CSV, Parquet and "
                "JSON lines hold everything",
                cut=self._cut,
                characters=_CELL_CHARACTERS,
            )

    def write(self, row: Sequence[object]) -> None:
        if self._written == _SHEET_ROWS:
            self._begin_sheet()
        self._sheet.append([self._cell(value) for value in row])
        self._written += 1

    def close(self) -> None:
        if self._sheet is None:
            self._begin_sheet()
        # On a full disk openpyxl leaves generators behind that complain when the process ends.
        with tempfile.TemporaryFile() as whole:
            self._book.save(whole)
            whole.seek(0)
            shutil.copyfileobj(whole, self._file)

    def _begin_sheet(self) -> None:
        from openpyxl.utils import get_column_letter

        number = len(self._book.worksheets) + 1
        self._sheet = self._book.create_sheet(self._table.name + (f" {number}" if number > 1 else ""))
        self._sheet.freeze_panes = "A2"
        for number, column in enumerate(self._table.columns, start=1):
            width = _WIDE if column.name in _SENTENCES else _NARROW
            self._sheet.column_dimensions[get_column_letter(number)].width = width
        self._sheet.append([column.name for column in self._table.columns])
        self._written = 1

    def _cell(self, value: object) -> object:
        if isinstance(value, datetime):
            return value.replace(tzinfo=None)  # Excel knows no time zones: the clock of the settings' one
        made = cell(value)
        if isinstance(made, str) and len(made) > _CELL_CHARACTERS:
            self._cut += 1
            return made[: _CELL_CHARACTERS - 1] + "…"
        return made


class _Parquet(TableWriter):
    """Typed columns, some thousand rows a group."""

    def __init__(self, table: Table, file: IO[bytes]) -> None:
        super().__init__(table, file)
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError as error:
            raise DocumentError(
                say("the library for Parquet is not installed"),
                where="export",
                to_do=say("pip install 'qareport[parquet]'"),
            ) from error
        self._arrow = pyarrow
        self._schema = pyarrow.schema([(column.name, self._type(column)) for column in table.columns])
        self._writer = pyarrow.parquet.ParquetWriter(file, self._schema)
        self._rows: list[Sequence[object]] = []

    def write(self, row: Sequence[object]) -> None:
        self._rows.append(row)
        if len(self._rows) == _PARQUET_ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns = list(zip(*self._rows, strict=True)) or [() for _ in self._schema]
        arrays = [
            self._arrow.array(column, type=field.type) for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()

    def _type(self, column: Column) -> Any:
        arrow = self._arrow
        return {
            "text": arrow.string(),
            "integer": arrow.int64(),
            "number": arrow.float64(),
            "flag": arrow.bool_(),
            "time": arrow.timestamp("us", tz="UTC"),
            "list": arrow.list_(arrow.string()),
        }[column.kind]


def write_parquet(workspace: Workspace, kind: str, path: Path) -> int:
    """Write a table to a Parquet file and return the number of its rows; see `Workspace.to_parquet`."""
    try:
        with open_output(path) as file:
            return _write(workspace, kind, file)
    except OSError as error:
        raise DocumentError(
            say("cannot be written: {strerror}", strerror=os_reason(error)),
            where=str(path),
            to_do=say("check the folder and the disk"),
        ) from error


def make_data_frame(workspace: Workspace, kind: str) -> pandas.DataFrame:
    """Return a table as a pandas data frame; see `Workspace.to_pandas`."""
    try:
        import pandas  # noqa: F401 - pyarrow needs it, and says less clearly that it is missing
    except ModuleNotFoundError as error:
        raise DocumentError(
            say("pandas is not installed"), where="to_pandas", to_do=say("pip install 'qareport[pandas]'")
        ) from error
    file = io.BytesIO()
    _write(workspace, kind, file)
    import pyarrow.parquet

    frame: pandas.DataFrame = pyarrow.parquet.read_table(file).to_pandas()
    return frame


def _write(workspace: Workspace, kind: str, file: IO[bytes]) -> int:
    if kind not in KINDS:
        raise DocumentError(say("no table {kind!r}", kind=kind), where="export", expected=", ".join(KINDS))
    settings, store, table = workspace.settings, workspace.store, KINDS[kind]
    zone = ZoneInfo(settings.period.time_zone)
    ids = [call_id for call_id, _ in store.calls.list_ids(CallFilter())]
    written = 0
    with open_table(table, "parquet", file) as writer:
        for record in masked_records(store, ids, settings.privacy, settings.score):
            for row in rows(table, record, zone):
                writer.write(row)
                written += 1
    return written
