"""Where somebody speaks, as FSMN-VAD hears it: funasr's own network and weights, our batches and walk.

funasr takes one recording at a time and walks over its frames in Python. Here all channels of a recording go through
the network together and `endpoints` finds the utterances; both equal funasr's own result (held by tests). Utterances
over `asr.max_segment_ms` are cut at their quietest place, where funasr would cut in the middle of a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml

from qareport.asr.cuts import cut_long
from qareport.asr.endpoints import Endpointing, find_utterances
from qareport.asr.modeldir import VadFiles
from qareport.audio import SAMPLE_RATE
from qareport.errors import ModelError
from qareport.settings import AsrSettings

#: Samples of a frame and between two frames.
_FRAME = 400
_SHIFT = 160
#: Frames that go through the network at once, with its memory of the ones before: a minute, as in funasr.
_BLOCK = 6000
#: Values of the configuration that this code relies on; another one means another detector.
_EXPECTED = {
    "sample_rate": SAMPLE_RATE, "detect_mode": 1, "snr_mode": 0, "do_start_point_detection": True,
    "do_end_point_detection": True, "do_extend": 1, "silence_pdf_num": 1, "sil_pdf_ids": [0], "frame_in_ms": 10,
    "frame_length_ms": 25, "speech_2_noise_ratio": 1.0, "output_frame_probs": False,
}  # fmt: skip
#: Levels in use lie in [-60, 27] dB (10·log10 of a frame's energy + 1e-6), so thresholds from here down never decide.
_IDLE_THRESHOLD = -100.0


class FsmnVad:
    """FSMN-VAD over whole recordings. Holds no state between calls; several threads may use it."""

    def __init__(self, files: VadFiles, settings: AsrSettings, *, max_single_segment_ms: float | None = None) -> None:
        """Load and check a model.

        Args:
            files: a checked model directory.
            settings: `max_end_silence_ms` and `max_segment_ms`.
            max_single_segment_ms: end utterances so, wherever a word stands, as funasr's `max_single_segment_time`
                does; the model's own limit (60 s) unless given.

        Raises:
            ModelError: weights that do not fit, or a configuration that this code would not follow exactly.
        """
        config = _config(files)
        conf: Mapping[str, Any] = config["model_conf"]
        self._encoder = _load_encoder(files, config["encoder_conf"])
        self._frontend = _frontend(files, config["frontend_conf"])
        self._threshold = float(conf["speech_noise_thres"])
        self._max_segment_ms = settings.max_segment_ms
        self._options = Endpointing(
            max_end_silence_ms=settings.max_end_silence_ms,
            max_single_segment_ms=max_single_segment_ms or conf["max_single_segment_time"],
            window_ms=conf["window_size_ms"],
            silence_to_speech_ms=conf["sil_to_speech_time_thres"],
            speech_to_silence_ms=conf["speech_to_sil_time_thres"],
            lookback_ms=conf["lookback_time_start_point"],
            lookahead_ms=conf["lookahead_time_end_point"],
        )

    def find(self, samples: npt.NDArray[np.float32]) -> list[list[tuple[int, int]]]:
        """Find the utterances on each channel (see `Vad`)."""
        return [
            cut_long(channel, spans, max_ms=self._max_segment_ms)
            for channel, spans in zip(samples, self.utterances(samples), strict=True)
        ]

    def utterances(self, samples: npt.NDArray[np.float32]) -> list[list[tuple[int, int]]]:
        """Find utterances as funasr does, before long ones are cut.

        Args:
            samples: float32 [channels, samples] in [-1, 1] at 16 kHz.
        """
        return [find_utterances(row, self._options) for row in self.speech(samples)]

    @torch.inference_mode()
    def speech(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Tell for each 10 ms whether it holds speech, bool [channels, frames].

        A frame counts as speech when p(speech) >= p(silence) + threshold, computed as funasr computes it: through
        logarithms, in double precision.
        """
        channels, length = samples.shape
        frames = max(0, (length - _FRAME) // _SHIFT + 1)
        if not frames:
            return np.zeros((channels, 0), np.bool_)
        mels = torch.stack([self._frontend.log_mel(channel) for channel in samples])
        memory: dict[str, torch.Tensor] = {}
        silence = [
            self._encoder(self._frontend.stack(mels, first, min(first + _BLOCK, frames)), cache=memory)[..., 0]
            for first in range(0, frames, _BLOCK)
        ]
        quiet = torch.cat(silence, dim=1).numpy().astype(np.float64)
        with np.errstate(divide="ignore"):
            decided: npt.NDArray[np.bool_] = np.exp(np.log(1.0 - quiet)) >= np.exp(np.log(quiet)) + self._threshold
        return decided


class _Frontend:
    """Log-mel features as `WavFrontendOnline` makes them of a whole recording."""

    def __init__(self, conf: Mapping[str, Any], cmvn: torch.Tensor) -> None:
        from funasr.utils.fbank import fbank

        self._fbank = fbank
        self._mels = int(conf["n_mels"])
        self._window = str(conf["window"])
        self._shift, self._scale = cmvn[0], cmvn[1]
        self._reach = torch.arange(int(conf["lfr_m"])) - (int(conf["lfr_m"]) - 1) // 2

    def log_mel(self, channel: npt.NDArray[np.float32]) -> torch.Tensor:
        """Compute float32 [frames, mels] of float32 [samples]; without dither, the same each time."""
        mel: torch.Tensor = self._fbank(
            torch.from_numpy(np.ascontiguousarray(channel))[None] * (1 << 15),
            num_mel_bins=self._mels,
            frame_length=25,
            frame_shift=10,
            dither=0.0,
            energy_floor=0.0,
            window_type=self._window,
            sample_frequency=SAMPLE_RATE,
        )
        return mel

    def stack(self, mels: torch.Tensor, first: int, last: int) -> torch.Tensor:
        """Put each frame of [first, last) between its neighbours and normalise, float32 [channels, frames, inputs]."""
        around = (torch.arange(first, last)[:, None] + self._reach).clamp(0, mels.shape[1] - 1)
        return (mels[:, around].flatten(2) + self._shift) * self._scale


def _config(files: VadFiles) -> Mapping[str, Any]:
    config = yaml.safe_load(files.config.read_text(encoding="utf-8"))
    conf = config.get("model_conf")
    if not isinstance(conf, dict) or not isinstance(config.get("encoder_conf"), dict):
        raise ModelError("lacks model_conf or encoder_conf", where=str(files.config))
    for key, value in _EXPECTED.items():
        if conf.get(key, value) != value:
            raise ModelError(f"model_conf.{key} is {conf[key]!r}", where=str(files.config), expected=repr(value))
    for key in ("snr_thres", "decibel_thres"):
        if float(conf.get(key, _IDLE_THRESHOLD)) > _IDLE_THRESHOLD:
            raise ModelError(f"model_conf.{key} is {conf[key]}", where=str(files.config), expected="-100, not in use")
    if config["frontend_conf"].get("lfr_n") != 1:
        raise ModelError("frontend_conf.lfr_n is not 1", where=str(files.config), expected="a frame each 10 ms")
    return {**config, "model_conf": {**_DEFAULTS, **conf}}


#: funasr's own defaults (VADXOptions).
_DEFAULTS = {
    "speech_noise_thres": 0.6, "max_single_segment_time": 60_000, "window_size_ms": 200,
    "sil_to_speech_time_thres": 150, "speech_to_sil_time_thres": 150, "lookback_time_start_point": 200,
    "lookahead_time_end_point": 100,
}  # fmt: skip


def _load_encoder(files: VadFiles, conf: Mapping[str, Any]) -> torch.nn.Module:
    """Build funasr's network and fill it; every weight must be there and fit."""
    try:
        from qareport.asr.quiet import quiet

        with quiet():
            from funasr.models.fsmn_vad_streaming.encoder import FSMN
    except ImportError as error:
        raise ModelError(f"funasr cannot be imported ({error})", to_do="pip install 'qareport[engine]'") from error
    try:
        encoder: torch.nn.Module = FSMN(**conf)
        state = torch.load(files.weights, map_location="cpu", weights_only=True)
        encoder.load_state_dict({name.removeprefix("encoder."): value for name, value in state.items()})
    except Exception as error:  # torch raises pickle, zip, type and runtime errors alike
        reason = " ".join(str(error).split())
        raise ModelError(f"does not fit {files.config.name} ({reason})", where=str(files.weights)) from error
    return encoder.eval()


def _frontend(files: VadFiles, conf: Mapping[str, Any]) -> _Frontend:
    from funasr.frontends.wav_frontend import load_cmvn

    return _Frontend(conf, load_cmvn(str(files.cmvn)))
