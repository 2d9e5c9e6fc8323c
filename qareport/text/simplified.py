"""Traditional characters to simplified ones, letter by letter: 發貨 becomes 发货, and every letter keeps its place."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

#: Written by tools/make_simplified.py.
_TABLE = Path(__file__).with_name("simplified.txt")
#: Apostrophes as they are typed: don’t is don't.
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'")


@lru_cache(maxsize=1)
def _letters() -> tuple[re.Pattern[str], dict[int, str]]:
    """Return a pattern of the letters that have a simpler form, and their forms."""
    _source, others, simple = _TABLE.read_text(encoding="utf-8").splitlines()
    forms = dict(zip(map(ord, others), simple, strict=True))
    forms |= _APOSTROPHES
    return re.compile(f"[{''.join(map(chr, forms))}]"), forms


def simplify(text: str) -> str:
    """Return text with simplified characters and straight apostrophes, of the same length."""
    if text.isascii():
        return text
    others, forms = _letters()
    return text if others.search(text) is None else text.translate(forms)
