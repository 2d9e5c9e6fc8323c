"""Match recordings, manifest rows and file names: each recording and each row ends in exactly one place."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qareport.errors import Problem
from qareport.ingest.manifest import read_manifest
from qareport.ingest.recordings import TEMPORARY_SUFFIXES, RecordingFile, expand, settle
from qareport.model import Call, FailedCall
from qareport.settings import IngestSettings
from qareport.settings.name_pattern import NameParts, NameReader

_DEFAULTS = IngestSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """What was found: calls to work on, and what is not one yet."""

    calls: tuple[Call, ...]
    #: Manifest rows that have no recording.
    failures: tuple[FailedCall, ...] = ()
    #: Recordings that no manifest row names, when there is a manifest.
    unlisted: tuple[str, ...] = ()
    #: Calls whose recording is still being written: the next run takes them.
    waiting: tuple[Call, ...] = ()
    #: Recordings whose name does not fit the pattern, when there is one and no row names them.
    unmatched: tuple[str, ...] = ()
    #: Ids that were made from file names; those of other recordings may have been the same on other days.
    ids_from_file_name: frozenset[str] = frozenset()


def find_calls(
    sources: Sequence[str],
    manifest: Path | None,
    *,
    cache: Path,
    settings: IngestSettings = _DEFAULTS,
    time_zone: str = "Asia/Shanghai",
    wait: Callable[[float], None] = time.sleep,
    unreadable: list[Problem] | None = None,
) -> Ingest:
    """Find the calls that the sources hold, in the order given (folders by name).

    With a manifest and no sources, its rows are the calls.

    Args:
        sources: files, folders or fsspec URLs (`s3://bucket/day/`).
        manifest: a CSV, XLSX or JSON lines file, or None.
        cache: folder into which recordings behind URLs are fetched.
        settings: the pattern of names, and how long a file must stay unchanged to count as complete.
        time_zone: IANA name of the zone of times that are written without an offset.
        wait: sleeps while files that were written to just now are watched.
        unreadable: where to note sources that cannot be read, instead of raising.

    Raises:
        NotFoundError: a source that does not exist or holds no recording.
        ConfigError: every bad row of the manifest, with its place.
    """
    rows = [] if manifest is None else read_manifest(manifest, time_zone)
    remote = [row.audio_path for row in rows if "://" in row.audio_path] if not sources else []
    recordings = expand([*sources, *remote], cache, settle_s=settings.settle_s, wait=wait, unreadable=unreadable)
    join = _Join(recordings, NameReader(settings.name_pattern, time_zone) if settings.name_pattern else None)
    if manifest is None:
        return join.finish(listed=False)
    if not sources:
        join.add(settle(_beside(rows, manifest), settle_s=settings.settle_s, wait=wait))
    for row in rows:
        join.join_row(row, manifest)
    return join.finish(listed=bool(sources), leave_out=manifest)


def _beside(rows: Iterable[Call], manifest: Path) -> list[RecordingFile]:
    """Find the recordings that the rows name; one that has a temporary name is not complete."""
    recordings = []
    for row in rows:
        path = manifest.parent / row.audio_path
        if path.is_file():
            recordings.append(RecordingFile(path=path, name=path.name))
        elif any(path.with_name(path.name + ending).exists() for ending in TEMPORARY_SUFFIXES):
            recordings.append(RecordingFile(path=path, name=path.name, whole=False))
    return recordings


class _Join:
    """The recordings and rows of one search, each on its way to one place."""

    def __init__(self, recordings: Sequence[RecordingFile], reader: NameReader | None) -> None:
        self._reader = reader
        self._calls: list[Call] = []
        self._failures: list[FailedCall] = []
        self._waiting: list[Call] = []
        self._taken: set[Path] = set()
        self._by_path: dict[Path, RecordingFile] = {}
        self._by_name: dict[str, list[RecordingFile]] = defaultdict(list)
        self.add(recordings)

    def add(self, recordings: Iterable[RecordingFile]) -> None:
        """Take recordings in, each once."""
        for recording in recordings:
            path = recording.path.resolve()
            if path not in self._by_path:
                self._by_path[path] = recording
                self._by_name[recording.name].append(recording)

    def join_row(self, row: Call, manifest: Path) -> None:
        """Find the recording of a manifest row."""
        path = manifest.parent / row.audio_path
        named = self._by_name.get(Path(row.audio_path).name, [])
        exact = self._by_path.get(path.resolve())
        if exact is None and len(named) > 1:
            places = ", ".join(str(recording.path) for recording in named)
            self._fail(row, f"several recordings have this name; write which: {places}")
            self._taken.update(recording.path.resolve() for recording in named)
            return
        recording = exact or next(iter(named), None)
        if recording is not None:
            self._taken.add(recording.path.resolve())
            call = replace(row, audio_path=str(recording.path))
            (self._calls if recording.whole else self._waiting).append(call)
        elif not path.is_file():  # else it is outside the sources, and was not requested
            self._fail(row, f"listed in {manifest}, but there is no such file")

    def _fail(self, row: Call, what: str) -> None:
        self._failures.append(FailedCall.of(row, "ingest", f"{row.audio_path}: {what}"))

    def finish(self, *, listed: bool, leave_out: Path | None = None) -> Ingest:
        """Make calls of the recordings that no row names.

        Args:
            listed: report them as missing in the manifest.
            leave_out: the manifest itself, where it is among the recordings.
        """
        not_calls = self._taken | ({leave_out.resolve()} if leave_out else set())
        rest = [recording for path, recording in self._by_path.items() if path not in not_calls]
        names = [self._reader.read(Path(recording.name).stem) if self._reader else None for recording in rest]
        known = {item.call_id for item in (*self._calls, *self._waiting)}
        known |= {failure.call_id for failure in self._failures}
        calls = _distinct((_call_of(recording, name) for recording, name in zip(rest, names, strict=True)), known)
        whole = [recording.whole for recording in rest]
        return Ingest(
            calls=(*self._calls, *(call for call, is_whole in zip(calls, whole, strict=True) if is_whole)),
            failures=tuple(self._failures),
            unlisted=tuple(str(recording.path) for recording in rest) if listed else (),
            waiting=(*self._waiting, *(call for call, is_whole in zip(calls, whole, strict=True) if not is_whole)),
            unmatched=tuple(
                str(recording.path)
                for recording, name in zip(rest, names, strict=True)
                if self._reader is not None and name is None
            ),
            ids_from_file_name=frozenset(
                call.call_id for call, name in zip(calls, names, strict=True) if name is None or name.call_id is None
            ),
        )


def _call_of(recording: RecordingFile, name: NameParts | None) -> Call:
    """Make a call from a recording and the metadata in its name."""
    stem = Path(recording.name).stem
    if name is None:
        return Call(call_id=stem, audio_path=str(recording.path))
    return Call(
        call_id=name.call_id or stem,
        audio_path=str(recording.path),
        order_id=name.order_id,
        agent_id=name.agent_id,
        started_at=name.started_at,
        customer_phone=name.customer_phone,
    )


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
