"""Long texts, compressed: what was said and judged takes a fifth of its room.

Rows of before texts were compressed are read as they are: no JSON begins with the byte that zlib begins with.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from sqlalchemy import LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

#: More takes twice the time for a twentieth less room (`python -m benchmarks.growth`).
_LEVEL: Final = 4
#: The first byte of what zlib writes with its usual window: x.
_MARK: Final = b"\x78"


def pack(text: str) -> bytes:
    """Compress a text."""
    return zlib.compress(text.encode(), _LEVEL)


def unpack(stored: str | bytes) -> str:
    """Return a text as it was put in, whether or not it was compressed; of a damaged one something that is no JSON."""
    if isinstance(stored, str):
        return stored
    try:
        return (zlib.decompress(stored) if stored[:1] == _MARK else stored).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        return f"damaged: {error}"


class PackedText(TypeDecorator[str]):
    """A column of such texts: bytea in PostgreSQL; in SQLite, where any column takes bytes, TEXT as it always was."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type of the database's column."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else LargeBinary())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Compress what goes in."""
        return None if value is None else pack(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Read what comes out."""
        return None if value is None else unpack(value)
