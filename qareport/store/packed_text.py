"""Long texts, compressed: what was said and judged takes a fifth of its room.

Rows of before texts were compressed are read as they are: no JSON begins with the byte that zlib or bzip2 begins with.
"""

from __future__ import annotations

import bz2
import zlib
from typing import Any, Final

from sqlalchemy import LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

#: More takes longer for a hundredth less room (`python -m benchmarks.growth`).
_LEVEL: Final = 6
#: The first bytes of what zlib writes with its usual window, and of what bzip2 writes.
_ZLIB, _BZIP2 = b"x", b"BZh"


def pack(text: str, *, seldom_read: bool = False) -> bytes:
    """Compress a text.

    Args:
        text: a long one.
        seldom_read: make it a quarter smaller by bzip2, which takes five times as long to write and to read.
    """
    return bz2.compress(text.encode()) if seldom_read else zlib.compress(text.encode(), _LEVEL)


def unpack(stored: str | bytes) -> str:
    """Return a text as it was put in, whether or not it was compressed; of a damaged one something that is no JSON."""
    if isinstance(stored, str):
        return stored
    try:
        if stored.startswith(_BZIP2):
            return bz2.decompress(stored).decode()
        return (zlib.decompress(stored) if stored.startswith(_ZLIB) else stored).decode()
    except (zlib.error, OSError, ValueError) as error:
        return f"damaged: {error}"


class PackedText(TypeDecorator[str]):
    """A column of such texts: bytea in PostgreSQL; in SQLite, where any column takes bytes, TEXT as it always was."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, *, seldom_read: bool = False) -> None:
        """Take how the texts are compressed, as `pack` does."""
        super().__init__()
        self.seldom_read: Final = seldom_read

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type of the database's column."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else LargeBinary())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Compress what goes in."""
        return None if value is None else pack(value, seldom_read=self.seldom_read)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Read what comes out."""
        return None if value is None else unpack(value)
