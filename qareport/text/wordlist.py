"""Compare texts: normal form, similarity by character bigrams, and lists of words that are searched in a text."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from qareport.text.pinyin import is_han, sound
from qareport.text.spelling import COUNTED, amounts_in, in_digits, simplify


def bigrams(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters of a text; a single letter is its own pair.

    Texts are compared in one form: pass them through `normalise` first, or through `sound` as well.
    """
    return frozenset(text[index : index + 2] for index in range(len(text) - 1)) or frozenset((text,))


def dice(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the Dice coefficient 2·|A∩B| / (|A|+|B|), 0 … 1: how alike two texts are as wholes."""
    return 2 * len(first & second) / (len(first) + len(second))


def containment(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the overlap coefficient |A∩B| / min(|A|, |B|), 0 … 1: how much of the shorter is in the longer."""
    return len(first & second) / min(len(first), len(second))


_GAP = re.compile(r"[^\w¥$€%+]+|_+")


#: Single characters sound like too much.
SOUND_NEEDS = 2
#: Digits as they are spoken one by one: 三一五 in the middle of a card number is no hotline.
_SPOKEN_DIGITS = "零〇一二三四五六七八九幺两"
#: A number in words and what it counts: 三天 is not in 十三天, 十分钟 not in 四十分钟.
_SPOKEN_NUMBER = re.compile(rf"[{_SPOKEN_DIGITS}十百千万]+(?:{COUNTED})")
_SHARE = re.compile(rf"百分之[{_SPOKEN_DIGITS}十百千万]+")
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_UNIT = re.compile(rf"[{_CJK}]|[0-9]|[^\W\d_{_CJK}]+(?:['’][^\W\d_{_CJK}]+)?")


@lru_cache(maxsize=1024)  # the analysis of a call and its rules compare the same sentences
def normalise(text: str) -> str:
    """Bring text to the form in which words are compared: that of `fold`, without punctuation and spaces.

    Between Latin words and numbers one space stays; so do the point and the apostrophe in 39.9 and don't. Numbers stay
    as they are: `spelling.in_digits` gives the form in which 四十八小时 is 48小时.
    """
    return _GAP.sub(_close, fold(text))


def fold(text: str) -> str:
    """Return text in NFKC (half width), simplified characters, straight apostrophes and lower case."""
    return simplify(unicodedata.normalize("NFKC", text)).casefold()


def forms_of(normalised: str) -> tuple[str, ...]:
    """Return the forms in which a normalised text or word is searched: as it is, and in digits if that differs."""
    written = in_digits(normalised)
    return (normalised,) if written == normalised else (normalised, written)


def spellings_of(word: str) -> tuple[str, ...]:
    """Return what a word is searched as in the forms of a text: it in those, and its amount of money in every way."""
    forms = forms_of(normalise(word))
    return tuple(dict.fromkeys((*forms, *amounts_in(forms[-1]))))


def letter_pairs(text: str) -> frozenset[str]:
    """Return all letters and pairs of neighbouring letters of a text: a word whose start is not in it is not there.

    Not the bigrams by which texts are compared (`bigrams`): a word of one letter starts with that letter.
    """
    return frozenset((*text, *map(operator.add, text, text[1:])))


#: Each word list asks for the same sentences of a call. Not for what is longer: all that one says takes 100 kB.
_pairs_of_sentence: Final = lru_cache(maxsize=256)(letter_pairs)


def count_units(text: str) -> int:
    """Count what a speed of speech counts: each Chinese, Japanese or Korean character, each digit, each Latin word."""
    return len(_UNIT.findall(text))


def _close(gap: re.Match[str]) -> str:
    text, start, end = gap.string, gap.start(), gap.end()
    before, after = text[start - 1 : start], text[end : end + 1]
    if not (before.isascii() and before.isalnum() and after.isascii() and after.isalnum()):
        return ""
    return gap.group() if gap.group() in ".'" else " "


def _as_word(value: Any) -> Any:
    # 12315 is written without quotes by everyone and means the digits.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def not_blank(value: str) -> str:
    """Return a word as it is.

    Raises:
        PydanticCustomError: it has no letter or digit, so it can never be found.
    """
    if not normalise(value).strip():
        raise PydanticCustomError("word", "words, not a blank")
    return value


#: What `not_blank` asks for, as JSON Schema has it: editors read it as JavaScript does, whose \\w knows no Chinese.
WORD_PATTERN = (
    r"[0-9A-Za-z$%+\u00a5\u20ac\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2c00-\u2dff\u3005-\u3007"
    r"\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\ud7ff\uf900-\ufaff\uff04\uff05\uff0b\uff10-\uff19"
    r"\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc\uffe5]"
)
#: A word of a list in a YAML file.
Keyword = Annotated[
    str,
    BeforeValidator(_as_word),
    AfterValidator(not_blank),
    WithJsonSchema({"type": ["string", "integer"], "pattern": WORD_PATTERN}),
]


@dataclass(frozen=True, slots=True)
class Match:
    """A word of a list that is in a text."""

    #: As the list spells it, and as the text does.
    word: str
    said: str
    #: Only the sound is the same: the transcript may have a homophone, or the speaker may have meant something else.
    fuzzy: bool = False
    #: Where it begins in the text.
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class WordList:
    """Words and phrases of which any one is wanted, and phrases that hide what is inside them.

    With `sounds_like` what only sounds like a word is found too (`match`), unless one of `false_friends` covers it.
    """

    words: tuple[str, ...]
    exceptions: tuple[str, ...] = ()
    sounds_like: bool = False
    false_friends: tuple[str, ...] = ()
    #: None until it is asked for: a command reads 150 lists, and may search in none.
    _compiled: re.Pattern[str] | None = field(default=None, init=False, repr=False, compare=False)
    _spelling: dict[str, str] = field(init=False, repr=False, compare=False)
    _sound_pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _sound_spelling: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    #: How words and sounds begin.
    _starts: frozenset[str] = field(init=False, repr=False, compare=False)
    _sound_starts: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look at the words once."""
        spelling = {form: word for word in reversed(self.words) for form in reversed(spellings_of(word))}
        object.__setattr__(self, "_spelling", spelling)
        by_sound: dict[str, tuple[str, ...]] = {}
        for word in sorted(spelling) if self.sounds_like else ():  # sounds take half a second to load
            if len(word) >= SOUND_NEEDS and all(map(is_han, word)) and word.strip(_SPOKEN_DIGITS):
                by_sound[sound(word)] = (*by_sound.get(sound(word), ()), word)
        pattern = re.compile(_alternation(by_sound)) if by_sound else None
        object.__setattr__(self, "_sound_pattern", pattern)
        object.__setattr__(self, "_sound_spelling", by_sound)
        object.__setattr__(self, "_starts", frozenset(word[:2] for word in spelling))
        object.__setattr__(self, "_sound_starts", frozenset(sounding[:2] for sounding in by_sound))

    @property
    def _pattern(self) -> re.Pattern[str]:
        if self._compiled is None:
            hidden = _alternation(form for word in self.exceptions for form in spellings_of(word))
            wanted = f"({_alternation(self._spelling)})"
            # Exceptions come first: at one place, or starting earlier, the exception wins.
            pattern = re.compile(f"(?:{hidden})|{wanted}" if hidden else wanted)
            object.__setattr__(self, "_compiled", pattern)
            return pattern
        return self._compiled

    def find(self, normalised: str) -> str | None:
        """Return the first word of the list that is in normalised text letter by letter, as the list spells it."""
        if self._starts.isdisjoint(_pairs_of_sentence(normalised)):
            return None
        for match in self._pattern.finditer(normalised):
            if word := match.group(1):
                return self._spelling[word]
        return None

    def match(self, normalised: str) -> Match | None:
        """Return the first word that is in normalised text, or else, where the list allows it, the first by sound."""
        if self._sound_pattern is None and self._starts.isdisjoint(letter_pairs(normalised)):
            return None  # nearly always: many lists are searched in every sentence
        return next(self.matches(normalised), None)

    def matches(self, normalised: str) -> Iterator[Match]:
        """Find every word that is in normalised text, and after them, where the list allows it, those by sound."""
        if not self._starts.isdisjoint(letter_pairs(normalised)):
            for match in self._pattern.finditer(normalised):
                if word := match.group(1):
                    yield Match(self._spelling[word], word, at=match.start(1))
        if self._sound_pattern is not None:
            yield from self._heard(normalised)

    def _heard(self, normalised: str) -> Iterator[Match]:
        if self._sound_pattern is None:
            return
        covered: list[tuple[int, int]] | None = None
        sounds, at = sound(normalised), 0
        if self._sound_starts.isdisjoint(letter_pairs(sounds)):
            return
        while match := self._sound_pattern.search(sounds, at):
            start, end = match.span()
            # Places may overlap: the first may be refused and the second be right.
            at = start + 1
            text = normalised[start:end]
            for word in self._sound_spelling[match.group()]:
                # At least one character must be the word's own: 五六 is not 物流, 女士 not 律师.
                if not any(own == letter for own, letter in zip(word, text, strict=True)):
                    continue
                covered = self._covered(normalised) if covered is None else covered
                if not any(left < end and start < right for left, right in covered):
                    yield Match(self._spelling[word], text, fuzzy=True, at=start)

    def _covered(self, normalised: str) -> list[tuple[int, int]]:
        friends = (normalise(word) for word in (*self.exceptions, *self.false_friends))
        return [
            (match.start(), match.end())
            for friend in friends
            if friend
            for match in re.finditer(re.escape(friend), normalised)
        ]

    def hides_in(self, normalised: str) -> bool:
        """Tell whether one of the exceptions is in normalised text."""
        return bool(self.exceptions) and any(not match.group(1) for match in self._pattern.finditer(normalised))

    @property
    def sounds(self) -> tuple[str, ...]:
        """Return the sounds of the words that may be found by sound; none unless the list allows it."""
        return tuple(self._sound_spelling) if self._sound_pattern is not None else ()

    def remove_from(self, normalised: str) -> str:
        """Return normalised text without the words of the list."""
        return self.replace_in(normalised, "")

    def replace_in(self, normalised: str, by: str) -> str:
        """Return normalised text with something else in place of each word of the list."""
        return self._pattern.sub(lambda match: by if match.group(1) else match.group(0), normalised)


def _alternation(words: Iterable[str]) -> str:
    return "|".join(_bounded(word) for word in sorted(set(words), key=lambda word: (-len(word), word)))


def _bounded(word: str) -> str:
    # Latin words and numbers match as complete words only: refund is not in refunded, 12315 not in 9123150, 三一五 not
    # in 六三一五, 百分之五 not in 百分之五十. A number may stand beside a Latin word: iphone is in iphone15, qq in
    # qq12345, iphone15 in iphone15pro.
    if not word.strip(_SPOKEN_DIGITS):
        return f"(?<![{_SPOKEN_DIGITS}]){word}(?![{_SPOKEN_DIGITS}])"
    if _SPOKEN_NUMBER.match(word):
        return f"(?<![{_SPOKEN_DIGITS}十百千万]){re.escape(word)}"
    if _SHARE.fullmatch(word):
        return f"{word}(?![{_SPOKEN_DIGITS}十百千万])"
    beside = "0-9" if re.search(r"[a-z]", word) else "a-z0-9"
    before = after = ""
    if re.match(r"[0-9]", word):  # 9元 is not in 39.9元
        before = rf"(?<![{beside}])(?<![0-9]\.)"
    elif re.match(r"[a-z]", word):
        before = r"(?<![a-z])"
    if re.search(r"[0-9]块\Z", word):  # nor 39块 in 39块9; but in 10块1张 there is 10块
        after = rf"(?![0-9](?:[毛角]|(?!{COUNTED})))"
    elif re.search(r"[0-9]\Z", word):
        after = rf"(?![{beside}]|\.[0-9]|[毛角][0-9])"
    elif re.search(r"[a-z]\Z", word):
        after = r"(?![a-z])"
    return f"{before}{re.escape(word)}{after}"
