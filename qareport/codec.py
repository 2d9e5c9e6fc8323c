"""Convert domain types to JSON and back. pydantic does the work; this module words the errors.

Writing is canonical (field order of `model`, no spaces, no ASCII escapes), so equal values give equal bytes. Reading
ignores unknown fields: the contract allows fields to be added.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any, TypeVar

import pydantic
from pydantic_core import PydanticSerializationError

from qareport.errors import QareportError, TranscriptError
from qareport.messages import say
from qareport.model import SCHEMA_VERSION, OrderReport, Transcript

T = TypeVar("T")


#: Building an adapter costs milliseconds: one for each type.
_adapters: dict[Any, pydantic.TypeAdapter[Any]] = {}
#: Half of a UTF-16 pair: JSON can carry it, UTF-8, Word and PDF cannot.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = pydantic.TypeAdapter(kind)
    return _adapters[kind]


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write a domain value as JSON.

    Raises:
        QareportError: a string in it cannot be written as UTF-8 (a lone surrogate).
    """
    adapter = _adapter(type(value))
    try:
        return adapter.dump_json(value, indent=indent).decode()
    except PydanticSerializationError as error:
        raise QareportError(
            say("cannot be written as JSON: {error}", error=error), where=type(value).__name__
        ) from error


def to_data(value: object) -> Any:
    """Turn a domain value into plain dictionaries, lists, strings and numbers."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], text: str | bytes, *, where: str, error: type[QareportError] = TranscriptError) -> T:
    """Read a domain value from JSON.

    Args:
        kind: the type to read, for example `Transcript`.
        text: one JSON value.
        where: how messages name the source, for example `calls.jsonl:3`.
        error: what is raised; the store says `StoreError`.

    Raises:
        QareportError: of the type `error`: not JSON, or not a value of that type; every field that is wrong is named.
    """
    try:
        value: T = _adapter(kind).validate_json(text)
        return value
    except pydantic.ValidationError as refusal:
        raise error(explain(refusal), where=where, expected=f"a {kind.__name__} of schema version 1") from refusal


def explain(error: pydantic.ValidationError) -> str:
    """Say in one line what is wrong where, for at most five fields."""
    issues = error.errors(include_url=False)
    parts = []
    for issue in issues[:5]:
        place = ".".join(str(step) for step in issue["loc"]) or "value"
        got = "" if issue["type"] in ("missing", "json_invalid") else f" (got {_short(issue['input'])})"
        parts.append(f"{place}: {issue['msg'].removeprefix('Value error, ')}{got}")
    if len(issues) > 5:
        parts.append(f"and {len(issues) - 5} more")
    return "; ".join(parts)


def json_schema(kind: type[object]) -> dict[str, Any]:
    """Return the JSON Schema of a domain type."""
    return _adapter(kind).json_schema()


def read_transcripts(path: Path) -> list[Transcript | TranscriptError]:
    """Read transcripts from JSON lines; a bad line becomes its error and hides no other line.

    Raises:
        TranscriptError: the file itself cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise TranscriptError(say("cannot be read: {strerror}", strerror=error.strerror), where=str(path)) from error
    results: list[Transcript | TranscriptError] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            results.append(read_transcript(line, where=f"{path}:{number}"))
        except TranscriptError as error:
            results.append(error)
    return results


def read_transcript(text: bytes, *, where: str) -> Transcript:
    """Read one transcript of the contract; segments come back ordered by start, then channel.

    A transcript without a call_id gets one made from its content, so that the same text is the same call.

    Raises:
        TranscriptError: not JSON, another schema version, a field of the wrong type, or a segment that ends before it
            starts.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise TranscriptError(
            say("not JSON: {error}", error=error), where=where, expected=say("one JSON object a line")
        ) from error
    if not isinstance(data, dict):
        raise TranscriptError(say("got {data}", data=_short(data)), where=where, expected=say("one JSON object a line"))
    version = data.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise TranscriptError(
            say("schema_version is {version}", version=_short(version)),
            where=where,
            expected=str(SCHEMA_VERSION),
            to_do=say("update qareport"),
        )
    data.setdefault("call_id", "call-" + hashlib.sha256(text.strip()).hexdigest()[:12])
    content = _LONE_SURROGATE.sub("\ufffd", json.dumps(data, ensure_ascii=False))
    transcript = from_json(Transcript, content, where=where)
    for index, segment in enumerate(transcript.segments):
        if not 0 <= segment.start_ms <= segment.end_ms:
            raise TranscriptError(
                say(
                    "segments.{index}: start_ms {start_ms}, end_ms {end_ms}",
                    index=index,
                    start_ms=segment.start_ms,
                    end_ms=segment.end_ms,
                ),
                where=where,
                expected=say("0 <= start_ms <= end_ms"),
            )
    ordered = sorted(transcript.segments, key=lambda segment: (segment.start_ms, segment.channel or 0))
    return dataclasses.replace(transcript, segments=tuple(ordered))


def read_report(text: str | bytes, *, where: str) -> OrderReport:
    """Read an order report that the store or `--format json` wrote."""
    return from_json(OrderReport, text, where=where)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
