"""Read sources (files, folders, URLs), each on its own: what is wrong with one hides nothing of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from qareport.errors import Problem
from qareport.ingest.addresses import is_url
from qareport.ingest.folders import list_folder
from qareport.ingest.recordings import (
    RecordingFile,
    SourceContents,
    readable,
    reason_of,
    settle,
    with_readable_path,
)
from qareport.ingest.remote import RemoteSource, suffixes_expected
from qareport.messages import Message, say
from qareport.settings import IngestSettings

#: Folder below the cache with links to recordings whose names are not UTF-8.
LINKS = "names"


def read_sources(
    sources: Sequence[str],
    cache: Path,
    *,
    settings: IngestSettings,
    named: Collection[str] = (),
    wait: Callable[[float], None] = time.sleep,
) -> SourceContents:
    """Find the recordings of some sources, in the order given (folders by name).

    Args:
        sources: files, folders or URLs (`https://…`, and fsspec's: `s3://bucket/day/`).
        cache: folder into which recordings behind URLs are fetched.
        settings: limits of fetching, and `settle_s`: a file of a folder that was written to within so many seconds must
            stay as it is for so long to count as complete.
        named: names of files that are recordings whatever their suffix: a manifest says so.
        wait: sleeps.
    """
    found = SourceContents()
    remote = RemoteSource(cache=cache, settings=settings, wait=wait, named=frozenset(named))
    for source in sources:
        found.add(remote.fetch(source) if is_url(source) else _read_path(Path(source), settings, named, wait))
    found.recordings = [with_readable_path(recording, cache / LINKS) for recording in found.recordings]
    return found


def find_file(path: Path) -> RecordingFile | None:
    """Find a file that is named outright, which counts as complete and is taken whatever its suffix. None: no file."""
    try:
        if path.is_file():
            return RecordingFile(path=path, name=path.name)
        return None if not path.is_symlink() else RecordingFile(path=path, name=path.name, fault=_dangling(path))
    except (OSError, ValueError) as error:  # a name that is too long, a folder that may not be entered, NUL
        return RecordingFile(
            path=Path(readable(path).replace("\x00", "\ufffd")),
            name=readable(path.name).replace("\x00", "\ufffd"),
            fault=say("cannot be read: {error}", error=reason_of(error)),
        )


def _dangling(path: Path) -> Message:
    return say("a link to {target}, which does not exist", target=readable(path.readlink()))


def _read_path(
    path: Path, settings: IngestSettings, named: Collection[str], wait: Callable[[float], None]
) -> SourceContents:
    contents = SourceContents()
    file = find_file(path)
    if file is not None and file.fault is None:
        contents.recordings.append(file)
    elif file is not None:
        contents.problems.append(Problem(what=file.fault or "", where=str(file.path), to_do=say("check the path")))
    elif not path.is_dir():
        what = say("is not a file") if path.exists() else say("no such file or folder")  # a pipe, a device
        contents.problems.append(Problem(what=what, where=readable(path), to_do=say("check the path")))
    else:
        contents = list_folder(path, named)
        contents.recordings = settle(contents.recordings, settle_s=settings.settle_s, wait=wait)
        if not contents.recordings and not contents.problems:
            what = say("no recording in this folder")
            contents.problems.append(Problem(what=what, where=readable(path), expected=suffixes_expected()))
    return contents
