"""Which calls there are: recordings from files, folders and fsspec URLs, joined with what a manifest knows of them.

A manifest is CSV or JSON lines with one row a recording. Only `audio` is required:

    audio           path of the recording, relative to the manifest, or its file name
    call_id         stable name of the call; by default the file name without its ending
    order_id        the order it is about
    agent_id        who answered
    started_at      ISO 8601 with offset, 2026-11-21T09:13:05+08:00
    channels        role of each channel from the left, `agent|customer`; `mixed` when one channel holds both
    customer_phone  number to call back; kept in the store, masked everywhere else
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pydantic
from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

from qareport.codec import explain
from qareport.errors import ConfigError, NotFoundError, Problem, SourceLocation
from qareport.model import Call, FailedCall, Role

#: What a folder is searched for. A file that is named outright is tried whatever its ending.
AUDIO_SUFFIXES = frozenset(
    (
        ".wav",
        ".mp3",
        ".m4a",
        ".aac",
        ".amr",
        ".ogg",
        ".oga",
        ".opus",
        ".flac",
        ".wma",
        ".mp4",
        ".webm",
        ".au",
        ".aif",
        ".aiff",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """What was found: calls to work on, and manifest rows that have no recording."""

    calls: tuple[Call, ...]
    failures: tuple[FailedCall, ...] = ()
    #: Recordings that no manifest row speaks of, when there is a manifest.
    unlisted: tuple[str, ...] = ()


def find_calls(sources: Sequence[str], manifest: Path | None, *, cache: Path) -> Ingest:
    """Find the calls that the sources hold, in the order given (folders by name).

    With a manifest and no sources, its rows are the calls.

    Args:
        sources: files, folders or fsspec URLs (`s3://bucket/day/`).
        manifest: a CSV or JSON lines file, or None.
        cache: folder into which recordings behind URLs are fetched.

    Raises:
        NotFoundError: a source that does not exist or holds no recording.
        ConfigError: every bad row of the manifest, with its line.
    """
    paths = list(_expand(sources, cache))
    rows = [] if manifest is None else read_manifest(manifest)
    if manifest is None:
        return Ingest(calls=tuple(_distinct(Call(call_id=path.stem, audio_path=str(path)) for path in paths)))
    if not sources:
        return _join(rows, manifest, None)
    return _join(rows, manifest, paths)


def _join(rows: Sequence[Call], manifest: Path, paths: Sequence[Path] | None) -> Ingest:
    calls: list[Call] = []
    failures: list[FailedCall] = []
    wanted = None if paths is None else {path.resolve(): path for path in paths}
    by_name = {} if paths is None else {path.name: path for path in paths}
    taken: set[Path] = set()
    for row in rows:
        path = manifest.parent / row.audio_path
        if wanted is not None and path.resolve() not in wanted:
            path = by_name.get(Path(row.audio_path).name, path)
        if path.is_file():
            if wanted is None or path.resolve() in wanted:
                calls.append(replace(row, audio_path=str(path)))
                taken.add(path.resolve())
        else:
            reason = f"{row.audio_path}: listed in {manifest}, but there is no such file"
            failures.append(FailedCall.of(row, "ingest", reason))
    unlisted = [path for key, path in (wanted or {}).items() if key not in taken and key != manifest.resolve()]
    known = {call.call_id for call in calls}
    extra = _distinct((Call(call_id=path.stem, audio_path=str(path)) for path in unlisted), known)
    return Ingest(calls=(*calls, *extra), failures=tuple(failures), unlisted=tuple(str(path) for path in unlisted))


def _expand(sources: Sequence[str], cache: Path) -> Iterator[Path]:
    for source in sources:
        if "://" in source:
            yield from _fetch(source, cache)
            continue
        path = Path(source)
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in AUDIO_SUFFIXES and file.is_file())
            if not found:
                raise NotFoundError("no recording in this folder", where=source, expected=_endings())
            yield from found
        elif path.is_file():
            yield path
        else:
            raise NotFoundError("no such file or folder", where=source, to_do="check the path")


def _fetch(url: str, cache: Path) -> Iterator[Path]:
    import fsspec  # slow to import, and needed for URLs alone

    try:
        filesystem, root = fsspec.core.url_to_fs(url)
        remote = sorted(filesystem.find(root))
        remote = [name for name in remote if Path(name).suffix.lower() in AUDIO_SUFFIXES or name == root]
        if not remote:
            raise NotFoundError("no recording behind this URL", where=url, expected=_endings())
        cache.mkdir(parents=True, exist_ok=True)
        for name in remote:
            target = cache / name.strip("/").replace("/", "_")
            if not target.exists():
                partial = target.with_name(target.name + ".part")
                filesystem.get_file(name, str(partial))
                partial.replace(target)
            yield target
    except (OSError, ValueError, ImportError) as error:
        raise NotFoundError(
            f"cannot be fetched: {error}", where=url, to_do="check the URL, its driver and your access"
        ) from error


def _endings() -> str:
    return "a file ending in " + ", ".join(sorted(AUDIO_SUFFIXES))


def _distinct(calls: Iterable[Call], known: Iterable[str] = ()) -> list[Call]:
    """Give every call an id of its own: `a`, `a-2`, `a-3` for files of one name in several folders."""
    taken = set(known)
    result = []
    for call in calls:
        name, number = call.call_id, 1
        while name in taken:
            number += 1
            name = f"{call.call_id}-{number}"
        taken.add(name)
        result.append(replace(call, call_id=name))
    return result


# --- the manifest -----------------------------------------------------------------------------------------------------


def _roles(value: object) -> object:
    if isinstance(value, str):
        names = [part.strip() for part in value.replace(",", "|").split("|")]
        value = names
    if isinstance(value, list):
        return tuple("unknown" if name == "mixed" else name for name in value)
    return value


class _Row(pydantic.BaseModel):
    """A manifest row as people write it; empty cells count as absent."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    audio: Annotated[str, Field(min_length=1)]
    call_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    order_id: Annotated[str, Field(max_length=200)] | None = None
    agent_id: Annotated[str, Field(max_length=200)] | None = None
    started_at: AwareDatetime | None = None
    channels: Annotated[tuple[Role, ...], BeforeValidator(_roles)] = ()
    customer_phone: str | None = None


def read_manifest(path: Path) -> list[Call]:
    """Read a manifest; `audio_path` of the calls is as written in it.

    Raises:
        ConfigError: cannot be read, no `audio` column, or bad rows: all of them, each with its line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(
            what=f"cannot be read: {error}", where=str(path), expected="a CSV or JSON lines file in UTF-8"
        )
        raise ConfigError([problem]) from error
    lines = _json_lines(text, path) if path.suffix.lower() in (".jsonl", ".ndjson") else _csv_lines(text, path)
    problems: list[Problem] = []
    calls: dict[str, tuple[Call, int]] = {}
    for number, data in lines:
        where = SourceLocation(file=str(path), line=number)
        if isinstance(data, Problem):
            problems.append(data)
            continue
        try:
            row = _Row.model_validate({key: value for key, value in data.items() if value not in ("", None)})
        except pydantic.ValidationError as error:
            problems.append(Problem(what=explain(error), where=where))
            continue
        call = _call(row)
        if call.call_id in calls:
            first = calls[call.call_id][1]
            problems.append(
                Problem(
                    what=f"call_id {call.call_id!r} is given twice", where=where, to_do=f"first given on line {first}"
                )
            )
        calls.setdefault(call.call_id, (call, number))
    if problems:
        raise ConfigError(problems)
    return [call for call, _ in calls.values()]


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


def _csv_lines(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    if "audio" not in (reader.fieldnames or ()):
        got = ", ".join(reader.fieldnames or ()) or "nothing"
        where = SourceLocation(file=str(path))
        yield 1, Problem(what=f"the columns are {got}", where=where, expected="at least a column named audio")
        return
    for row in reader:
        yield reader.line_num, {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}


def _json_lines(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = SourceLocation(file=str(path), line=number)
        try:
            data = json.loads(line)
        except ValueError as error:
            yield number, Problem(what=f"not JSON: {error}", where=where)
            continue
        yield number, data if isinstance(data, dict) else Problem(what="not a JSON object", where=where)
