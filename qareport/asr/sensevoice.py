"""SenseVoiceSmall: chunks of speech to tagged text with times and scores, in batches; and its faster layers on a CPU.

PyTorch multiplies fp32 matrices with MKL, which is slower on processors that are not Intel's: a 512 x 2048 layer over
2,000 frames ran at 100 GFLOP/s on an AMD core with AVX-512. oneDNN, which PyTorch includes as well, reached 237
GFLOP/s with weights in its own layout (`PackedLinear`), and results that differ by 1e-6 of their size. Tests hold the
texts to be the same. With `asr.cpu_bf16` the encoder's layers multiply in bf16, which AMX does several times as fast.
"""

from __future__ import annotations

import copy
import itertools
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from qareport.asr.fbank import Stacker, log_mel
from qareport.asr.interfaces import ENCODER_FRAME_MS, Recognition, SpeechChunk, plan_batches
from qareport.asr.model_files import ModelFiles
from qareport.asr.network import check_fit, load_network
from qareport.asr.sentences import is_tag, parse, tag
from qareport.errors import ModelError
from qareport.messages import say
from qareport.model import AudioEvent, Emotion, ModelInfo, Token
from qareport.settings import AsrSettings

logger = logging.getLogger(__name__)
_Tag = TypeVar("_Tag", Emotion, AudioEvent)
#: Frames before the text: language, emotion, event, text norm.
_QUERY_FRAMES = 4
_EMOTION_FRAME = 1
_EVENT_FRAME = 2
#: Most padded seconds of a batch on a CPU: what a batch computes on then stays in its cache.
_CPU_SECONDS = 30
#: Batches under way at once: a GPU works on the next while the words of the last are read.
_RUNNING = 2
#: A frame's middle lies this much before 60·frame (funasr's own offset).
_FRAME_OFFSET_MS = 30


class SenseVoice:
    """A loaded SenseVoiceSmall. Call `recognise` from a single thread; `features` is safe for threads."""

    def __init__(
        self, files: ModelFiles, info: ModelInfo, *, device: str, settings: AsrSettings, bf16: bool | None = None
    ) -> None:
        """Load and check a model.

        Args:
            files: a checked model directory.
            info: its name and revision.
            device: "cpu", "cuda" or "cuda:N".
            settings: language, text norm and the size of batches.
            bf16: run the encoder in bf16; by default on GPUs that compute in it.

        Raises:
            ModelError: weights that do not fit the configuration or the tokenizer, or an unknown language.
        """
        self._info = info
        self._device = torch.device(device)
        self._bf16 = _has_bf16(self._device) if bf16 is None else bf16
        seconds = settings.batch_seconds if self._device.type == "cuda" else min(settings.batch_seconds, _CPU_SECONDS)
        self._budget = max(1, seconds * 1000 // ENCODER_FRAME_MS)
        self._model, frontend, tokenizer = load_network(files, device)
        self._vocabulary = tokenizer.sp
        check_fit(files, self._model, self._vocabulary, frontend)
        #: Of complete channels; several threads may call it.
        self.log_mel = log_mel(device)
        self._stack = Stacker(around=frontend.lfr_m, step=frontend.lfr_n, cmvn=frontend.cmvn, device=device)
        self._blank = int(self._model.blank_id)
        self._texts = [_piece_text(self._vocabulary, number) for number in range(self._vocabulary.GetPieceSize())]
        self._emotions = _ids(files, self._vocabulary, Emotion)
        self._events = _ids(files, self._vocabulary, AudioEvent)
        self._emotion_rows = torch.tensor(list(self._emotions.values()), device=self._device)
        self._event_rows = torch.tensor(list(self._events.values()), device=self._device)
        self._queries = self._make_queries(settings)
        if self._device.type == "cpu" and not self._bf16:
            with torch.inference_mode():
                if settings.cpu_bf16 and has_amx():
                    pack(self._model.encoder, torch.bfloat16)
                pack(self._model)

    @property
    def info(self) -> ModelInfo:
        """The model's name and revision."""
        return self._info

    def with_settings(self, settings: AsrSettings) -> SenseVoice:
        """Return the same loaded model with another language or text norm (see `SpeechModel`)."""
        twin = copy.copy(self)
        twin._queries = self._make_queries(settings)
        return twin

    @torch.inference_mode()
    def features(self, mels: torch.Tensor) -> torch.Tensor:
        """Stack and normalise the log-mel features of a chunk: float32 [frames, 80] to [frames / 6, 560]."""
        return self._stack(mels)

    def recognise(self, chunks: Sequence[SpeechChunk]) -> list[Recognition | Exception]:
        """Recognise chunks in batches of like length (see `SpeechModel`)."""
        results: list[Recognition | Exception] = [ModelError(say("was not heard"))] * len(chunks)
        waiting = self._plan(chunks, range(len(chunks)))
        running: deque[tuple[list[int], _BatchOutput]] = deque()
        limit = _RUNNING
        outcomes: Sequence[Recognition | Exception]
        while waiting or running:
            limit = limit if running else _RUNNING
            try:
                if waiting and len(running) < limit:
                    batch = waiting.popleft()
                    running.append((batch, self._forward([chunks[index] for index in batch])))
                    continue
                batch, output = running.popleft()
                outcomes = self._read_batch([chunks[index] for index in batch], output)
            except Exception as error:  # a bad chunk must not take the others along
                logger.debug("a batch of %d failed", len(batch), exc_info=error)
                # The traceback holds what the batch had computed so far: without this its memory would stay allocated.
                outcomes = [error.with_traceback(None)]
                if isinstance(error, torch.OutOfMemoryError):
                    self._make_room([chunks[index] for index in batch])
                    if len(batch) > 1 or running:
                        limit = 0  # batches under way hold memory, too: they are read first
                        waiting = self._plan(chunks, itertools.chain(batch, *waiting))
                        continue
                elif len(batch) > 1:
                    middle = len(batch) // 2
                    waiting.extendleft((batch[middle:], batch[:middle]))
                    continue
            for index, result in zip(batch, outcomes, strict=True):
                results[index] = result
        return results

    def _plan(self, chunks: Sequence[SpeechChunk], indexes: Iterable[int]) -> deque[list[int]]:
        """Group some of the chunks into batches within the budget."""
        chosen = list(indexes)
        batches = plan_batches([_frames(chunks[index]) for index in chosen], budget=self._budget)
        return deque([chosen[place] for place in batch] for batch in batches)

    def _make_room(self, batch: Sequence[SpeechChunk]) -> None:
        """After memory ran out on a batch, limit all that follow to half its size."""
        if len(batch) > 1:
            self._budget = min(self._budget, len(batch) * max(map(_frames, batch)) // 2)
        torch.cuda.empty_cache()

    @torch.inference_mode()
    def _forward(self, chunks: Sequence[SpeechChunk]) -> _BatchOutput:
        """Run the encoder once; a GPU is still busy when this returns.

        Returns:
            int32 [batch, frames + 4 + emotions + events], being copied to the host: the arg-max ids, and the bits of
            the scores of emotions, then events. Floats are copied as integers: a single copy serves both.
        """
        speech = torch.nn.utils.rnn.pad_sequence([chunk.features for chunk in chunks], batch_first=True)
        lengths = torch.tensor([len(chunk.features) for chunk in chunks])
        queries = self._queries.expand(len(speech), -1, -1)
        inputs = torch.cat((queries, speech.to(self._device, non_blocking=True)), dim=1)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bf16):
            encoded, _ = self._model.encoder(inputs, (lengths + _QUERY_FRAMES).to(self._device))
        with torch.autocast(self._device.type, enabled=False):  # in bf16 neighbouring logits are often equal
            logits = self._model.ctc.ctc_lo(encoded.float())
        emotions = logits[:, _EMOTION_FRAME, self._emotion_rows].softmax(dim=-1)
        events = logits[:, _EVENT_FRAME, self._event_rows].softmax(dim=-1)
        scores = torch.cat((emotions, events), dim=1)
        ids = logits.argmax(dim=-1).to(torch.int32)
        return _BatchOutput(torch.cat((ids, scores.view(torch.int32)), dim=1))

    def _read_batch(self, chunks: Sequence[SpeechChunk], output: _BatchOutput) -> list[Recognition]:
        rows = output.rows()
        scores = rows[:, -len(self._emotions) - len(self._events) :].view(np.float32)
        return [
            self._read(chunk, row[: len(chunk.features) + _QUERY_FRAMES], score)
            for chunk, row, score in zip(chunks, rows, scores, strict=True)
        ]

    def _read(self, chunk: SpeechChunk, ids: npt.NDArray[np.int32], scores: npt.NDArray[np.float32]) -> Recognition:
        runs = [run for run in _runs(ids) if run[0] != self._blank]
        raw: str = self._vocabulary.DecodeIds([token for token, _, _ in runs])
        labels = parse(raw)
        return Recognition(
            raw=raw,
            text=labels.text,
            language=labels.language,
            emotion=labels.emotion,
            emotion_scores=_scores(self._emotions, scores[: len(self._emotions)]),
            event_scores=_scores(self._events, scores[len(self._emotions) :]),
            events=labels.events,
            tokens=tuple(self._tokens(chunk, runs)),
        )

    def _tokens(self, chunk: SpeechChunk, runs: Sequence[tuple[int, int, int]]) -> Iterator[Token]:
        """Yield timed tokens; their texts, joined, are the text (a word's first token carries its space).

        Words on the four query frames, where only a bad model puts them, are placed at the start of the chunk.
        """
        begun = False
        for token, first, last in runs:
            text = self._texts[token] if begun else self._texts[token].lstrip()
            if text:
                begun = True
                yield Token(text, _at(chunk, first), _at(chunk, last + 1))

    def _make_queries(self, settings: AsrSettings) -> torch.Tensor:
        """Return the four frames that ask for language, emotion, event and text norm, float32 [1, 4, inputs]."""
        languages: Mapping[str, int] = self._model.lid_dict
        if settings.language not in languages:
            unknown = say("the model knows no language {language!r}", language=settings.language)
            known = say("one of {names}", names=", ".join(languages))
            raise ModelError(unknown, where="asr.language", expected=known)
        norm = self._model.textnorm_dict["withitn" if settings.use_itn else "woitn"]
        rows = torch.tensor([[languages[settings.language], 1, 2, norm]], device=self._device)
        with torch.inference_mode():
            queries: torch.Tensor = self._model.embed(rows)
        return queries


class _BatchOutput:
    """The output of a batch, being copied to the host.

    The copy is queued behind the batch at once, into pinned memory. Queued only when it is read, it would wait for the
    next batch, and the GPU would be idle while words are read.
    """

    def __init__(self, values: torch.Tensor) -> None:
        self._host = values.to("cpu", non_blocking=True)
        self._copied = torch.cuda.current_stream(values.device).record_event() if values.is_cuda else None

    def rows(self) -> npt.NDArray[np.int32]:
        """Wait for the copy and return the values, int32 [batch, …]."""
        if self._copied is not None:
            self._copied.synchronize()
        rows: npt.NDArray[np.int32] = self._host.numpy()
        return rows


def _frames(chunk: SpeechChunk) -> int:
    """Return how many frames a chunk takes up in a batch."""
    return len(chunk.features) + _QUERY_FRAMES


def _piece_text(tokenizer: Any, number: int) -> str:
    """Return the text of a vocabulary piece: nothing for tags and control symbols; "▁" is a space."""
    piece: str = tokenizer.IdToPiece(number)
    return "" if is_tag(piece) or tokenizer.IsControl(number) else piece.replace("▁", " ")


def _runs(ids: npt.NDArray[np.int32]) -> Iterator[tuple[int, int, int]]:
    """Yield (id, first frame, last frame) of each stretch of equal ids."""
    first = 0
    for token, frames in itertools.groupby(ids.tolist()):
        count = sum(1 for _ in frames)
        yield token, first, first + count - 1
        first += count


def _at(chunk: SpeechChunk, frame: int) -> int:
    """Return where an encoder frame begins in the recording, clipped to the chunk."""
    at = chunk.start_ms + (frame - _QUERY_FRAMES) * ENCODER_FRAME_MS - _FRAME_OFFSET_MS
    return min(max(at, chunk.start_ms), chunk.end_ms)


def _has_bf16(device: torch.device) -> bool:
    """Tell whether a GPU computes in bf16 natively (from Ampere on); older GPUs emulate it, slower than fp32."""
    if device.type != "cuda":
        return False
    with torch.cuda.device(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _ids(files: ModelFiles, tokenizer: Any, tags: type[_Tag]) -> dict[_Tag, int]:
    """Look up the ids of the tags that a vocabulary has."""
    ids = {member: tokenizer.PieceToId(tag(member.value)) for member in tags}
    known = {member: number for member, number in ids.items() if number != tokenizer.unk_id()}
    if len(known) < 2:
        raise ModelError(say("has no {name} tags", name=tags.__name__), where=str(files.tokenizer), expected=tag("…"))
    return known


def _scores(tags: Iterable[StrEnum], scores: npt.NDArray[np.float32]) -> dict[str, float]:
    return {member.value: round(float(score), 4) for member, score in zip(tags, scores, strict=True)}


# --- layers for a CPU -------------------------------------------------------------------------------------------------


class PackedLinear(torch.nn.Module):
    """`torch.nn.Linear` on the CPU, for inference; it may multiply in bf16 between values in fp32."""

    def __init__(self, layer: torch.nn.Linear, kind: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.in_features = layer.in_features
        self.out_features = layer.out_features
        self._kind = kind
        self._weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach().to(kind))
        self._bias = None if layer.bias is None else layer.bias.detach().to(kind)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map float32 [..., in_features] to [..., out_features]."""
        result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            values.to(self._kind), self._weight, self._bias, "none", [], ""
        )
        return result.to(values.dtype)


def pack(module: torch.nn.Module, kind: torch.dtype = torch.float32) -> None:
    """Replace every linear layer inside a module, where this build of PyTorch can, by layers that multiply so."""
    if not _possible():
        return
    for name, child in list(module.named_children()):
        if type(child) is torch.nn.Linear and child.weight.dtype is torch.float32:
            setattr(module, name, PackedLinear(child, kind))
        else:
            pack(child, kind)


def has_amx() -> bool:
    """Tell whether this processor multiplies bf16 matrices (Intel AMX); others would emulate it, slower than fp32."""
    supported: Any = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return supported is not None and bool(supported())


def _possible() -> bool:
    operators: Any = torch.ops.mkldnn
    backend: Any = torch.backends.mkldnn
    return bool(backend.is_available()) and all(
        hasattr(operators, name) for name in ("_reorder_linear_weight", "_linear_pointwise")
    )
