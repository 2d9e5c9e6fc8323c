"""The sound of Chinese, folded: homophones, and syllables that many speakers do not distinguish, are equal."""

from __future__ import annotations

import re
from functools import lru_cache

#: Pairs that speakers and recognisers mix up: zh/z, ch/c, sh/s, n/l, and ang/an, eng/en, ing/in. Tones are left out.
_NEAR = ((re.compile("^([zcs])h"), r"\1"), (re.compile("^n"), "l"), (re.compile("(?<=[aei])ng$"), "n"))
#: Each syllable gets one letter of the Yi block, so that a sound is as long as its text and still made of letters.
_FIRST_LETTER = 0xA000


class _Letters(dict[int, int]):
    """Code point -> code point of its sound; filled as characters come, because loading all takes a second."""

    def __init__(self) -> None:
        super().__init__()
        self._syllables: dict[str, int] = {}

    def __missing__(self, code: int) -> int:
        self[code] = self._sound_of(chr(code))
        return self[code]

    def _sound_of(self, letter: str) -> int:
        if not is_han(letter):
            return ord(letter)
        from pypinyin import lazy_pinyin  # half a second that commands without analysis need not wait for

        syllable = lazy_pinyin(letter)[0]
        if not syllable.isascii() or not syllable.isalpha():
            return ord(letter)
        for pattern, instead in _NEAR:
            syllable = pattern.sub(instead, syllable)
        return self._syllables.setdefault(syllable, _FIRST_LETTER + len(self._syllables))


_letters = _Letters()


def is_han(letter: str) -> bool:
    """Tell whether a letter is a Chinese character of the basic block."""
    return "\u4e00" <= letter <= "\u9fff"


@lru_cache(maxsize=128)  # each word list asks for the same sentences of a call
def sound(text: str) -> str:
    """Return text with each Chinese character replaced by a letter for its folded syllable; the rest stays.

    Equal for homophones and near homophones: `sound("退款") == sound("推宽")`. The letters mean nothing outside this
    process. Readings are those of single characters (pypinyin), the most common one of each.
    """
    return text.translate(_letters)
