"""Fetch recordings behind URLs, each on its own, into a folder on this machine."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from qareport.audio.containers import AUDIO_SUFFIXES
from qareport.errors import NotFoundError, Problem, QareportError, os_reason
from qareport.files import atomic_path
from qareport.ingest import http
from qareport.ingest.addresses import file_name, is_chain, secrets, shown
from qareport.ingest.http import FetchLimits
from qareport.ingest.recordings import RecordingFile, SourceContents
from qareport.messages import Message, say
from qareport.settings import IngestSettings

#: Fields in which file systems say which version of a file they hold; the first that exists is taken.
_VERSIONS = ("ETag", "etag", "version_id", "md5", "content-md5", "generation")
_TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")
_NOTE = "version.json"


class _ChangedError(Exception):
    """A remote file changed while it was fetched: what was fetched is not consistent."""


class _UnchangedError(Exception):
    """A remote file is the one that was fetched before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSource:
    """Where recordings are fetched to, and within which limits."""

    cache: Path
    settings: IngestSettings
    wait: Callable[[float], None]
    #: Names of files that are recordings whatever their suffix.
    named: Collection[str] = ()

    def fetch(self, url: str) -> SourceContents:
        """Fetch the recordings behind a URL: one file, or all below a folder. What fails is named, never raised."""
        contents = SourceContents()
        try:
            if is_chain(url):
                raise NotFoundError(say("a chain of addresses (::)"), where=shown(url), expected=say("one address"))
            self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            if url.startswith(("http://", "https://")):
                contents.recordings.append(self._fetch_http(url))
            else:
                self._fetch_all(url, contents)
        except QareportError as error:
            contents.problems += error.problems
        except Exception as error:  # noqa: BLE001 - drivers raise whatever they like; the other sources are read all the same
            contents.problems.append(_problem(url, error))
        return contents

    @property
    def _limits(self) -> FetchLimits:
        return FetchLimits(max_bytes=round(self.settings.max_megabytes * 1e6), timeout_s=self.settings.fetch_timeout_s)

    # --- HTTP ---------------------------------------------------------------------------------------------------------

    def _fetch_http(self, url: str) -> RecordingFile:
        target = self._place(url, file_name(url))
        note = target.with_name(_NOTE)
        target.parent.mkdir(exist_ok=True)
        known = json.loads(_read(note) or "{}") if target.exists() else {}
        try:
            with atomic_path(target) as partial:
                with partial.open("wb") as file:
                    version = http.get(url, file, self._limits, known)
                if version is None:
                    raise _UnchangedError
                note.unlink(missing_ok=True)  # killed in between, the recording is fetched again
            _write(note, json.dumps(version))
        except _UnchangedError:
            pass
        return RecordingFile(path=target, name=target.name)

    # --- other file systems -------------------------------------------------------------------------------------------

    def _fetch_all(self, url: str, contents: SourceContents) -> None:
        import fsspec  # slow to import, and needed for such URLs alone

        filesystem, root = fsspec.core.url_to_fs(url)
        listed = self._list(filesystem, root, contents)
        if not listed:
            raise NotFoundError(say("no recording behind this URL"), where=shown(url), expected=suffixes_expected())
        before = listed
        if any(_was_written_within(self.settings.settle_s, info) for info in listed.values()):
            self.wait(self.settings.settle_s)
            listed = {
                name: info for name, info in self._list(filesystem, root, SourceContents()).items() if name in before
            }
        for name, info in sorted(listed.items()):
            target = self._place(filesystem.unstrip_protocol(name), Path(name).name)
            recording = RecordingFile(path=target, name=target.name, whole=_version(before[name]) == _version(info))
            if recording.whole:
                recording = self._fetch_one(filesystem, name, info, target)
            contents.recordings.append(recording)

    def _list(self, filesystem: Any, root: str, contents: SourceContents) -> dict[str, dict[str, Any]]:
        filesystem.invalidate_cache()
        listed: dict[str, dict[str, Any]] = {}
        for name, info in filesystem.find(root, detail=True).items():
            path = Path(name)
            if info.get("type", "file") != "file" or path.name.startswith("."):
                continue
            if path.suffix.lower() in AUDIO_SUFFIXES or name == root or path.name in self.named:
                listed[name] = info
            else:
                contents.skipped.append(shown(filesystem.unstrip_protocol(name)))
        return listed

    def _place(self, url: str, name: str) -> Path:
        """Give each remote file a folder of its own, so that it keeps its name."""
        return self.cache / hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:16] / name

    def _fetch_one(self, filesystem: Any, name: str, info: dict[str, Any], target: Path) -> RecordingFile:
        """Return the cached copy of a recording, fetched again if it has changed. A partial file is never left."""
        url = filesystem.unstrip_protocol(name)
        note = target.with_name(_NOTE)
        version = _version(info)
        try:
            if not (target.exists() and _read(note) == version):
                target.parent.mkdir(exist_ok=True)
                with atomic_path(target) as partial:
                    self._download(filesystem, name, partial, info)
                    note.unlink(missing_ok=True)  # killed in between, the recording is fetched again
                _write(note, version)
        except _ChangedError:
            return RecordingFile(path=target, name=target.name, whole=False)
        except NotFoundError as error:
            return RecordingFile(path=target, name=target.name, fault=str(error))
        except Exception as error:  # noqa: BLE001 - one file hides no other
            return RecordingFile(path=target, name=target.name, fault=_problem(url, error).what)
        return RecordingFile(path=target, name=target.name)

    def _download(self, filesystem: Any, name: str, partial: Path, info: dict[str, Any]) -> None:
        import fsspec

        limits, started, url = self._limits, time.monotonic(), filesystem.unstrip_protocol(name)
        limits.check(info.get("size") or 0, started, url)

        class Watch(fsspec.Callback):  # type: ignore[misc]
            """Ends a download that passes a limit."""

            def call(self, *_: object, **__: object) -> None:
                limits.check(self.value, started, url)

        filesystem.get_file(name, str(partial), callback=Watch())
        limits.check(partial.stat().st_size, started, url)
        filesystem.invalidate_cache()
        size = info.get("size")
        if _version(filesystem.info(name)) != _version(info) or (size is not None and partial.stat().st_size != size):
            raise _ChangedError


def suffixes_expected() -> Message:
    """Say which files folders are searched for."""
    return say("a file ending in {suffixes}", suffixes=", ".join(sorted(AUDIO_SUFFIXES)))


def _problem(url: str, error: Exception) -> Problem:
    reason = str(os_reason(error))
    for said in (url, url.partition("://")[2]):
        reason = reason.replace(said, shown(url))
    for secret in secrets(url):
        reason = reason.replace(secret, "***")
    return Problem(
        what=say("cannot be fetched: {error}", error=reason),
        where=shown(url),
        to_do=say("check the URL, its driver and your access"),
    )


def _was_written_within(seconds: float, info: dict[str, Any]) -> bool:
    """Tell whether a remote file was written to just now; where its time is not known, it was not."""
    written = _written(info)
    return isinstance(written, int | float) and time.time() - written < seconds


def _written(info: dict[str, Any]) -> object:
    """Return when a remote file was written, in seconds where its file system says it in a form that is known."""
    written = next((info[key] for key in _TIMES if info.get(key) is not None), None)
    return written.timestamp() if isinstance(written, datetime) else written


def _version(info: dict[str, Any]) -> str:
    """Write what tells one version of a remote file from the next: its size, and its ETag or else its time."""
    mark = next((info[key] for key in _VERSIONS if info.get(key) is not None), _written(info))
    return json.dumps([info.get("size"), str(mark)])


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as partial:
        partial.write_text(text, "utf-8")
