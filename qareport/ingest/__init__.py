"""Which calls there are: recordings of files, folders and fsspec URLs, with what a manifest or their names say of them.

`manifest` says what a manifest may hold, `qareport.settings.name_pattern` how names are read.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qareport.errors import Problem
from qareport.ingest.manifest import read_manifest
from qareport.ingest.recordings import TEMPORARY_SUFFIXES, Recording, expand, settle
from qareport.model import Call, FailedCall
from qareport.settings import IngestSettings
from qareport.settings.name_pattern import NameReader

__all__ = ["Ingest", "find_calls", "read_manifest"]

_DEFAULTS = IngestSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """What was found: calls to work on, and what is not one yet."""

    calls: tuple[Call, ...]
    #: Manifest rows that have no recording.
    failures: tuple[FailedCall, ...] = ()
    #: Recordings that no manifest row speaks of, when there is a manifest.
    unlisted: tuple[str, ...] = ()
    #: Calls whose recording is still being written: the next run takes them.
    waiting: tuple[Call, ...] = ()
    #: Recordings whose name does not fit the pattern, when there is one and no row speaks of them.
    unmatched: tuple[str, ...] = ()
    #: Ids that were made of file names; those of other recordings may have been the same on other days.
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
        settings: the pattern of names, and how long a file must rest to count as whole.
        time_zone: IANA name of the zone of times that are written without an offset.
        wait: sleeps while files that were written to just now are watched.
        unreadable: where to note sources that cannot be read, instead of raising.

    Raises:
        NotFoundError: a source that does not exist or holds no recording.
        ConfigError: every bad row of the manifest, with its place.
    """
    rows = [] if manifest is None else read_manifest(manifest, time_zone)
    remote = [row.audio_path for row in rows if "://" in row.audio_path] if not sources else []
    found = expand([*sources, *remote], cache, settle_s=settings.settle_s, wait=wait, unreadable=unreadable)
    reader = NameReader(settings.name_pattern, time_zone) if settings.name_pattern else None
    if manifest is None:
        return _Join(found, reader).finish(listed=False)
    join = _Join(found, reader)
    if not sources:
        join.add(settle(_beside(rows, manifest), settle_s=settings.settle_s, wait=wait))
    for row in rows:
        join.row(row, manifest)
    return join.finish(listed=bool(sources), leave_out=manifest)


def _beside(rows: Iterable[Call], manifest: Path) -> list[Recording]:
    """Find the recordings that the rows name; one that has a temporary name is not whole."""
    found = []
    for row in rows:
        path = manifest.parent / row.audio_path
        if path.is_file():
            found.append(Recording(path=path, name=path.name))
        elif any(path.with_name(path.name + ending).exists() for ending in TEMPORARY_SUFFIXES):
            found.append(Recording(path=path, name=path.name, whole=False))
    return found


@dataclass(slots=True)
class _Join:
    """Brings recordings, rows and names together; each recording and each row ends in one place."""

    found: Sequence[Recording]
    reader: NameReader | None
    calls: list[Call] = field(default_factory=list)
    failures: list[FailedCall] = field(default_factory=list)
    waiting: list[Call] = field(default_factory=list)
    taken: set[Path] = field(default_factory=set)
    by_path: dict[Path, Recording] = field(default_factory=dict)
    by_name: Mapping[str, list[Recording]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.add(self.found)

    def add(self, found: Sequence[Recording]) -> None:
        """Take recordings in."""
        self.found = list({one.path.resolve(): one for one in (*self.found, *found)}.values())
        for one in found:
            if one.path.resolve() not in self.by_path:
                self.by_path[one.path.resolve()] = one
                self.by_name[one.name].append(one)

    def row(self, row: Call, manifest: Path) -> None:
        """Find the recording of a manifest row."""
        path = manifest.parent / row.audio_path
        named = self.by_name.get(Path(row.audio_path).name, [])
        exact = self.by_path.get(path.resolve())
        if exact is None and len(named) > 1:
            places = ", ".join(str(one.path) for one in named)
            reason = f"{row.audio_path}: several recordings have this name; write which: {places}"
            self.failures.append(FailedCall.of(row, "ingest", reason))
            self.taken.update(one.path.resolve() for one in named)
            return
        recording = exact or next(iter(named), None)
        if recording is not None:
            self.taken.add(recording.path.resolve())
            call = replace(row, audio_path=str(recording.path))
            (self.calls if recording.whole else self.waiting).append(call)
        elif not path.is_file():  # else it lies outside the sources, and is not asked for
            reason = f"{row.audio_path}: listed in {manifest}, but there is no such file"
            self.failures.append(FailedCall.of(row, "ingest", reason))

    def finish(self, *, listed: bool, leave_out: Path | None = None) -> Ingest:
        """Make calls of the recordings that no row speaks of.

        Args:
            listed: report them as missing in the manifest.
            leave_out: the manifest itself, where it lies among the recordings.
        """
        rest = [one for one in self.found if one.path.resolve() not in self.taken]
        rest = [one for one in rest if leave_out is None or one.path.resolve() != leave_out.resolve()]
        unmatched = [str(one.path) for one in rest if self.reader and self.reader.read(Path(one.name).stem) is None]
        own = [(self._named(one), one.whole) for one in rest]
        known = {call.call_id for call in (*self.calls, *self.waiting)} | {one.call_id for one in self.failures}
        named = _distinct((call for call, _ in own), known)
        self.calls += [call for call, (_, whole) in zip(named, own, strict=True) if whole]
        self.waiting += [call for call, (_, whole) in zip(named, own, strict=True) if not whole]
        return Ingest(
            calls=tuple(self.calls),
            failures=tuple(self.failures),
            unlisted=tuple(str(one.path) for one in rest) if listed else (),
            waiting=tuple(self.waiting),
            unmatched=tuple(unmatched),
            ids_from_file_name=frozenset(
                call.call_id for call, one in zip(named, rest, strict=True) if not self._says_its_id(one)
            ),
        )

    def _says_its_id(self, recording: Recording) -> bool:
        said = self.reader.read(Path(recording.name).stem) if self.reader else None
        return said is not None and said.call_id is not None

    def _named(self, recording: Recording) -> Call:
        stem = Path(recording.name).stem
        said = self.reader.read(stem) if self.reader else None
        if said is None:
            return Call(call_id=stem, audio_path=str(recording.path))
        return Call(
            call_id=said.call_id or stem,
            audio_path=str(recording.path),
            order_id=said.order_id,
            agent_id=said.agent_id,
            started_at=said.started_at,
            customer_phone=said.customer_phone,
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
