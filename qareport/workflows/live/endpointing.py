"""Where utterances begin and end on one channel, decided as the sound arrives.

An utterance begins with the first decision for speech and ends after `end_silence_ms` without any. After
`PAUSE_MS` it may be heard already: if nothing more is said, that is its final text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from qareport.settings import LiveSettings

#: Speech begins at this probability and goes on down to the lower one (silero-vad's own values).
SPEAKS, GOES_ON = 0.5, 0.35
#: In milliseconds: after such a pause an utterance is heard as if it had ended.
PAUSE_MS: Final = 200
#: In milliseconds: shorter sounds are clicks.
SHORTEST_MS: Final = 200
#: In milliseconds: kept on both sides of the speech, as in recordings.
PAD_MS: Final = 60


class SpeechStep(StrEnum):
    """What happened to the open utterance of a channel."""

    BEGAN = "began"
    #: It may have ended.
    PAUSED = "paused"
    #: It had not.
    RESUMED = "resumed"
    ENDED = "ended"
    #: It was too long: its first part ends here, and the next begins.
    CUT = "cut"
    #: It was a click.
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechChange:
    """A change, and the stretch of speech that it is about, in milliseconds of the channel."""

    change: SpeechStep
    #: Where the sound to be heard begins: `preroll_ms` before the speech.
    from_ms: int
    start_ms: int
    #: Where the speech has come to.
    end_ms: int


class Endpointer:
    """Follows one channel."""

    def __init__(self, settings: LiveSettings, *, quietest: Callable[[int, int, int], int]) -> None:
        """Take the limits.

        Args:
            settings: the section `live`.
            quietest: returns where to cut the speech that begins at the first number (ms) and has come to the second,
                so that its first part is no longer than the third.
        """
        self._settings = settings
        self._quietest = quietest
        self._start_ms: int | None = None
        self._from_ms = 0
        #: Where the last utterance ended: the next one's sound begins no earlier.
        self._free_ms = 0
        self._silent_since: int | None = None
        self._is_paused = False

    @property
    def open_since_ms(self) -> int | None:
        """Where the open utterance began; None: nobody speaks."""
        return self._start_ms

    @property
    def sound_from_ms(self) -> int:
        """Where the sound of the open utterance begins."""
        return self._from_ms

    @property
    def is_speaking(self) -> bool:
        """Tell whether an utterance is open and does not pause."""
        return self._start_ms is not None and self._silent_since is None

    def feed(self, probability: float, from_ms: int, to_ms: int) -> list[SpeechChange]:
        """Take the next decision of the detector, about the stretch [from_ms, to_ms)."""
        if self._start_ms is None:
            return [self._begin(from_ms)] if probability >= SPEAKS else []
        changes = []
        if probability >= SPEAKS:
            if self._is_paused:
                changes.append(self._change(SpeechStep.RESUMED, to_ms))
            self._silent_since, self._is_paused = None, False
        elif probability < GOES_ON and self._silent_since is None:
            self._silent_since = from_ms
        if self._silent_since is not None:
            silent_ms = to_ms - self._silent_since
            if silent_ms >= self._settings.end_silence_ms:
                return [*changes, self.finish(to_ms)]
            if silent_ms >= PAUSE_MS and not self._is_paused:
                self._is_paused = True
                changes.append(self._change(SpeechStep.PAUSED, self._silent_since))
        if to_ms - self._start_ms > self._settings.max_utterance_ms:
            changes.append(self._cut(to_ms))
        return changes

    def finish(self, to_ms: int) -> SpeechChange:
        """End the open utterance, at the latest where its channel ends.

        Raises:
            ValueError: none is open.
        """
        if self._start_ms is None:
            raise ValueError("no utterance is open")
        end_ms = to_ms if self._silent_since is None else self._silent_since
        is_click = end_ms - self._start_ms < SHORTEST_MS
        ended = self._change(SpeechStep.DROPPED if is_click else SpeechStep.ENDED, end_ms)
        self._start_ms, self._silent_since, self._is_paused = None, None, False
        self._free_ms = end_ms
        return ended

    def _begin(self, from_ms: int) -> SpeechChange:
        self._start_ms = from_ms
        self._from_ms = max(self._free_ms, from_ms - self._settings.preroll_ms)
        return self._change(SpeechStep.BEGAN, from_ms)

    def _cut(self, to_ms: int) -> SpeechChange:
        start_ms = self._start_ms or 0
        place_ms = self._quietest(start_ms, to_ms, self._settings.max_utterance_ms)
        cut = self._change(SpeechStep.CUT, place_ms)
        self._start_ms = self._from_ms = self._free_ms = place_ms
        self._is_paused = False
        return cut

    def _change(self, change: SpeechStep, end_ms: int) -> SpeechChange:
        return SpeechChange(change=change, from_ms=self._from_ms, start_ms=self._start_ms or 0, end_ms=end_ms)
