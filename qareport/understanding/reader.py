"""What every reader offers, a transcript in and the same with acts and topics out, and the reader that adds nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from qareport.model import Transcript

#: What `SpokenAct.reader` and `TopicScore.reader` call each reader. The names are in the JSON of reports, so they stay
#: as they are.
BUNDLED: Final = "bundled"
WORDS: Final = "words"
LANGUAGE_MODEL: Final = "language_model"


class Reader(Protocol):
    """Understands transcripts. A reader keeps no state from one call to the next, so calls may be read in any order."""

    @property
    def key(self) -> str:
        """Hash of everything that decides what it reads (model, words, settings): a new key means read again."""
        ...

    def read(self, transcript: Transcript) -> Transcript:
        """Return the transcript with `acts` on its segments, `topics`, and notes on what could not be read.

        Only acts of the segment's role are claimed (`ACTS_OF`), each segment's surest first, and nothing of a speaker
        who is not known. Text, times and roles stay as they are. It never raises for what a call contains.
        """
        ...


@dataclass(frozen=True, slots=True)
class GivenReader:
    """Take the acts and topics that came with a transcript, and claim nothing else."""

    @property
    def key(self) -> str:
        """Its only version."""
        return "given"

    def read(self, transcript: Transcript) -> Transcript:
        """Return the transcript as it is."""
        return transcript


class ReaderOnDemand:
    """Loads a reader the first time that something is to be read, or its key to be known; safe for threads.

    Whoever only lists rules or shows what was judged needs none, and a model takes 17 MB.
    """

    def __init__(self, load: Callable[[], Reader]) -> None:
        self._load, self._lock = load, threading.Lock()
        self._reader: Reader | None = None

    @property
    def key(self) -> str:
        """Hash of everything that decides what the reader reads."""
        return self._opened().key

    def read(self, transcript: Transcript) -> Transcript:
        """Return the transcript as the reader reads it."""
        return self._opened().read(transcript)

    def _opened(self) -> Reader:
        with self._lock:
            if self._reader is None:
                self._reader = self._load()
            return self._reader
