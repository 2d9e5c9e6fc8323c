"""What is attached to a mail, and what happens when it is too large for one: a zip, then the place where it lies."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Base64 makes four characters of three bytes, and a line end of every 76.
_ENCODED = 4 / 3 * 78 / 76
#: What the texts, the picture and the headers of a mail are reckoned at.
_BODY_BYTES = 300_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_TYPES = {
    ".docx": ("application", "vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ".pdf": ("application", "pdf"),
    ".html": ("text", "html"),
    ".zip": ("application", "zip"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document as it is attached: the name that its reader sees, and where it lies."""

    name: str
    content: bytes
    #: The document on this machine.
    path: Path

    @property
    def media_type(self) -> tuple[str, str]:
        """Main type and subtype, by the name's ending."""
        return _TYPES.get(Path(self.name).suffix, ("application", "octet-stream"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What goes with a mail, and what only lies elsewhere."""

    attached: tuple[Attachment, ...] = ()
    left_out: tuple[Attachment, ...] = ()


def fit(attachments: Sequence[Attachment], *, max_megabytes: float, zip_name: str) -> Fitted:
    """Attach the documents as they are, or as one zip when they are too large, or not at all."""
    limit = max_megabytes * 1_000_000 - _BODY_BYTES
    if _encoded(attachments) <= limit:
        return Fitted(attached=tuple(attachments))
    packed = _zipped(attachments, zip_name)
    if _encoded([packed]) <= limit:
        return Fitted(attached=(packed,))
    return Fitted(left_out=tuple(attachments))


def _encoded(attachments: Sequence[Attachment]) -> float:
    return sum(len(one.content) for one in attachments) * _ENCODED


def _zipped(attachments: Sequence[Attachment], name: str) -> Attachment:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in attachments:
            archive.writestr(zipfile.ZipInfo(one.name, _EPOCH), one.content, zipfile.ZIP_DEFLATED)
    return Attachment(name=name, content=buffer.getvalue(), path=attachments[0].path)
