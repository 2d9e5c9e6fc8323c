"""Walk folders for recordings: links are followed, circles are cut, and what cannot be read is named."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from qareport.audio.containers import AUDIO_SUFFIXES
from qareport.errors import Problem
from qareport.ingest.recordings import RecordingFile, SourceContents, readable, reason_of, temporary_name
from qareport.messages import Message, say


def list_folder(root: Path, named: Collection[str] = ()) -> SourceContents:
    """List the recordings below a folder, sorted by path. Hidden files and folders are left alone.

    A folder is walked once, even where several links lead to it.

    Args:
        root: the folder.
        named: names of files that are recordings whatever their suffix: a manifest says so.
    """
    walk = _Walk(frozenset(named))
    walk.enter(root)
    while walk.folders or walk.links:
        # Links come last: a recording keeps the path that it has without them.
        walk.enter(walk.folders.pop() if walk.folders else walk.links.pop(0))
    contents = walk.contents
    known = {recording.path for recording in contents.recordings}
    contents.recordings.sort(key=lambda recording: recording.path)
    contents.recordings += [
        recording for recording in sorted(walk.unfinished, key=lambda item: item.path) if recording.path not in known
    ]
    contents.skipped.sort()
    return contents


class _Walk:
    """The folders that were entered, those that wait, and what was found."""

    def __init__(self, named: Collection[str]) -> None:
        self._named = named
        self.contents = SourceContents()
        self.unfinished: list[RecordingFile] = []
        self.folders: list[Path] = []
        self.links: list[Path] = []
        self._entered: set[tuple[int, int]] = set()

    def enter(self, folder: Path) -> None:
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self._entered:
                return
            self._entered.add((status.st_dev, status.st_ino))
            names = sorted(os.listdir(folder))
        except OSError as error:
            self._cannot_read(folder, say("this folder cannot be read: {error}", error=reason_of(error)))
            return
        for name in names:
            if not name.startswith("."):
                self._take(folder / name)

    def _take(self, path: Path) -> None:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            self._take_broken(path, error)
            return
        if stat.S_ISDIR(mode):
            (self.links if path.is_symlink() else self.folders).append(path)
        elif stat.S_ISREG(mode) and (final := temporary_name(path)) is not None:
            self.unfinished.append(RecordingFile(path=path.with_name(final), name=final, whole=False))
        elif stat.S_ISREG(mode) and self._is_recording(path):
            self.contents.recordings.append(RecordingFile(path=path, name=path.name))
        else:
            self.contents.skipped.append(readable(path))

    def _is_recording(self, path: Path) -> bool:
        return path.suffix.lower() in AUDIO_SUFFIXES or readable(path.name) in self._named

    def _take_broken(self, path: Path, error: OSError) -> None:
        is_link = os.path.islink(path)
        fault = (
            say(
                "a link to {target}, which cannot be read: {error}",
                target=readable(os.readlink(path)),
                error=reason_of(error),
            )
            if is_link
            else say("cannot be read: {error}", error=reason_of(error))
        )
        if self._is_recording(path):
            self.contents.recordings.append(RecordingFile(path=path, name=path.name, fault=fault))
        else:
            self._cannot_read(path, fault)

    def _cannot_read(self, path: Path, what: Message) -> None:
        problem = Problem(what=what, where=readable(path), to_do=say("check the path and its permissions"))
        self.contents.problems.append(problem)
