"""What an utterance is compared with: words by spelling or sound, expressions, sentences that it is like.

Text is searched as `normalise` gives it: lower case, half width, simplified, without punctuation. Expressions are
written by people who see the text as it is spoken, so their letters are brought to the same form. What cannot be
brought there (punctuation, an end before the end) never matches; `never_matches` finds it, for lint.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from re import _parser  # type: ignore[attr-defined]  # the syntax tree of the standard library's own parser
from typing import Any

import regex

from qareport.rules.expressions import MAX_LENGTH, compile_safely, finds_in_lines, search, search_from
from qareport.rules.role_speech import RoleSpeech, SearchTerms
from qareport.text.negation import asks, begins_negated, has_negation, is_negated
from qareport.text.spelling import in_digits, simplify, with_every_amount
from qareport.text.wordlist import Match, WordList, bigrams, dice, forms_of, normalise, spellings_of


@dataclass(frozen=True, slots=True)
class Sounds:
    """Whether words are also found by their sound, and what is not taken for them."""

    tolerated: bool
    hidden: tuple[str, ...] = ()
    false_friends: tuple[str, ...] = ()

    def list_of(self, words: tuple[str, ...]) -> WordList:
        """Make a list of words that is searched so."""
        return WordList(words, self.hidden, sounds_like=self.tolerated, false_friends=self.false_friends)


class Polarity(StrEnum):
    """Whether what is said counts when it is denied."""

    ASSERTED = "asserted"
    NEGATED = "negated"
    EITHER = "either"

    def admits(self, match: Match, text: str, written: str) -> bool:
        """Tell whether a word that was found in a text counts; `written` is that text with its punctuation."""
        if self is Polarity.EITHER:
            return True
        if begins_negated(match.said):
            return self is Polarity.ASSERTED and not asks(text, match.at, written)
        denied = is_negated(text, match.at, written)
        return denied is (self is Polarity.NEGATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Words of which one utterance must hold `at_least`."""

    words: WordList
    #: The words and their sounds, for the quick look at the whole call.
    spelt: SearchTerms
    heard: SearchTerms
    polarity: Polarity = Polarity.ASSERTED
    at_least: int = 1
    #: Each word by itself, where they are counted.
    each: tuple[Group, ...] = ()

    @classmethod
    def of(cls, words: tuple[str, ...], sounds: Sounds, polarity: Polarity, at_least: int = 1) -> Group:
        """Make a group. The one place where a condition's words become a `WordList`."""
        # 48小时 and 四十八小时 are one word.
        plain = {in_digits(normalise(word)): word for word in reversed(words)}
        list_ = sounds.list_of(words)
        return cls(
            words=list_,
            spelt=SearchTerms(form for word in words for form in spellings_of(word)),
            heard=SearchTerms(list_.sounds),
            polarity=polarity,
            at_least=at_least,
            each=tuple(cls.of((word,), sounds, polarity) for word in reversed(plain.values())) if at_least > 1 else (),
        )

    def utterances(self, speech: RoleSpeech) -> set[int]:
        """Return the numbers of those that may hold the words: plain search is many times cheaper than patterns."""
        found = speech.utterances_with(self.spelt)
        return found | speech.utterances_sounding(self.heard) if self.heard.starts else found

    def find(self, forms: tuple[str, ...], written: str) -> Match | None:
        """Return the first word found, when enough different ones are; `written` is the text with its punctuation."""
        first = self._first(forms, written)
        if first is None or self.at_least == 1:
            return first
        return first if sum(1 for word in self.each if word.find(forms, written)) >= self.at_least else None

    def _first(self, forms: tuple[str, ...], written: str) -> Match | None:
        for text in open_forms(forms, self.words):
            for match in self.words.matches(text):
                if self.polarity.admits(match, text, written):
                    return match
        return None


def open_forms(forms: tuple[str, ...], words: WordList) -> tuple[str, ...]:
    """Return the forms of a text in which the exceptions of a list are seen: 四十八小时 hides nothing, 48小时 does."""
    return forms if len(forms) == 1 or not words.hides_in(forms[-1]) or words.hides_in(forms[0]) else forms[-1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A regular expression, perhaps also with its numbers in digits, and whether all lines can be searched at once."""

    compiled: tuple[regex.Pattern[str], ...]
    in_lines: bool

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Compile an expression that was checked to be safe, in the form of the text that it is searched in."""
        normal = normal_pattern(text)
        spellings = [
            normal,
            *(
                digits
                for digits in (with_every_amount(_in_digits(normal)),)
                if normal != digits and len(digits) <= MAX_LENGTH
            ),
        ]
        return cls(compiled=tuple(map(compile_safely, spellings)), in_lines=finds_in_lines(normal))

    def find(self, forms: tuple[str, ...]) -> str | None:
        """Return what it finds first in a line."""
        pairs = ((text, compiled) for text in forms for compiled in self.compiled)
        return next((found for text, compiled in pairs if (found := search(compiled, text)) is not None), None)

    def utterances(self, speech: RoleSpeech) -> Iterable[int]:
        """Return the numbers of those that may hold it."""
        if not self.in_lines:
            return range(len(speech.words))
        return sorted({number for compiled in self.compiled for number in _utterances_with(compiled, speech)})


def _utterances_with(compiled: regex.Pattern[str], speech: RoleSpeech) -> Iterator[int]:
    line = -1
    while line + 1 < len(speech.starts):
        place = search_from(compiled, speech.text, speech.starts[line + 1])
        if place is None:
            return
        line = speech.line_of(place)
        yield speech.utterance_of(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Sentences of which an utterance must be like one."""

    #: Pairs of letters of each, and whether it denies anything.
    sentences: tuple[tuple[frozenset[str], bool], ...]
    #: Dice coefficient, 0 … 1.
    similarity: float
    polarity: Polarity

    @classmethod
    def of(cls, sentences: Iterable[str], similarity: float, polarity: Polarity) -> Likeness:
        """Prepare sentences."""
        plain = (form for sentence in sentences for form in forms_of(normalise(sentence)))
        prepared = tuple((bigrams(sentence), has_negation(sentence)) for sentence in plain)
        return cls(sentences=prepared, similarity=similarity, polarity=polarity)

    def met(self, text: str) -> bool:
        """Tell whether a normalised utterance is like one of them, and asserts or denies what it does."""
        pairs = bigrams(text)
        near = [denies for sentence, denies in self.sentences if dice(pairs, sentence) >= self.similarity]
        if not near or self.polarity is Polarity.EITHER:
            return bool(near)
        denied = has_negation(text)
        return any((denies is not denied) is (self.polarity is Polarity.NEGATED) for denies in near)


#: Escapes and the heads of groups keep their letters: \\D is not \\d.
_PIECE = re.compile(r"\\[pP]\{[^}]*\}|\\.|\(\?(?:P?<\w+>|P=\w+\)|[a-zA-Z-]+[:)])|.", re.DOTALL)
#: What stays in a text though it is neither letter nor digit: signs of money, and what joins Latin words and numbers.
_STAYS = frozenset("¥$€%+ .'")


def normal_pattern(pattern: str) -> str:
    """Return a pattern with its letters in lower case, half width and simplified characters."""
    return "".join(map(_fold_letter, _PIECE.findall(pattern)))


#: Sets, counts and escapes stay; the last letter before a repeat belongs to it.
_NUMERAL = re.compile(r"\\.|\[[^\]]*\]|\{[^}]*\}|[\u4e00-\u9fff]+(?![?*+{])")
_NUMERALS = {letter: str(digit) for digit, letter in enumerate("零一二三四五六七八九")} | {
    "两": "2",
    "〇": "0",
    "十": "10",
}


def _in_digits(pattern: str) -> str:
    """Return a normal pattern with its numbers in digits: 等.{0,3}三天 as 等.{0,3}3天, (三|五)天 as ([三3]|[五5])天."""
    return _NUMERAL.sub(_write_digits, pattern)


def _write_digits(piece: re.Match[str]) -> str:
    text = piece.group()
    if text.startswith("["):
        return text[:-1] + "".join(_NUMERALS.get(letter, "") for letter in text[1:-1]) + "]"
    return f"[{text}{_NUMERALS[text]}]" if text in _NUMERALS and text != "十" else in_digits(text)


def _fold_letter(piece: str) -> str:
    if len(piece) > 1:
        return piece
    wide = unicodedata.normalize("NFKC", piece)
    # Punctuation of full width would become a sign of the expression: （ is not (.
    letter = wide if len(wide) == 1 and wide.isalnum() else piece
    folded = simplify(letter).casefold()
    return folded if len(folded) == 1 else letter


def never_matches(pattern: str) -> str | None:
    """Return what keeps a pattern from ever matching: a letter that no text keeps, `$` before its end; else None.

    Args:
        pattern: one that compiles, as it is written.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sets that another version may read otherwise
        return _of_branch(list(_parser.parse(normal_pattern(pattern))))


def _of_branch(nodes: list[Any]) -> str | None:
    """Find it among parts that must all match, one after the other."""
    ends = [index for index, node in enumerate(nodes) if _is_at(node, "AT_END", "AT_END_STRING")]
    if ends and any(map(_consumes, nodes[ends[0] :])):
        return "$"
    starts = [index for index, node in enumerate(nodes) if _is_at(node, "AT_BEGINNING", "AT_BEGINNING_STRING")]
    if starts and any(map(_consumes, nodes[: starts[-1]])):
        return "^"
    for before, space, after in zip(nodes, nodes[1:], nodes[2:], strict=False):
        # Only between Latin words and numbers a space stays.
        if _literal(space) == " " and not all(_literal(beside).isascii() for beside in (before, after)):
            return " "
    return next((found for node in nodes if (found := _of_node(node)) is not None), None)


def _literal(node: Any) -> str:
    return chr(node[1]) if str(node[0]) == "LITERAL" else ""


def _of_node(node: Any) -> str | None:
    name, value = str(node[0]), node[1]
    if name == "LITERAL":
        return None if _is_kept(value) else chr(value)
    if name == "IN":
        given = [chr(member[1]) for member in value if str(member[0]) == "LITERAL"]
        return given[0] if len(given) == len(value) and not any(map(_is_kept, map(ord, given))) else None
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _of_branch(list(value[2])) if value[0] else None
    if name == "SUBPATTERN":
        return _of_branch(list(value[-1]))
    if name == "BRANCH":
        found = [_of_branch(list(branch)) for branch in value[1]]
        return None if None in found else found[0]
    return None


def _is_kept(code: int) -> bool:
    letter = chr(code)
    return letter in _STAYS or letter.isalnum()


def _is_at(node: Any, *places: str) -> bool:
    return str(node[0]) == "AT" and str(node[1]) in places


def _consumes(node: Any) -> bool:
    """Tell whether a part needs at least a letter."""
    name, value = str(node[0]), node[1]
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return bool(value[0]) and any(map(_consumes, value[2]))
    if name == "SUBPATTERN":
        return any(map(_consumes, value[-1]))
    if name == "BRANCH":
        return all(any(map(_consumes, branch)) for branch in value[1])
    return name in ("LITERAL", "NOT_LITERAL", "IN", "ANY")
