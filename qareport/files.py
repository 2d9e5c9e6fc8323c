"""Atomic writes of files, keys that hash contents, and files that hold a secret."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from qareport.errors import QareportError
from qareport.messages import Message, say


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


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a block a temporary path beside `path`; what it writes there takes the place of `path` at its end.

    Readers see the old file or the whole new one. When the block raises, `path` stays as it was and the temporary file
    is removed; only a process that is killed leaves one behind, hidden and ending in `.part`.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error says more
            temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing bytes that takes the place of `path` at the end of the block; see `atomic_path`.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        yield file


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
            say("cannot be read: {strerror}", strerror=refusal.strerror), where=str(path), expected=holds
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


def repack(content: bytes) -> bytes:
    """Give every entry of a zip package the same time, so that the same document is the same file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date_time=_ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return buffer.getvalue()
