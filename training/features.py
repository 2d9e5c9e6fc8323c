"""Compute the features that `WavFrontend` of funasr computes, and their global normalisation."""

from pathlib import Path

import kaldi_native_fbank as knf
import numpy as np
import torch
from numpy.typing import NDArray

from training.synth import Wave

MELS = 80
LFR_STACK, LFR_SKIP = 7, 6
INPUT_SIZE = MELS * LFR_STACK
#: 16-bit full scale: `WavFrontend` scales float samples up by this.
_SCALE = 32768.0


def log_mel(wave: Wave) -> NDArray[np.float32]:
    """Return log-mel energies, shape (frames of 10 ms, 80), of 16 kHz `wave`, without dither."""
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = 16000
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = MELS
    options.energy_floor = 0.0
    bank = knf.OnlineFbank(options)
    bank.accept_waveform(16000, (wave * _SCALE).tolist())
    bank.input_finished()
    if bank.num_frames_ready == 0:
        return np.zeros((0, MELS), dtype=np.float32)
    return np.stack([bank.get_frame(i) for i in range(bank.num_frames_ready)]).astype(np.float32)


def stack_frames(mel: torch.Tensor) -> torch.Tensor:
    """Stack 7 frames every 6 (low frame rate): (frames, 80) -> (ceil(frames / 6), 560)."""
    count = -(-mel.shape[0] // LFR_SKIP)
    index = torch.arange(count)[:, None] * LFR_SKIP + torch.arange(LFR_STACK)[None] - (LFR_STACK - 1) // 2
    return mel[index.clamp(0, mel.shape[0] - 1)].reshape(count, INPUT_SIZE)


def write_cmvn(path: Path, mean: NDArray[np.float64], std: NDArray[np.float64]) -> None:
    """Write `am.mvn` for per-mel `mean` and `std` (80 each), repeated over the 7 stacked frames."""
    shift = " ".join(f"{-v:.6f}" for v in np.tile(mean, LFR_STACK))
    scale = " ".join(f"{1 / v:.8f}" for v in np.tile(std, LFR_STACK))
    n = INPUT_SIZE
    path.write_text(
        f"<Nnet> \n<Splice> {n} {n} \n[ 0 ]\n<AddShift> {n} {n} \n<LearnRateCoef> 0 [ {shift} ]\n"
        f"<Rescale> {n} {n} \n<LearnRateCoef> 0 [ {scale} ]\n</Nnet> \n"
    )
