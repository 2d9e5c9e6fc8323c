"""SHA-256 of recordings and model files, computed once for as long as a file stays unchanged.

Several steps of a run ask for the digest of the same recording (store lookup, decoding, playback), and of the same
model files.
"""

from __future__ import annotations

import functools
import hashlib
import time
from pathlib import Path

from qareport.errors import AudioError

#: A file that was changed less than this ago may change again without a new time stamp: its digest is not kept.
#: ext4 stamps at the kernel's ticks, up to 10 ms apart; FAT at 2 s.
_SETTLED_NS = 3_000_000_000
#: Digests that are kept: more than the recordings of a day.
_KEPT = 1 << 16


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        AudioError: the file cannot be read.
    """
    try:
        status = Path(path).stat()
        if time.time_ns() - status.st_ctime_ns < _SETTLED_NS:
            return _digest(str(path))
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return _kept_digest(str(Path(path).absolute()), identity)
    except OSError as error:
        raise AudioError(f"cannot be read: {error.strerror or error}", where=str(path)) from error


@functools.lru_cache(maxsize=_KEPT)
def _kept_digest(path: str, _identity: tuple[int, ...]) -> str:
    return _digest(path)


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
