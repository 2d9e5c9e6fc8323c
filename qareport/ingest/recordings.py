"""Find recordings in files, folders and behind fsspec URLs; those that are still being written are skipped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from qareport.audio.containers import AUDIO_SUFFIXES
from qareport.errors import NotFoundError, Problem
from qareport.files import atomic_path, safe_name

#: What programs add to a name until a file is complete.
TEMPORARY_SUFFIXES = frozenset(
    (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".writing")
)
#: Fields in which file systems say which version of a file they hold; the first that exists is taken.
_VERSIONS = ("ETag", "etag", "version_id", "md5", "content-md5", "generation")
_TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFile:
    """One recording: its path on this machine, and its name at its source."""

    path: Path
    name: str
    #: False: it is still being written, or only a part of it could be fetched.
    whole: bool = True


def expand(
    sources: Sequence[str],
    cache: Path,
    *,
    settle_s: float = 0.0,
    wait: Callable[[float], None] = time.sleep,
    unreadable: list[Problem] | None = None,
) -> list[RecordingFile]:
    """Find the recordings of some sources, in the order given (folders by name).

    Args:
        sources: files, folders or fsspec URLs (`s3://bucket/day/`).
        cache: folder into which recordings behind URLs are fetched.
        settle_s: a file of a folder that was written to within so many seconds must stay as it is for so long to count
            as complete.
        wait: sleeps.
        unreadable: where to note sources that cannot be read, instead of raising.

    Raises:
        NotFoundError: a source that does not exist or holds no recording.
    """
    recordings: list[RecordingFile] = []
    for source in sources:
        try:
            if "://" in source:
                recordings += _fetch(source, cache, settle_s=settle_s, wait=wait)
            elif Path(source).is_file():  # a file that is named is taken as complete
                recordings.append(RecordingFile(path=Path(source), name=Path(source).name))
            else:
                recordings += settle(_listed(Path(source)), settle_s=settle_s, wait=wait)
        except NotFoundError as error:
            if unreadable is None:
                raise
            unreadable += error.problems
    return recordings


def settle(
    recordings: Sequence[RecordingFile], *, settle_s: float, wait: Callable[[float], None]
) -> list[RecordingFile]:
    """Look twice at files that were written to just now: one that changes meanwhile is not complete yet."""
    paths = [recording.path for recording in recordings if recording.whole]
    young = {path: _signature(path) for path in paths if settle_s and _is_young(path, settle_s)}
    if young:
        wait(settle_s)
    changing = {path for path, before in young.items() if _signature(path) != before}
    return [replace(recording, whole=False) if recording.path in changing else recording for recording in recordings]


def temporary_name(path: Path) -> str | None:
    """Return the name that a file will have when it is complete: `a.wav` of `a.wav.part`. None: it has that already."""
    if path.suffix.lower() in TEMPORARY_SUFFIXES and Path(path.stem).suffix.lower() in AUDIO_SUFFIXES:
        return path.stem
    return None


def _listed(path: Path) -> list[RecordingFile]:
    if not path.is_dir():
        raise NotFoundError("no such file or folder", where=str(path), to_do="check the path")
    recordings, unfinished = [], []
    for file in sorted(path.rglob("*")):
        if file.name.startswith(".") or not file.is_file():
            continue
        final = temporary_name(file)
        if final is not None:
            unfinished.append(RecordingFile(path=file.with_name(final), name=final, whole=False))
        elif file.suffix.lower() in AUDIO_SUFFIXES:
            recordings.append(RecordingFile(path=file, name=file.name))
    known = {recording.path for recording in recordings}
    recordings += [recording for recording in unfinished if recording.path not in known]
    if not recordings:
        raise NotFoundError("no recording in this folder", where=str(path), expected=_endings())
    return recordings


def _is_young(path: Path, settle_s: float) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime < settle_s  # of the future, too: that clock is not ours
    return False


def _signature(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


# --- URLs -------------------------------------------------------------------------------------------------------------


class _ChangedError(Exception):
    """A remote file changed while it was fetched: what was fetched is not consistent."""


def _fetch(url: str, cache: Path, *, settle_s: float, wait: Callable[[float], None]) -> Iterator[RecordingFile]:
    import fsspec  # slow to import, and needed for URLs alone

    try:
        filesystem, root = fsspec.core.url_to_fs(url)
        listed = _list(filesystem, root)
        if not listed:
            raise NotFoundError("no recording behind this URL", where=url, expected=_endings())
        if any(_was_written_within(settle_s, info) for info in listed.values()):
            wait(settle_s)
            before, listed = listed, _list(filesystem, root)
            listed = {name: info for name, info in listed.items() if name in before}
        else:
            before = listed
        cache.mkdir(parents=True, exist_ok=True)
        for name, info in sorted(listed.items()):
            if _version(before[name]) == _version(info):
                yield _fetched(filesystem, name, info, cache)
            else:
                yield RecordingFile(path=_place(filesystem, name, cache), name=Path(name).name, whole=False)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise NotFoundError(
            f"cannot be fetched: {error}", where=url, to_do="check the URL, its driver and your access"
        ) from error


def _list(filesystem: Any, root: str) -> dict[str, dict[str, Any]]:
    filesystem.invalidate_cache()
    files = filesystem.find(root, detail=True)
    return {name: info for name, info in files.items() if Path(name).suffix.lower() in AUDIO_SUFFIXES or name == root}


def _was_written_within(seconds: float, info: dict[str, Any]) -> bool:
    """Tell whether a remote file was written to just now; where its time is not known, it was not."""
    written = _written(info)
    return isinstance(written, int | float) and time.time() - written < seconds


def _written(info: dict[str, Any]) -> object:
    """Return when a remote file was written, in seconds where its file system says it in a form that is known."""
    written = next((info[key] for key in _TIMES if info.get(key) is not None), None)
    return written.timestamp() if isinstance(written, datetime) else written


def _place(filesystem: Any, name: str, cache: Path) -> Path:
    """Give each remote file a folder of its own, in which it keeps its name as far as that is safe."""
    url = filesystem.unstrip_protocol(name)
    path = Path(name)
    return cache / hashlib.sha256(url.encode()).hexdigest()[:16] / (safe_name(path.stem) + path.suffix)


def _fetched(filesystem: Any, name: str, info: dict[str, Any], cache: Path) -> RecordingFile:
    """Return the cached copy of a recording, fetched again if it has changed; a partial file is never left behind."""
    target = _place(filesystem, name, cache)
    note = target.with_name("version.json")
    version = _version(info)
    if not (target.exists() and _read(note) == version):
        target.parent.mkdir(exist_ok=True)
        try:
            with atomic_path(target) as partial:
                filesystem.get_file(name, str(partial))
                filesystem.invalidate_cache()
                size = info.get("size")
                if _version(filesystem.info(name)) != version or (size is not None and partial.stat().st_size != size):
                    raise _ChangedError
                note.unlink(missing_ok=True)  # killed in between, the recording is fetched again
        except _ChangedError:
            return RecordingFile(path=target, name=Path(name).name, whole=False)
        note.write_text(version, "utf-8")
    return RecordingFile(path=target, name=Path(name).name)


def _version(info: dict[str, Any]) -> str:
    """Write what tells one version of a remote file from the next: its size, and its ETag or else its time."""
    mark = next((info[key] for key in _VERSIONS if info.get(key) is not None), _written(info))
    return json.dumps([info.get("size"), str(mark)])


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


def _endings() -> str:
    return "a file ending in " + ", ".join(sorted(AUDIO_SUFFIXES))
