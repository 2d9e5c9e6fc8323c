"""Speaker embeddings by cam++: funasr's own network, one embedding an utterance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml

from qareport.asr.model_files import VoiceFiles
from qareport.asr.suppress_output import quiet
from qareport.audio.decode import SAMPLE_RATE
from qareport.errors import ModelError

#: An utterance is heard in pieces of 1.5 s every 0.75 s, a last short one filled with silence (funasr's `sv_chunk`).
_CHUNK = SAMPLE_RATE * 3 // 2


_STEP = _CHUNK // 2


class Voices:
    """cam++, loaded and checked. Several threads may use it."""

    def __init__(self, files: VoiceFiles) -> None:
        """Load the network.

        Raises:
            ModelError: the weights do not fit, or funasr cannot be imported.
        """
        try:
            with quiet():
                from funasr.models.campplus.model import CAMPPlus
                from funasr.utils.fbank import fbank
        except ImportError as error:
            raise ModelError(f"funasr cannot be imported ({error})", to_do="pip install 'qareport[engine]'") from error
        self._fbank: Any = fbank
        conf = yaml.safe_load(files.config.read_text(encoding="utf-8")).get("model_conf") or {}
        try:
            self._model = CAMPPlus(**conf)
            self._model.load_state_dict(torch.load(files.weights, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises pickle, zip, type and runtime errors alike
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"does not fit {files.config.name} ({reason})", where=str(files.weights)) from error
        self._model.eval()

    @torch.inference_mode()
    def __call__(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Describe the voice of an utterance, float32 [values] of length 1, of float32 [samples] at 16 kHz."""
        chunks = [np.zeros(_CHUNK, np.float32) for _ in range(max(1, -(-(samples.size - _CHUNK) // _STEP) + 1))]
        for index, chunk in enumerate(chunks):
            last = min(index * _STEP + _CHUNK, samples.size)
            part = samples[max(0, last - _CHUNK) : last]
            chunk[: part.size] = part
        mels = torch.stack([self._log_mel(chunk) for chunk in chunks])
        described = torch.nn.functional.normalize(self._model(mels), dim=1).mean(dim=0)
        voice: npt.NDArray[np.float32] = torch.nn.functional.normalize(described, dim=0).numpy()
        return voice

    def _log_mel(self, chunk: npt.NDArray[np.float32]) -> torch.Tensor:
        mel: torch.Tensor = self._fbank(torch.from_numpy(chunk)[None], num_mel_bins=80)
        return mel - mel.mean(dim=0, keepdim=True)
