"""What passes between the steps of transcription: stretches of speech to hear, and what the model heard in them.

No torch is loaded here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from qareport.model import AudioEvent, Emotion, Language, ModelInfo, Token

if TYPE_CHECKING:
    import torch

#: One encoder frame: six shifts of 10 ms.
FRAME_MS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """One stretch of speech on one channel, ready for the model."""

    channel: int
    start_ms: int
    end_ms: int
    loudness_dbfs: float
    #: float32 [frames, inputs] on the model's device, one frame each 60 ms.
    features: torch.Tensor
    #: float32 [frames], the mean square of the samples of each 60 ms.
    powers: npt.NDArray[np.float32]
    #: float32 [values], what the voice sounds like; None where nothing asked.
    voice: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the model heard in one piece."""

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


class SpeechModel(Protocol):
    """Turns speech into tagged text."""

    @property
    def info(self) -> ModelInfo:
        """The model's name and revision."""

    def log_mel(self, samples: npt.NDArray[np.float32]) -> torch.Tensor:
        """Compute log-mel features of whole channels (see `mel.LogMel`). Several threads may call it."""

    def features(self, mels: torch.Tensor) -> torch.Tensor:
        """Make float32 [frames, inputs] of the log-mel features of a piece, float32 [frames of 10 ms, 80]."""

    def hear(self, pieces: Sequence[Piece]) -> list[Heard | Exception]:
        """Hear pieces of any calls in the batches that suit the machine; results keep the order given.

        A piece that cannot be worked on has the error in its place.
        """


def plan_batches(frames: Sequence[int], *, budget: int) -> list[list[int]]:
    """Group pieces into batches of like length.

    Args:
        frames: the length of each piece.
        budget: the most frames that a batch may hold, padding counted; a longer piece has a batch to itself.

    Returns:
        Indexes into `frames`, every one once, the longest first (so that memory runs out at once or not at all).
    """
    batches: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(frames)), key=lambda index: (-frames[index], index)):
        if not batches or (len(batches[-1]) + 1) * longest > budget:
            batches.append([])
            longest = frames[index]
        batches[-1].append(index)
    return batches
