"""Vary training features so that unseen voices and lines are less unlike the training data."""

import numpy as np
import torch
from numpy.typing import NDArray

from training.features import LFR_STACK, MELS

FEATURE_NOISE = 0.1
#: Largest stretch of the mel axis: longer and shorter vocal tracts.
WARP = 0.10
#: Deviation of each cosine of the random spectral curve, in deviations of a mel band. The curve has no linear part:
#: spectral tilt expresses emotion here and must be kept.
CURVE, CURVE_ORDERS = 0.2, (2, 3, 4, 5, 6)

_BANDS = np.arange(MELS)
_COSINES = np.cos(np.pi * np.outer(CURVE_ORDERS, (_BANDS + 0.5) / MELS)).astype(np.float32)


def vary_voice(scaled: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Warp the mel axis and add a smooth spectral curve, each in seven of ten utterances; (frames, 80), normalised."""
    out: NDArray[np.float32] = scaled
    if rng.random() < 0.7:
        position = np.clip(_BANDS * rng.uniform(1 - WARP, 1 + WARP), 0, MELS - 1)
        low = np.minimum(position.astype(np.int64), MELS - 2)
        share = (position - low).astype(np.float32)
        out = out[:, low] * (1 - share) + out[:, low + 1] * share
    if rng.random() < 0.7:
        curve = (CURVE * rng.standard_normal(len(CURVE_ORDERS))) @ _COSINES
        out = out + curve.astype(np.float32)
    return out


def echo(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Add an echo of 30-200 ms, 10-22 dB below, to three of ten utterances; (frames, 80), natural logarithms."""
    delay = int(rng.integers(3, 21))
    if rng.random() >= 0.3 or len(mel) <= delay:
        return mel
    later = np.log(10 ** (-rng.uniform(10, 22) / 10)).astype(np.float32)
    out = mel.copy()
    out[delay:] = np.logaddexp(mel[delay:], mel[:-delay] + later)
    return out


def mask(stacked: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Add noise and mask a frequency band (every second time) and a short time span (every fourth)."""
    out = stacked + FEATURE_NOISE * torch.from_numpy(rng.standard_normal(stacked.shape, dtype=np.float32))
    if rng.random() < 0.5:
        low = int(rng.integers(0, MELS))
        out.view(len(out), LFR_STACK, MELS)[:, :, low : low + int(rng.integers(1, 9))] = 0
    if rng.random() < 0.25 and len(out) > 12:
        start = int(rng.integers(0, len(out) - 2))
        out[start : start + int(rng.integers(1, 3))] = 0
    return out
