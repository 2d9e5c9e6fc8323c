"""One speaker's words in a stretch of a call, with what the other one asked for before each line."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias

from qareport.model import PersonalKind
from qareport.privacy.digits import Run, find_runs
from qareport.privacy.kind_words import Cue, cues, simplified

_LETTER = re.compile("[A-Za-z]")
#: Start, end and kind of something found in a text.
Found: TypeAlias = tuple[int, int, PersonalKind]
#: Kinds that are called by these words although no number is.
_WITHOUT_NUMBER = frozenset({PersonalKind.EMAIL, PersonalKind.BIRTHDAY, PersonalKind.NAME, PersonalKind.ADDRESS})


class StretchLine(NamedTuple):
    """A segment of a stretch.

    `start`: where it begins in the text; `asked`: what is open to be answered, newest first; `contact`, `address`:
    whether somebody spoke of adding a contact, or of an address, shortly before; `turn`: of the newest question;
    `tail`: whether it was for the last places only; `nick`: whether somebody spoke of a made-up name shortly before.
    """

    start: int
    asked: tuple[PersonalKind, ...] = ()
    contact: bool = False
    address: bool = False
    turn: int = 0
    tail: bool = False
    nick: bool = False


class Stretch:
    """The text of a stretch; segments are its lines."""

    def __init__(
        self, text: str, lines: Sequence[StretchLine], *, agent: bool = False, found_cues: list[Cue] | None = None
    ) -> None:
        """Take the text and its lines in order.

        Args:
            text: segments, joined by line breaks.
            lines: where each begins; the first at 0.
            agent: whether an agent speaks.
            found_cues: the words that name kinds, where they are known.
        """
        self.text = simplified(text)
        self.lines = lines
        self.agent = agent
        self.letters = _LETTER.search(text) is not None
        self._found_cues = found_cues
        self._starts = [line.start for line in lines]

    def line(self, at: int) -> StretchLine:
        """Return the line that a position is in."""
        return self.lines[bisect.bisect_right(self._starts, at) - 1]

    def asked(self, kind: PersonalKind) -> bool:
        """Tell whether any line may answer a question for this kind."""
        return kind in self._asked

    @cached_property
    def _asked(self) -> frozenset[PersonalKind]:
        return frozenset(kind for line in self.lines for kind in line.asked)

    @cached_property
    def runs(self) -> list[Run]:
        """Find the runs of digits."""
        return [part for run in find_runs(self.text) for part in self._by_question(run)]

    def _by_question(self, run: Run) -> Iterator[Run]:
        """Split a run where something else was asked for between its lines."""
        if len(self.lines) == 1 or "\n" not in self.text[run.start : run.end]:
            yield run
            return
        for _, pieces in itertools.groupby(run.pieces, key=lambda piece: self.line(piece.start).turn):
            yield Run(tuple(pieces))

    @cached_property
    def cues(self) -> list[Cue]:
        """Find the words that name kinds of data."""
        return cues(self.text) if self._found_cues is None else self._found_cues

    @cached_property
    def _of_numbers(self) -> list[Cue]:
        return [cue for cue in self.cues if cue.kind not in _WITHOUT_NUMBER]

    @cached_property
    def _cue_starts(self) -> list[int]:
        return [cue.start for cue in self._of_numbers]

    def cue_before(self, at: int) -> Cue | None:
        """Find the last word for a number that ends before a position."""
        index = bisect.bisect_left(self._cue_starts, at) - 1
        return self._of_numbers[index] if index >= 0 else None

    def cue_after(self, at: int) -> Cue | None:
        """Find the first word for a number from a position on."""
        index = bisect.bisect_left(self._cue_starts, at)
        return self._of_numbers[index] if index < len(self._cue_starts) else None
