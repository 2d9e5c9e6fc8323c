"""Read manifests: what the business knows of each recording, row by row; a bad row hides no other row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from qareport.codec import clean_text, is_nothing, read_identifier, read_instant, read_number, read_telephone
from qareport.errors import ConfigError, Problem, QareportError, SourceLocation
from qareport.ingest.addresses import is_url
from qareport.ingest.columns import AUDIO_ALONE, AUDIO_OR_ID
from qareport.ingest.tables import ManifestTable, TableRow, read_text_table
from qareport.ingest.workbook import read_workbook
from qareport.messages import Message, say
from qareport.model import Call, Role
from qareport.settings import IngestSettings

#: Words for roles beside those of `ingest.legs`.
_ROLES = {
    "agent": Role.AGENT, "坐席": Role.AGENT, "座席": Role.AGENT, "客服": Role.AGENT,
    "customer": Role.CUSTOMER, "客户": Role.CUSTOMER, "顾客": Role.CUSTOMER, "用户": Role.CUSTOMER,
    "unknown": Role.UNKNOWN, "mixed": Role.UNKNOWN, "未知": Role.UNKNOWN, "混合": Role.UNKNOWN,
}  # fmt: skip
_BETWEEN_ROLES = re.compile(r"[|,，、;；/+]")
_DEFAULTS = IngestSettings()
#: What a workbook begins with, and an old or encrypted one.
_WORKBOOKS = (".xlsx", ".xlsm")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One call of a manifest, or a row that cannot be used."""

    where: SourceLocation | str
    #: What is known of the call, its `audio_path` as written; None: not even which call it is.
    call: Call | None
    #: The recording, as written; "" where there is none.
    audio: str
    #: The recording of the other leg, where the call is recorded in two files.
    other_leg: str = ""
    #: What is wrong with the row.
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The rows of a manifest, in their order; no two with the same call."""

    path: Path
    rows: tuple[ManifestRow, ...]
    #: Headings that are not known: what is below them is not used.
    unknown_columns: tuple[str | Message, ...] = ()

    @property
    def calls(self) -> tuple[Call, ...]:
        """Return the calls of the rows that can be used."""
        return tuple(row.call for row in self.rows if row.call is not None and not row.problems)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong with rows."""
        return tuple(problem for row in self.rows for problem in row.problems)


def read_manifest(
    path: Path, time_zone: str = "Asia/Shanghai", *, settings: IngestSettings = _DEFAULTS, needs_audio: bool = True
) -> Manifest:
    """Read a manifest. Two rows of one call, each with the role of its only channel, are the legs of that call.

    Args:
        path: `.csv`, `.xlsx`, `.jsonl` or `.ndjson`; a workbook is known by its content, whatever its suffix.
        time_zone: IANA name of the zone of times that are written without an offset.
        settings: the words for legs.
        needs_audio: False: a row with a call_id needs no recording.

    Raises:
        ConfigError: it cannot be read, has no column `audio`, or a heading that cannot be used.
    """
    table = _read_table(path, AUDIO_ALONE if needs_audio else AUDIO_OR_ID)
    roles = _ROLES | {word.lower(): Role(role) for word, role in settings.legs.items()}
    reader = _RowReader(ZoneInfo(time_zone), roles, needs_audio)
    places: dict[str, int] = {}
    rows: list[ManifestRow] = []
    for line in table.rows:
        row = reader.read(line)
        at = places.get(row.call.call_id) if row.call is not None else None
        if at is None:
            if row.call is not None:
                places[row.call.call_id] = len(rows)
            rows.append(row)
        elif (both := _both_legs(rows[at], row)) is not None:
            rows[at] = both
        else:
            rows.append(_second(row, rows[at]))
    return Manifest(path=path, rows=tuple(rows), unknown_columns=table.unknown)


def _read_table(path: Path, needed: Sequence[str]) -> ManifestTable:
    start = _first_bytes(path)
    if start == _ZIP:
        return read_workbook(path, needed)
    if start == _OLE or path.suffix.lower() in (".xls", ".et"):
        what = say("is an old Excel file, or one with a password")
        to_do = say("save it as .xlsx or .csv, without a password")
        raise ConfigError([Problem(what=what, where=str(path), to_do=to_do)])
    return read_workbook(path, needed) if path.suffix.lower() in _WORKBOOKS else read_text_table(path, needed)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP))
    except (OSError, ValueError):
        return b""  # who reads it says why


class _RowReader:
    """Reads the cells of rows; each cell on its own, so that a row says everything that is wrong with it."""

    def __init__(self, zone: ZoneInfo, roles: Mapping[str, Role], needs_audio: bool) -> None:
        self._zone = zone
        self._roles = roles
        self._needs_audio = needs_audio

    def read(self, line: TableRow) -> ManifestRow:
        problems = list(line.problems)
        values: dict[str, object] = {}
        for column, cell in line.cells.items():
            try:
                if not is_nothing(cell):
                    values[column] = self._value(column, cell)
            except QareportError as error:
                problem = error.problems[0]
                what = say("{column}: {what}", column=column, what=problem.what)
                problems.append(replace(problem, what=what, where=line.where))
        audio, call_id = str(values.get("audio") or ""), values.get("call_id")
        named = call_id is not None or is_nothing(line.cells.get("call_id"))  # else nobody knows which call it is
        if not problems and not audio and (self._needs_audio or call_id is None):
            problems.append(Problem(what=say("no recording in the column audio"), where=line.where))
        name = str(call_id or PurePosixPath(base_name(audio)).stem)
        call = _call(name, audio, values) if name and named else None
        return ManifestRow(where=line.where, call=call, audio=audio, problems=tuple(problems))

    def _value(self, column: str, cell: object) -> object:
        if column == "audio":
            return _audio(cell)
        if column == "started_at":
            return read_instant(cell if isinstance(cell, datetime) else read_identifier(cell), self._zone)
        if column == "channels":
            return self._channels(cell)
        if column == "customer_phone":
            return read_telephone(cell)
        return read_number(cell) if column == "order_id" else read_identifier(cell)

    def _channels(self, cell: object) -> tuple[Role, ...]:
        words = cell if isinstance(cell, list) else _BETWEEN_ROLES.split(str(read_identifier(cell)))
        try:
            return tuple(self._roles[str(word).strip().lower()] for word in words)
        except KeyError as error:
            raise QareportError(
                say("no role: {word}", word=error),
                expected=say("agent|customer (客服|客户), or mixed (混合) where one channel holds both"),
            ) from error


def _audio(cell: object) -> str:
    if isinstance(cell, bool | list | dict):
        raise QareportError(say("no name of a file"), expected=say("text"))
    text = clean_text(str(cell))
    if "\x00" in str(cell):
        raise QareportError(say("a NUL character in the name of a file"))
    return text[1:] if text.startswith("'") and not text.endswith("'") else text


def base_name(audio: str) -> str:
    """Return the name of a recording, whose path may be one of Windows."""
    return re.split(r"[\\/]", audio.partition("?")[0] if is_url(audio) else audio)[-1]


def _call(call_id: str, audio: str, values: Mapping[str, object]) -> Call:
    started_at, channels = values.get("started_at"), values.get("channels")
    named = {name: values.get(name) for name in ("order_id", "agent_id", "shop", "customer_phone", "external_ref")}
    texts = {name: str(text) if text is not None else None for name, text in named.items()}
    return Call(
        call_id=call_id,
        audio_path=audio,
        started_at=started_at if isinstance(started_at, datetime) else None,
        channel_roles=channels if isinstance(channels, tuple) else (),
        order_id=texts["order_id"],
        agent_id=texts["agent_id"],
        shop=texts["shop"],
        customer_phone=texts["customer_phone"],
        external_ref=texts["external_ref"],
    )


def _both_legs(first: ManifestRow, second: ManifestRow) -> ManifestRow | None:
    """Join the rows of the two legs of a call; None: they are not that."""
    if first.call is None or second.call is None or first.other_leg or first.problems or second.problems:
        return None
    roles = (*first.call.channel_roles, *second.call.channel_roles)
    if len(roles) != 2 or len(set(roles)) != 2 or Role.UNKNOWN in roles:
        return None
    problems = []
    known: dict[str, object] = {"channel_roles": roles}
    for name in ("order_id", "agent_id", "shop", "customer_phone", "external_ref", "started_at"):
        one_leg, other = getattr(first.call, name), getattr(second.call, name)
        if None not in (one_leg, other) and one_leg != other:
            what = say("{column}: the two legs of call {call} differ", column=name, call=first.call.call_id)
            problems.append(Problem(what=what, where=second.where, to_do=say("write the same in both rows")))
        known[name] = one_leg if one_leg is not None else other
    call = replace(first.call, **known)  # type: ignore[arg-type]
    return replace(first, call=call, other_leg=second.audio, problems=tuple(problems))


def _second(row: ManifestRow, first: ManifestRow) -> ManifestRow:
    call_id = "" if row.call is None else row.call.call_id
    problem = Problem(
        what=say("call_id {call!r} is given twice", call=call_id),
        where=row.where,
        to_do=say(
            "first given in {place}; the legs of one call need their role in the column channels", place=first.where
        ),
    )
    return replace(row, call=None, problems=(*row.problems, problem))
