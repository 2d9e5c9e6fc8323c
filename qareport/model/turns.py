"""Turns: whose speech follows whose. One definition for measures and rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qareport.model.call import Segment
from qareport.model.vocabulary import Role

#: A shorter stretch wholly inside another's speech is a back-channel (嗯, 对) and takes no turn.
BACK_CHANNEL_MS = 1000


@dataclass(frozen=True, slots=True)
class Turn:
    """Consecutive speech of one role: `first` and `last` are indexes of its segments."""

    role: Role
    start_ms: int
    end_ms: int
    first: int
    last: int


def find_turns(spoken: Sequence[Segment]) -> tuple[tuple[Turn, ...], tuple[int, ...]]:
    """Group segments into turns.

    Returns:
        The turns, and for each segment the index of its turn; a back-channel belongs to the turn around it.
    """
    turns: list[Turn] = []
    turn_of: list[int] = []
    first = last = 0
    end_ms = 0
    for index, segment in enumerate(spoken):
        if index == 0 or segment.role is spoken[first].role:
            last, end_ms = index, max(end_ms, segment.end_ms)
        elif segment.end_ms > end_ms or segment.duration_ms >= BACK_CHANNEL_MS:
            turns.append(Turn(spoken[first].role, spoken[first].start_ms, end_ms, first, last))
            first, last, end_ms = index, index, segment.end_ms
        turn_of.append(len(turns))
    if spoken:
        turns.append(Turn(spoken[first].role, spoken[first].start_ms, end_ms, first, last))
    return tuple(turns), tuple(turn_of)
