"""Recognition while a call is on: speech found in small pieces of many channels at once, decoded in batches.

`ModelTurns` lets live speech and recordings take turns at one model: while a call is on, recordings are given small
portions, and live speech goes first.
"""

from __future__ import annotations

import bisect
import itertools
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from qareport.asr.engine import Engine, segment_of
from qareport.asr.fbank import MELS, SHIFT, frame_count
from qareport.asr.interfaces import ENCODER_FRAME_MS, Recognition, SpeechChunk, SpeechModel
from qareport.asr.silero_vad import CHUNK, CONTEXT, SileroVad
from qareport.audio.levels import loudness_dbfs
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.model import ModelInfo, Segment

if TYPE_CHECKING:
    from qareport.settings import AsrSettings

#: In milliseconds: one decision of the voice activity detector.
DECISION_MS = CHUNK * 1000 // SAMPLE_RATE
#: In milliseconds of sound: so much is worth sharing between two threads.
_SHARED_MS = 6_000
#: In milliseconds of sound: portions of recordings while a call is on, and while none is.
_PORTION_MS, _LARGE_MS = 10_000, 60_000
#: Above this share of its time live speech leaves little to recordings: each portion waits so long at most, and looks
#: again so often.
_BUSY, _PATIENCE_S, _LOOK_S = 0.75, 3.0, 0.1


class ModelTurns:
    """Whose turn at the model it is. Live speech waits for one portion of a recording at most.

    Where live speech leaves little time, recordings wait for a quieter moment before each portion, and take their turn
    after `_PATIENCE_S` all the same.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._is_taken = False
        self._live_waiting = 0
        #: How many calls are on, and the share of time in which their thread works.
        self.live_calls = 0
        self.live_load = 0.0

    @property
    def is_busy(self) -> bool:
        """Tell whether live speech leaves little time for recordings."""
        return self.live_calls > 0 and self.live_load > _BUSY

    @contextmanager
    def take(self, *, live: bool) -> Iterator[None]:
        """Hold the model inside a block."""
        latest_s = time.monotonic() + _PATIENCE_S
        with self._condition:
            while not live and self.is_busy and time.monotonic() < latest_s:
                self._condition.wait(_LOOK_S)
            self._live_waiting += live
            self._condition.wait_for(lambda: not self._is_taken and (live or not self._live_waiting))
            self._live_waiting -= live
            self._is_taken = True
        try:
            yield
        finally:
            with self._condition:
                self._is_taken = False
                self._condition.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSpeech:
    """The `SpeechModel` of recordings where calls are heard live beside: it gives way after each portion."""

    speech: SpeechModel
    turns: ModelTurns

    @property
    def info(self) -> ModelInfo:
        """The model's name and revision."""
        return self.speech.info

    def log_mel(self, samples: Samples) -> torch.Tensor:
        """As the model does."""
        return self.speech.log_mel(samples)

    def features(self, mels: torch.Tensor) -> torch.Tensor:
        """As the model does."""
        return self.speech.features(mels)

    def recognise(self, chunks: Sequence[SpeechChunk]) -> list[Recognition | Exception]:
        """Recognise chunks, a portion at a time."""
        results: list[Recognition | Exception] = []
        while len(results) < len(chunks):
            portion = self._portion(chunks[len(results) :])
            with self.turns.take(live=False):
                results += self.speech.recognise(portion)
        return results

    def with_settings(self, settings: AsrSettings) -> SpeechModel:
        """As the model does."""
        return replace(self, speech=self.speech.with_settings(settings))

    def _portion(self, chunks: Sequence[SpeechChunk]) -> Sequence[SpeechChunk]:
        most_ms, held_ms = (_PORTION_MS if self.turns.live_calls else _LARGE_MS), 0
        for index, chunk in enumerate(chunks):
            held_ms += len(chunk.features) * ENCODER_FRAME_MS
            if held_ms > most_ms and index:
                return chunks[:index]
        return chunks


@dataclass(slots=True, kw_only=True)
class SpeechTrack:
    """What the detector remembers of one channel."""

    _rest: Samples = field(default_factory=lambda: np.zeros(CONTEXT, np.float32))
    _hidden: torch.Tensor | None = None
    _cell: torch.Tensor | None = None


@dataclass(slots=True)
class KnownMels:
    """Log-mel features of an utterance that goes on: it is recognised again and again, and only its end is new."""

    #: Where its sound begins, in milliseconds of the channel.
    start_ms: int
    #: float32 [frames of 10 ms, 80].
    rows: torch.Tensor = field(default_factory=lambda: torch.zeros((0, MELS)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveSpeech:
    """A stretch of one channel that is to be recognised."""

    #: float32 [samples] at 16 kHz, from `start_ms` on.
    samples: Samples
    channel: int
    start_ms: int
    end_ms: int
    #: What is known of the utterance from an earlier time.
    known: KnownMels | None = None


class LiveRecogniser:
    """Finds and recognises speech of calls that are on. Use it from a single thread."""

    def __init__(self, engine: Engine, turns: ModelTurns) -> None:
        """Take the loaded engine, and load the detector.

        Raises:
            ModelError: silero-vad is not installed, or built in another way.
        """
        self._speech = engine.speech.speech if isinstance(engine.speech, SharedSpeech) else engine.speech
        self._vad = SileroVad(engine.asr)
        self._by_sentence = engine.asr.sentence_emotion
        self._helper: ThreadPoolExecutor | None = None
        self.turns = turns

    @property
    def info(self) -> ModelInfo:
        """The model's name and revision."""
        return self._speech.info

    def prepare_thread(self) -> None:
        """Make the thread that calls everything ready, and a second one that shares large work with it.

        Each uses half of the cores at most: more threads than free cores make small batches slower.
        """
        threads = max(1, torch.get_num_threads() // 2)
        torch.set_num_threads(threads)
        if torch.get_num_threads() < (os.cpu_count() or 1):
            self._helper = ThreadPoolExecutor(
                1, "qareport-live-model", initializer=torch.set_num_threads, initargs=(threads,)
            )  # fmt: skip

    @torch.inference_mode()
    def detect(self, tracks: Sequence[SpeechTrack], blocks: Sequence[Samples]) -> list[list[float]]:
        """Go on with all channels at once.

        Args:
            tracks: one for each channel.
            blocks: what has arrived on each since, float32 [samples] at 16 kHz.

        Returns:
            for each channel the probability of speech in each further `DECISION_MS`.
        """
        windows, counts = [], []
        for track, block in zip(tracks, blocks, strict=True):
            held = np.concatenate((track._rest, block))
            count = (held.size - CONTEXT) // CHUNK
            used = count * CHUNK
            if count:
                windows.append(torch.from_numpy(held[: used + CONTEXT]).unfold(0, CONTEXT + CHUNK, CHUNK))
            track._rest = held[used:].copy()
            counts.append(count)
        rows: list[list[float]] = [[] for _ in tracks]
        if not windows:
            return rows
        encoded = iter(torch.split(self._vad.encode(torch.cat(windows)), [count for count in counts if count]))
        own = [next(encoded) if count else None for count in counts]
        for count in set(counts) - {0}:  # at most a few: channels send as much in the same time
            places = [place for place, other in enumerate(counts) if other == count]
            inputs = torch.stack([part for place in places if (part := own[place]) is not None])
            states = _states([tracks[place] for place in places], inputs)
            speech, hidden, cell = self._vad.advance(inputs, *states)
            for index, (place, row) in enumerate(zip(places, speech.tolist(), strict=True)):
                rows[place] = row
                tracks[place]._hidden, tracks[place]._cell = hidden[index], cell[index]
        return rows

    def recognise(
        self, speech: Sequence[LiveSpeech], *, by_sentence: Sequence[bool]
    ) -> list[tuple[Segment, ...] | Exception]:
        """Recognise stretches of any calls in one batch.

        Args:
            speech: the stretches.
            by_sentence: of each, whether emotion is judged sentence by sentence, as of recordings.

        Returns:
            for each its segments (without a role), or what went wrong with it.
        """
        from qareport.asr import sentences

        chunks = [self._chunk(part) for part in speech]
        with self.turns.take(live=True):
            found = self._decode(chunks)
            split = [
                sentences.split(chunk, result)
                if self._by_sentence and whole and isinstance(result, Recognition)
                else []
                for chunk, result, whole in zip(chunks, found, by_sentence, strict=True)
            ]
            parts = [sentence.chunk for own in split for sentence in own]
            alone = iter(self._decode(parts))
        outcomes: list[tuple[Segment, ...] | Exception] = []
        for chunk, result, own in zip(chunks, found, split, strict=True):
            each = [next(alone) for _ in own]
            errors = [error for error in (result, *each) if isinstance(error, Exception)]
            if errors or isinstance(result, Exception):
                outcomes.append(errors[0])
            elif own:
                outcomes.append(
                    tuple(
                        segment_of(sentence.chunk, sentences.combine(sentence, result, apart))
                        for sentence, apart in zip(own, each, strict=True)
                        if isinstance(apart, Recognition)
                    )
                )
            else:
                outcomes.append((segment_of(chunk, result),))
        return outcomes

    def _decode(self, chunks: Sequence[SpeechChunk]) -> list[Recognition | Exception]:
        """Recognise chunks: of much sound, the longer ones and the shorter ones at the same time."""
        frames = [len(chunk.features) for chunk in chunks]
        if self._helper is None or len(chunks) < 2 or sum(frames) * ENCODER_FRAME_MS < _SHARED_MS or _is_on_gpu(chunks):
            return self._speech.recognise(chunks) if chunks else []
        order = sorted(range(len(chunks)), key=lambda index: frames[index])
        before = list(itertools.accumulate(frames[index] for index in order))
        middle = max(1, bisect.bisect_left(before, before[-1] / 2))
        short, long = order[:middle], order[middle:]
        other = self._helper.submit(self._speech.recognise, [chunks[index] for index in long])
        results = dict(zip(short, self._speech.recognise([chunks[index] for index in short]), strict=True))
        results.update(zip(long, other.result(), strict=True))
        return [results[index] for index in range(len(chunks))]

    def _mels(self, part: LiveSpeech) -> torch.Tensor:
        """Compute log-mel features, of what is not known yet: each frame rests on its own samples alone."""
        known = part.known
        if known is None or known.start_ms != part.start_ms:
            return self._speech.log_mel(part.samples[None])[0]
        count = frame_count(part.samples.size)
        if count > len(known.rows):
            more = self._speech.log_mel(part.samples[None, len(known.rows) * SHIFT :])[0]
            known.rows = torch.cat((known.rows.to(more.device), more))
        return known.rows[:count]

    def _chunk(self, part: LiveSpeech) -> SpeechChunk:
        features = self._speech.features(self._mels(part))
        hop = SAMPLE_RATE * ENCODER_FRAME_MS // 1000
        padded = np.zeros(len(features) * hop, np.float32)
        padded[: min(part.samples.size, padded.size)] = part.samples[: padded.size]
        return SpeechChunk(
            channel=part.channel,
            start_ms=part.start_ms,
            end_ms=part.end_ms,
            loudness_dbfs=loudness_dbfs(part.samples, 0, part.end_ms - part.start_ms),
            features=features,
            powers=np.square(padded).reshape(len(features), hop).mean(axis=1),
        )


def _is_on_gpu(chunks: Sequence[SpeechChunk]) -> bool:
    return any(chunk.features.is_cuda for chunk in chunks)


def _states(tracks: Sequence[SpeechTrack], inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the states of some channels, zeros for those that begin, float32 [1, channels, values]."""
    blank = torch.zeros(inputs.shape[-1])
    hidden = torch.stack([blank if track._hidden is None else track._hidden for track in tracks])
    cell = torch.stack([blank if track._cell is None else track._cell for track in tracks])
    return hidden[None], cell[None]
