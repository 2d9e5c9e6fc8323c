"""Files that are written whole or not at all, their safe names, and files that hold a secret.

What is written is private: other users of the machine cannot read it, its group only where `private_files` is told so.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import hashlib
import io
import os
import re
import secrets
import stat
import time
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from qareport.errors import DocumentError, QareportError, os_reason
from qareport.messages import Message, say

#: Of new files, where the umask allows no less: others cannot read them.
FILE_MODE = 0o640
#: Nobody but the owner; with the group.
_PRIVATE, _GROUP = 0o077, 0o027
_umask_is_ours = False


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """Let nobody but the owner read or write the files and folders that this process makes in a block (umask 077)."""
    global _umask_is_ours
    before = os.umask(_PRIVATE)
    _umask_is_ours = True
    try:
        yield
    finally:
        _umask_is_ours = False
        os.umask(before)


def share_with_group() -> None:
    """Let the group read what is made in the rest of the block of `private_files` (umask 027); outside: nothing."""
    if _umask_is_ours:
        os.umask(_GROUP)


def is_file(path: str | Path) -> bool:
    """Tell whether a file is there; of what no file system takes (a name too long, a NUL) that it is not."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def in_home(path: str | Path) -> Path:
    """Return a path whose `~` is the user's home; of a user who has none (`cron`, containers) it stays as it is."""
    return Path(os.path.expanduser(path))


def user_name() -> str:
    """Return the name of the user, or the number of one whom the system has no name for."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def content_key(*parts: str) -> str:
    """Hash everything that decides a result.

    Each part is preceded by its length, so no two lists of parts share a key by where one ends and the next begins.
    Lone surrogates (of file names that are not UTF-8) are kept.

    Returns:
        the SHA-256 in 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


#: What a file name may not hold on Windows, in a shell's glob or in a mail header.
_UNSAFE = re.compile(r"[^\w.@\-]+|^[.\-]+|[. ]+$")
#: Names of devices on Windows.
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_NAME_LENGTH, _NAME_BYTES = 60, 150


def safe_name(name: str) -> str:
    """Make a file name, without its ending, of an id: it is one step of a path, and different ids never share one.

    An id that is safe stays as it is. Else what a file system, a shell or a mail program may reject becomes `_`, and a
    hash of the id follows behind `~`, which no safe id holds.
    """
    safe = _UNSAFE.sub("_", unicodedata.normalize("NFC", name))[:_NAME_LENGTH]
    while len(safe.encode("utf-8", "replace")) > _NAME_BYTES:
        safe = safe[:-1]
    if safe == name and safe and not _RESERVED.match(safe):
        return safe
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    safe = safe.strip("._") or "report"
    return f"{'_' if _RESERVED.match(safe) else ''}{safe}~{digest}"


#: What writes a file until it is complete; those of older versions were named after the file.
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.qareport-part(?:-journal|-wal|-shm)?")
_UNFINISHED_BEFORE = re.compile(r"\..+\.(?:\d+\.tmp|[0-9a-f]{8}\.part)(?:-journal|-wal|-shm)?")
#: So old is what no process of an older version still writes.
_LEFT_BEHIND_S = 86_400.0


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a block an empty temporary file beside `path`; what it writes there takes the place of `path` at its end.

    Readers see the old file or the whole new one. When the block raises, `path` stays as it was and the temporary file
    is removed; only a process that is killed leaves one behind, which `remove_unfinished` removes.

    Raises:
        OSError: the folder does not exist or cannot be written, or `path` is a folder or a device.
    """
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise OSError(errno.EILSEQ, os.strerror(errno.EILSEQ), ascii(str(path))) from error
    with contextlib.suppress(FileNotFoundError):
        kind = os.lstat(path).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISLNK(kind)):
            raise IsADirectoryError(None, "is a folder or a device") from None
    temporary = path.with_name(f".{secrets.token_hex(8)}.qareport-part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: then nothing there is taken for left behind
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error says more
            temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing bytes that takes the place of `path` at the end of the block; see `atomic_path`.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        yield file


@contextlib.contextmanager
def open_output(path: Path) -> Iterator[IO[bytes]]:
    """Open what a person named for writing bytes: a file appears when it is complete, and links are followed.

    A device or a pipe is written to as it is, and never replaced.

    Raises:
        OSError: it cannot be written, or is a folder.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        with target.open("wb") as file:
            yield file
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as file:
        yield file


def remove_unfinished(folder: Path) -> tuple[Path, ...]:
    """Remove what killed processes left behind in a folder: files that nobody writes any more. Returns their paths."""
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.name.startswith(".")]
    except OSError:
        return ()
    paths = [folder / name for name in names if _UNFINISHED.fullmatch(name) or _UNFINISHED_BEFORE.fullmatch(name)]
    return tuple(path for path in paths if _remove_left_behind(path))


def _remove_left_behind(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        ours = _UNFINISHED.fullmatch(path.name) is not None
        if not stat.S_ISREG(status.st_mode) or not (ours or time.time() - status.st_mtime > _LEFT_BEHIND_S):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:  # somebody writes it, or it is another user's
        return False
    finally:
        os.close(descriptor)
    return True


def read_secret(path: Path, *, holds: Message, error: type[QareportError]) -> str:
    """Return the one line of a file that only its owner may read. No message quotes it.

    Args:
        path: the file.
        holds: what it holds, as messages call it: "the mail password".
        error: what is raised.

    Raises:
        QareportError: of the type `error`: the file cannot be read, others may read it, or it is not one line of text.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as refusal:
        raise error(
            say("cannot be read: {strerror}", strerror=os_reason(refusal)), where=str(path), expected=holds
        ) from refusal
    try:
        _check_owner(os.fstat(descriptor), path, holds, error)  # of the file that is open, not of one put there since
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, encoding="utf-8") as file:
        try:
            secret = file.read(4096).rstrip("\r\n")
        except UnicodeDecodeError:
            # Without its cause, which holds the bytes.
            raise error(say("is not text in UTF-8"), where=str(path), expected=holds) from None
    if not secret or "\n" in secret:
        raise error(say("does not hold {holds}", holds=holds), where=str(path), expected=say("one line"))
    return secret


def _check_owner(status: os.stat_result, path: Path, holds: Message, error: type[QareportError]) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise error(say("is not a file"), where=str(path), expected=say("a file that holds {holds}", holds=holds))
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise error(
            say("others may read it (mode {mode:04o})", mode=mode),
            where=str(path),
            expected=say("mode 0600"),
            to_do=say("chmod 600 {path}", path=path),
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise error(
            say("belongs to another user ({st_uid})", st_uid=status.st_uid),
            where=str(path),
            to_do=say("chown {value} {path}", value=os.geteuid(), path=path),
        )


#: Zip entries carry a time; this one is the earliest that a zip can hold.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
#: The last year that a zip can hold: seven bits count from 1980 (APPNOTE.TXT, 4.4.6).
_ZIP_LAST_YEAR = 2107


def check_clock(where: str) -> None:
    """Refuse to make a zip package (docx, xlsx) under a clock whose time no zip can hold.

    Raises:
        DocumentError: the clock of this machine is before 1980 or after 2107.
    """
    year = time.gmtime().tm_year
    if not _ZIP_TIME[0] <= year <= _ZIP_LAST_YEAR:
        what = say("the clock of this machine says {year}; such a file cannot be dated", year=year)
        raise DocumentError(what, where=where, to_do=say("set the clock"))


def repack(content: bytes) -> bytes:
    """Give every entry of a zip package the same time, so that the same document is the same file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date_time=_ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return buffer.getvalue()
