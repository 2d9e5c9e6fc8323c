"""Types that the steps of transcription exchange, the protocols of an engine's parts, and the plan of batches.

Importing this module does not load torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from qareport.audio.resampling import Samples
from qareport.model import AudioEvent, Emotion, Language, ModelInfo, Token

if TYPE_CHECKING:
    import torch

    from qareport.settings import AsrSettings

#: One encoder frame: six shifts of 10 ms.
ENCODER_FRAME_MS = 60

#: A speaker embedding, float32 [values] of length 1: similar voices have a large dot product.
Embedding = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeechChunk:
    """A stretch of speech, or of another sound, on one channel, ready for the model."""

    channel: int
    start_ms: int
    end_ms: int
    loudness_dbfs: float
    #: float32 [frames, inputs] on the model's device, one frame each 60 ms.
    features: torch.Tensor
    #: float32 [frames], the mean square of the samples of each 60 ms.
    powers: npt.NDArray[np.float32]
    #: None where no speaker embedding was requested.
    embedding: Embedding | None = None
    #: False: nobody speaks, but something sounds, which may be music.
    speech: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What the model recognised in a chunk of speech."""

    #: Exactly the string that funasr's `generate` returns.
    raw: str
    text: str
    language: Language | None
    emotion: Emotion | None
    #: Softmax over the emotion tags, in fp32.
    emotion_scores: Mapping[str, float]
    #: Softmax over the event tags, in fp32.
    event_scores: Mapping[str, float]
    events: tuple[AudioEvent, ...]
    #: Times are from the start of the recording.
    tokens: tuple[Token, ...]


class Vad(Protocol):
    """A voice activity detector."""

    def find(self, samples: Samples, mels: torch.Tensor | None = None) -> list[list[tuple[int, int]]]:
        """Find the utterances on each channel.

        Args:
            samples: float32 [channels, samples] in [-1, 1] at 16 kHz.
            mels: their log-mel features (see `fbank.LogMel`), where they have been computed already.

        Returns:
            For each channel (start_ms, end_ms) in multiples of 10 ms, ordered, not overlapping, none longer than the
            limit in the settings.
        """


class SpeechModel(Protocol):
    """Turns speech into tagged text."""

    @property
    def info(self) -> ModelInfo:
        """The model's name and revision."""

    def log_mel(self, samples: Samples) -> torch.Tensor:
        """Compute log-mel features of complete channels (see `fbank.LogMel`). Several threads may call it."""

    def features(self, mels: torch.Tensor) -> torch.Tensor:
        """Make float32 [frames, inputs] of the log-mel features of a chunk, float32 [frames of 10 ms, 80]."""

    def recognise(self, chunks: Sequence[SpeechChunk]) -> list[Recognition | Exception]:
        """Recognise chunks of any calls, in batches that suit the hardware; results keep the order given.

        A chunk that cannot be processed has the error in its place.
        """

    def with_settings(self, settings: AsrSettings) -> SpeechModel:
        """Return the same loaded model with another language or text norm.

        Raises:
            ModelError: the model knows no such language.
        """


def plan_batches(frames: Sequence[int], *, budget: int) -> list[list[int]]:
    """Group chunks into batches of like length.

    Args:
        frames: the length of each chunk.
        budget: the most frames that a batch may hold, padding counted; a longer chunk has a batch to itself.

    Returns:
        Indexes into `frames`, every index once, the longest first (so that memory runs out at once or not at all).
    """
    batches: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(frames)), key=lambda index: (-frames[index], index)):
        if not batches or (len(batches[-1]) + 1) * longest > budget:
            batches.append([])
            longest = frames[index]
        batches[-1].append(index)
    return batches
