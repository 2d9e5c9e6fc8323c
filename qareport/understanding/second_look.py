"""A second look at acts that rest on what was said before and after, and at topics beside each other.

Whether a sentence asks again depends on whether it asks at all, whether the customer asked before and what the agent
did in between; whether a reply evades, on what was asked and on what the customer says next. The first models of
`bundled` say each of these with a margin; this look is a linear model of those margins for the sentence and for the
turns around it. What a call is about is looked at once more likewise: a call that is plainly about a refund is less
likely to be about returning something too, and the longer a call is, the more of its words say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from qareport.model import ACTS_OF, Act, Role
from qareport.understanding.features import Floats, Integers, turn_starts

#: Acts that are looked at twice; for the others it makes nothing better.
LOOKED_AT_TWICE: Final[Mapping[Role, tuple[Act, ...]]] = {
    Role.CUSTOMER: (Act.ASK_AGAIN, Act.CALM),
    Role.AGENT: (Act.EVADE,),
}
#: Margins are taken within these bounds; the lower one also stands for a turn that is not there.
_LEAST, _MOST = -8.0, 6.0


def margins_around(
    margins: Sequence[Floats], of_customer: npt.NDArray[np.bool_], numbers: Floats
) -> dict[Role, tuple[Floats, Integers]]:
    """Collect what the second look is a model of.

    Args:
        margins: of each sentence, those of its role's acts.
        of_customer: of each sentence, whether the customer says it.
        numbers: of each sentence, as `features.numbers_of` returns them.

    Returns:
        for each role that speaks, for each of its sentences a row of the margins of itself, of the other's turn before,
        of the own turn before that, of the other's next turn, of the own turn after that and of all earlier own turns
        (of each turn the highest), and the numbers; and the indexes of these sentences.
    """
    places = {Role.CUSTOMER: np.flatnonzero(of_customer), Role.AGENT: np.flatnonzero(~of_customer)}
    said = np.full((len(margins), max(len(ACTS_OF[role]) for role in places)), _LEAST)
    for role, own in places.items():
        if len(own):
            said[own, : len(ACTS_OF[role])] = np.clip([margins[place] for place in own.tolist()], _LEAST, _MOST)
    starts = turn_starts(of_customer)
    # Two turns that are not there stand before the first and after the last.
    highest = np.full((len(starts) + 4, said.shape[1]), _LEAST)
    highest[2:-2] = np.maximum.reduceat(said, starts)
    # Each role has every other turn: the sentence's own is not yet among the earlier ones.
    earlier = np.full_like(highest, _LEAST)
    for first in (2, 3):
        earlier[first + 2 :: 2] = np.maximum.accumulate(highest[first:-2:2])
    found = {}
    for role, other in ((Role.CUSTOMER, Role.AGENT), (Role.AGENT, Role.CUSTOMER)):
        own = places[role]
        if not len(own):
            continue
        turn = np.searchsorted(starts, own, side="right") + 1
        mine, theirs = len(ACTS_OF[role]), len(ACTS_OF[other])
        parts = (
            said[own, :mine],
            highest[turn - 1, :theirs],
            highest[turn - 2, :mine],
            highest[turn + 1, :theirs],
            highest[turn + 2, :mine],
            earlier[turn, :mine],
            numbers[own],
        )
        found[role] = (np.concatenate(parts, axis=1, dtype=np.float32), own)
    return found


def topics_together(margins: Floats, of_customer: npt.NDArray[np.bool_]) -> Floats:
    """Collect what the second look at the topics of a call is a model of.

    Args:
        margins: of each topic.
        of_customer: of each sentence of the call, whether the customer says it.

    Returns:
        the margins, as they are and as probabilities, and how long the call is, of the shape (2 × topics + 2,).
    """
    within = np.clip(margins, _LEAST, _MOST)
    lengths = np.log1p([float(len(of_customer)), float(np.count_nonzero(of_customer))])
    return np.concatenate([within, 1 / (1 + np.exp(-within)), lengths], dtype=np.float32)
