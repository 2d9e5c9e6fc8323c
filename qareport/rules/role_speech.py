"""What a role says in a call, made ready for the search of words and acts."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping

from qareport.model import Act, Segment, SpokenAct
from qareport.rules.condition_hit import ConditionHit, uttered
from qareport.text.pinyin import sound
from qareport.text.wordlist import letter_pairs


class SearchTerms:
    """Words to search complete calls for, indexed by their first two letters, because most words are in no call."""

    def __init__(self, words: Iterable[str]) -> None:
        """Sort the words by how they start; they are normalised and not empty."""
        self.by_start: dict[str, tuple[str, ...]] = {}
        for word in dict.fromkeys(words):
            self.by_start[word[:2]] = (*self.by_start.get(word[:2], ()), word)
        self.starts = frozenset(self.by_start)


class RoleSpeech:
    """Everything that a role says in a call, an utterance a line, for a quick search of the whole call.

    Utterances that hold numbers have a second line further down, in digits.
    """

    def __init__(self, segments: tuple[Segment, ...], words: tuple[str, ...], in_digits: tuple[str, ...]) -> None:
        """Join the lines; `in_digits` is the second form of each utterance, equal to `words` where there is none."""
        self.segments = segments
        self.words = words
        self._in_digits = in_digits
        #: The numbers of the utterances behind the second lines.
        self._again = [
            index for index, (first, second) in enumerate(zip(words, in_digits, strict=True)) if first is not second
        ]
        lines = [*words, *(in_digits[index] for index in self._again)]
        self.text = "\n".join(lines)
        #: Where each line begins.
        self.starts = [0, *itertools.accumulate(len(line) + 1 for line in lines[:-1])] if lines else []

        self._acts: dict[Act, list[tuple[int, Segment, SpokenAct]]] | None = None
        self._hits_of: dict[Act, list[tuple[int, ConditionHit]]] = {}
        self._pairs = letter_pairs(self.text)
        self._sounds: str | None = None
        self._sound_pairs: frozenset[str] = frozenset()

    def forms(self, number: int) -> tuple[str, ...]:
        """Return the forms in which an utterance is searched."""
        first, second = self.words[number], self._in_digits[number]
        return (first,) if first is second else (first, second)

    def utterance_of(self, line: int) -> int:
        """Return the number of the utterance that a line holds."""
        return line if line < len(self.words) else self._again[line - len(self.words)]

    @property
    def acts(self) -> Mapping[Act, list[tuple[int, Segment, SpokenAct]]]:
        """Return where each act was heard: the number of the line, the utterance and the claim, in their order."""
        if self._acts is None:
            self._acts = {}
            for line, segment in enumerate(self.segments):
                for spoken in segment.acts:
                    self._acts.setdefault(spoken.act, []).append((line, segment, spoken))
        return self._acts

    def hits_of(self, act: Act) -> list[tuple[int, ConditionHit]]:
        """Return the hits of an act, each with the number of its line; made once, because many rules ask for them."""
        if act not in self._hits_of:
            places = self.acts.get(act, ())
            self._hits_of[act] = [(line, uttered(segment, act=spoken)) for line, segment, spoken in places]
        return self._hits_of[act]

    def line_of(self, place: int) -> int:
        """Return the number of the line that holds a place of the text."""
        return bisect_right(self.starts, place) - 1

    def utterances_with(self, words: SearchTerms) -> set[int]:
        """Return the numbers of the utterances that hold any of some normalised words."""
        return self._lines(words, self.text, self._pairs)

    def utterances_sounding(self, sounds: SearchTerms) -> set[int]:
        """Return the numbers of the utterances that hold any of some sounds."""
        if self._sounds is None:
            self._sounds = sound(self.text)
            self._sound_pairs = letter_pairs(self._sounds)
        return self._lines(sounds, self._sounds, self._sound_pairs)

    def _lines(self, sought: SearchTerms, text: str, pairs: frozenset[str]) -> set[int]:
        lines: set[int] = set()
        for start in sought.starts & pairs:
            for word in sought.by_start[start]:
                lines.update(self._search(word, text))
        return lines

    def _search(self, word: str, text: str) -> Iterator[int]:
        place = text.find(word)
        while place >= 0:
            line = self.line_of(place)
            yield self.utterance_of(line)
            place = text.find(word, self.starts[line + 1]) if line + 1 < len(self.starts) else -1
