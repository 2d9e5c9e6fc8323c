"""The language of documents: code and templates are written in Chinese, catalogues hold the other languages.

`python tools/make_catalogues.py` collects what is to be translated and compiles what has been. Safe for threads: the
current language belongs to the context of a thread or task; one that is started inherits none unless its context is
copied (`contextvars.copy_context`).
"""

from __future__ import annotations

import functools
import gettext
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final, TypeVar

from qareport import messages
from qareport.files import content_key

K = TypeVar("K")

#: The first is the language of the sources and needs no catalogue.
LOCALES: Final = ("zh", "en")
#: What documents call their language (BCP 47).
_TAGS: Final[Mapping[str, str]] = {"zh": "zh-CN", "en": "en-US"}
CATALOGUES: Final = Path(__file__).parent / "locales"
DOMAIN: Final = "qareport"
#: The space before a unit, which English has and Chinese has not.
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:h|min|s|ms|k?Hz|dB|dBFS|[kMG]B)\b)")
_current: ContextVar[tuple[str, gettext.NullTranslations | None]] = ContextVar("language", default=(LOCALES[0], None))


def _(text: str) -> str:
    """Return `text`, which is Chinese, in the language of the document that is being made."""
    catalogue = _current.get()[1]
    return catalogue.gettext(text) if catalogue and text else text


def pgettext(context: str, text: str) -> str:
    """Return a text of a context, such as the title of a shipped rule; one that no catalogue has stays as it is."""
    catalogue = _current.get()[1]
    return catalogue.pgettext(context, text) if catalogue and text else text


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a constant for the catalogues; `_` translates it where it is used."""
    return text


def ngettext(singular: str, several: str, number: float) -> str:
    """Choose between two forms of a text by a number; Chinese has only one."""
    catalogue = _current.get()[1]
    return catalogue.ngettext(singular, several, 1 if number == 1 else 2) if catalogue else several


def plural(text: str, number: float, **values: object) -> str:
    """Return `text` in the document's language, in the form that `number` asks for, its {…} filled with `values`."""
    return ngettext(text, text, number).format(**values)


def unbroken(text: str) -> str:
    """Put no-break spaces between numbers and units: 3 min 04 s then breaks between 3 min and 04 s only."""
    return _BEFORE_UNIT.sub("\u00a0", text)


class Translated(Mapping[K, str]):
    """Words by key: written in Chinese, read in the language of the document that is being made."""

    def __init__(self, words: Mapping[K, str]) -> None:
        self._words = words

    def __getitem__(self, key: K) -> str:
        return _(self._words[key])

    def __iter__(self) -> Iterator[K]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


@functools.cache
def catalogues_key() -> str:
    """Hash of all catalogues, of documents and of the messages that they hold, as this process read them first."""
    files = (path for folder in (CATALOGUES, messages.CATALOGUES) for path in sorted(folder.rglob("*.mo")))
    return content_key(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in files))


def current() -> str:
    """Return which of `LOCALES` the document that is being made speaks."""
    return _current.get()[0]


def language() -> str:
    """Return the language of the document that is being made, as HTML, PDF and Word name it."""
    return _TAGS[current()]


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Make documents in a language of `LOCALES` inside the block; messages that they hold speak it, too.

    Raises:
        FileNotFoundError: no catalogue of that language.
    """
    catalogue = None if locale == LOCALES[0] else gettext.translation(DOMAIN, CATALOGUES, [locale])
    token = _current.set((locale, catalogue))
    try:
        with messages.speaking(locale):
            yield
    finally:
        _current.reset(token)
