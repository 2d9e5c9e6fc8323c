"""Words and phrases that people list in YAML: how they are compared with what was said, and found in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

_GAP = re.compile(r"[^\w¥$€%+]+|_+")


def normalise(text: str) -> str:
    """Bring text to the form in which words are compared: NFKC, lower case, without punctuation and spaces.

    Between Latin words and numbers one space stays; so do the point and the apostrophe in 39.9 and don't.
    """
    return _GAP.sub(_close, unicodedata.normalize("NFKC", text).casefold())


def _close(gap: re.Match[str]) -> str:
    text, start, end = gap.string, gap.start(), gap.end()
    before, after = text[start - 1 : start], text[end : end + 1]
    if not (before.isascii() and before.isalnum() and after.isascii() and after.isalnum()):
        return ""
    return gap.group() if gap.group() in ".'" else " "


@dataclass(frozen=True, slots=True)
class WordList:
    """Words and phrases of which any one is wanted, and phrases that hide what stands inside them."""

    words: tuple[str, ...]
    exceptions: tuple[str, ...] = ()
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _spelling: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the pattern once."""
        spelling = {normalise(word): word for word in reversed(self.words)}
        hidden = _alternation(normalise(word) for word in self.exceptions)
        wanted = f"({_alternation(spelling)})"
        # Exceptions come first: at one place, or starting earlier, the exception wins.
        object.__setattr__(self, "_pattern", re.compile(f"(?:{hidden})|{wanted}" if hidden else wanted))
        object.__setattr__(self, "_spelling", spelling)

    def find(self, normalised: str) -> str | None:
        """Return the first word of the list that stands in normalised text, as the list spells it."""
        for match in self._pattern.finditer(normalised):
            if found := match.group(1):
                return self._spelling[found]
        return None

    def remove_from(self, normalised: str) -> str:
        """Return normalised text without the words of the list."""
        return self._pattern.sub(lambda match: "" if match.group(1) else match.group(0), normalised)


def _alternation(words: Iterable[str]) -> str:
    return "|".join(_bounded(word) for word in sorted(set(words), key=lambda word: (-len(word), word)))


def _bounded(word: str) -> str:
    # Latin words and numbers match as a whole only: refund is not in refunded, 12315 not in 9123150.
    before = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", word) else ""
    after = r"(?![a-z0-9])" if re.search(r"[a-z0-9]\Z", word) else ""
    return f"{before}{re.escape(word)}{after}"
