"""Terms: what the full-text index holds of a call, how words of a query are written in it, and where hits are marked.

Chinese, Japanese and Korean have no spaces: each character makes a term together with the one after it (今天发货 is
今天, 天发, 发货, 货), so two characters are one look-up, more are a phrase of such pairs, and one is a beginning. All
else is compared by words. Width and case make no difference; punctuation is not compared.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qareport.model import STATE_NOT_JUDGED, STATE_SILENCE, TAG_IRONY, CallReport, MomentKind, Role, Segment

#: Begins the terms that are not words: no word holds it.
MARK = "§"
#: Longer words are compared by their beginning; PostgreSQL takes no term over 2 KB.
_LONGEST = 100
_CJK = (
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"(?P<pairs>[{_CJK}]+)|(?:(?![{_CJK}])[^\\W_])+")


class Term(NamedTuple):
    """One term and the characters of the text that it represents."""

    text: str
    start: int
    end: int


class Terms(NamedTuple):
    """Terms that must follow each other; the last one may be only the beginning of one."""

    terms: tuple[str, ...]
    prefix: bool = False


def terms_of_text(text: str) -> list[Term]:
    """Return the terms of what was said, in order; the place of a term is its number in this list."""
    return [term for run in _runs(text) for term in run]


def terms_of(phrase: str) -> Terms:
    """Return the terms to look up for a word or a phrase; `*` at its end asks for words that begin so.

    No terms: there is nothing in it that could be looked for.
    """
    runs = list(_runs(phrase.removesuffix("*")))
    if not runs:
        return Terms(())
    *before, last = runs
    terms = [term.text for run in before for term in run]
    if len(last) == 1:
        text = last[0].text
        # One character of Chinese is a term alone only where nothing follows it.
        return Terms((*terms, text), prefix=phrase.endswith("*") or _RUN.fullmatch(text)["pairs"] is not None)  # type: ignore[index]
    return Terms((*terms, *(term.text for term in last[:-1])))


def mark_of(*names: str) -> str:
    """Return the term of something that is no word: a tag, a role, a kind of moment."""
    return MARK + re.sub(r"[^0-9a-z]", MARK, MARK.join(names).lower())


def find_spans(text: str, wanted: Sequence[Terms]) -> list[tuple[int, int]]:
    """Find where phrases are in a text: parts of it from start to end, in order, that do not overlap."""
    terms = terms_of_text(text)
    spans = sorted(span for phrase in wanted if phrase.terms for span in _places(terms, phrase))
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _places(terms: Sequence[Term], phrase: Terms) -> Iterator[tuple[int, int]]:
    length = len(phrase.terms)
    for first in range(len(terms) - length + 1):
        window = terms[first : first + length]
        same = all(part.text == term for part, term in zip(window[:-1], phrase.terms[:-1], strict=True))
        last, wanted = window[-1], phrase.terms[-1]
        if same and (last.text.startswith(wanted) if phrase.prefix else last.text == wanted):
            # A pair that was found by its first character shows that character alone.
            single = phrase.prefix and len(wanted) == 1 and _RUN.fullmatch(wanted)["pairs"]  # type: ignore[index]
            yield window[0].start, last.start + 1 if single else last.end


def _runs(text: str) -> Iterator[list[Term]]:
    """Cut a text into its words and its stretches of Chinese, each as terms."""
    folded, places = _fold(text)
    for match in _RUN.finditer(folded):
        run, begin = match.group(), match.start()
        if match["pairs"]:
            yield [
                Term(run[at : at + 2], places[begin + at], places[begin + min(at + 2, len(run)) - 1] + 1)
                for at in range(len(run))
            ]
        else:
            yield [Term(run[:_LONGEST], places[begin], places[match.end() - 1] + 1)]


def _words(text: str) -> Iterator[str]:
    """Yield the texts of a text's terms without their places, which takes half as long."""
    for match in _RUN.finditer("".join(map(_fold_letter, text))):
        run = match.group()
        if match["pairs"]:
            yield from map(str.__add__, run, run[1:])
            yield run[-1]
        else:
            yield run[:_LONGEST]


def _fold(text: str) -> tuple[str, Sequence[int]]:
    """Fold width and case away; return for each character that is left the place that it came from."""
    letters = [*map(_fold_letter, text)]
    folded = "".join(letters)
    if len(folded) == len(text):
        return folded, range(len(text))
    return folded, [place for place, several in enumerate(letters) for _ in several]


@functools.lru_cache(maxsize=1 << 16)
def _fold_letter(character: str) -> str:
    """Return what a character is compared as: one character or more."""
    return unicodedata.normalize("NFKC", character).casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence: a segment of a call."""

    start_ms: int
    end_ms: int
    role: Role
    text: str
    #: As readers know them: ANGRY, SILENCE, LAUGHTER, IRONY …
    tags: tuple[str, ...] = ()
    #: Kinds of the key moments in it.
    moments: tuple[str, ...] = ()

    @property
    def terms(self) -> list[str]:
        """All terms under which it is found: its words in order, then its marks."""
        return [*_words(self.text), *self.marks]

    @property
    def marks(self) -> list[str]:
        """The terms of its tags, its speaker and its key moments."""
        marks = [mark_of(tag) for tag in self.tags]
        return [*marks, mark_of("role", self.role), *(mark_of("moment", kind) for kind in self.moments)]


def lines_of(report: CallReport) -> tuple[Line, ...]:
    """Return the sentences of a call with their tags.

    A tag is the sentence's emotion or an audio event in it (ordinary speech is none); SILENCE is a tag of the sentence
    that a silence follows, IRONY where the moment says so.
    """
    segments = report.segments
    extra: list[list[str]] = [[] for _ in segments]
    moments: list[list[str]] = [[] for _ in segments]
    times = _Times(segments)
    for silence in report.silences:
        if segments:
            extra[times.before(silence.start_ms)].append(STATE_SILENCE)
    for moment in report.moments:
        place = times.at(moment.at_ms, moment.role)
        if place is not None:
            moments[place].append(moment.kind)
            if moment.kind is MomentKind.IRONY:
                extra[place].append(TAG_IRONY)
    return tuple(
        Line(
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
            role=segment.role,
            text=segment.text,
            tags=tuple(dict.fromkeys([*_own_tags(segment), *extra[index]])),
            moments=tuple(dict.fromkeys(moments[index])),
        )
        for index, segment in enumerate(segments)
    )


def _own_tags(segment: Segment) -> list[str]:
    return [*segment.tags] if segment.emotion is not None else [STATE_NOT_JUDGED, *segment.tags]


class _Times:
    """Finds the sentences around instants, without looking at all of them each time."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._order = sorted(range(len(segments)), key=lambda index: segments[index].start_ms)
        self._starts = [segments[index].start_ms for index in self._order]
        #: Of each and all that begin earlier, the sentence that ends last.
        self._latest = list(itertools.accumulate(self._order, self._later))

    def _later(self, first: int, second: int) -> int:
        return max(sorted((first, second)), key=lambda index: self._segments[index].end_ms)

    def before(self, at_ms: int) -> int:
        """Return the sentence that ends last among those that begin before an instant; at the start the first."""
        begun = bisect_left(self._starts, at_ms)
        return self._latest[begun - 1] if begun else 0

    def at(self, at_ms: int, role: Role) -> int | None:
        """Return the sentence that is being said at an instant, of that role if there is one."""
        spoken: list[int] = []
        place = bisect_right(self._starts, at_ms) - 1
        while place >= 0 and self._segments[self._latest[place]].end_ms >= at_ms:
            if self._segments[self._order[place]].end_ms >= at_ms:
                spoken.append(self._order[place])
            place -= 1
        own = [index for index in spoken if self._segments[index].role is role]
        return min(own or spoken, default=None)
