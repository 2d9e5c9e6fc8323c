"""Calls to transcripts, many at once: decode ahead in threads, batch speech across calls, give results in order.

Importing this module loads neither torch nor funasr; `load` does.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from qareport.asr import model_files, sentences, tags
from qareport.asr.diarization import assign
from qareport.asr.frontend import Prepared, prepare
from qareport.asr.interfaces import FRAME_MS, Heard, Piece, SpeechModel
from qareport.audio.decode import expected_ms
from qareport.errors import AudioError, ModelError, QareportError
from qareport.model import Call, FailedCall, ModelInfo, Note, Segment, Transcript
from qareport.settings import AsrSettings, AudioSettings

if TYPE_CHECKING:
    from qareport.asr.silero_vad import Vad

logger = logging.getLogger(__name__)

#: Counts changes of this package that change transcripts: stored ones are then made again.
_VERSION = 5
#: Settings that change no transcript, or (where models stand) are covered by the models' revisions.
_CHANGES_NOTHING = frozenset({"batch_seconds", "vad", "fsmn_vad", "voices"})
#: Batches of speech gathered for a GPU before they are put through the model: enough to find pieces of like length.
_ROUND_BATCHES = 4
#: The same on a CPU, in seconds, where batches are small.
_CPU_ROUND_SECONDS = 480
#: Most calls that are gathered, so that silent and failed ones are not kept waiting for speech.
_GROUP_CALLS = 64
#: Most calls that are decoded and wait for the model, beside those that are being decoded.
_AHEAD = 4
#: Most recorded time of all of these together (a longer recording goes alone): bounds memory, see docs/engine.md.
_AHEAD_MS = 90 * 60_000

#: Told of progress: the step ("decode" or "transcribe"), calls done, calls in all (0 when that is not known).
Progress = Callable[[str, int, int], None]


class Transcriber(Protocol):
    """Turns recordings into transcripts."""

    @property
    def info(self) -> ModelInfo:
        """The model's name and revision."""

    def transcribe(
        self, calls: Iterable[Call], *, on_progress: Progress | None = None
    ) -> Iterator[Transcript | FailedCall]:
        """Transcribe calls, in the order given. A bad call becomes a `FailedCall` and stops no other."""


def load(model: str, *, device: str, asr: AsrSettings, audio: AudioSettings) -> Transcriber:
    """Load a model, checked, and a voice activity detector.

    Args:
        model: "demo", a directory, or a hub name such as `iic/SenseVoiceSmall` that has been downloaded.
        device: "auto", "cpu", "cuda" or "cuda:N".
        asr: how speech is found and transcribed.
        audio: how recordings are read.

    Raises:
        ModelError: the model is absent, incomplete or inconsistent, the engine is not installed, or there is no such
            device.
    """
    directory = model_files.resolve(model)
    files = model_files.check(directory)
    info = model_files.identify(model, files)
    vad_files, voice_files = find_vad(info, asr), find_voices(asr)
    try:
        from qareport.asr.fsmn_vad import FsmnVad
        from qareport.asr.sensevoice import SenseVoice
        from qareport.asr.silero_vad import SileroVad
        from qareport.asr.speaker_embedding import Voices
    except ImportError as error:
        raise ModelError(f"the engine is not installed ({error})", to_do="pip install 'qareport[engine]'") from error
    place = _device(device)
    speech = SenseVoice(files, info, device=place, settings=asr)
    vad = SileroVad(asr) if vad_files is None else FsmnVad(vad_files, asr, device=place)
    voice = None if voice_files is None else Voices(voice_files)
    seconds = _CPU_ROUND_SECONDS if place == "cpu" else _ROUND_BATCHES * asr.batch_seconds
    return Engine(speech=speech, vad=vad, voice=voice, asr=asr, audio=audio, round_seconds=seconds)


def find_vad(model: ModelInfo, asr: AsrSettings) -> model_files.VadFiles | None:
    """Find and check FSMN-VAD where the settings ask for it; None means silero.

    "auto" takes FSMN-VAD, the detector that SenseVoice is published with, where it stands on this machine. The demo
    model keeps to silero, which it was measured with and which is always there.

    Raises:
        ModelError: "fsmn" or a directory is asked for and is not here, or what is here is not whole.
    """
    if asr.vad == "silero" or (asr.vad == "auto" and model.name == model_files.DEMO):
        return None
    directory = model_files.find(asr.fsmn_vad, setting="asr.fsmn_vad", needed=asr.vad == "fsmn")
    return None if directory is None else model_files.check_vad(directory)


def find_voices(asr: AsrSettings) -> model_files.VoiceFiles | None:
    """Find and check cam++; None where it does not stand on this machine.

    Raises:
        ModelError: a directory is named that is not there, or what is here is not whole.
    """
    directory = model_files.find(asr.voices, setting="asr.voices", needed=False)
    return None if directory is None else model_files.check_voices(directory)


def describe_detection(model: ModelInfo, asr: AsrSettings) -> tuple[str, str]:
    """Say what finds speech and what tells voices apart, for people; checks the files of both.

    Raises:
        ModelError: as `find_vad` and `find_voices`.
    """
    vad, voices = find_vad(model, asr), find_voices(asr)
    silero = f"silero-vad {_installed('silero-vad')}"
    if asr.vad == "auto" and model.name != model_files.DEMO:
        silero += f": {asr.fsmn_vad} is not on this machine (qareport models fetch)"
    return (
        silero if vad is None else f"FSMN-VAD@{vad.revision}, {vad.directory}",
        f"words alone: {asr.voices} is not on this machine (qareport models fetch)"
        if voices is None
        else f"cam++@{voices.revision}, {voices.directory}",
    )


def transcription_key(model_dir_info: ModelInfo, asr: AsrSettings, audio: AudioSettings) -> str:
    """Hash everything that decides a transcript besides the recording and the call's own channel map.

    The size of batches and the limit on length are left out: they do not change what is heard. torch is not loaded.
    """
    vad, voices = find_vad(model_dir_info, asr), find_voices(asr)
    parts = {
        "engine": _VERSION,
        "model": [model_dir_info.name, model_dir_info.revision],
        "vad": ["silero-vad", _installed("silero-vad")] if vad is None else ["fsmn-vad", vad.revision],
        "voices": None if voices is None else voices.revision,
        "funasr": _installed("funasr"),
        "asr": {name: value for name, value in asdict(asr).items() if name not in _CHANGES_NOTHING},
        "channel_roles": list(audio.channel_roles),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The `Transcriber` of recordings: any speech model, any voice activity detector."""

    speech: SpeechModel
    vad: Vad
    #: float32 [samples] at 16 kHz to what the voice sounds like; None where no voice model is at hand.
    voice: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]] | None = None
    asr: AsrSettings
    audio: AudioSettings
    #: Speech gathered before it is put through the model.
    round_seconds: int = _CPU_ROUND_SECONDS
    #: Threads that decode and find speech while the model works.
    workers: int = field(default_factory=lambda: max(1, min(8, (os.cpu_count() or 2) - 1)))

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

    def _prepared(
        self, calls: Iterable[Call], total: int, on_progress: Progress | None
    ) -> Iterator[Prepared | FailedCall]:
        """Prepare calls in threads, a bounded number ahead; yield them in order."""
        waiting: deque[tuple[int, Call, Future[Prepared | FailedCall | None]]] = deque()
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
                # No batch is in the model while this goes on: what found no room beside one has it now.
                result = future.result() or self._prepare_alone(call)
                done += 1
                if on_progress is not None:
                    on_progress("decode", done, total)
                yield result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _expected_ms(self, call: Call) -> int:
        length_ms = expected_ms(call.audio_path)
        return self.audio.max_duration_minutes * 60_000 if length_ms is None else length_ms

    def _has_room(self, waiting: Sequence[tuple[int, Call, object]], length_ms: int) -> bool:
        ahead_ms = sum(one for one, *_ in waiting)
        return not waiting or (len(waiting) < self.workers + _AHEAD and ahead_ms + length_ms <= _AHEAD_MS)

    def _prepare(self, call: Call) -> Prepared | FailedCall | None:
        """Prepare a call in a thread, while the model may be at work; None where a GPU has no room for both."""
        import torch

        try:
            return self._prepare_alone(call, let_pass=torch.OutOfMemoryError)
        except torch.OutOfMemoryError:
            return None

    def _prepare_alone(self, call: Call, *, let_pass: type[Exception] | tuple[()] = ()) -> Prepared | FailedCall:
        try:
            return prepare(
                call,
                vad=self.vad,
                log_mel=self.speech.log_mel,
                features=self.speech.features,
                voice=self.voice,
                audio=self.audio,
                asr=self.asr,
            )
        except let_pass:
            raise
        except AudioError as error:
            return _failed(call, "decode", error)
        except Exception as error:  # noqa: BLE001 - one bad call never stops a batch, whatever is wrong with it
            return _failed(call, "transcribe", error)

    def _groups(self, prepared: Iterable[Prepared | FailedCall]) -> Iterator[list[Prepared | FailedCall]]:
        """Gather calls until they hold enough speech to fill batches well, or are many; never by the clock."""
        enough_ms = self.round_seconds * 1000
        group: list[Prepared | FailedCall] = []
        held_ms = 0
        for item in prepared:
            group.append(item)
            if isinstance(item, Prepared):
                held_ms += sum(len(piece.features) for piece in item.pieces) * FRAME_MS
            if held_ms >= enough_ms or len(group) >= _GROUP_CALLS:
                yield group
                group, held_ms = [], 0
        if group:
            yield group

    def _transcribe_group(self, group: Sequence[Prepared | FailedCall]) -> Iterator[Transcript | FailedCall]:
        pieces = [piece for item in group if isinstance(item, Prepared) for piece in item.pieces]
        utterances = iter(self._utterances(pieces))
        for item in group:
            if isinstance(item, FailedCall):
                yield item
                continue
            results = [next(utterances) for _ in item.pieces]
            errors = [result for result in results if isinstance(result, Exception)]
            if errors:
                yield _failed(item.call, "transcribe", errors[0])
                continue
            parts = [part for result in results if not isinstance(result, Exception) for part in result]
            yield _transcript(item, parts, self.info)

    def _utterances(self, pieces: Sequence[Piece]) -> list[list[tuple[Piece, Heard]] | Exception]:
        """Hear pieces, then the sentences of those that hold several; an error stands in its piece's place."""
        heard = self.speech.hear(pieces)
        wanted = self.asr.sentence_emotion
        split = [
            sentences.split(piece, result) if wanted and isinstance(result, Heard) else []
            for piece, result in zip(pieces, heard, strict=True)
        ]
        alone = iter(self.speech.hear([part.piece for parts in split for part in parts]))
        utterances: list[list[tuple[Piece, Heard]] | Exception] = []
        for piece, result, parts in zip(pieces, heard, split, strict=True):
            judged = [next(alone) for _ in parts]
            errors = [each for each in (result, *judged) if isinstance(each, Exception)]
            if errors or isinstance(result, Exception):
                utterances.append(errors[0])
            elif not parts:
                utterances.append([(piece, result)])
            else:
                utterances.append(
                    [
                        (part.piece, sentences.judged(part, result, each))
                        for part, each in zip(parts, judged, strict=True)
                        if isinstance(each, Heard)
                    ]
                )
        return utterances


def _transcript(prepared: Prepared, utterances: Sequence[tuple[Piece, Heard]], info: ModelInfo) -> Transcript:
    call = prepared.call
    ordered = sorted(utterances, key=lambda heard: (heard[0].start_ms, heard[0].channel))
    found = [_segment(piece, heard) for piece, heard in ordered]
    segments, notes = assign(found, prepared.layout, [piece.voice for piece, _ in ordered])
    silent = () if segments else (Note(code="no_speech"),)
    return Transcript(
        call_id=call.call_id,
        order_id=call.order_id,
        agent_id=call.agent_id,
        started_at=call.started_at,
        audio=prepared.audio,
        model=info,
        segments=segments,
        notes=(*prepared.layout.notes, *silent, *notes),
    )


def _segment(piece: Piece, heard: Heard) -> Segment:
    return Segment(
        start_ms=piece.start_ms,
        end_ms=piece.end_ms,
        channel=piece.channel,
        text=heard.text,
        raw=heard.raw,
        language=heard.language,
        emotion=heard.emotion,
        emotion_scores=heard.emotion_scores,
        emotion_view=tags.four_classes(heard.emotion_scores),
        events=heard.events,
        event_scores=heard.event_scores,
        loudness_dbfs=piece.loudness_dbfs,
        tokens=heard.tokens,
    )


def _failed(call: Call, step: str, error: Exception) -> FailedCall:
    logger.debug("%s: %s failed", call.audio_path, step, exc_info=error)
    known = isinstance(error, QareportError)
    return FailedCall.of(call, step, str(error) if known else f"{type(error).__name__}: {error}")


def _device(asked: str) -> str:
    import torch

    count = torch.cuda.device_count()
    if asked == "auto":
        return "cuda" if count else "cpu"
    kind, _, number = asked.partition(":")
    if asked != "cpu" and (kind != "cuda" or (number and not number.isdecimal())):
        raise ModelError(f"there is no device {asked!r}", where="--device", expected="auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(number or 0) >= count:
        raise ModelError(
            f"there is no device {asked!r}: PyTorch {torch.__version__} sees {count} CUDA devices",
            where="--device",
            to_do="install a driver and a CUDA build of PyTorch, or use --device cpu",
        )
    return asked


def _one_torch_thread() -> None:
    """Keep a worker to one thread: the workers are many, and small work in many threads only waits for itself."""
    import torch

    torch.set_num_threads(1)


def _installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
