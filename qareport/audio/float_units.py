"""Tell floats that are plainly numbers of 16 bits from sound that is only too loud."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

#: What brings floats in the units of 16 bits to full scale.
SCALE: Final = np.float32(1 / 32768)
#: The least and the highest peak of speech in these units.
_PEAKS: Final = (128.0, 32768.0)


class FloatUnits:
    """What is to be known of all floats of a recording to tell their unit."""

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
        least, highest = _PEAKS
        return least <= self._peak <= highest and 2 * self._beyond > self._sounding
