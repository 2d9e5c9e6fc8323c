"""Measure the level of a stretch, tell whether channels carry the same sound, and in what unit floats are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qareport.audio.resampling import SAMPLE_RATE, Samples

#: Lower levels count as this one.
FLOOR_DBFS = -90.0
#: Two channels carry the same sound when the residual after the best gain is below this share of the energy: -20 dB.
#: A real two-channel call leaves about 1.0, since people take turns, and crosstalk at -12 dB both ways still leaves
#: 0.8; the same sound on two channels of a lossy codec leaves below 0.001.
IDENTICAL_RESIDUAL = 0.01
#: A mean that is further from zero comes from the converter (-40 dBFS); that of speech is below a tenth of it.
OFFSET = 0.01
#: What brings floats in the units of 16 bits to full scale, and the least and the highest peak of speech in these.
SCALE_OF_16_BITS: Final = np.float32(1 / 32768)
_PEAKS_OF_16_BITS: Final = (128.0, 32768.0)


def channels_identical(samples: Samples) -> bool:
    """Tell whether all channels carry the same sound, up to gain ("fake stereo").

    The measure is the energy of `b - g·a` with the best gain g, as a share of the energy of b: `1 - correlation²`.
    See `IDENTICAL_RESIDUAL` for the threshold. Channels that are all silent are identical.

    Args:
        samples: float32 [channels, samples].
    """
    if samples.shape[0] < 2:
        return False
    first = samples[0]
    return all(_residual(first, other) < IDENTICAL_RESIDUAL for other in samples[1:])


def without_offset(samples: Samples) -> Samples:
    """Centre channels that a faulty converter has moved off zero: detectors take such a level for sound.

    Args:
        samples: float32 [channels, samples]; channels that are off by `OFFSET` or less stay as they are.
    """
    offsets = samples.mean(axis=1, dtype=np.float64).astype(np.float32) if samples.size else np.zeros(0, np.float32)
    if not np.any(np.abs(offsets) > OFFSET):
        return samples
    return np.asarray(samples - np.where(np.abs(offsets) > OFFSET, offsets, 0)[:, None], np.float32)


def loudness_dbfs(samples: Samples, start_ms: int, end_ms: int) -> float:
    """Measure the root mean square level of a stretch; 0 dBFS is a full-scale square wave, the floor is -90.

    Args:
        samples: float32 [samples] or [channels, samples] at 16 kHz.
        start_ms: first millisecond.
        end_ms: millisecond after the last; an empty stretch has the floor's level.
    """
    part = samples[..., _at(start_ms) : _at(end_ms)].ravel()
    power = float(np.einsum("i,i->", part, part, dtype=np.float64)) / part.size if part.size else 0.0
    return max(FLOOR_DBFS, round(10 * float(np.log10(power)), 2)) if power > 0 else FLOOR_DBFS


def _residual(first: Samples, other: Samples) -> float:
    """Return 1 - correlation² of two channels: 0 when equal up to gain, 1 when unrelated or just one is silent."""
    power_a, power_b = (float(np.dot(channel, channel)) for channel in (first, other))
    silence = first.size * 10 ** (FLOOR_DBFS / 10)
    if power_a <= silence and power_b <= silence:
        return 0.0
    if power_a <= silence or power_b <= silence:
        return 1.0
    return 1.0 - float(np.dot(first, other)) ** 2 / (power_a * power_b)


def _at(milliseconds: int) -> int:
    return max(0, milliseconds) * SAMPLE_RATE // 1000


class FloatUnits:
    """Tells floats that are plainly numbers of 16 bits from sound that is only too loud, by all of a recording."""

    def __init__(self) -> None:
        self._peak, self._sounding, self._beyond = 0.0, 0, 0

    def add(self, block: npt.NDArray[Any]) -> None:
        """Look at floats in any shape; what is no number tells nothing."""
        sizes = np.abs(block[np.isfinite(block)])
        self._peak = max(self._peak, float(sizes.max(initial=0.0)))
        self._sounding += int(np.count_nonzero(sizes))
        self._beyond += int(np.count_nonzero(sizes >= 1))

    def are_of_16_bits(self) -> bool:
        """Tell whether they are numbers of 16 bits: sound that is only too loud has few beyond full scale."""
        least, highest = _PEAKS_OF_16_BITS
        return least <= self._peak <= highest and 2 * self._beyond > self._sounding
