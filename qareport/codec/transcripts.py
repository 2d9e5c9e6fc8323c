"""Read transcripts from JSON lines: those of the contract, and what FunASR writes. Bad lines hide no others."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from qareport.codec import funasr
from qareport.codec.identifiers import is_nothing, read_identifier, read_number
from qareport.codec.instants import read_instant
from qareport.codec.values import JsonObject, from_json, given_twice, load_json, only_list, shorten
from qareport.errors import QareportError, TranscriptError, json_reason, os_reason
from qareport.messages import Message, say
from qareport.model import SCHEMA_VERSION, Note, NoteCode, Transcript

#: Half of a UTF-16 pair: JSON can carry it, UTF-8, Word and PDF cannot.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
#: A line of an hour of speech with scores and times of each word is about 4 MB.
_LONGEST_LINE = 64 * 2**20
#: No recording is longer than a week.
_LONGEST_MS = 7 * 24 * 3_600_000
#: A last word may end this much behind the recording: lengths are rounded, and models look ahead.
_ROUNDING_MS = 1000
#: What may stand behind the last character: among it Ctrl-Z, with which programs of DOS end a file.
_BLANK = b" \t\r\n\x1a"
#: An object whose first value is a list of objects, in one line.
_LISTED = re.compile(rb'\{\s*"[^"]*"\s*:\s*\[\s*(?:\{|$)')
_IDS = ("call_id", "order_id", "agent_id", "shop")
_ZONE = ZoneInfo("Asia/Shanghai")


def read_transcripts(path: Path, *, zone: ZoneInfo = _ZONE) -> list[Transcript | TranscriptError]:
    """Read transcripts from JSON lines; a bad line becomes its error and hides no other line.

    Args:
        path: a file with one JSON object a line; or with a single object or list of objects over several lines.
        zone: of times that are written without an offset.

    Raises:
        TranscriptError: the file itself cannot be read.
    """
    try:
        with _open(path) as file:
            if (whole := _whole(file)) is not None:
                return [_read_or_error(item, f"{path} [{number}]", zone) for number, item in enumerate(whole, start=1)]
            return [
                _read_or_error(line, f"{path}:{number}", zone)
                for number, line in enumerate(_lines(file), start=1)
                if line is None or line.strip(_BLANK)
            ]
    except OSError as error:
        raise TranscriptError(say("cannot be read: {error}", error=os_reason(error)), where=str(path)) from error


def _open(path: Path) -> IO[bytes]:
    """Open a file in UTF-8; one in UTF-16, as Windows Notepad's "Unicode", is read as such, and a pipe to its end."""
    file: IO[bytes] = path.open("rb")
    if not file.seekable():  # `qareport analyse <(…)`
        with file:
            file = io.BytesIO(file.read())
    mark = file.read(2)
    file.seek(0)
    if mark not in (b"\xff\xfe", b"\xfe\xff"):
        return file
    with file:
        return io.BytesIO(file.read().decode("utf-16", "replace").encode())


def _whole(file: IO[bytes]) -> list[Any] | None:
    """Return the objects of a file that is one list, in an object or bare, or one object over several lines.

    None for JSON lines.
    """
    first = file.readline(_LONGEST_LINE).removeprefix(b"\xef\xbb\xbf").strip()
    file.seek(0)
    if not first.startswith(b"[") and first != b"{" and not _LISTED.match(first):
        return None
    try:
        data = load_json(file.read(_LONGEST_LINE).removeprefix(b"\xef\xbb\xbf").rstrip(_BLANK))
    except (RecursionError, ValueError):
        return None
    finally:
        file.seek(0)
    if isinstance(data, dict):
        listed = None if "segments" in data or funasr.is_result(data) else only_list(data)
        return listed or [data]
    return data if isinstance(data, list) and data else None


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Yield the lines of a file; None for one that is too long to be held."""
    while line := file.readline(_LONGEST_LINE + 1):
        if len(line) <= _LONGEST_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE)
        yield None


def _read_or_error(line: Any, where: str, zone: ZoneInfo) -> Transcript | TranscriptError:
    """Read a line (None: one that is too long), or an object that was read already."""
    if line is None:
        limit = say("at most {megabytes} MB a line", megabytes=_LONGEST_LINE // 2**20)
        return TranscriptError(say("the line is too long"), where=where, expected=limit)
    try:
        if isinstance(line, bytes):
            return read_transcript(line, where=where, zone=zone)
        _refuse_twice(line, where)
        return read_transcript(json.dumps(line).encode(), where=where, zone=zone)
    except TranscriptError as error:
        return error


def read_transcript(text: bytes, *, where: str, zone: ZoneInfo = _ZONE) -> Transcript:
    """Read one transcript of the contract or of FunASR; segments come back ordered by start, then channel.

    A transcript without a call_id gets one made from its content, so that the same text is the same call.

    Args:
        text: a JSON object, or a list that holds one (as FunASR's `generate` returns it).
        where: how messages name the source, for example `calls.jsonl:3`.
        zone: of a `started_at` that is written without an offset.

    Raises:
        TranscriptError: not JSON, another schema version, no segments, a field of the wrong type, a number that is not
            finite, or a segment that ends before it starts.
    """
    data = _load(text, where)
    version = data.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise TranscriptError(
            say("schema_version is {version}", version=shorten(version)),
            where=where,
            expected=str(SCHEMA_VERSION),
            to_do=say("update qareport"),
        )
    if "segments" not in data:
        data = _from_elsewhere(data, where)
    for name in _IDS:
        if name in data:
            data[name] = _read_field(name, data[name], where, read_number if name == "order_id" else read_identifier)
    if data.get("call_id") is None:
        data["call_id"] = "call-" + hashlib.sha256(text.strip()).hexdigest()[:12]
    if is_nothing(data.get("started_at")):
        data["started_at"] = None
    else:
        data["started_at"] = _read_field("started_at", data["started_at"], where, lambda value: _iso(value, zone))
    content = _LONE_SURROGATE.sub("\ufffd", json.dumps(data, ensure_ascii=False))
    transcript = from_json(Transcript, content, where=where)
    for index, segment in enumerate(transcript.segments):
        if not 0 <= segment.start_ms <= segment.end_ms <= _LONGEST_MS:
            raise TranscriptError(
                say(
                    "segments.{index}: start_ms {start_ms}, end_ms {end_ms}",
                    index=index,
                    start_ms=shorten(segment.start_ms),
                    end_ms=shorten(segment.end_ms),
                ),
                where=where,
                expected=say("0 <= start_ms <= end_ms <= {longest_ms}", longest_ms=_LONGEST_MS),
            )
    if transcript.audio is not None and not 0 <= transcript.audio.duration_ms <= _LONGEST_MS:
        raise TranscriptError(
            say("audio.duration_ms is {value}", value=shorten(transcript.audio.duration_ms)),
            where=where,
            expected=say("0 to {longest_ms}", longest_ms=_LONGEST_MS),
        )
    ordered = sorted(transcript.segments, key=lambda segment: (segment.start_ms, segment.channel or 0))
    return _without_impossible_times(dataclasses.replace(transcript, segments=tuple(ordered)))


def _without_impossible_times(transcript: Transcript) -> Transcript:
    """Leave the times of words out where they cannot be, with a note: the sentence's own times stand."""
    end_ms = _LONGEST_MS if transcript.audio is None else transcript.audio.duration_ms + _ROUNDING_MS
    fits = [
        all(0 <= token.start_ms <= token.end_ms <= end_ms for token in segment.tokens)
        for segment in transcript.segments
    ]
    if all(fits):
        return transcript
    kept = [
        segment if fit else dataclasses.replace(segment, tokens=())
        for segment, fit in zip(transcript.segments, fits, strict=True)
    ]
    note = Note(code=NoteCode.WORD_TIMES_DROPPED, values={"segments": str(fits.count(False))})
    return dataclasses.replace(transcript, segments=tuple(kept), notes=(*transcript.notes, note))


def _load(text: bytes, where: str) -> dict[str, Any]:
    expected = say("one JSON object a line")
    try:
        text = text.removeprefix(b"\xef\xbb\xbf").rstrip(_BLANK)
        data = load_json(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise TranscriptError(say("nested too deeply"), where=where, expected=expected) from error
    except ValueError as error:
        what = say("not JSON: {error}", error=json_reason(error))
        raise TranscriptError(what, where=where, expected=expected) from error
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        raise TranscriptError(say("got {value}", value=shorten(data)), where=where, expected=expected)
    _refuse_twice(data, where)
    if (place := _infinite(data)) is not None:
        raise TranscriptError(say("{place}: a number that is too large", place=place), where=where, expected=expected)
    return data


def _refuse_twice(data: object, where: str) -> None:
    if isinstance(data, JsonObject) and data.twice is not None:
        raise TranscriptError(given_twice(data.twice), where=where, to_do=say("keep one of its values"))


def _refuse_constant(name: str) -> None:
    raise ValueError(say("{name} is no number", name=name))


def _infinite(data: dict[str, Any]) -> str | None:
    """Return the place of a number that has become infinite (1e999), or None."""
    waiting: list[tuple[str, Any]] = [("", data)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            return place.removeprefix(".")
        if isinstance(value, dict):
            waiting.extend(
                (f"{place}.{key}", item) for key, item in value.items() if isinstance(item, float | dict | list)
            )
        elif isinstance(value, list):
            waiting.extend(
                (f"{place}.{index}", item) for index, item in enumerate(value) if isinstance(item, float | dict | list)
            )
    return None


def _from_elsewhere(data: dict[str, Any], where: str) -> dict[str, Any]:
    """Make a transcript of what another program wrote.

    Raises:
        TranscriptError: nothing in it says who said what when.
    """
    what: Message
    if funasr.is_result(data):
        converted = funasr.convert(data)
        if converted is not None:
            return converted
        what = say("FunASR's text without times")
        to_do = say("let FunASR write sentence_info (sentence_timestamp=True or a spk_model), or timestamp")
    else:
        names = ", ".join(map(str, list(data)[:10])) or "{}"
        what = say("no segments; the fields are {names}", names=names)
        to_do = say('write "segments": [] for a call in which nobody speaks')
    raise TranscriptError(what, where=where, expected=say("segments with start_ms, end_ms, role and text"), to_do=to_do)


def _read_field(name: str, value: object, where: str, read: Callable[[object], str | None]) -> str | None:
    try:
        return read(value)
    except QareportError as error:
        problem = error.problems[0]
        what = say("{field}: {what}", field=name, what=problem.what)
        raise TranscriptError(what, where=where, expected=problem.expected, to_do=problem.to_do) from error


def _iso(value: object, zone: ZoneInfo) -> str:
    return read_instant(value, zone).isoformat()
