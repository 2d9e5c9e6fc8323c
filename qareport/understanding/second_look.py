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
from qareport.understanding.features import Floats, turn_starts

#: Acts of the customer that are looked at twice; for the others it makes nothing better.
LOOKED_AT_TWICE: Final = (Act.ASK_AGAIN, Act.CALM)
#: Margins are taken within these bounds; the lower one also stands for a turn that is not there.
_LEAST, _MOST = -8.0, 6.0
_CUSTOMERS, _AGENTS = len(CUSTOMER_ACTS), len(AGENT_ACTS)


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
    of_customer = np.array(customers, dtype=np.bool_)
    places = np.flatnonzero(of_customer)
    if not len(places):
        return np.zeros((0, 0), dtype=np.float32), places
    said = np.full((len(margins), max(_CUSTOMERS, _AGENTS)), _LEAST)
    for size, own in ((_CUSTOMERS, places), (_AGENTS, np.flatnonzero(~of_customer))):
        if len(own):
            said[own, :size] = np.clip([margins[place] for place in own.tolist()], _LEAST, _MOST)
    starts = turn_starts(of_customer)
    # Two turns that are not there stand before the first and after the last.
    highest = np.full((len(starts) + 4, said.shape[1]), _LEAST)
    highest[2:-2] = np.maximum.reduceat(said, starts)
    # The customer has every other turn: the sentence's own is not yet among the earlier ones.
    earlier = np.full_like(highest, _LEAST)
    first = 2 + int(not of_customer[0])
    earlier[first + 2 :: 2] = np.maximum.accumulate(highest[first:-2:2])
    turn = np.searchsorted(starts, places, side="right") + 1
    parts = (
        said[places, :_CUSTOMERS],
        highest[turn - 1, :_AGENTS],
        highest[turn - 2, :_CUSTOMERS],
        highest[turn + 1, :_AGENTS],
        highest[turn + 2, :_CUSTOMERS],
        earlier[turn, :_CUSTOMERS],
        numbers[places],
    )
    return np.concatenate(parts, axis=1, dtype=np.float32), places
