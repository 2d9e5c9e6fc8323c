"""What the program says to the person who runs it: English in the code, a catalogue holds the Chinese.

Documents have a language of their own, see `qareport.presentation.locale`. `python tools/make_catalogues.py` collects
what is to be translated and compiles what has been. The language belongs to the process (`use`); a block may speak
another one (`speaking`), in its own thread or task alone.
"""

from __future__ import annotations

import functools
import gettext
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: The first is the language of the sources and needs no catalogue.
LANGUAGES: Final = ("en", "zh")
CATALOGUES: Final = Path(__file__).parent / "locales"
DOMAIN: Final = "messages"

_process_language = LANGUAGES[0]
_block_language: ContextVar[str | None] = ContextVar("message language", default=None)


@dataclass(frozen=True, slots=True)
class Message:
    """A text and its values; `str` says it in the language of that moment."""

    #: English, with `{name}` where a value belongs.
    template: str
    values: tuple[tuple[str, object], ...] = ()
    #: The English form for any number but 1, and the number; Chinese has one form.
    several: str | None = None
    count: float = 1

    def __str__(self) -> str:
        catalogue = _catalogue(language())
        if self.several is None:
            text = catalogue.gettext(self.template) if self.template else ""
        else:
            text = catalogue.ngettext(self.template, self.several, 1 if self.count == 1 else 2)
        return text.format_map(dict(self.values)) if self.values else text


def say(template: str, /, **values: object) -> Message:
    """Make a message; `values` fill its `{…}` and are facts (names, numbers, quotes), never parts of sentences.

    Without values the template is said as it stands, braces and all.
    """
    return Message(template, tuple(values.items()))


def say_count(singular: str, several: str, /, count: float, **values: object) -> Message:
    """Make a message whose English form depends on a number, which fills `{count}`."""
    return Message(singular, (("count", count), *values.items()), several, count)


def language() -> str:
    """Return which of `LANGUAGES` messages speak here and now."""
    return _block_language.get() or _process_language


def process_language() -> str:
    """Return the language of the process, whatever language the block speaks."""
    return _process_language


def use(chosen: str) -> None:
    """Let the whole process speak a language of `LANGUAGES`."""
    global _process_language
    _process_language = _known(chosen)


@contextmanager
def speaking(chosen: str) -> Iterator[None]:
    """Let messages speak a language of `LANGUAGES` inside the block."""
    token = _block_language.set(_known(chosen))
    try:
        yield
    finally:
        _block_language.reset(token)


def for_user(text: object) -> str:
    """Say a text in the language of the process, whatever language the block speaks."""
    with speaking(_process_language):
        return str(text)


#: What kept words begin with; no word of anyone outside does, for it cannot be printed.
_KEPT: Final = "\x1e"


def keep(words: object, *, clean: Callable[[str], str] = str) -> str:
    """Write words down that are read later, by whoever it is: in all languages, where they differ (see `recall`).

    Args:
        words: a message, an error, or a text of someone else.
        clean: what is done to the text of each language, masking for example.
    """
    said = {}
    for chosen in LANGUAGES:
        with speaking(chosen):
            said[chosen] = clean(str(words))
    if len(set(said.values())) == 1:
        return said[LANGUAGES[0]]
    return _KEPT + json.dumps(said, ensure_ascii=False)


def recall(text: str) -> str:
    """Say what `keep` wrote down, in the language of here and now; any other text as it is."""
    if not text.startswith(_KEPT):
        return text
    said: dict[str, str] = json.loads(text[len(_KEPT) :])
    return said[language()]


@dataclass(frozen=True, slots=True)
class Kept:
    """Kept words as a value of a message."""

    text: str

    def __str__(self) -> str:
        return recall(self.text)


def _known(chosen: str) -> str:
    if chosen not in LANGUAGES:
        raise ValueError(f"messages speak {', '.join(LANGUAGES)}, not {chosen!r}")
    return chosen


@functools.cache
def _catalogue(name: str) -> gettext.NullTranslations:
    if name == LANGUAGES[0]:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, CATALOGUES, [name])
