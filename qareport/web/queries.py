"""Queries that pages write: fields of the query language, quoted where their values need it."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(r"[\w.\-]+")
_QUOTES: Final = re.compile('["“”＂「」『』]')


def field(name: str, value: str) -> str:
    """Write a field with its value: issue:退货, stage:"待 发货"; quotation marks of the value are left out."""
    whole = _QUOTES.sub("", value)
    return f"{name}:{whole}" if _PLAIN.fullmatch(whole) else f'{name}:"{whole}"'
