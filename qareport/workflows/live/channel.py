"""One channel of a call that is on: its sound of the last seconds, and its open utterance."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from qareport.asr.streaming import DECISION_MS, KnownMels, LiveSpeech, SpeechTrack
from qareport.asr.vad_refinement import levels, split_long, trim_ends
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.audio.streaming import Pcm, StreamResampler
from qareport.model import Role, Segment
from qareport.settings import LiveSettings
from qareport.workflows.live.endpointing import PAD_MS, Endpointer, SpeechChange, SpeechStep

_PER_MS = SAMPLE_RATE // 1000
#: In seconds: so much of a channel is remembered, and so much more before the older part is let go.
_KEPT_S, _SPARE_S = 20, 5
#: In milliseconds: sound after an utterance by which noise is told from speech.
_AFTER_MS = 100


class SoundRing:
    """The last 20 seconds or more of a channel at 16 kHz."""

    def __init__(self) -> None:
        self._buffer = np.zeros((_KEPT_S + _SPARE_S) * SAMPLE_RATE, np.float32)
        self._filled = 0
        #: Samples that were let go.
        self._gone = 0

    @property
    def end_ms(self) -> int:
        """Where the channel has come to."""
        return (self._gone + self._filled) // _PER_MS

    def append(self, samples: Samples) -> None:
        """Add float32 [samples], no more than 5 seconds at once."""
        if self._filled + samples.size > self._buffer.size:
            kept = _KEPT_S * SAMPLE_RATE
            self._gone += self._filled - kept
            self._buffer[:kept] = self._buffer[self._filled - kept : self._filled]
            self._filled = kept
        self._buffer[self._filled : self._filled + samples.size] = samples
        self._filled += samples.size

    def cut(self, from_ms: int, to_ms: int) -> Samples:
        """Return a copy of a stretch, as far as it is remembered, float32 [samples]."""
        first = max(0, from_ms * _PER_MS - self._gone)
        last = min(self._filled, max(first, to_ms * _PER_MS - self._gone))
        return self._buffer[first:last].copy()


@dataclass(slots=True, kw_only=True)
class OpenUtterance:
    """What is known of an utterance that goes on."""

    #: Where the channel was when it was heard last.
    heard_to_ms: int
    #: What was heard then and the time before, the newest last.
    partials: deque[Segment]
    #: What was heard when it paused, and where the speech had come to; it is final if nothing more is said.
    guess: tuple[int, tuple[Segment, ...]] | None = None
    #: Where it paused, while that is not heard yet.
    paused_ms: int | None = None


class LiveChannel:
    """One channel: sound in, changes of speech out."""

    #: In milliseconds: sound that is looked at in one step.
    STEP_MS: Final = 1000

    def __init__(self, index: int, role: Role, sample_rate: int, settings: LiveSettings) -> None:
        self.index: Final = index
        self.role: Final = role
        self.ring: Final = SoundRing()
        self.track: Final = SpeechTrack()
        self.endpointer: Final = Endpointer(settings, quietest=self._quietest)
        self.utterance: OpenUtterance | None = None
        self._resampler = StreamResampler(sample_rate)
        self.sample_rate: Final = sample_rate
        #: Samples at the rate of the telephone that were taken in.
        self.samples = 0
        self._decided_ms = 0
        self._known = KnownMels(0)

    @property
    def position_ms(self) -> int:
        """How much sound has arrived."""
        return self.samples * 1000 // self.sample_rate

    def push(self, sound: Pcm) -> Samples:
        """Take int16 [samples] at the telephone's rate; return what is new at 16 kHz."""
        self.samples += sound.size
        samples = self._resampler.push(sound)
        self.ring.append(samples)
        return samples

    def decide(self, probabilities: list[float]) -> list[SpeechChange]:
        """Take the detector's next decisions; return what changed."""
        changes = []
        for probability in probabilities:
            begins_ms, self._decided_ms = self._decided_ms, self._decided_ms + DECISION_MS
            changes += self.endpointer.feed(probability, begins_ms, self._decided_ms)
        return changes

    def finish(self) -> list[SpeechChange]:
        """End what is open."""
        return [] if self.endpointer.open_since_ms is None else [self.endpointer.finish(self._decided_ms)]

    def settled_ms(self, waiting: list[SpeechChange]) -> int:
        """Return until where everything that was said has been heard; `waiting` is not heard yet."""
        since = self.endpointer.open_since_ms
        starts = [change.start_ms for change in waiting]
        return min([self._decided_ms if since is None else since, *starts])

    def speech(self, change: SpeechChange) -> LiveSpeech:
        """Return the sound of an utterance that paused, ended or was cut; its end is trimmed as of recordings."""
        end_ms = change.end_ms
        if change.change is not SpeechStep.CUT:
            sound = self.ring.cut(change.from_ms, end_ms + PAD_MS + _AFTER_MS)
            length_ms = (end_ms + PAD_MS - change.from_ms) // 10 * 10
            (_, trimmed_ms), *_ = trim_ends(levels(sound), [(0, length_ms)])
            end_ms = change.from_ms + trimmed_ms
        return self._between(change.from_ms, end_ms)

    def open_speech(self) -> LiveSpeech:
        """Return the sound of the utterance that goes on."""
        return self._between(self.endpointer.sound_from_ms, self.ring.end_ms)

    def _between(self, from_ms: int, end_ms: int) -> LiveSpeech:
        samples = self.ring.cut(from_ms, end_ms)
        if self._known.start_ms != from_ms:
            self._known = KnownMels(from_ms)
        return LiveSpeech(samples=samples, channel=self.index, start_ms=from_ms, end_ms=end_ms, known=self._known)

    def _quietest(self, start_ms: int, end_ms: int, most_ms: int) -> int:
        samples = self.ring.cut(start_ms, end_ms)
        (_, cut_ms), *_ = split_long(samples, [(0, end_ms - start_ms)], max_ms=most_ms)
        return start_ms + cut_ms
