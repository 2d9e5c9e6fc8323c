"""A second look at acts that rest on what was said before and after: a question asked again, calm after a complaint.

Whether a sentence asks again depends on whether it asks at all, whether the customer asked before and what the agent
did in between. The first models of `bundled` say each of these with a margin; this look is a linear model of those
margins for the sentence and for the turns around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from qareport.model import AGENT_ACTS, CUSTOMER_ACTS, Act
from qareport.understanding.features import Floats, turns

#: Acts of the customer that are looked at twice; for the others it makes nothing better.
LOOKED_AT_TWICE: Final = (Act.ASK_AGAIN, Act.CALM)
#: Margins are taken within these bounds; the lower one also stands for a turn that is not there.
_LEAST, _MOST = -8.0, 6.0


def margins_around(
    margins: Sequence[Floats], customers: Sequence[bool], numbers: Floats
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Collect what the second look is a model of.

    Args:
        margins: of each sentence, those of its role's acts.
        customers: of each sentence, whether the customer says it.
        numbers: of each sentence, as `features.numbers_of` returns them.

    Returns:
        for each sentence of the customer a row of the margins of itself, of the agent's turn before, of the own turn
        before that, of the agent's next turn, of the own turn after that and of all earlier own sentences (of each turn
        the highest), and the numbers; and the indexes of these sentences.
    """
    spans = turns(customers)
    highest = [np.clip(np.max(margins[start:end], axis=0), _LEAST, _MOST) for start, end in spans]
    nothing = {True: np.full(len(CUSTOMER_ACTS), _LEAST), False: np.full(len(AGENT_ACTS), _LEAST)}
    earlier = nothing[True]
    rows, places = [], []
    for number, (start, end) in enumerate(spans):
        if not customers[start]:
            continue
        around = [
            highest[other] if 0 <= other < len(spans) else nothing[(other - number) % 2 == 0]
            for other in (number - 1, number - 2, number + 1, number + 2)
        ]
        for index in range(start, end):
            own = np.clip(margins[index], _LEAST, _MOST)
            rows.append(np.concatenate([own, *around, earlier, numbers[index]]))
            places.append(index)
        earlier = np.maximum(earlier, highest[number])
    return np.array(rows, dtype=np.float32), np.array(places, dtype=np.int64)
