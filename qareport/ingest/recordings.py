"""Recordings as they are found: paths, names that anybody can read, and whether a file is still being written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qareport.audio.containers import AUDIO_SUFFIXES
from qareport.errors import Problem, os_reason
from qareport.messages import Message, say

#: What programs add to a name until a file is complete.
TEMPORARY_SUFFIXES = frozenset(
    (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".writing")
)
#: The longest file name of a link, in bytes; file systems take 255.
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFile:
    """One recording: its path on this machine, and its name at its source."""

    path: Path
    name: str
    #: False: it is still being written, or only a part of it could be fetched.
    whole: bool = True
    #: Why it cannot be used; None: nothing is known against it.
    fault: str | Message | None = None
    #: Where it was to be fetched from, as messages show it: a path would join the slashes of `s3://`.
    address: str = ""

    @property
    def place(self) -> str:
        """Return where it is, or was to come from."""
        return self.address or str(self.path)

    @property
    def stem(self) -> str:
        """Return the name without its suffix."""
        return Path(self.name).stem


@dataclass(slots=True, kw_only=True)
class SourceContents:
    """What sources hold: filled as they are read."""

    recordings: list[RecordingFile] = field(default_factory=list)
    #: Files that are no recordings by their names.
    skipped: list[str] = field(default_factory=list)
    #: Sources, folders and links that cannot be read.
    problems: list[Problem] = field(default_factory=list)

    def add(self, other: SourceContents) -> None:
        """Take over what another source holds."""
        self.recordings += other.recordings
        self.skipped += other.skipped
        self.problems += other.problems


def readable(path: str | Path) -> str:
    """Write a path or a name so that it is valid UTF-8 and anybody can read it.

    Names that are not UTF-8 are mostly GBK, from Windows in Chinese; bytes that are not even that become `\\xff`.
    """
    text = str(path)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        content = os.fsencode(text)
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError:
            return content.decode("utf-8", "backslashreplace")
    return text


def with_readable_path(recording: RecordingFile, links: Path) -> RecordingFile:
    """Give a recording whose path is not UTF-8 one that is: a link in a folder; others stay as they are.

    Ids, reports and the store hold text; the name itself stays as it is at its source.
    """
    name = readable(recording.name)
    if readable(recording.path) == str(recording.path):
        return replace(recording, name=name)
    target = os.path.abspath(recording.path)
    link = links / hashlib.sha256(os.fsencode(target)).hexdigest()[:16] / _short(name)
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            link.symlink_to(target)
    except OSError as error:
        fault = say("its name is not UTF-8, and no link to it can be made: {error}", error=os_reason(error))
        return RecordingFile(path=Path(readable(recording.path)), name=name, fault=fault)
    return replace(recording, path=link, name=name)


def _short(name: str) -> str:
    """Cut the name of a file to what file systems take; GBK grows when it becomes UTF-8."""
    suffix = Path(name).suffix[:20]
    return Path(name).stem.encode()[: _LONGEST_NAME - len(suffix)].decode("utf-8", "ignore") + suffix


def reason_of(error: OSError | ValueError) -> str:
    """Say in a few words why a file or folder cannot be read."""
    return str(os_reason(error))


def settle(
    recordings: Sequence[RecordingFile], *, settle_s: float, wait: Callable[[float], None]
) -> list[RecordingFile]:
    """Look twice at files that were written to just now: one that changes meanwhile is not complete yet."""
    paths = [recording.path for recording in recordings if recording.whole and recording.fault is None]
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
