"""Speaker embeddings by cam++: funasr's own network, one embedding for each utterance."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import yaml

from qareport.asr.funasr_modules import import_funasr
from qareport.asr.interfaces import Embedding
from qareport.asr.model_files import SpeakerModelFiles
from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.errors import ModelError
from qareport.messages import say

#: An utterance is cut into windows of 1.5 s every 0.75 s, a short last one padded with silence (funasr's `sv_chunk`).
_WINDOW = SAMPLE_RATE * 3 // 2
_STEP = _WINDOW // 2


class SpeakerEmbedding:
    """cam++, loaded and checked. Several threads may use it."""

    def __init__(self, files: SpeakerModelFiles) -> None:
        """Load the network.

        Raises:
            ModelError: the weights do not fit, or funasr cannot be imported.
        """
        campplus, fbank = import_funasr("models.campplus.model", "utils.fbank")
        self._fbank: Any = fbank.fbank
        conf = yaml.safe_load(files.config.read_text(encoding="utf-8")).get("model_conf") or {}
        try:
            self._model = campplus.CAMPPlus(**conf)
            self._model.load_state_dict(torch.load(files.weights, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises pickle, zip, type and runtime errors alike
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                say("does not fit {name} ({reason})", name=files.config.name, reason=reason), where=str(files.weights)
            ) from error
        self._model.eval()

    @torch.inference_mode()
    def __call__(self, samples: Samples) -> Embedding:
        """Embed the speaker of an utterance, float32 [samples] at 16 kHz, as float32 [values] of length 1."""
        windows = [np.zeros(_WINDOW, np.float32) for _ in range(max(1, -(-(samples.size - _WINDOW) // _STEP) + 1))]
        for index, window in enumerate(windows):
            last = min(index * _STEP + _WINDOW, samples.size)
            part = samples[max(0, last - _WINDOW) : last]
            window[: part.size] = part
        mels = torch.stack([self._log_mel(window) for window in windows])
        mean = torch.nn.functional.normalize(self._model(mels), dim=1).mean(dim=0)
        embedding: Embedding = torch.nn.functional.normalize(mean, dim=0).numpy()
        return embedding

    def _log_mel(self, window: Samples) -> torch.Tensor:
        mel: torch.Tensor = self._fbank(torch.from_numpy(window)[None], num_mel_bins=80)
        return mel - mel.mean(dim=0, keepdim=True)
