"""Load a model directory through `funasr.AutoModel` and compute features as its frontend does."""

import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
from funasr import AutoModel
from funasr.models.sense_voice.model import SenseVoiceSmall
from numpy.typing import NDArray

from training.export import TOKENIZER_FILE
from training.features import log_mel, stack_frames
from training.synth import Wave


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model as `AutoModel` loaded it."""

    auto: Any
    model: SenseVoiceSmall
    vocabulary: sentencepiece.SentencePieceProcessor
    cmvn: torch.Tensor  #: (2, 560): shift, scale

    def stacked(self, mel: NDArray[np.float16] | NDArray[np.float32]) -> torch.Tensor:
        """Stack and normalise log-mel features, (frames, 80) -> (frames / 6, 560)."""
        return (stack_frames(torch.from_numpy(mel.astype(np.float32))) + self.cmvn[0]) * self.cmvn[1]

    def features(self, wave: Wave) -> torch.Tensor:
        """Return normalised, stacked features of 16 kHz `wave`."""
        return self.stacked(log_mel(wave))


def load(folder: Path, **options: object) -> Loaded:
    """Load `folder`, on the CPU unless `options` say otherwise.

    Raises ValueError when weights are missing or do not fit: `AutoModel` itself would go on with random ones.
    """
    weights = torch.load(folder / "model.pt", map_location="cpu", weights_only=True)
    auto = AutoModel(model=str(folder), disable_update=True, disable_pbar=True, **{"device": "cpu", **options})
    expected = auto.model.state_dict()
    if set(weights) != set(expected):
        raise ValueError(
            f"{folder}: model.pt does not fit: {sorted(set(weights) ^ set(expected))[:5]}; export it again"
        )
    if any(not torch.equal(weights[name].float(), expected[name].cpu()) for name in weights):
        raise ValueError(f"{folder}: AutoModel did not take the weights of model.pt; check config.yaml")
    cmvn = auto.kwargs["frontend"].cmvn
    if cmvn is None:
        raise ValueError(f"{folder}: AutoModel found no am.mvn; check configuration.json")
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=str(folder / TOKENIZER_FILE))
    return Loaded(auto=auto, model=auto.model, vocabulary=vocabulary, cmvn=cmvn)


def describe_machine() -> dict[str, object]:
    """Name the machine generically."""
    model = platform.processor()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"cpu": model, "cores": os.cpu_count(), "torch": torch.__version__, "python": platform.python_version()}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
