"""Recordings that people put in on the desk, kept under the hash of their bytes: one file for each content.

The desk's web process takes them in and adds a job; a worker hears them (`qareport.workflows.hear_uploads`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from qareport.errors import QareportError, os_reason
from qareport.messages import Message, say
from qareport.model import Call, CallSource, Job, Role


class UploadRefusedError(QareportError):
    """A file that is not taken in; `code` says why to programs."""

    def __init__(self, code: str, what: str | Message, **more: Any) -> None:
        super().__init__(what, **more)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFolder:
    """Where uploaded recordings are kept: one file for each content, named by its hash."""

    path: Path
    #: Larger files are refused.
    most_bytes: int

    def open(self, suffix: str) -> Receiving:
        """Begin to take a file in.

        Args:
            suffix: the ending of its name, with the dot; anything unusual is dropped.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        clean = suffix.lower() if suffix[1:].isalnum() and len(suffix) <= 6 else ""
        return Receiving(folder=self, suffix=clean, partial=self.path / f".{secrets.token_hex(8)}.part")

    def sweep(self) -> None:
        """Remove what uploads left behind that a kill ended."""
        for partial in self.path.glob(".*.part"):
            with suppress(OSError):
                partial.unlink()


@dataclass(slots=True, kw_only=True)
class Receiving:
    """A file that arrives in pieces. Use it as a context manager: what is not kept is removed."""

    folder: UploadFolder
    suffix: str
    partial: Path
    size: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)
    _file: Any = None

    def __enter__(self) -> Receiving:
        descriptor = os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        with suppress(FileNotFoundError):
            self.partial.unlink()

    def write(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            UploadRefusedError: the file is too large, or the disk is full.
        """
        self.size += len(piece)
        if self.size > self.folder.most_bytes:
            limit = self.folder.most_bytes // 1_000_000
            raise UploadRefusedError("too_large", say("larger than {limit} MB", limit=limit))
        self._digest.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise UploadRefusedError(
                "store_full", say("the server's disk is full: {why}", why=os_reason(error))
            ) from error

    def keep(self) -> tuple[Path, str]:
        """Keep the whole file. Returns where it is, and its SHA-256.

        Raises:
            UploadRefusedError: it is empty, or the disk is full.
        """
        if not self.size:
            raise UploadRefusedError("empty", say("the file is empty"))
        sha256 = self._digest.hexdigest()
        path = self.folder.path / f"{sha256}{self.suffix}"
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UploadRefusedError(
                "store_full", say("the server's disk is full: {why}", why=os_reason(error))
            ) from error
        self.partial.replace(path)
        return path, sha256


def call_of(job: Job) -> Call:
    """Return what the person who uploaded a recording said of the call, or the telephone system of a live one."""
    facts = job.payload
    started_at = facts.get("started_at")
    return Call(
        call_id=str(facts["call_id"]),
        audio_path=str(facts["path"]),
        order_id=facts.get("order_id") or None,
        agent_id=facts.get("agent_id") or None,
        shop=facts.get("shop") or None,
        customer_phone=facts.get("customer_phone") or None,
        external_ref=facts.get("external_ref") or None,
        started_at=datetime.fromisoformat(started_at) if started_at else None,
        channel_roles=tuple(Role(role) for role in facts.get("channel_roles") or ()),
        source=CallSource.LIVE if facts.get("live_id") else CallSource.UPLOAD,
    )
