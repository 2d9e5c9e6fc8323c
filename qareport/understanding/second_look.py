"""A second look at what a report accuses for, and at topics beside each other.

Whether a sentence asks again depends on whether it asks at all, whether the customer asked before and what the agent
did in between; whether a reply evades, on what was asked and on what the customer says next; and what patterns
(`patterns`) find is right in one company and wrong in another. The first models of `bundled` say each act with a
margin; this look goes by those margins for the sentence and for the turns around it, and by what patterns find: a
linear model and boosted trees (Friedman 2001), whose margins are added up. What a call is about is looked at once more
likewise: a call that is plainly about a refund is less likely to be about returning something too, and the longer a
call is, the more of its words say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from qareport.model import ACTS_OF, Act, Role
from qareport.understanding.features import Floats, Integers, turn_starts
from qareport.understanding.patterns import Found

#: Acts that patterns speak of and that are looked at twice; for the others it makes nothing better.
LOOKED_AT_TWICE: Final[Mapping[Role, tuple[Act, ...]]] = {
    Role.CUSTOMER: (Act.ASK_AGAIN, Act.THREATEN, Act.GIVE_UP, Act.SARCASM, Act.REMIND_PROMISE, Act.CALM),
    Role.AGENT: (Act.EVADE, Act.BLAME, Act.RUDE),
}
#: Margins are taken within these bounds; the lower one also stands for a turn that is not there.
_LEAST, _MOST = -8.0, 6.0
#: Where the linear model gives no more than this, a probability of 0.02, trees are not asked: nothing will be claimed.
_DOUBTLESS_NOT = -4.0


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted decision trees: the nodes of all of them, the roots first, the two children of each node side by side."""

    #: Of each node the feature that it asks for, the most that goes to its first child, the place of that child, and
    #: what it adds to the margin. A leaf has itself as its first child, which everything goes to.
    features: Integers
    bounds: Floats
    first: Integers
    values: Floats
    roots: int
    depth: int

    @classmethod
    def of(cls, table: Floats, roots: int) -> Trees:
        """Take trees from a table of the shape (nodes, 4), as a model file holds them."""
        first = table[:, 2].astype(np.int64)
        reached, depth = np.arange(roots), 0
        while len(inner := reached[first[reached] != reached]):
            reached, depth = np.concatenate([first[inner], first[inner] + 1]), depth + 1
        return cls(table[:, 0].astype(np.int64), table[:, 1], first, table[:, 3], roots, depth)

    def margins(self, rows: Floats) -> Floats:
        """Add up what the trees say of rows of features: of the shape (rows,)."""
        places = np.arange(len(rows))[:, None]
        nodes = np.tile(np.arange(self.roots), (len(rows), 1))
        for _ in range(self.depth):
            nodes = self.first[nodes] + (rows[places, self.features[nodes]] > self.bounds[nodes])
        added: Floats = self.values[nodes].sum(axis=1)
        return added


def complains(margins: Sequence[Floats], of_customer: npt.NDArray[np.bool_]) -> list[bool]:
    """Tell in which sentences a customer complains, as far as the first margins of their acts say."""
    column = ACTS_OF[Role.CUSTOMER].index(Act.COMPLAIN)
    return [bool(own) and bool(row[column] > 0) for row, own in zip(margins, of_customer, strict=True)]


def look_again(rows: Floats, weights: Floats, trees: Sequence[Trees]) -> Floats:
    """Return the margins of a role's acts in `LOOKED_AT_TWICE`.

    Args:
        rows: as `margins_around` returns them.
        weights: of the linear models, with the bias as last row, of the shape (features + 1, acts).
        trees: of each act.
    """
    linear = rows @ weights[:-1] + weights[-1]
    # Trees that are not asked are taken to say the same.
    margins: Floats = 2 * linear
    for column, of_act in enumerate(trees):
        asked = np.flatnonzero(linear[:, column] > _DOUBTLESS_NOT)
        if len(asked):
            margins[asked, column] = linear[asked, column] + of_act.margins(rows[asked])
    return margins


def margins_around(
    margins: Sequence[Floats], of_customer: npt.NDArray[np.bool_], numbers: Floats, found: Sequence[Found]
) -> dict[Role, tuple[Floats, Integers]]:
    """Collect what the second look is a model of.

    Args:
        margins: of each sentence, those of its role's acts.
        of_customer: of each sentence, whether the customer says it.
        numbers: of each sentence, as `features.numbers_of` returns them.
        found: of each sentence, what patterns find in it.

    Returns:
        for each role that speaks, for each of its sentences a row of the margins of itself, of the other's turn before,
        of the own turn before that, of the other's next turn, of the own turn after that, of all earlier turns and of
        all later ones, the own and the other's (of each turn the highest), the numbers, and what patterns find; and the
        indexes of these sentences.
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
    earlier = _highest_before(highest)
    later = _highest_before(highest[::-1])[::-1]
    around = {}
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
            np.maximum(earlier[turn - 1], highest[turn - 1])[:, :theirs],
            later[turn, :mine],
            np.maximum(later[turn + 1], highest[turn + 1])[:, :theirs],
            numbers[own],
            _told(found, own, LOOKED_AT_TWICE[role]),
        )
        around[role] = (np.concatenate(parts, axis=1, dtype=np.float32), own)
    return around


def _highest_before(turns: Floats) -> Floats:
    """Return the highest of the same speaker's turns before each: every other turn is one, the first two are none."""
    highest = np.full_like(turns, _LEAST)
    for first in (2, 3):
        highest[first + 2 :: 2] = np.maximum.accumulate(turns[first:-2:2])
    return highest


def _told(found: Sequence[Found], own: Integers, acts: Sequence[Act]) -> Floats:
    """Return for each sentence and act how sure the surest pattern is, and whether one speaks against it."""
    told = np.zeros((len(own), 2 * len(acts)), dtype=np.float32)
    for row, place in enumerate(own.tolist()):
        for pattern, _ in found[place]:
            column = 2 * acts.index(pattern.act)
            if pattern.score is None:
                told[row, column + 1] = 1
            else:
                told[row, column] = max(told[row, column], pattern.score)
    return told


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
