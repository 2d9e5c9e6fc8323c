"""Transcribe many calls at once: decode ahead in threads, batch speech across calls, return results in order.

Importing this module loads neither torch nor funasr.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

from qareport.asr import sentences
from qareport.asr.diarization import assign_roles
from qareport.asr.frontend import PreparedCall, prepare_call
from qareport.asr.interfaces import ENCODER_FRAME_MS, Embedding, Recognition, SpeechChunk, SpeechModel, Vad
from qareport.audio.decode import expected_channel_ms
from qareport.audio.resampling import Samples
from qareport.errors import AudioError, QareportError, UnavailableError, fault_reason
from qareport.events import Progress
from qareport.model import AudioEvent, Call, FailedCall, ModelInfo, Note, NoteCode, Segment, Transcript
from qareport.settings import AsrSettings, AudioSettings

logger = logging.getLogger(__name__)

#: Batches of speech gathered for a GPU before they are put through the model: enough to find chunks of like length.
ROUND_BATCHES = 4
#: The same on a CPU, in seconds, where batches are small.
CPU_ROUND_SECONDS = 480
#: Sounds that are told of although nobody speaks: a caller who hears music waits, and the line is not silent.
_MUSIC = frozenset({AudioEvent.BGM, AudioEvent.SING})
#: Most calls that are gathered, so that silent and failed calls are not kept waiting for speech.
_GROUP_CALLS = 64
#: Chunks of speech that are recognised together where sentences are told as soon as they are.
_ALOUD = 8
#: Calls that wait for the model, beside those that are being decoded; more while they hold less speech than a round.
_AHEAD = 4
#: Most recorded time of all channels of these together (a longer recording goes alone): bounds memory, see
#: docs/explanation/engine.md. Where rounds are longer, so many times their speech: people take turns.
_AHEAD_MS, _AHEAD_ROUNDS = 180 * 60_000, 3
#: Channels that a recording of unknown length is expected to have.
_USUAL_CHANNELS = 2


#: A call that is being prepared; None: it is to be prepared again, alone.
_Prepared = Future[PreparedCall | FailedCall | None]


class Transcriber(Protocol):
    """Turns recordings into transcripts."""

    @property
    def info(self) -> ModelInfo:
        """The model's name and revision."""

    def transcribe(
        self, calls: Iterable[Call], *, on_progress: Progress | None = None
    ) -> Iterator[Transcript | FailedCall]:
        """Transcribe calls, in the order given. A bad call becomes a `FailedCall` and stops no other.

        Args:
            calls: recordings with unique call ids.
            on_progress: called with the steps "decode" and "transcribe"; total is 0 where `calls` has no length.
        """

    def transcribe_aloud(self, call: Call, *, on_lines: Callable[[Sequence[Segment]], None]) -> Transcript | FailedCall:
        """Transcribe one call, and tell its sentences as soon as they are recognised.

        Args:
            call: the recording.
            on_lines: called with the next sentences in order of time, before speakers on one channel are told apart.
        """

    def in_language(self, language: str) -> Transcriber:
        """Return the same engine for recordings in a language of `asr.language`; the model is not loaded again.

        Raises:
            ModelError: the model knows no such language.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The `Transcriber` of recordings: any speech model, any voice activity detector."""

    speech: SpeechModel
    vad: Vad
    #: float32 [samples] at 16 kHz of an utterance to its speaker embedding; None without a speaker model.
    embed_speaker: Callable[[Samples], Embedding] | None = None
    asr: AsrSettings
    audio: AudioSettings
    #: Speech gathered before it is put through the model.
    round_seconds: int = CPU_ROUND_SECONDS
    #: Threads that decode and find speech while the model works.
    workers: int = field(default_factory=lambda: max(1, len(os.sched_getaffinity(0)) - 1))

    @property
    def info(self) -> ModelInfo:
        """The model's name and revision."""
        return self.speech.info

    def transcribe(
        self, calls: Iterable[Call], *, on_progress: Progress | None = None
    ) -> Iterator[Transcript | FailedCall]:
        """Transcribe calls, in the order given.

        Memory is bounded: a few calls are decoded ahead, and of each only its speech is kept. Speech of several calls
        goes through the model together; results come out in small groups.
        """
        total = len(calls) if isinstance(calls, Sized) else 0
        done = 0
        for group in self._groups(self._prepared(calls, total, on_progress)):
            for result in self._transcribe_group(group):
                done += 1
                if on_progress is not None:
                    on_progress("transcribe", done, total)
                yield result

    def transcribe_aloud(self, call: Call, *, on_lines: Callable[[Sequence[Segment]], None]) -> Transcript | FailedCall:
        """Transcribe one call, and tell its sentences as soon as they are recognised (see `Transcriber`)."""
        prepared = self._prepare_alone(call)
        if isinstance(prepared, FailedCall):
            return prepared
        parts: list[tuple[SpeechChunk, Recognition]] = []
        chunks = sorted(prepared.chunks, key=lambda chunk: chunk.start_ms)
        for first in range(0, len(chunks), _ALOUD):
            heard: list[tuple[SpeechChunk, Recognition]] = []
            for result in self._utterances(chunks[first : first + _ALOUD]):
                if isinstance(result, Exception):
                    return _failed(call, "transcribe", result)
                heard += result
            on_lines([segment_of(chunk, recognition) for chunk, recognition in heard])
            parts += heard
        return _transcript(prepared, parts, self.info)

    def in_language(self, language: str) -> Engine:
        """Return the same engine for recordings in another language (see `Transcriber`)."""
        settings = replace(self.asr, language=language)
        return replace(self, speech=self.speech.with_settings(settings), asr=settings)

    def _prepared(
        self, calls: Iterable[Call], total: int, on_progress: Progress | None
    ) -> Iterator[PreparedCall | FailedCall]:
        """Prepare calls in threads, a bounded number ahead; yield them in order."""
        waiting: deque[tuple[int, Call, _Prepared]] = deque()
        source = ((self._expected_ms(call), call) for call in calls)
        following = next(source, None)
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="qareport-decode", initializer=_one_torch_thread)
        done = 0
        try:
            while True:
                while following is not None and self._has_room(waiting, following[0]):
                    waiting.append((*following, pool.submit(self._prepare, following[1])))
                    following = next(source, None)
                if not waiting:
                    return
                _, call, future = waiting.popleft()
                # No batch is in the model now: a call that did not fit into memory beside one fits now.
                result = future.result() or self._prepare_alone(call)
                done += 1
                if on_progress is not None:
                    on_progress("decode", done, total)
                yield result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _expected_ms(self, call: Call) -> int:
        length_ms = expected_channel_ms(call.audio_path)
        return self.audio.max_duration_minutes * 60_000 * _USUAL_CHANNELS if length_ms is None else length_ms

    def _has_room(self, waiting: Sequence[tuple[int, Call, _Prepared]], length_ms: int) -> bool:
        """Tell whether a call may be prepared beside those that wait: until their speech fills a round."""
        if not waiting:
            return True
        round_ms = self.round_seconds * 1000
        if sum(waiting_ms for waiting_ms, *_ in waiting) + length_ms > max(_AHEAD_MS, _AHEAD_ROUNDS * round_ms):
            return False
        if len(waiting) < self.workers + _AHEAD:
            return True
        return sum(_expected_speech_ms(length, future) for length, _, future in waiting) < round_ms

    def _prepare(self, call: Call) -> PreparedCall | FailedCall | None:
        """Prepare a call in a thread, while the model may be busy; None where GPU memory does not suffice for both."""
        import torch

        try:
            return self._prepare_alone(call, reraise=torch.OutOfMemoryError)
        except torch.OutOfMemoryError:
            return None

    def _prepare_alone(self, call: Call, *, reraise: type[Exception] | tuple[()] = ()) -> PreparedCall | FailedCall:
        try:
            return prepare_call(
                call,
                vad=self.vad,
                log_mel=self.speech.log_mel,
                features=self.speech.features,
                embed_speaker=self.embed_speaker,
                audio=self.audio,
                asr=self.asr,
            )
        except reraise:
            raise
        except UnavailableError as error:  # not of the step "decode", whose failures are kept for good
            return _failed(call, "ingest", error)
        except AudioError as error:
            return _failed(call, "decode", error)
        except Exception as error:  # noqa: BLE001 - one bad call never stops a batch, whatever is wrong with it
            return _failed(call, "transcribe", error)

    def _groups(self, prepared: Iterable[PreparedCall | FailedCall]) -> Iterator[list[PreparedCall | FailedCall]]:
        """Gather calls until they hold enough speech to fill batches well, or are many; never by the clock."""
        enough_ms = self.round_seconds * 1000
        group: list[PreparedCall | FailedCall] = []
        held_ms = 0
        for item in prepared:
            group.append(item)
            held_ms += _speech_ms(item)
            if held_ms >= enough_ms or len(group) >= _GROUP_CALLS:
                yield group
                group, held_ms = [], 0
        if group:
            yield group

    def _transcribe_group(self, group: Sequence[PreparedCall | FailedCall]) -> Iterator[Transcript | FailedCall]:
        chunks = [chunk for item in group if isinstance(item, PreparedCall) for chunk in item.chunks]
        utterances = iter(self._utterances(chunks))
        for item in group:
            if isinstance(item, FailedCall):
                yield item
                continue
            results = [next(utterances) for _ in item.chunks]
            errors = [result for result in results if isinstance(result, Exception)]
            if errors:
                yield _failed(item.call, "transcribe", errors[0])
                continue
            parts = [part for result in results if not isinstance(result, Exception) for part in result]
            yield _transcript(item, parts, self.info)

    def _utterances(self, chunks: Sequence[SpeechChunk]) -> list[list[tuple[SpeechChunk, Recognition]] | Exception]:
        """Recognise chunks, then the sentences of those that hold several; an error takes its chunk's place."""
        recognitions = self.speech.recognise(chunks)
        by_sentence = self.asr.sentence_emotion
        split = [
            sentences.split(chunk, result) if by_sentence and chunk.speech and isinstance(result, Recognition) else []
            for chunk, result in zip(chunks, recognitions, strict=True)
        ]
        alone = iter(self.speech.recognise([sentence.chunk for parts in split for sentence in parts]))
        utterances: list[list[tuple[SpeechChunk, Recognition]] | Exception] = []
        for chunk, result, parts in zip(chunks, recognitions, split, strict=True):
            results = [next(alone) for _ in parts]
            errors = [each for each in (result, *results) if isinstance(each, Exception)]
            if errors or isinstance(result, Exception):
                utterances.append(errors[0])
            elif not parts:
                utterances.append([(chunk, result)])
            else:
                utterances.append(
                    [
                        (sentence.chunk, sentences.combine(sentence, result, each))
                        for sentence, each in zip(parts, results, strict=True)
                        if isinstance(each, Recognition)
                    ]
                )
        return utterances


def _speech_ms(item: PreparedCall | FailedCall | None) -> int:
    if not isinstance(item, PreparedCall):
        return 0
    return sum(len(chunk.features) for chunk in item.chunks) * ENCODER_FRAME_MS


def _expected_speech_ms(length_ms: int, prepared: _Prepared) -> int:
    """Return the speech of a call; while that is not known, half the time of its channels: people take turns."""
    return _speech_ms(prepared.result()) if prepared.done() else length_ms // 2


def _transcript(
    prepared: PreparedCall, utterances: Sequence[tuple[SpeechChunk, Recognition]], info: ModelInfo
) -> Transcript:
    call = prepared.call
    ordered = sorted(utterances, key=lambda utterance: (utterance[0].start_ms, utterance[0].channel))
    spoken = [(chunk, recognition) for chunk, recognition in ordered if chunk.speech]
    without_roles = [segment_of(chunk, recognition) for chunk, recognition in spoken]
    segments, notes = assign_roles(without_roles, prepared.layout, [chunk.embedding for chunk, _ in spoken])
    music = [
        _without_words(segment_of(chunk, recognition))
        for chunk, recognition in ordered
        if not chunk.speech and _MUSIC.intersection(recognition.events)
    ]
    silent = () if segments else (Note(code=NoteCode.NO_SPEECH),)
    return Transcript(
        call_id=call.call_id,
        order_id=call.order_id,
        agent_id=call.agent_id,
        shop=call.shop,
        started_at=call.started_at,
        audio=prepared.audio,
        model=info,
        segments=tuple(sorted([*segments, *music], key=lambda segment: (segment.start_ms, segment.channel or 0))),
        notes=(*prepared.layout.notes, *silent, *notes),
    )


def segment_of(chunk: SpeechChunk, recognition: Recognition) -> Segment:
    """Make the segment of a chunk, without a role."""
    return Segment(
        start_ms=chunk.start_ms,
        end_ms=chunk.end_ms,
        channel=chunk.channel,
        text=recognition.text,
        raw=recognition.raw,
        language=recognition.language,
        emotion=recognition.emotion,
        emotion_scores=recognition.emotion_scores,
        emotion_view=sentences.four_classes(recognition.emotion_scores),
        events=recognition.events,
        event_scores=recognition.event_scores,
        loudness_dbfs=chunk.loudness_dbfs,
        tokens=recognition.tokens,
    )


def _without_words(segment: Segment) -> Segment:
    """Return a stretch in which nobody speaks: what a model makes of music is no words, and no one's emotion."""
    return replace(segment, text="", tokens=(), emotion=None, emotion_scores=None, emotion_view=None)


def _failed(call: Call, step: str, error: Exception) -> FailedCall:
    logger.debug("%s: %s failed", call.audio_path, step, exc_info=error)
    return FailedCall.of(call, step, error if isinstance(error, QareportError) else fault_reason(error))


def _one_torch_thread() -> None:
    """Limit a worker to a single torch thread: there are many workers, and small operations gain nothing from more."""
    import torch

    torch.set_num_threads(1)
