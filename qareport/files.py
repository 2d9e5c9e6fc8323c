"""Atomic writes of files, and keys that hash contents."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO


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
