"""The desk's key: 32 random bytes in a file; secrets of webhooks and of cursors derive from it, the store has none."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final, Self

from qareport.errors import ConfigError, Problem, os_reason
from qareport.messages import say

_BYTES: Final = 32


class DeskKey:
    """Derives secrets. Desks before one store need the same key."""

    def __init__(self, key: bytes) -> None:
        self._key: Final = key

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the key of a desk; where there is none, make it, readable by its owner alone.

        Raises:
            ConfigError: the file cannot be read or made, others may read it, or it is no key.
        """
        try:
            if not path.exists():
                _make(path)
            if path.stat().st_mode & 0o077:
                raise _wrong(
                    path, say("others may read it"), say("chmod 600 it, and rotate the secrets of all webhooks")
                )
            key = path.read_bytes()
        except OSError as error:
            what = say("cannot be read or made: {reason}", reason=os_reason(error))
            raise _wrong(path, what, say("check the folder and its owner")) from error
        if len(key) != _BYTES:
            raise _wrong(path, say("is no key of 32 bytes"), say("bring it back from a backup, or remove it"))
        return cls(key)

    def copy(self, target: Path) -> None:
        """Write the key into a new file, for a backup.

        Raises:
            ConfigError: the file is there already, or cannot be written.
        """
        try:
            _write(target, self._key)
        except OSError as error:
            what = say("cannot be written: {reason}", reason=os_reason(error))
            raise _wrong(target, what, say("check folder and disk")) from error

    def derive(self, kind: str, number: int, generation: int) -> bytes:
        """Return a secret of 32 bytes: the same each time, and of no use for finding another one."""
        return hmac.digest(self._key, f"{kind}:{number}:{generation}".encode(), hashlib.sha256)


def _make(path: Path) -> None:
    """Write a key whole or not at all; of several processes that do so at once, one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)  # of a process of this number that was killed
    _write(unfinished, secrets.token_bytes(_BYTES))
    with contextlib.suppress(FileExistsError):
        os.link(unfinished, path)
    unfinished.unlink()


def _write(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wrong(path: Path, what: object, to_do: object) -> ConfigError:
    return ConfigError([Problem(where=str(path), what=str(what), to_do=str(to_do))])
