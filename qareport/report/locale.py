"""The language of documents: Chinese is what the code and the templates are written in, catalogues hold the others."""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

#: The first is the language of the sources and needs no catalogue.
LOCALES: Final = ("zh", "en")
_CATALOGUES = Path(__file__).parent / "locales"
_current: ContextVar[gettext.NullTranslations | None] = ContextVar("translations", default=None)


def _(text: str) -> str:
    """Return `text`, which is Chinese, in the language of the document that is being made."""
    found = _current.get()
    return found.gettext(text) if found and text else text


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a constant for the catalogues; `_` translates it where it is used."""
    return text


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Make documents in a language of `LOCALES` inside the block.

    Raises:
        FileNotFoundError: no catalogue of that language.
    """
    known = None if locale == LOCALES[0] else gettext.translation("qareport", _CATALOGUES, [locale])
    token = _current.set(known)
    try:
        yield
    finally:
        _current.reset(token)
