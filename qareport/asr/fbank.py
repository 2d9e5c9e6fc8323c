"""Log-mel features of complete recordings, for the detector and the model, and their stacking (LFR, CMVN).

A chunk of speech that begins on a 10 ms frame has exactly the frames of the recording that lie in it, so its features
are a slice. On a CPU kaldi-native-fbank computes them, as in funasr, bit for bit; on a GPU one batched transform does
(differences of 4e-6 on average, 3e-3 at most on real recordings; a test holds it).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from qareport.audio.resampling import SAMPLE_RATE, Samples
from qareport.errors import ModelError
from qareport.messages import say

#: float32 [channels, samples] in [-1, 1] at 16 kHz to float32 [channels, frames, 80] on the model's device.
LogMel = Callable[[Samples], torch.Tensor]

MELS = 80
#: A frame begins each 10 ms and lasts 25.
FRAME_MS = 10
_LENGTH = 400
SHIFT = 160  # samples
_FFT = 512
#: Frames that a GPU transforms at once: a minute, which bounds memory.
_BLOCK = 6000
#: Values of a front end that this code relies on; other values mean another model.
_EXPECTED = {
    "fs": SAMPLE_RATE, "window": "hamming", "n_mels": MELS, "frame_length": 25, "frame_shift": FRAME_MS,
    "snip_edges": True, "upsacle_samples": True,
}  # fmt: skip


def log_mel(device: str) -> LogMel:
    """Return the function that computes log-mel features for a model on `device`."""
    return log_mel_kaldi if device == "cpu" else lambda samples: log_mel_batched(torch.from_numpy(samples).to(device))


def frame_count(samples: int) -> int:
    """Return how many frames so many samples give."""
    return max(0, (samples - _LENGTH) // SHIFT + 1)


def check_front_end(conf: Mapping[str, Any], where: str) -> None:
    """Refuse a front end that computes other features.

    Raises:
        ModelError: naming the key.
    """
    for key, value in _EXPECTED.items():
        if conf.get(key, value) != value:
            raise ModelError(
                say("frontend_conf.{key} is {conf!r}", key=key, conf=conf[key]), where=where, expected=repr(value)
            )


class Stacker:
    """Stacks every n-th frame with its neighbours and normalises: LFR and CMVN, as funasr's `WavFrontend` does."""

    def __init__(self, *, around: int, step: int, cmvn: torch.Tensor, device: str) -> None:
        """Prepare the indexes and the normalisation.

        Args:
            around: frames stacked together (`lfr_m`), odd.
            step: frames from a stack to the next (`lfr_n`).
            cmvn: float32 [2, around · 80], the shift that is added and the scale that is then multiplied.
            device: where features are.
        """
        self._reach = torch.arange(around, device=device) - (around - 1) // 2
        self._step = step
        self._shift, self._scale = cmvn.to(device=device, dtype=torch.float32)

    def count(self, frames: int) -> int:
        """Return how many stacked frames `frames` give."""
        return -(-frames // self._step)

    def __call__(self, mels: torch.Tensor, first: int = 0, last: int | None = None) -> torch.Tensor:
        """Stack the frames [first, last) of float32 [..., frames, 80] to float32 [..., last - first, inputs]."""
        frames = mels.shape[-2]
        until = self.count(frames) if last is None else last
        centres = torch.arange(first, until, device=mels.device) * self._step
        places = (centres[:, None] + self._reach).clamp(0, frames - 1)
        stacked: torch.Tensor = mels[..., places, :].flatten(-2)  # indexing has copied it
        return stacked.add_(self._shift).mul_(self._scale)


def log_mel_kaldi(samples: Samples) -> torch.Tensor:
    """Compute log-mel features as funasr does, channel by channel, on the CPU (see `LogMel`)."""
    import kaldi_native_fbank as knf

    channels = []
    for channel in samples:
        bank = knf.OnlineFbank(_options(knf))
        bank.accept_waveform(SAMPLE_RATE, channel * np.float32(1 << 15))
        bank.input_finished()
        rows = [bank.get_frame(number) for number in range(bank.num_frames_ready)]
        channels.append(torch.from_numpy(np.stack(rows)) if rows else torch.zeros((0, MELS)))
    return torch.stack(channels)


def _options(knf: Any) -> Any:
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = float(SAMPLE_RATE)
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = MELS
    options.mel_opts.high_freq = 0.0
    options.energy_floor = 0.0
    return options


@torch.inference_mode()
def log_mel_batched(samples: torch.Tensor) -> torch.Tensor:
    """Compute log-mel features of all channels at once, on the device of `samples` (see `LogMel`).

    Formula: kaldi's `feature-window.cc` and `mel-computations.cc`: mean removed, pre-emphasis 0.97, Hamming window,
    power spectrum of 512 points, 80 triangles from 20 Hz to 8 kHz on 1127·ln(1 + f/700), natural logarithm.
    """
    device = samples.device
    if samples.shape[1] < _LENGTH:
        return torch.zeros((samples.shape[0], 0, MELS), device=device)
    turn = torch.arange(_LENGTH, dtype=torch.float64) * (2 * torch.pi / (_LENGTH - 1))
    window = (0.54 - 0.46 * torch.cos(turn)).to(device=device, dtype=torch.float32)
    triangles = _triangles().to(device)
    mels = []
    for frames in torch.split(samples.unfold(1, _LENGTH, SHIFT), _BLOCK, dim=1):
        waves = frames * float(1 << 15)
        waves = waves - waves.mean(dim=-1, keepdim=True)
        before = torch.cat((waves[..., :1], waves[..., :-1]), dim=-1)
        spectrum = torch.fft.rfft((waves - 0.97 * before) * window, n=_FFT)
        power = spectrum.real.square() + spectrum.imag.square()
        mels.append((power[..., :-1] @ triangles).clamp(min=torch.finfo(torch.float32).eps).log())
    return torch.cat(mels, dim=1)


def _triangles() -> torch.Tensor:
    """Return kaldi's mel filters, float32 [bins, 80]."""
    lowest, highest = (1127.0 * math.log1p(hertz / 700.0) for hertz in (20.0, SAMPLE_RATE / 2))
    edges = np.linspace(lowest, highest, MELS + 2)
    bins = 1127.0 * np.log1p(np.arange(_FFT // 2) * (SAMPLE_RATE / _FFT) / 700.0)[:, None]
    width = edges[1] - edges[0]
    rising, falling = (bins - edges[:-2]) / width, (edges[2:] - bins) / width
    return torch.from_numpy(np.clip(np.minimum(rising, falling), 0, None).astype(np.float32))
